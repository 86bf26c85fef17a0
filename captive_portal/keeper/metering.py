"""What has been used since it was last written down: bytes of sessions and budgets, time and bytes of the day.

Pure, in memory of the keeper. What is in the database plus what is here is what is true now. The gate's counters go
back to 0 when the kernel begins anew; what a counter shows less than before is counted from 0.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from appliance.core.config.networks import Access
from appliance.gate.protocol import Admitted, Client
from captive_portal import rules
from captive_portal.departures import Departure
from captive_portal.now import Now
from captive_portal.rules import SILENT_SECONDS, Grant, Known


@dataclass(frozen=True, slots=True)
class Counted:
    """One session's bytes since they were noted, and where the gate's counters stand."""

    session_id: int
    sent_bytes: int
    received_bytes: int
    counter_sent: int
    counter_received: int


@dataclass(frozen=True, slots=True)
class Notes:
    """What is to be written down."""

    sessions: tuple[Counted, ...]
    budget_bytes: Mapping[int, int]
    day_seconds: Mapping[str, int]
    day_bytes: Mapping[str, int]
    departed: frozenset[int] = frozenset()  # sessions of `departures` that are counted here

    @property
    def is_empty(self) -> bool:
        """Is there nothing to write?"""
        return not (self.sessions or self.budget_bytes or self.day_seconds or self.day_bytes or self.departed)


@dataclass(slots=True)
class _Meter:
    client: Client
    counter_sent: int
    counter_received: int
    sent_bytes: int = 0
    received_bytes: int = 0
    sent_bits_per_second: int = 0
    received_bits_per_second: int = 0

    def count(self, found: Admitted | Departure, elapsed_seconds: float) -> tuple[int, int]:
        """Take a new reading of the gate's counters; return the bytes sent and received since the last."""
        sent = found.sent_bytes - self.counter_sent if found.sent_bytes >= self.counter_sent else found.sent_bytes
        received = (
            found.received_bytes - self.counter_received
            if found.received_bytes >= self.counter_received
            else found.received_bytes
        )
        self.counter_sent, self.counter_received = found.sent_bytes, found.received_bytes
        self.sent_bytes += sent
        self.received_bytes += received
        if elapsed_seconds > 0:
            self.sent_bits_per_second = int(sent * 8 / elapsed_seconds)
            self.received_bits_per_second = int(received * 8 / elapsed_seconds)
        return sent, received


@dataclass(frozen=True, slots=True)
class Flow:
    """One session's use now: bytes since its last checkpoint, and rates of the last look."""

    sent_bytes: int = 0
    received_bytes: int = 0
    sent_bits_per_second: int = 0
    received_bits_per_second: int = 0


@dataclass(slots=True)
class Ledger:
    """The keeper's memory of use.

    Args:
        boot_seconds: when it was last written down; the day goes on from there.
        has_days: whether any network has a daily limit; without one no day is counted.
    """

    boot_seconds: int
    has_days: bool = True
    _meters: dict[int, _Meter] = field(default_factory=dict)
    _session_of: dict[Client, int] = field(default_factory=dict)
    _budget_bytes: Counter[int] = field(default_factory=Counter)
    _day_seconds: Counter[str] = field(default_factory=Counter)
    _day_bytes: Counter[str] = field(default_factory=Counter)
    _departed: set[int] = field(default_factory=set)
    _online: frozenset[str] = frozenset()

    def observe(
        self,
        grants: Iterable[Grant],
        inside: Mapping[Client, Admitted],
        now: Now,
        elapsed_seconds: float,
        departures: Iterable[Departure] = (),
    ) -> tuple[int, int]:
        """Take a new look; return the bytes sent and received by all since the last.

        ``elapsed_seconds``, since the look before it, is for rates alone; 0 leaves them. ``departures`` may name the
        same ones again until they are noted.
        """
        online: dict[str, int] = {}
        left, left_seconds, all_sent, all_received = self._count_departures(departures, now)
        for grant in grants:
            meter = self._meter(grant)
            # Who left and came back just now: the gate may have been read before it left. The next look counts.
            found = inside.get(grant.client) if grant.client not in left else None
            if found is not None:
                sent, received = meter.count(found, elapsed_seconds)
                self._count(grant, sent + received)
                all_sent, all_received = all_sent + sent, all_received + received
            if _runs(grant, found, was_running=_subject(grant) in self._online):
                whose, begun = _subject(grant), grant.budget.boot_seconds
                online[whose] = min(begun, online.get(whose, begun))
        if self.has_days:
            self._count_seconds(online, left_seconds, now)
        self.boot_seconds, self._online = now.boot_seconds, frozenset(online)
        return all_sent, all_received

    def _count_seconds(self, online: Mapping[str, int], left_seconds: Mapping[str, int], now: Now) -> None:
        elapsed = max(0, now.boot_seconds - self.boot_seconds)
        for mac in {*online, *left_seconds}:
            passed = left_seconds.get(mac, 0)
            if mac in online:
                # Who was online at both looks was so in between: renewing often makes no time shorter.
                begun = self.boot_seconds if mac in self._online else max(online[mac], self.boot_seconds)
                passed += now.boot_seconds - begun
            # A device with two addresses lives one life, and so does an account with two devices.
            if (passed := min(passed, elapsed)) > 0:
                self._day_seconds[mac] += passed

    def _count_departures(
        self, departures: Iterable[Departure], now: Now
    ) -> tuple[set[Client], Counter[str], int, int]:
        """Count who left: who they are, the time of each since the last look, and the bytes of all."""
        left, seconds, all_sent, all_received = set[Client](), Counter[str](), 0, 0
        for one in departures:
            grant = one.grant
            if grant.session_id in self._departed:
                continue
            self._departed.add(grant.session_id)
            left.add(grant.client)
            sent, received = self._meter(grant).count(one, 0)
            # Its counters began anew with the next admission.
            self._session_of.pop(grant.client, None)
            self._count(grant, sent + received)
            all_sent, all_received = all_sent + sent, all_received + received
            if grant.way is not Access.VOUCHER and one.boot_id == now.boot_id:
                begun = max(grant.budget.boot_seconds, self.boot_seconds)
                seconds[_subject(grant)] += max(0, one.boot_seconds - begun)
        return left, seconds, all_sent, all_received

    @property
    def session_ids(self) -> frozenset[int]:
        """The sessions that it remembers."""
        return frozenset(self._meters)

    def use_up(self, grant: Grant, left_bytes: int) -> None:
        """Count a rest that the kernel lets nobody have as used."""
        self._count(grant, left_bytes)

    def flow(self, session_id: int) -> Flow:
        """One session's use now."""
        meter = self._meters.get(session_id)
        if meter is None:
            return Flow()
        return Flow(meter.sent_bytes, meter.received_bytes, meter.sent_bits_per_second, meter.received_bits_per_second)

    def grant_now(self, grant: Grant) -> Grant:
        """A grant from the database, with what its budget has used up to now."""
        unnoted = self._budget_bytes[grant.budget.id]
        if not unnoted:
            return grant
        return dataclasses.replace(
            grant, budget=dataclasses.replace(grant.budget, used_bytes=grant.budget.used_bytes + unnoted)
        )

    def known_now(self, subject: str, known: Known) -> Known:
        """What the database knows of a device, with its use up to now, or that of `rules.day_subject`."""
        return dataclasses.replace(
            known,
            seconds_today=known.seconds_today + self._day_seconds[subject],
            bytes_today=known.bytes_today + self._day_bytes[subject],
        )

    def notes(self) -> Notes:
        """What is to be written down; `noted` says that it has been."""
        sessions = tuple(
            Counted(number, meter.sent_bytes, meter.received_bytes, meter.counter_sent, meter.counter_received)
            for number, meter in self._meters.items()
            if meter.sent_bytes or meter.received_bytes
        )
        use = dict(+self._budget_bytes), dict(+self._day_seconds), dict(+self._day_bytes)
        return Notes(sessions, *use, frozenset(self._departed))

    def noted(self, notes: Notes, alive: Iterable[int]) -> None:
        """Forget what has been written down, and the sessions that are not ``alive`` any more."""
        self._budget_bytes.subtract(notes.budget_bytes)
        self._day_seconds.subtract(notes.day_seconds)
        self._day_bytes.subtract(notes.day_bytes)
        self._budget_bytes, self._day_seconds, self._day_bytes = (
            +self._budget_bytes, +self._day_seconds, +self._day_bytes,
        )  # fmt: skip
        for counted in notes.sessions:
            meter = self._meters[counted.session_id]
            meter.sent_bytes -= counted.sent_bytes
            meter.received_bytes -= counted.received_bytes
        self._departed -= notes.departed
        kept = set(alive) - notes.departed
        self._meters = {
            number: meter
            for number, meter in self._meters.items()
            if number in kept or meter.sent_bytes or meter.received_bytes
        }
        self._session_of = {client: number for client, number in self._session_of.items() if number in self._meters}

    def _meter(self, grant: Grant) -> _Meter:
        meter = self._meters.get(grant.session_id)
        if meter is None:
            # A renewal goes on where the counters stood: what came before belongs to the session before it.
            older = self._meters.get(self._session_of.get(grant.client, 0))
            meter = (
                _Meter(grant.client, older.counter_sent, older.counter_received)
                if older
                else _Meter(grant.client, grant.counted_sent_bytes, grant.counted_received_bytes)
            )
            self._meters[grant.session_id], self._session_of[grant.client] = meter, grant.session_id
        return meter

    def _count(self, grant: Grant, counted_bytes: int) -> None:
        if not counted_bytes:
            return
        if grant.budget.quota_bytes is not None:
            self._budget_bytes[grant.budget.id] += counted_bytes
        if grant.way is not Access.VOUCHER and self.has_days:
            self._day_bytes[_subject(grant)] += counted_bytes


def _runs(grant: Grant, found: Admitted | None, *, was_running: bool) -> bool:
    """Does a grant use up time of a day now? An account's device stays logged in for days: what counts is its use."""
    if grant.way is Access.ACCOUNT:
        # Whose time has just ended in the kernel is not there any more, and used it up to now.
        return was_running if found is None else found.idle_seconds < SILENT_SECONDS
    return grant.way is Access.TERMS


def _subject(grant: Grant) -> str:
    return rules.day_subject(grant.way, grant.client.mac, grant.voucher)
