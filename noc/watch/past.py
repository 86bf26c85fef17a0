"""What a hub's past amounts to after something new came of it: pure but for the hours it is given.

All of the kept history is told anew, and compared with what it told before: only from the first moment at which it
tells something else are outages, days and months written again. So late data, another contract and a new window need no
rule of their own.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from zoneinfo import ZoneInfo

from noc.fleet_book.contract import Day, Followed, Tail
from noc.rules.anchors import Anchor, place
from noc.rules.history import KEPT_MS, Boot, History, merge, newest
from noc.rules.outages import Outage, outages
from noc.rules.reading import Terms
from noc.rules.sla import Month, Version, account, count, revise, stretches
from noc.rules.states import Span, Window
from noc.rules.timeline import timeline
from noc.store.contract import Hour, Summary
from noc.watch import tails

DAY_MS: Final = 86_400_000
RUNS_MAX: Final = 4_000  # a hub that says more than that in 92 days says nothing that people could read
LATELY_MS: Final = 3 * DAY_MS
# Of an hour: a line of 9 Gbit/s. A day of all hubs of the country still adds up to what a store takes.
USED_END: Final = 1 << 42
VERSION_PAUSE_MS: Final = 3_600_000  # what comes back in many reports is one version

Hours = Callable[[int, int], Sequence[Hour]]
Versions = Callable[[Month], Version | None]


@dataclass(frozen=True, slots=True)
class Reading:
    """By what a hub's past is told: its time zone, its contract, and the windows of planned work."""

    timezone: str
    terms: Terms = field(default_factory=Terms)
    windows: tuple[Window, ...] = ()

    @property
    def digest(self) -> str:
        """The same for the same."""
        return hashlib.sha256(repr((self.timezone, self.terms, self.windows)).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Known:
    """A hub and what the book has of it; ``tail`` is None where it is new there."""

    hub_id: str
    history: History
    tail: Tail | None


@dataclass(frozen=True, slots=True)
class Around:
    """What else is asked: the time, the hub's hours from a moment up to another, the last version of a month."""

    now_ms: int
    hours: Hours
    versions: Versions


@dataclass(frozen=True, slots=True)
class Learned:
    """What to write of a hub."""

    followed: Followed
    tail: Tail


def learn(known: Known, said: History, by: Reading, around: Around) -> Learned:
    """Bring a hub's past up by all that came since, its tail included."""
    now_ms, tail = around.now_ms, known.tail
    history = trim(newest(merge(known.history, said, by.terms)), now_ms - KEPT_MS)
    from_ms = _told_from_ms(history, now_ms)
    told = _tell_lately(known, said, history, by, now_ms) or _tell(known, history, by, from_ms, now_ms)
    again_ms = told.since_ms if tail is None else min(told.since_ms, tail.again_ms)
    again_ms = max(told.from_ms, again_ms)
    made, has_to_wait = _versions(told, by.timezone, again_ms, around, is_next_day=_is_next_day(tail, by, now_ms))
    followed = Followed(
        known.hub_id,
        history,
        told.since_ms - 1,
        told.outages,
        tuple(_days(known.hub_id, told, by.timezone, again_ms, around)),
        made,
    )
    next_again_ms = again_ms if has_to_wait else told.since_ms
    return Learned(followed, Tail(known.hub_id, tails.begin(history), now_ms, next_again_ms, by.digest))


@dataclass(frozen=True, slots=True)
class _Told:
    """A timeline from ``from_ms`` on, since when it is news, and the outages of that."""

    from_ms: int
    since_ms: int
    spans: tuple[Span, ...]

    @property
    def outages(self) -> tuple[Outage, ...]:
        return tuple(each for each in outages(self.spans) if each.end_ms >= self.since_ms)


def _tell(known: Known, history: History, by: Reading, from_ms: int, now_ms: int) -> _Told:
    spans = timeline(history, by.terms, from_ms, now_ms, by.windows)
    if known.tail is None or known.tail.read_by != by.digest:
        since_ms = first_known_ms(history, from_ms, now_ms)
    else:
        earlier = timeline(known.history, by.terms, from_ms, now_ms, by.windows)
        differs_ms = first_difference_ms(earlier, spans)
        # What was still ahead then is past now.
        since_ms = min(now_ms if differs_ms is None else differs_ms, known.tail.followed_ms)
    return _Told(from_ms, max(from_ms, min(now_ms, since_ms)), spans)


def _tell_lately(known: Known, said: History, history: History, by: Reading, now_ms: int) -> _Told | None:
    """Tell the last days alone, where nothing before them can have changed; None where that is not sure.

    Of a calm hub that is each hour of a day but one: a country's watch would else be busy with telling what it knows.
    """
    tail, from_ms = known.tail, now_ms - LATELY_MS
    if tail is None or tail.read_by != by.digest or _is_next_day(tail, by, now_ms):
        return None
    sure_ms = from_ms + DAY_MS
    is_of_this_month = local_day(tail.again_ms, by.timezone).month == local_day(now_ms, by.timezone).month
    if min(tail.again_ms, tail.followed_ms) < sure_ms or not is_of_this_month:
        return None
    before, after = _anchors(known.history), _anchors(history)
    if any(not _is_as_before(before.get(boot_id), anchor) for boot_id, anchor in after.items() if boot_id in before):
        return None
    if any(
        boot_id not in after or after[boot_id].time_ms(boot.runs[0].first_boottime_ms) < sure_ms
        for boot_id, boot in said.items()
    ):
        return None
    parts = [_lately(known.history, before, from_ms), _lately(history, after, from_ms)]
    for part, anchors in zip(parts, (before, after), strict=True):
        if any(not _is_as_before(anchors.get(boot_id), anchor) for boot_id, anchor in _anchors(part).items()):
            return None
    told = _tell(replace(known, history=parts[0]), parts[1], by, from_ms, now_ms)
    # An outage that began before all this would be told too short.
    return None if any(each.start_ms <= from_ms for each in told.outages) else told


def _anchors(history: History) -> dict[str, Anchor]:
    return {anchor.boot.boot_id: anchor for anchor in place(history)}


def _is_as_before(before: Anchor | None, after: Anchor) -> bool:
    return before is not None and (before.start_ms, before.source, before.is_doubled) == (
        after.start_ms,
        after.source,
        after.is_doubled,
    )


def _lately(history: History, anchors: Mapping[str, Anchor], from_ms: int) -> dict[str, Boot]:
    """Take the part of a history that tells what was from a moment on: what ran then, and the boot before."""
    ended = [anchor for anchor in anchors.values() if anchor.end_ms < from_ms]
    last = max(ended, key=lambda anchor: (anchor.end_ms, anchor.boot.boot_id), default=None)
    part: dict[str, Boot] = {}
    for boot_id, boot in history.items():
        anchor = anchors.get(boot_id)
        if anchor is None or (anchor.end_ms < from_ms and anchor is not last):
            continue
        first_ms = from_ms - DAY_MS - anchor.start_ms
        runs = tuple(run for run in boot.runs if run.last_boottime_ms >= first_ms) or boot.runs[-1:]
        part[boot_id] = boot if len(runs) == len(boot.runs) else replace(boot, runs=runs)
    return part


def _is_next_day(tail: Tail | None, by: Reading, now_ms: int) -> bool:
    return tail is None or local_day(tail.followed_ms, by.timezone) != local_day(now_ms, by.timezone)


def first_difference_ms(one: Sequence[Span], other: Sequence[Span]) -> int | None:
    """Say from when two timelines of the same time tell something else, None where they tell the same."""
    i = j = 0
    while i < len(one) and j < len(other):
        if one[i].state != other[j].state:
            return max(one[i].start_ms, other[j].start_ms)
        end_ms = min(one[i].end_ms, other[j].end_ms)
        i += one[i].end_ms == end_ms
        j += other[j].end_ms == end_ms
    return None


def first_known_ms(history: History, from_ms: int, now_ms: int) -> int:
    """Say since when a history tells anything."""
    starts = [anchor.time_ms(anchor.boot.runs[0].first_boottime_ms) for anchor in place(history)]
    return max(from_ms, min(starts, default=now_ms))


def _told_from_ms(history: History, now_ms: int) -> int:
    """Say from when on a history is told: what `trim` had to let go of stays as it was told."""
    from_ms = now_ms - KEPT_MS
    is_cut = sum(len(boot.runs) for boot in history.values()) >= RUNS_MAX
    return first_known_ms(history, from_ms, now_ms) if is_cut else from_ms


def trim(history: History, from_ms: int) -> dict[str, Boot]:
    """Let go of what lies before all that is told, and of the oldest of too much."""
    kept: dict[str, Boot] = {}
    placed = {anchor.boot.boot_id: anchor for anchor in place(history)}
    for boot_id, boot in history.items():
        start_ms = placed[boot_id].start_ms if boot_id in placed else boot.latest_start_ms
        # A day more than is told: what a boot's first looks say is known by those before them.
        first_ms = from_ms - DAY_MS - start_ms
        runs = tuple(run for run in boot.runs if run.last_boottime_ms >= first_ms)
        if runs:
            kept[boot_id] = boot if len(runs) == len(boot.runs) else replace(boot, runs=runs)
    excess = sum(len(boot.runs) for boot in kept.values()) - RUNS_MAX
    for boot in sorted(kept.values(), key=lambda b: b.latest_start_ms) if excess > 0 else ():
        rest = boot.runs[excess:]
        excess -= len(boot.runs) - len(rest)
        if rest:
            kept[boot.boot_id] = replace(boot, runs=rest)
            break
        del kept[boot.boot_id]
    return kept


def local_day(time_ms: int, timezone: str) -> datetime.date:
    """The day of a moment in a time zone."""
    return datetime.datetime.fromtimestamp(time_ms / 1000, ZoneInfo(timezone)).date()


def bounds_ms(day: datetime.date, timezone: str) -> tuple[int, int]:
    """From when up to when a day lasts in a time zone."""
    zone = ZoneInfo(timezone)
    begin, end = (
        datetime.datetime.combine(each, datetime.time(), zone) for each in (day, day + datetime.timedelta(days=1))
    )
    return int(begin.timestamp()) * 1000, int(end.timestamp()) * 1000


def _days(hub_id: str, told: _Told, timezone: str, from_ms: int, around: Around) -> Iterator[Day]:
    now_ms = around.now_ms
    first, last = local_day(from_ms, timezone), local_day(now_ms, timezone)
    of_hours = around.hours(bounds_ms(first, timezone)[0], bounds_ms(last, timezone)[1])
    every = stretches(told.spans)
    for number in range((last - first).days + 1):
        day = first + datetime.timedelta(days=number)
        begin_ms, end_ms = bounds_ms(day, timezone)
        if begin_ms < told.from_ms:
            continue  # its beginning is told no more: it stays as it was written
        counted = count(every, begin_ms, end_ms, now_ms)
        mine = [hour for hour in of_hours if begin_ms <= hour.hour_ms < end_ms]
        yield Day(hub_id, day.isoformat(), counted.seconds, counted.long_cuts, counted.short_cuts, *_used(mine))


def _versions(
    told: _Told, timezone: str, from_ms: int, around: Around, *, is_next_day: bool
) -> tuple[tuple[Version, ...], bool]:
    """Make the months that are over anew, and that of today once a day. Says also whether one has to wait."""
    now_ms = around.now_ms
    made: list[Version] = []
    has_to_wait = False
    for month in _months(local_day(from_ms, timezone), local_day(now_ms, timezone)):
        begin_ms, end_ms = month.bounds_ms(timezone)
        if begin_ms < told.from_ms or (end_ms > now_ms and not is_next_day):
            continue
        before = around.versions(month)
        version = revise(before, account(told.spans, month, timezone, now_ms), now_ms)
        if version is None:
            continue
        if before is not None and 0 <= now_ms - before.made_ms < VERSION_PAUSE_MS:
            has_to_wait = True
        else:
            made.append(version)
    return tuple(made), has_to_wait


def _months(first: datetime.date, last: datetime.date) -> Iterator[Month]:
    month = Month(first.year, first.month)
    while month <= Month(last.year, last.month):
        yield month
        month = Month(month.year + month.month // 12, month.month % 12 + 1)


def _used(hours: Sequence[Hour]) -> tuple[int | None, int | None, int | None, int | None]:
    """Bytes received and sent, the most clients at once, logins: of those hours that tell."""

    def told(name: str, of: Callable[[Summary], float]) -> list[int]:
        found = [of(hour.samples[name]) for hour in hours if name in hour.samples]
        # A hub may say any number: what cannot be, nobody knows.
        return [int(value) for value in found if 0 <= value < USED_END]

    def moved(name: str) -> int | None:
        found = told(name, lambda each: each.moved)
        return sum(found) if found else None

    peaks = told("clients_online", lambda each: each.greatest)
    return (
        moved("interface_received_bytes.uplink"),
        moved("interface_sent_bytes.uplink"),
        max(peaks, default=None),
        moved("logins"),
    )
