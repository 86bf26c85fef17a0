"""The state of hubs, judged from what they said: pure. What nobody can know is None, never a guess.

Times are milliseconds of UTC, rates are bits per second.
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from appliance.core.report import Number, State
from noc.store.contract import ArrivedRecord, HubFacts

CONTACT_LOST_MS: Final = 450_000  # a batch of the default 300 s is half as late again; the broker's will comes then too
RECENT_MS: Final = 900_000  # what a hub said stands for how it is for three batches
RHYTHM_SECONDS_MAX: Final = 3_600  # no hub.toml allows more, and no hub hides its silence for longer by saying so
GAP_MS: Final = 900_000  # two records further apart than this say nothing about what lay between
BYTES_END: Final = 1 << 63  # a hub may say any number; more than this no store takes
TEMPERATURE_HIGH_CELSIUS: Final = 80.0
DISK_FREE_SHARE_MIN: Final = 0.10
MEMORY_AVAILABLE_SHARE_MIN: Final = 0.08


class HubState(enum.StrEnum):
    """How a hub is, seen from the NOC."""

    NO_CONTACT = "no_contact"
    ATTENTION = "attention"
    NEVER = "never"
    ONLINE = "online"


class Reason(enum.StrEnum):
    """Why a hub that speaks needs somebody's attention."""

    UPLINK_DOWN = "uplink_down"
    GATE_SILENT = "gate_silent"
    GATE_OPEN = "gate_open"
    DISK_FULL = "disk_full"
    MEMORY_FULL = "memory_full"
    HOT = "hot"
    RECORDS_DROPPED = "records_dropped"


@dataclass(frozen=True, slots=True)
class Flow:
    """Bytes on the uplink between two records of one boot, ``from_ms`` to ``to_ms``."""

    from_ms: int
    to_ms: int
    received_bytes: int
    sent_bytes: int


@dataclass(frozen=True, slots=True)
class Rates:
    """Bits per second on the uplink, seen from the hub."""

    received: float
    sent: float


@dataclass(frozen=True, slots=True)
class HubStatus:
    """One hub as it is shown. Figures of the box are None while they are not recent."""

    facts: HubFacts
    state: HubState
    reasons: tuple[Reason, ...]
    contact_age_seconds: float | None
    uptime_seconds: float | None
    rates: Rates | None
    samples: Mapping[str, Number | None]


@dataclass(frozen=True, slots=True)
class Bucket:
    """One point of a chart; None is a gap and stays one."""

    start_ms: int
    rates: Rates | None
    round_trip_seconds: float | None


def judge(facts: HubFacts, now_ms: int, heard_until_ms: int | None = None) -> HubStatus:
    """Say how one hub is.

    Args:
        facts: what is known of it.
        now_ms: now.
        heard_until_ms: since when the NOC itself may not have heard it (`noc.rules.hearing`), None while it does. What
            silence and wills say after that is no word of the hub.
    """
    until_ms = now_ms if heard_until_ms is None else min(now_ms, heard_until_ms)
    said = facts.state.state if facts.state is not None else None
    latest = facts.recent[-1] if facts.recent else None
    age_ms = None if facts.last_contact_ms is None else max(0, now_ms - facts.last_contact_ms)
    is_recent = latest is not None and latest.time_ms is not None and until_ms - latest.time_ms <= recent_ms(said)
    state = _state(facts, until_ms, now_ms)
    samples = latest.record.samples if latest is not None and is_recent and state is HubState.ONLINE else {}
    reasons = tuple(_reasons(samples, facts.recent))
    if reasons and state is HubState.ONLINE:
        state = HubState.ATTENTION
    return HubStatus(
        facts,
        state,
        reasons,
        None if age_ms is None else age_ms / 1000,
        samples.get("uptime_seconds"),
        _rates_now(facts.recent) if samples else None,
        samples,
    )


def contact_lost_ms(said: State | None) -> int:
    """Say after how long a silence there is no contact: by what the hub said last of its own rhythm.

    One whose batches come less often is not silent in between: what it would miss sooner, its keepalive, the broker
    tells by its will within 450 s.
    """
    return (
        CONTACT_LOST_MS if said is None else max(CONTACT_LOST_MS, 1_500 * min(RHYTHM_SECONDS_MAX, said.batch_seconds))
    )


def recent_ms(said: State | None) -> int:
    """Say for how long what a hub said stands for how it is: three of its batches."""
    return RECENT_MS if said is None else max(RECENT_MS, 3_000 * min(RHYTHM_SECONDS_MAX, said.batch_seconds))


def flows(records: Sequence[ArrivedRecord]) -> Iterator[Flow]:
    """Take the differences of the uplink's counters.

    A new boot began its counters anew, a counter that fell was reset, too long a silence is a gap, and more than any
    counter counts is no number: these give none.
    """
    for one, next_one in itertools.pairwise(records):
        if one.time_ms is None or next_one.time_ms is None or one.record.boot_id != next_one.record.boot_id:
            continue
        # Durations by the box's own clock: its date may have been set in between.
        duration_ms = next_one.record.boottime_ms - one.record.boottime_ms
        before, after = _counters(one), _counters(next_one)
        if before is None or after is None or not 0 < duration_ms <= GAP_MS:
            continue
        received, sent = after[0] - before[0], after[1] - before[1]
        if 0 <= received < BYTES_END and 0 <= sent < BYTES_END:
            yield Flow(next_one.time_ms - duration_ms, next_one.time_ms, int(received), int(sent))


def series(records: Sequence[ArrivedRecord], from_ms: int, to_ms: int, buckets: int) -> tuple[Bucket, ...]:
    """Gather records into ``buckets`` equal spans from ``from_ms`` to ``to_ms``; a span nobody reported is a gap."""
    width_ms = (to_ms - from_ms) / buckets

    def index(time_ms: int) -> int:
        return min(buckets - 1, max(0, int((time_ms - from_ms) / width_ms)))

    moved: dict[int, list[Flow]] = {}
    for flow in flows(records):
        for i in range(index(flow.from_ms), index(flow.to_ms - 1) + 1):
            moved.setdefault(i, []).append(flow)
    trips: dict[int, list[float]] = {}
    for arrived in records:
        trip = arrived.record.samples.get("uplink_round_trip_seconds")
        if arrived.time_ms is not None and trip is not None:
            trips.setdefault(index(arrived.time_ms), []).append(float(trip))
    return tuple(
        Bucket(
            round(from_ms + i * width_ms),
            _mean_rates(moved.get(i, [])),
            sum(trips[i]) / len(trips[i]) if i in trips else None,
        )
        for i in range(buckets)
    )


def count_states(statuses: Sequence[HubStatus]) -> dict[HubState, int]:
    """Count hubs by state; the counts add up to all."""
    return {state: sum(each.state is state for each in statuses) for state in HubState}


def _state(facts: HubFacts, until_ms: int, now_ms: int) -> HubState:
    if facts.last_contact_ms is None:
        return HubState.NEVER
    if facts.last_contact_ms > now_ms + CONTACT_LOST_MS:
        # Noted while the NOC's clock was ahead: it says nothing about now.
        return HubState.NO_CONTACT if until_ms == now_ms else HubState.ONLINE
    # A will or goodbye that came after everything else: the broker knows at once what silence tells later.
    said = facts.state
    if said is not None and not said.state.online and facts.last_contact_ms <= said.received_ms <= until_ms:
        return HubState.NO_CONTACT
    is_lost = until_ms - facts.last_contact_ms > contact_lost_ms(None if said is None else said.state)
    return HubState.NO_CONTACT if is_lost else HubState.ONLINE


def _reasons(samples: Mapping[str, Number | None], recent: Sequence[ArrivedRecord]) -> Iterator[Reason]:
    checks: tuple[tuple[Reason, Callable[[], bool]], ...] = (
        (Reason.UPLINK_DOWN, lambda: samples.get("uplink_up") == 0),
        (Reason.GATE_SILENT, lambda: samples.get("collector_success.clients") == 0),
        (Reason.GATE_OPEN, lambda: samples.get("gate_closed_by_default") == 0),
        (Reason.DISK_FULL, lambda: _share(samples, "disk_free_bytes", "disk_size_bytes") < DISK_FREE_SHARE_MIN),
        (
            Reason.MEMORY_FULL,
            lambda: _share(samples, "memory_available_bytes", "memory_total_bytes") < MEMORY_AVAILABLE_SHARE_MIN,
        ),
        (Reason.HOT, lambda: (samples.get("temperature_celsius") or 0) >= TEMPERATURE_HIGH_CELSIUS),
        (Reason.RECORDS_DROPPED, lambda: bool(samples) and _dropped(recent)),
    )
    return (reason for reason, holds in checks if holds())


def _share(samples: Mapping[str, Number | None], part: str, whole: str) -> float:
    value, size = samples.get(part), samples.get(whole)
    return 1.0 if value is None or not size else value / size


def _dropped(recent: Sequence[ArrivedRecord]) -> bool:
    counts = [count for each in recent if (count := each.record.samples.get("outbox_dropped_records")) is not None]
    return bool(counts) and counts[-1] > counts[0]


def _rates_now(recent: Sequence[ArrivedRecord]) -> Rates | None:
    return _mean_rates(list(flows(recent[-2:])))


def _mean_rates(found: Sequence[Flow]) -> Rates | None:
    milliseconds = sum(flow.to_ms - flow.from_ms for flow in found)
    if milliseconds <= 0:
        return None
    return Rates(
        8_000 * sum(flow.received_bytes for flow in found) / milliseconds,
        8_000 * sum(flow.sent_bytes for flow in found) / milliseconds,
    )


def _counters(arrived: ArrivedRecord) -> tuple[Number, Number] | None:
    samples = arrived.record.samples
    received = samples.get("interface_received_bytes.uplink")
    sent = samples.get("interface_sent_bytes.uplink")
    return None if received is None or sent is None else (received, sent)
