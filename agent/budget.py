"""How many bytes probes may cost: a budget that cannot be exceeded in any 24 hours. Pure.

A bucket holds a quarter of the day's bytes and is filled at the rate of three quarters a day: whatever is saved up and
however it is spent, 24 hours never see more than both together.
"""

from __future__ import annotations

from typing import Final

_DAY_MS: Final = 86_400_000
# What a box may spend right after its start: enough to learn how the line is. One that is started again and again
# would need thirty starts a day to spend more than its budget.
_AT_START_PERMILLE: Final = 30


class Budget:
    """``day_bytes`` is what any 24 hours may cost, both directions, with the heads of IP and TCP."""

    def __init__(self, day_bytes: int) -> None:
        self._day_bytes = day_bytes
        # In thousandths of bytes, so that nothing is lost by rounding.
        self._capacity = day_bytes * 1000 // 4
        self._left = day_bytes * _AT_START_PERMILLE
        self._filled_ms: int | None = None
        self.spent_bytes = 0

    def may(self, most_bytes: int, boottime_ms: int, *, keep_bytes: int = 0) -> bool:
        """May something be asked now that costs ``most_bytes`` at the most, and leave ``keep_bytes``?"""
        if self._filled_ms is not None and boottime_ms > self._filled_ms:
            came = self._day_bytes * 750 * (boottime_ms - self._filled_ms) // _DAY_MS
            if came:
                self._left = min(self._capacity, self._left + came)
                self._filled_ms = boottime_ms
        elif self._filled_ms is None:
            self._filled_ms = boottime_ms
        return self._left >= (most_bytes + keep_bytes) * 1000

    def spend(self, line_bytes: int) -> None:
        """Write down what it cost."""
        self.spent_bytes += line_bytes
        self._left -= line_bytes * 1000
