"""What the uplink's own counters tell of the line, for nothing: who is heard, and who only speaks. Pure."""

from __future__ import annotations

from typing import Final

SILENT_AFTER_MS: Final = 4_000
_SILENT_PACKETS: Final = 3
_BACK_PACKETS: Final = 20


class Evidence:
    """Packets received and sent on the uplink, looked at each second.

    That something is heard proves little (a modem speaks for itself), so that it is never taken for an answer; that
    nobody answers what is sent is a reason to ask at once.
    """

    def __init__(self) -> None:
        self._received: int | None = None
        self._sent = self._sent_when_heard = self._received_since_asked = 0
        self.heard_ms: int | None = None

    def take(self, received: int, sent: int, boottime_ms: int) -> None:
        """Take in both counters."""
        if self._received is None or received < self._received or sent < self._sent:
            # The first look, or counters that began anew: nothing is known of what lay between.
            self._received_since_asked = 0
            self.heard_ms, self._sent_when_heard = boottime_ms, sent
        elif received > self._received:
            self._received_since_asked += received - self._received
            self.heard_ms, self._sent_when_heard = boottime_ms, sent
        self._received, self._sent = received, sent

    def asked(self) -> None:
        """The line was asked now."""
        self._received_since_asked = 0

    def is_silent(self, boottime_ms: int) -> bool:
        """Was something sent, and nothing heard since?"""
        if self.heard_ms is None or boottime_ms - self.heard_ms < SILENT_AFTER_MS:
            return False
        return self._sent - self._sent_when_heard >= _SILENT_PACKETS

    def is_back(self) -> bool:
        """Has so much come since the line was last asked that it may be up again?"""
        return self._received_since_asked >= _BACK_PACKETS
