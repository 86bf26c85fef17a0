"""What a hub's past amounts to after something new came of it: pure but for the hours it is given.

All of the kept history is told anew, and compared with what it told before: only from the first moment at which it
tells something else are outages, days and months written again. So late data, another contract and a new window need no
rule of their own.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from zoneinfo import ZoneInfo

from noc.fleet_book.contract import Day, Followed, Tail
from noc.rules.anchors import place
from noc.rules.history import KEPT_MS, Boot, History, merge
from noc.rules.outages import outages
from noc.rules.reading import Terms
from noc.rules.sla import Month, Version, account, count, revise, stretches
from noc.rules.states import Span, Window
from noc.rules.timeline import timeline
from noc.store.contract import Hour
from noc.watch import tails

DAY_MS: Final = 86_400_000
RUNS_MAX: Final = 4_000  # a hub that says more than that in 92 days says nothing that people could read
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
    from_ms = now_ms - KEPT_MS
    history = trim(merge(known.history, said, by.terms), from_ms)
    spans = timeline(history, by.terms, from_ms, now_ms, by.windows)
    since_ms = max(from_ms, min(now_ms, _new_since_ms(known, history, spans, by, from_ms)))
    again_ms = max(from_ms, since_ms if tail is None else min(since_ms, tail.again_ms))
    is_next_day = tail is None or local_day(tail.followed_ms, by.timezone) != local_day(now_ms, by.timezone)
    made, has_to_wait = _versions(spans, by.timezone, again_ms, around, is_next_day=is_next_day)
    followed = Followed(
        known.hub_id,
        history,
        since_ms - 1,
        tuple(each for each in outages(spans) if each.end_ms >= since_ms),
        tuple(_days(known.hub_id, spans, by.timezone, again_ms, around)),
        made,
    )
    begun = tails.begin(history)
    return Learned(followed, Tail(known.hub_id, begun, now_ms, again_ms if has_to_wait else since_ms, by.digest))


def _new_since_ms(known: Known, history: History, spans: Sequence[Span], by: Reading, from_ms: int) -> int:
    now_ms = spans[-1].end_ms
    if known.tail is None or known.tail.read_by != by.digest:
        return first_known_ms(history, from_ms, now_ms)
    earlier = timeline(known.history, by.terms, from_ms, now_ms, by.windows)
    differs_ms = first_difference_ms(earlier, spans)
    # What was still ahead then is past now.
    return min(now_ms if differs_ms is None else differs_ms, known.tail.followed_ms)


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


def _days(hub_id: str, spans: Sequence[Span], timezone: str, from_ms: int, around: Around) -> Iterator[Day]:
    now_ms = around.now_ms
    first, last = local_day(from_ms, timezone), local_day(now_ms, timezone)
    of_hours = around.hours(bounds_ms(first, timezone)[0], bounds_ms(last, timezone)[1])
    every = stretches(spans)
    for number in range((last - first).days + 1):
        day = first + datetime.timedelta(days=number)
        begin_ms, end_ms = bounds_ms(day, timezone)
        counted = count(every, begin_ms, end_ms, now_ms)
        mine = [hour for hour in of_hours if begin_ms <= hour.hour_ms < end_ms]
        yield Day(hub_id, day.isoformat(), counted.seconds, counted.long_cuts, counted.short_cuts, *_used(mine))


def _versions(
    spans: Sequence[Span], timezone: str, from_ms: int, around: Around, *, is_next_day: bool
) -> tuple[tuple[Version, ...], bool]:
    """Make the months that are over anew, and that of today once a day. Says also whether one has to wait."""
    now_ms = around.now_ms
    made: list[Version] = []
    has_to_wait = False
    for month in _months(local_day(from_ms, timezone), local_day(now_ms, timezone)):
        begin_ms, end_ms = month.bounds_ms(timezone)
        if begin_ms < now_ms - KEPT_MS or (end_ms > now_ms and not is_next_day):
            continue
        before = around.versions(month)
        version = revise(before, account(spans, month, timezone, now_ms), now_ms)
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

    def moved(name: str) -> int | None:
        found = [hour.samples[name].moved for hour in hours if name in hour.samples]
        return int(sum(found)) if found else None

    peaks = [hour.samples["clients_online"].greatest for hour in hours if "clients_online" in hour.samples]
    return (
        moved("interface_received_bytes.uplink"),
        moved("interface_sent_bytes.uplink"),
        int(max(peaks)) if peaks else None,
        moved("logins"),
    )
