"""Reports that the broker has not answered yet, and what to do with one that nobody heard.

A broker that was killed forgets who listened, and takes what comes before the NOC is back at it: it answers "no
matching subscribers" (MQTT 5.0, 3.4.2.1), and drops the report. Such a report is not on its way, and nobody will
acknowledge it: it is sent again, once after `SOON_MS` and then with each batch, for each try costs bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

NOBODY_LISTENS: Final = 0x10
SOON_MS: Final = 10_000
Key = tuple[str, int]


class InFlight:
    """The records of each message that went over one connection."""

    def __init__(self) -> None:
        self._keys: dict[int, tuple[Key, ...]] = {}
        self._was_heard = True

    def begin(self) -> None:
        """Forget what went over another connection."""
        self._keys.clear()
        self._was_heard = True

    def sent(self, message_id: int, keys: Iterable[Key]) -> None:
        """Note what a message holds."""
        self._keys[message_id] = tuple(keys)

    def answered(self, message_id: int, reason: int) -> tuple[Key, ...]:
        """Take the broker's answer; say which records nobody heard."""
        keys = self._keys.pop(message_id, ())
        if reason == NOBODY_LISTENS:
            return keys
        self._was_heard = self._was_heard or bool(keys)
        return ()

    def wait_ms(self, batch_ms: int) -> int:
        """Say how long to wait before what nobody heard is sent again."""
        first, self._was_heard = self._was_heard, False
        return min(SOON_MS, batch_ms) if first else batch_ms
