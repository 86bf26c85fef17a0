"""What a simulated hub keeps and says: as a box does, until the NOC says that it has it. Pure."""

from __future__ import annotations

from collections import deque

from appliance.core.errors import ReportError
from appliance.core.report import Ack, Record, Report, State, decode, encode
from noc.simulate.life import Life

BATCH_RECORDS = 5
BACKLOG_RECORDS = 60  # a report of backlog; more than an ingest calls flowing, so that it answers at once
OUTBOX_RECORDS_MAX = 43_200  # thirty days


class SimulatedHub:
    """One hub: its life, and its outbox."""

    def __init__(self, hub_id: str, life: Life, *, until_batch: int = BATCH_RECORDS) -> None:
        self.hub_id = hub_id
        self.life = life
        self.acknowledged = 0
        self._outbox: dict[tuple[str, int], Record] = {}
        self._unsent: deque[Record] = deque()
        self._until_batch = until_batch
        self._session, self._session_boot = 0, ""

    @property
    def waiting(self) -> int:
        """How many records nobody has acknowledged."""
        return len(self._outbox)

    def minute(self) -> bool:
        """Live a minute; say whether the box could tell anybody at its end."""
        found = self.life.minute(self.waiting)
        for record in found.records:
            self._outbox[record.boot_id, record.sequence] = record
            self._unsent.append(record)
        while len(self._outbox) > OUTBOX_RECORDS_MAX:
            self._outbox.pop(next(iter(self._outbox)))
        self._until_batch -= 1
        return found.is_reachable

    def connected(self) -> bytes:
        """Begin a session: the birth. All that is not acknowledged is to be sent again."""
        self._unsent = deque(self._outbox.values())
        self._until_batch = 0
        return encode(self._state(is_online=True))

    def will(self) -> bytes:
        """Say what the broker shall say when the next session is lost."""
        if self._session_boot != self.life.boot_id:
            self._session, self._session_boot = 0, self.life.boot_id
        self._session += 1
        return encode(self._state(is_online=False))

    def reports(self) -> list[bytes]:
        """Take what is due: an event at once, else a batch; of backlog the newest first."""
        if not self._unsent or (self._until_batch > 0 and not any(each.is_event for each in self._unsent)):
            return []
        self._until_batch = BATCH_RECORDS
        found, self._unsent = [*self._unsent], deque()
        chunks = [found[max(0, end - BACKLOG_RECORDS) : end] for end in range(len(found), 0, -BACKLOG_RECORDS)]
        return [encode(Report(self.life.boot_id, self.life.boottime_ms, tuple(each))) for each in chunks]

    def heard(self, payload: bytes) -> None:
        """Let go of what the NOC has."""
        try:
            message = decode(payload)
        except ReportError:
            return
        if not isinstance(message, Ack):
            return
        before = len(self._outbox)
        for each in message.committed:
            for key in [
                (boot, at) for boot, at in self._outbox if boot == each.boot_id and each.first <= at <= each.last
            ]:
                del self._outbox[key]
        self.acknowledged += before - len(self._outbox)

    def _state(self, *, is_online: bool) -> State:
        return State(self._session_boot, self._session, is_online, "simulated", "simulated", 60, 60 * BATCH_RECORDS)
