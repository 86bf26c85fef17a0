"""From counters that wrap and begin anew to steps without spikes. Pure.

An interface's counter begins anew when its modem is plugged in again or its driver starts afresh, and some drivers
count in 32 bits. A step that the line could not have carried is no step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_WRAP: Final = 2**32


@dataclass(frozen=True, slots=True)
class Reading:
    """A counter's value at a moment, by CLOCK_BOOTTIME in milliseconds."""

    value: int
    boottime_ms: int


def step(before: Reading, now: Reading, *, a_second_max: int, wrap_a_second_max: int) -> int:
    """Say by how much a counter went on: never less than 0, never more than the line can carry in that time.

    Args:
        before: the reading before.
        now: this reading.
        a_second_max: what the interface can carry at all.
        wrap_a_second_max: what the line behind it carries: a counter that fell wrapped only if it went on by no more
            than this, and else began anew.
    """
    elapsed_ms = max(1, now.boottime_ms - before.boottime_ms)
    if now.value >= before.value:
        went_on = now.value - before.value
    elif before.value < _WRAP and (now.value + _WRAP - before.value) * 1000 <= wrap_a_second_max * elapsed_ms:
        went_on = now.value + _WRAP - before.value
    else:
        went_on = now.value
    return went_on if went_on * 1000 <= a_second_max * elapsed_ms else 0


class Running:
    """One counter's running total, which starts as the kernel's own value, and the highest rate of the last while."""

    def __init__(self, *, a_second_max: int, wrap_a_second_max: int) -> None:
        self._a_second_max, self._wrap_a_second_max = a_second_max, wrap_a_second_max
        self._last: Reading | None = None
        self._peak: int | None = None
        self.total: int | None = None

    def take(self, now: Reading) -> int:
        """Go on with a reading; return the step since the one before, 0 for the first."""
        before, self._last = self._last, now
        if before is None or self.total is None:
            self.total = now.value
            return 0
        made = step(before, now, a_second_max=self._a_second_max, wrap_a_second_max=self._wrap_a_second_max)
        self.total += made
        if now.boottime_ms > before.boottime_ms:
            rate = made * 1000 // (now.boottime_ms - before.boottime_ms)
            self._peak = max(rate, self._peak or 0)
        return made

    def lose(self) -> None:
        """The counter is gone: what comes next under its name may be another one's."""
        self._last = None if self.total is None else Reading(0, self._last.boottime_ms if self._last else 0)

    def end_peak(self) -> int | None:
        """Tell the highest rate a second since the last time, and begin anew; None where nothing was measured."""
        peak, self._peak = self._peak, None
        return peak
