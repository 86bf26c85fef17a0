"""Whether the NOC's clock can be believed: wall time, against the kernel's clock that counts on since it started.

A server that starts with a wrong date, or is given one, would call all hubs silent at once and let go of all that it
keeps. Nobody sets a clock by days in earnest while the NOC runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

STEP_MS: Final = 60_000  # time servers slew what is less, or step it once when the machine starts
WRONG_MS: Final = 86_400_000


def boottime_seconds() -> float:
    """Seconds since the machine started, sleep included (clock_gettime(2), CLOCK_BOOTTIME)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Clock:
    """Wall time in ms of UTC, and what became of it since this process began.

    Args:
        wall: seconds of UTC.
        boottime: seconds that count on, whatever the date is set to.
    """

    def __init__(self, wall: Callable[[], float] = time.time, boottime: Callable[[], float] = boottime_seconds) -> None:
        self._wall, self._boottime = wall, boottime
        self._begun_ms = self._last_ms = self._offset_ms()

    def now_ms(self) -> int:
        """Tell the time."""
        return int(self._wall() * 1000)

    def step_ms(self) -> int:
        """Say by how much the date was set since this was asked last; 0 for what time servers do all day."""
        offset_ms = self._offset_ms()
        step_ms, self._last_ms = offset_ms - self._last_ms, offset_ms
        return step_ms if abs(step_ms) > STEP_MS else 0

    def is_doubtful(self) -> bool:
        """Say whether the date lies more than a day from what it was when this process began, and counted on since."""
        return abs(self._offset_ms() - self._begun_ms) > WRONG_MS

    def _offset_ms(self) -> int:
        return int((self._wall() - self._boottime()) * 1000)
