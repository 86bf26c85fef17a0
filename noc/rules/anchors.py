"""When boots began: each on the time axis, with how far that can be wrong: pure.

A box without a clock battery knows how long it runs, not when. What tells: a time server's word in one of its records;
the arrival of a report that it sent in that boot; a battery's clock; and, where nothing of this is there, that boots of
one box do not overlap. A record arrives after it was made, so nothing is ever placed in the future, whatever a clock
said.
"""

from __future__ import annotations

import bisect
import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from noc.rules.history import Boot, Date, History

NTP_ERROR_MS: Final = 500  # a satellite's 600 ms may lie in one direction alone
ARRIVAL_ERROR_MS: Final = 60_000  # the fastest report of a boot waited no longer for line, broker and ingest
BATTERY_ERROR_MS: Final = 300_000  # cheap battery clocks lose minutes in a year
CLOCKS_AGREE_MS: Final = 2_000  # hub and NOC may differ by this and both be right
CLOCK_WRONG_MS: Final = 60_000


class Source(enum.StrEnum):
    """By what a boot is placed."""

    NTP = "ntp"
    ARRIVAL = "arrival"
    BATTERY = "battery"
    ORDER = "order"  # only between which other boots it lies


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a boot stands: it began between ``start_ms - early_ms`` and ``start_ms + late_ms``.

    Attributes:
        boot: the boot.
        start_ms: when it began.
        early_ms: it may have begun so much earlier.
        late_ms: or so much later.
        source: by what this is known.
        end_ms: when its last known record was made, or, where the next boot began before that, when that began.
        is_doubled: another boot of this hub began while this one ran: two boxes have one identity, or a clock lied.
    """

    boot: Boot
    start_ms: int
    early_ms: int
    late_ms: int
    source: Source
    end_ms: int
    is_doubled: bool = False

    def time_ms(self, boottime_ms: int) -> int:
        """Place a moment of this boot."""
        return self.start_ms + boottime_ms


def place(history: History) -> tuple[Anchor, ...]:
    """Place the boots of one hub, earliest first. A boot of which nobody can tell even the order is left out."""
    known = [anchor for boot in history.values() if (anchor := _own(boot)) is not None]
    known = _without_overlaps(_without_lies(known))
    placed = {anchor.boot.boot_id for anchor in known}
    between = _between(known, [boot for boot in history.values() if boot.boot_id not in placed])
    return tuple(sorted((*known, *between), key=_order))


def _order(anchor: Anchor) -> tuple[int, str]:
    return anchor.start_ms, anchor.boot.boot_id


def duration_ms(boot: Boot) -> int:
    """How long a boot ran at least: the age of its last known record."""
    return max(run.last_boottime_ms for run in boot.runs)


def _anchor(boot: Boot, start_ms: int, early_ms: int, late_ms: int, source: Source) -> Anchor:
    start_ms = min(start_ms, boot.latest_start_ms)
    return Anchor(
        boot,
        start_ms,
        early_ms,
        min(late_ms, boot.latest_start_ms - start_ms),
        source,
        start_ms + duration_ms(boot),
    )


def _own(boot: Boot) -> Anchor | None:
    """Place a boot by what it said itself."""
    date = _believed(boot)
    if date is not None:
        start_ms = (date.low_ms + date.high_ms) // 2
        error_ms = NTP_ERROR_MS + date.high_ms - start_ms
        return _anchor(boot, start_ms, error_ms, error_ms, Source.NTP)
    if boot.arrival_start_ms is not None:
        return _anchor(boot, boot.arrival_start_ms, ARRIVAL_ERROR_MS, 0, Source.ARRIVAL)
    if boot.battery is not None and boot.battery[1] <= boot.latest_start_ms + BATTERY_ERROR_MS:
        return _anchor(boot, boot.battery[1], BATTERY_ERROR_MS, BATTERY_ERROR_MS, Source.BATTERY)
    return None


def _believed(boot: Boot) -> Date | None:
    """The date that held longest in a boot, of those that lie not in the future."""
    clusters: list[Date] = []
    for date in boot.dates:
        if date.low_ms > boot.latest_start_ms + CLOCKS_AGREE_MS:
            continue
        last = clusters[-1] if clusters else None
        if last is not None and date.low_ms - last.high_ms <= CLOCKS_AGREE_MS:
            clusters[-1] = Date(
                last.low_ms,
                date.high_ms,
                min(last.first_boottime_ms, date.first_boottime_ms),
                max(last.last_boottime_ms, date.last_boottime_ms),
            )
        else:
            clusters.append(date)
    return max(
        clusters,
        key=lambda d: (d.last_boottime_ms - d.first_boottime_ms, d.last_boottime_ms, d.low_ms),
        default=None,
    )


def _without_lies(anchors: Iterable[Anchor]) -> list[Anchor]:
    """Where two boots overlap by more than clocks differ, doubt the one whose date lies further before its arrival."""
    known = sorted(anchors, key=_order)
    at = 0
    while at + 1 < len(known):
        one, other = known[at], known[at + 1]
        liar = max(one, other, key=lambda a: (a.boot.latest_start_ms - a.start_ms, _order(a)))
        lag_ms = liar.boot.latest_start_ms - liar.start_ms
        is_overlap = one.end_ms - other.start_ms > CLOCK_WRONG_MS
        if not is_overlap or liar.source is Source.ARRIVAL or lag_ms <= CLOCK_WRONG_MS:
            at += 1
            continue
        del known[at if liar is one else at + 1]
        if (start_ms := liar.boot.arrival_start_ms) is not None:
            # Later than where it was: its arrival is what its date was too early for.
            bisect.insort(known, _anchor(liar.boot, start_ms, ARRIVAL_ERROR_MS, 0, Source.ARRIVAL), key=_order)
        # Before that nothing has another neighbour: to begin at the first again would take minutes with many lies.
        at = max(0, at - 1)
    return known


def _without_overlaps(anchors: list[Anchor]) -> list[Anchor]:
    """Let the start of each boot bound the end of the one before."""
    known = list(anchors)
    for i in range(len(known) - 2, -1, -1):
        one, next_start_ms = known[i], known[i + 1].start_ms
        overlap_ms = one.end_ms - next_start_ms
        if overlap_ms <= 0:
            continue
        if one.source is not Source.NTP and overlap_ms <= one.early_ms:
            # An arrival only says "not later": a report that waited on its way made the boot seem later than it was.
            known[i] = replace(
                one,
                start_ms=one.start_ms - overlap_ms,
                early_ms=one.early_ms - overlap_ms,
                late_ms=0,
                end_ms=next_start_ms,
            )
        else:
            known[i] = replace(one, end_ms=next_start_ms, is_doubled=overlap_ms > CLOCK_WRONG_MS)
    return sorted(known, key=_order)


def _between(known: Iterable[Anchor], others: Iterable[Boot]) -> list[Anchor]:
    """Place boots that know nothing of time between those that do, by the number of each boot."""
    anchors = {anchor.boot.boot_id: anchor for anchor in known}
    numbered = sorted(
        ((boot.number, boot.boot_id, boot) for boot in (*(a.boot for a in anchors.values()), *others) if boot.number),
        key=lambda each: each[:2],
    )
    starts = [anchors[boot_id].start_ms for _, boot_id, _ in numbered if boot_id in anchors]
    if starts != sorted(starts):
        return []  # the box began to count anew: its numbers tell no order
    earliest: dict[str, int] = {}
    end_ms: int | None = None
    for _, boot_id, boot in numbered:
        if boot_id in anchors:
            end_ms = anchors[boot_id].end_ms
        elif end_ms is not None:
            earliest[boot_id] = end_ms
            end_ms += duration_ms(boot)
    found = []
    next_start_ms: int | None = None
    for _, boot_id, boot in reversed(numbered):
        if boot_id in anchors:
            next_start_ms = anchors[boot_id].start_ms
            continue
        latest_ms = boot.latest_start_ms
        if next_start_ms is not None:
            latest_ms = min(latest_ms, next_start_ms - duration_ms(boot))
        next_start_ms = latest_ms
        if boot_id in earliest and earliest[boot_id] <= latest_ms:
            found.append(_anchor(boot, latest_ms, latest_ms - earliest[boot_id], 0, Source.ORDER))
    return found
