"""Who guesses codes is slowed down: 40 bits are few for a machine that asks all day. Pure but for its own memory.

Only codes that nobody was given count. A device that has made no mistake never waits, whatever others do: nobody's
guesses keep another's right code out. It is kept in memory: a restart forgives, and costs more time than it gives.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

DEVICE_FREE: Final = 8
WAIT_FIRST_SECONDS: Final = 30
WAIT_LONGEST_SECONDS: Final = 900
# A device's mistakes are forgotten after so long without one, counted from the end of its wait.
QUIET_SECONDS: Final = 600
# Above so many wrong codes, less one each second, a device's first mistake makes it wait.
BOX_FREE: Final = 60
DEVICES_MAX: Final = 4_096


@dataclass(frozen=True, slots=True)
class _Mistakes:
    count: int
    until: float  # before that it waits


class Tries:
    """Wrong codes, by device. ``now`` is in seconds of a clock that never goes back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._devices: OrderedDict[str, _Mistakes] = OrderedDict()
        self._box, self._box_at = 0.0, 0.0

    def wait_seconds(self, device: str, now: float) -> int:
        """For how long a device must wait before it may try; 0 when it need not."""
        with self._lock:
            left = self._known(device, now).until - now
        return max(1, round(left)) if left > 0 else 0

    def count(self, device: str, now: float) -> None:
        """Count a code that nobody was given."""
        with self._lock:
            self._box = max(0.0, self._box - (now - self._box_at)) + 1
            self._box_at = now
            count = self._known(device, now).count + 1
            beyond = count - (1 if self._box > BOX_FREE else DEVICE_FREE)
            wait = min(WAIT_LONGEST_SECONDS, WAIT_FIRST_SECONDS * 2 ** min(beyond, 10)) if beyond >= 0 else 0
            self._devices[device] = _Mistakes(count, now + wait)
            self._devices.move_to_end(device)
            while len(self._devices) > DEVICES_MAX:
                self._devices.popitem(last=False)

    def _known(self, device: str, now: float) -> _Mistakes:
        found = self._devices.get(device)
        return found if found is not None and now - found.until < QUIET_SECONDS else _Mistakes(0, now)
