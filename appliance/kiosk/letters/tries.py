"""Who guesses codes is slowed down: 40 bits are few for a machine that asks all day. Pure but for its own memory.

Only codes that nobody was given count, for the device and for the whole box, so that who reads a code off a paper is
not held up by others unless they are many. It is kept in memory: a restart forgives, and costs more time than it gives.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

DEVICE_FREE: Final = 8
BOX_FREE: Final = 200
# One more wrong code is forgiven after so long.
DEVICE_REFILL_SECONDS: Final = 30.0
BOX_REFILL_SECONDS: Final = 3.0
DEVICES_MAX: Final = 4_096
_BOX: Final = ""


class Tries:
    """Wrong codes, by device. ``now`` is in seconds of a clock that never goes back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # How many wrong codes count at a moment; it sinks with time.
        self._spent: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_seconds(self, device: str, now: float) -> int:
        """For how long a device must wait before it may try; 0 when it need not."""
        with self._lock:
            waits = (
                (self._left(device, now, DEVICE_REFILL_SECONDS) - DEVICE_FREE + 1) * DEVICE_REFILL_SECONDS,
                (self._left(_BOX, now, BOX_REFILL_SECONDS) - BOX_FREE + 1) * BOX_REFILL_SECONDS,
            )
        longest = max(waits)
        return max(1, round(longest)) if longest > 0 else 0

    def count(self, device: str, now: float) -> None:
        """Count a code that nobody was given."""
        with self._lock:
            for name, refill in ((device, DEVICE_REFILL_SECONDS), (_BOX, BOX_REFILL_SECONDS)):
                self._spent[name] = (self._left(name, now, refill) + 1, now)
                self._spent.move_to_end(name)
            while len(self._spent) > DEVICES_MAX:
                self._spent.popitem(last=False)

    def _left(self, name: str, now: float, refill_seconds: float) -> float:
        spent, then = self._spent.get(name, (0.0, now))
        return max(0.0, spent - (now - then) / refill_seconds)
