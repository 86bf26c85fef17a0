"""A village's true history, made up by hypothesis, and the records a box would make of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from appliance.core.clock import WallQuality
from appliance.core.report import Number, Record
from noc.rules.states import Condition
from noc.store.contract import ArrivedRecord

HUB = "hub-0001"
BEGIN_MS = 1_780_000_000_000
INTERVAL_MS = 60_000
BATCH_MS = 300_000
CONDITIONS = (*[Condition.LINK] * 4, Condition.UNUSABLE, Condition.UP)
NEVER = 10**15


@dataclass(frozen=True)
class TrueBoot:
    """One boot as it was. Moments of the line's changes are ms since ``start_ms``.

    A cut is noticed ``noticed_ms`` later; until then records say what was before, and the event is dated back.
    ``ntp_from_ms`` is when a time server was heard; ``is_heard`` says whether it could send any report while it ran.
    """

    number: int
    reason: int
    off_condition: Condition
    start_ms: int
    first_record_ms: int
    runs_ms: int
    changes: tuple[tuple[int, int], ...]
    noticed_ms: int
    ntp_from_ms: int
    ntp_error_ms: int
    is_heard: bool

    @property
    def boot_id(self) -> str:
        return f"{self.number:032x}"

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.runs_ms

    def link_at(self, boottime_ms: int) -> int:
        return [state for at_ms, state in self.changes if at_ms <= boottime_ms][-1]

    def told_at(self, boottime_ms: int) -> int:
        return [state for at_ms, state in self.changes if at_ms == 0 or at_ms + self.noticed_ms <= boottime_ms][-1]


@dataclass(frozen=True)
class Truth:
    """What really was: boots, and between them the box was off."""

    boots: tuple[TrueBoot, ...]

    @property
    def end_ms(self) -> int:
        return self.boots[-1].end_ms

    def at(self, time_ms: int) -> Condition:
        """How it really was; the time until a box has started counts to what had stopped it."""
        for boot in self.boots:
            if time_ms < boot.start_ms + boot.first_record_ms:
                return boot.off_condition
            if time_ms < boot.end_ms:
                return CONDITIONS[boot.link_at(time_ms - boot.start_ms)]
        raise AssertionError("after the end")

    def borders(self) -> Iterator[int]:
        for boot in self.boots:
            yield from (boot.start_ms, boot.start_ms + boot.first_record_ms, boot.end_ms)
            yield from (boot.start_ms + at_ms for at_ms, _ in boot.changes)


@st.composite
def true_boots(
    draw: st.DrawFn, number: int, after_ms: int, *, is_last: bool, clocks: Sequence[str], reasons: Sequence[int]
) -> TrueBoot:
    reason = draw(st.sampled_from(reasons))
    off_ms = draw(st.integers(15_000, 200_000 if reason == 3 else 20_000_000))
    first_record_ms = draw(st.integers(5_000, 90_000))
    runs_ms = first_record_ms + draw(st.integers(1, 4_000_000))
    noticed_ms = draw(st.sampled_from((0, 0, 2_000, 13_000)))
    times = draw(st.lists(st.integers(first_record_ms + 1, runs_ms + 1), max_size=6, unique=True))
    states = draw(st.lists(st.integers(0, 5), min_size=len(times) + 1, max_size=len(times) + 1))
    changes = [(0, states[0])]
    for at_ms, state in zip(sorted(times), states[1:], strict=True):
        is_seen = changes[-1][0] + noticed_ms < at_ms and at_ms + noticed_ms < runs_ms
        if state != changes[-1][1] and is_seen:
            changes.append((at_ms, state))
    clock = "ntp" if is_last else draw(st.sampled_from(clocks))
    return TrueBoot(
        number=number,
        reason=reason,
        off_condition=Condition.MAINTENANCE if reason == 3 else Condition.POWER,
        start_ms=after_ms + off_ms,
        first_record_ms=first_record_ms,
        runs_ms=runs_ms,
        changes=tuple(changes),
        noticed_ms=noticed_ms,
        ntp_from_ms=draw(st.integers(0, first_record_ms)) if clock == "ntp" else NEVER,
        ntp_error_ms=draw(st.integers(-200, 200)),
        is_heard=clock != "none",
    )


@st.composite
def truths(
    draw: st.DrawFn, clocks: Sequence[str] = ("ntp",), reasons: Sequence[int] = (1, 2, 3), boots: int = 4
) -> Truth:
    """Draw a history of up to ``boots`` boots. ``clocks`` are ``ntp``, ``arrival`` and ``none``."""
    made: list[TrueBoot] = []
    count = draw(st.integers(1, boots))
    for number in range(1, count + 1):
        after_ms = made[-1].end_ms if made else BEGIN_MS
        made.append(draw(true_boots(number, after_ms, is_last=number == count, clocks=clocks, reasons=reasons)))
    return Truth(tuple(made))


def records_of(boot: TrueBoot) -> Iterator[Record]:
    """Make the records of a boot: one a minute, and one at once for each change of the line."""
    made: list[tuple[int, int, dict[str, Number | None]]] = []  # when it was made, of when it tells, what
    for at_ms in range(boot.first_record_ms, boot.runs_ms, INTERVAL_MS):
        plain = {"boots": boot.number, "boot_reason": boot.reason, "uplink_state": boot.told_at(at_ms)}
        made.append((at_ms, at_ms, dict(plain)))
    for at_ms, state in boot.changes[1:]:
        name = {5: "event.uplink_up", 4: "event.uplink_half_open"}.get(state, "event.uplink_down")
        made.append((at_ms + boot.noticed_ms, at_ms, {name: 1, "uplink_state": state}))
    for i, (_, at_ms, samples) in enumerate(sorted(made, key=lambda each: each[0])):
        is_known = at_ms >= boot.ntp_from_ms
        wall_ms = boot.start_ms + at_ms + boot.ntp_error_ms if is_known else 86_400_000 + at_ms
        quality = WallQuality.NTP if is_known else WallQuality.UNKNOWN
        yield Record(boot.boot_id, boot.first_record_ms + i, at_ms, wall_ms, quality, samples)


def arrivals_of(truth: Truth, delay_ms: int = 400) -> list[ArrivedRecord]:
    """Send them: in batches while the line is up, what is left when all is over, as the ingest would place them."""
    last = truth.boots[-1]
    found = []
    for boot in truth.boots:
        for record in records_of(boot):
            sent_ms = record.boottime_ms + (-record.boottime_ms) % BATCH_MS
            if boot.is_heard and (boot is last or sent_ms < boot.runs_ms):
                sender, boottime_ms = boot, sent_ms
            else:
                sender, boottime_ms = last, last.runs_ms + BATCH_MS
            received_ms = sender.start_ms + boottime_ms + delay_ms
            found.append(ArrivedRecord(HUB, record, placed_ms(record, sender, boottime_ms, received_ms), received_ms))
    return found


def placed_ms(record: Record, sender: TrueBoot, sent_boottime_ms: int, received_ms: int) -> int | None:
    """Date a record as the ingest does: by a time server's word, or by the arrival of what its own boot sent."""
    if record.wall_quality is WallQuality.NTP:
        return record.wall_ms
    if record.boot_id == sender.boot_id:
        return received_ms - (sent_boottime_ms - record.boottime_ms)
    return None
