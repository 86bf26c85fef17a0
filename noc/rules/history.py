"""All that a hub ever said of line and power, small enough to keep for years: pure.

A history is gathered in any order: `merge` is commutative, associative and idempotent, so that records which come late,
twice or shuffled lead to the same history, and with it to the same timeline. Looks that follow each other without a gap
in their sequence and do not differ are one `Run`: nothing that comes later can fall between them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from appliance.core.clock import WallQuality
from noc.rules.reading import BootReason, Link, Look, Terms, read
from noc.store.contract import ArrivedRecord

DATES_MAX: Final = 64
# One each hour for as long as a history is kept; a box that begins more often says nothing that people could read.
BOOTS_MAX: Final = 2_208
# A hub brings back 30 days and 7 more: by these the month before last can still change.
KEPT_MS: Final = 92 * 86_400_000


@dataclass(frozen=True, slots=True)
class Run:
    """Equal looks in a row, without a hole in sequence or time: from the first to the last, both included."""

    first_sequence: int
    last_sequence: int
    first_boottime_ms: int
    last_boottime_ms: int
    look: Look


@dataclass(frozen=True, slots=True)
class Date:
    """What a time server let the box believe, as the start of the boot: ``low_ms`` to ``high_ms``, in one second.

    The boottimes say from when to when it believed it.
    """

    low_ms: int
    high_ms: int
    first_boottime_ms: int
    last_boottime_ms: int


@dataclass(frozen=True, slots=True)
class Boot:
    """What is known of one boot.

    Attributes:
        boot_id: which.
        runs: what it saw, by sequence.
        latest_start_ms: it began no later: a record arrives after it was made.
        arrival_start_ms: when it began if the fastest report that it sent took no time, None where none is known.
        dates: what time servers said.
        battery: boottime and start by a battery's clock, the last word; None without.
        number: `boots`, how many boots this box has had; None while nobody knows.
        reason: `boot_reason`, 0 while nobody knows.
        interval_ms: how often it made a record: of several words the longest, 0 while nobody knows. By it the boot is
            told for ever, however often the box measures later.
    """

    boot_id: str
    runs: tuple[Run, ...]
    latest_start_ms: int
    arrival_start_ms: int | None = None
    dates: tuple[Date, ...] = ()
    battery: tuple[int, int] | None = None
    number: int | None = None
    reason: int = 0
    interval_ms: int = 0

    def terms(self, terms: Terms) -> Terms:
        """Take this boot's own interval, where it is known."""
        return replace(terms, interval_ms=self.interval_ms) if self.interval_ms else terms


History = Mapping[str, Boot]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A report that left ``sent_boottime_ms`` after the start of a boot and came at ``received_ms``."""

    boot_id: str
    sent_boottime_ms: int
    received_ms: int


def observe(records: Iterable[ArrivedRecord], terms: Terms, arrivals: Iterable[Arrival] = ()) -> dict[str, Boot]:
    """Make a history of some records of one hub, and of arrivals of reports where they are known beside them."""
    starts: dict[str, int] = {}
    for each in arrivals:
        start_ms = each.received_ms - each.sent_boottime_ms
        starts[each.boot_id] = min(starts.get(each.boot_id, start_ms), start_ms)
    by_boot: dict[str, dict[int, ArrivedRecord]] = {}
    for arrived in records:
        kept = by_boot.setdefault(arrived.record.boot_id, {})
        before = kept.get(arrived.record.sequence)
        if before is None or arrived.received_ms < before.received_ms:
            kept[arrived.record.sequence] = arrived
    return {
        boot_id: _boot(boot_id, [kept[sequence] for sequence in sorted(kept)], terms, starts.get(boot_id))
        for boot_id, kept in by_boot.items()
    }


def merge(one: History, other: History, terms: Terms) -> dict[str, Boot]:
    """Put two histories of one hub together; ``terms`` are for boots of which nobody knows how often they measured."""
    merged = dict(one)
    for boot_id, boot in other.items():
        merged[boot_id] = _merged(merged[boot_id], boot, terms) if boot_id in merged else boot
    return merged


def newest(history: History) -> History:
    """Let go of the boots that began first, of too many: one report alone can bring a thousand."""
    if len(history) <= BOOTS_MAX:
        return history
    kept = sorted(history, key=lambda boot_id: (history[boot_id].latest_start_ms, boot_id))[-BOOTS_MAX:]
    return {boot_id: history[boot_id] for boot_id in kept}


def as_plain(history: History) -> list[list[Any]]:
    """Write a history as lists of numbers and texts, for a store that keeps it after the records are gone."""
    return [
        [
            boot.boot_id, boot.latest_start_ms, boot.arrival_start_ms, boot.battery and list(boot.battery),
            boot.number, boot.reason,
            [[d.low_ms, d.high_ms, d.first_boottime_ms, d.last_boottime_ms] for d in boot.dates],
            [
                [r.first_sequence, r.last_sequence, r.first_boottime_ms, r.last_boottime_ms, *_plain_look(r.look)]
                for r in boot.runs
            ],
            boot.interval_ms,
        ]
        for _, boot in sorted(history.items())
    ]  # fmt: skip


def from_plain(rows: Iterable[list[Any]]) -> dict[str, Boot]:
    """Read what `as_plain` wrote."""
    return {
        boot_id: Boot(
            boot_id,
            tuple(Run(row[0], row[1], row[2], row[3], _look_of_plain(row[4:])) for row in runs),
            latest_start_ms,
            arrival_start_ms,
            tuple(Date(*row) for row in dates),
            tuple(battery) if battery else None,
            number,
            reason,
            *interval_ms,  # not there in what earlier releases wrote
        )
        for boot_id, latest_start_ms, arrival_start_ms, battery, number, reason, dates, runs, *interval_ms in rows
    }


def _plain_look(look: Look) -> list[int | None]:
    told = (look.link, look.download_kbit, look.upload_kbit, look.on_battery, look.under_voltage)
    return [look.is_change + 2 * look.is_lossy, *(None if each is None else int(each) for each in told)]


def _look_of_plain(row: list[Any]) -> Look:
    flags, link, download_kbit, upload_kbit, *told = row
    on_battery, under_voltage = (None if each is None else bool(each) for each in told)
    return Look(
        None if link is None else Link(link), bool(flags & 1), bool(flags & 2), download_kbit, upload_kbit, on_battery,
        under_voltage,
    )  # fmt: skip


def _boot(boot_id: str, records: list[ArrivedRecord], terms: Terms, arrival_start_ms: int | None) -> Boot:
    """Read the records of one boot, which are in order and each there once."""
    numbers = [n for each in records if (n := each.record.samples.get("boots")) is not None]
    reasons = [n for each in records if (n := each.record.samples.get("boot_reason")) in set(BootReason)]
    latest_start_ms = min(each.received_ms - each.record.boottime_ms for each in records)
    starts = [start for each in records if (start := _start_by_arrival(each)) is not None]
    starts += [] if arrival_start_ms is None else [arrival_start_ms]
    return Boot(
        boot_id,
        _runs(
            (Run(r.sequence, r.sequence, r.boottime_ms, r.boottime_ms, read(r.samples))
            for r in (each.record for each in records)),
            terms.hold_ms,
        ),
        min([latest_start_ms, *starts]),
        min(starts, default=None),
        _dates(
            Date(start := r.wall_ms - r.boottime_ms, start, r.boottime_ms, r.boottime_ms)
            for r in (each.record for each in records)
            if r.wall_quality is WallQuality.NTP
        ),
        max(
            (
                (r.boottime_ms, r.wall_ms - r.boottime_ms)
                for r in (each.record for each in records)
                if r.wall_quality is WallQuality.RTC
            ),
            default=None,
        ),
        int(max(numbers)) if numbers else None,
        max((int(reason) for reason in reasons if reason is not None), default=0),
        terms.interval_ms,
    )  # fmt: skip


def _start_by_arrival(arrived: ArrivedRecord) -> int | None:
    """Find when the boot began by the report that brought this record: the ingest placed it by that, or not at all."""
    record = arrived.record
    if arrived.time_ms is None or record.wall_quality is WallQuality.NTP or arrived.time_ms == record.wall_ms:
        return None
    return arrived.time_ms - record.boottime_ms


def _merged(one: Boot, other: Boot, terms: Terms) -> Boot:
    interval_ms = max(one.interval_ms, other.interval_ms)
    hold_ms = (replace(terms, interval_ms=interval_ms) if interval_ms else terms).hold_ms
    return Boot(
        one.boot_id,
        _runs((*one.runs, *other.runs), hold_ms),
        min(one.latest_start_ms, other.latest_start_ms),
        min((s for s in (one.arrival_start_ms, other.arrival_start_ms) if s is not None), default=None),
        _dates((*one.dates, *other.dates)),
        max((b for b in (one.battery, other.battery) if b is not None), default=None),
        max((n for n in (one.number, other.number) if n is not None), default=None),
        max(one.reason, other.reason),
        interval_ms,
    )


def _runs(parts: Iterable[Run], hold_ms: int) -> tuple[Run, ...]:
    """Join what follows each other and is equal. Of what contradicts itself the first stays: a record never changes."""
    joined: list[Run] = []
    for run in sorted(parts, key=lambda r: (r.first_sequence, -r.last_sequence, r.first_boottime_ms, repr(r.look))):
        last = joined[-1] if joined else None
        if last is None or run.first_sequence > last.last_sequence + 1:
            joined.append(run)
            continue
        is_next = run.first_sequence == last.last_sequence + 1
        if is_next and (run.look != last.look or run.first_boottime_ms - last.last_boottime_ms > hold_ms):
            joined.append(run)
        elif run.last_sequence > last.last_sequence and run.look == last.look:
            joined[-1] = Run(
                last.first_sequence, run.last_sequence, last.first_boottime_ms, run.last_boottime_ms, last.look
            )
    return tuple(joined)


def _dates(parts: Iterable[Date]) -> tuple[Date, ...]:
    """Gather what was believed by the second; of too many dates the latest stay."""
    gathered: list[Date] = []
    for _, group in itertools.groupby(sorted(parts, key=lambda d: d.low_ms // 1000), key=lambda d: d.low_ms // 1000):
        same = list(group)
        gathered.append(
            Date(
                min(d.low_ms for d in same),
                max(d.high_ms for d in same),
                min(d.first_boottime_ms for d in same),
                max(d.last_boottime_ms for d in same),
            )
        )
    return tuple(gathered[-DATES_MAX:])
