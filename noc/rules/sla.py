"""How a month was at one hub, second by second: pure.

The classes of a month add up to its length exactly. The month is the hub's own: midnight in its time zone.
"""

from __future__ import annotations

import datetime
import enum
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from noc.rules.history import History
from noc.rules.outages import LONG_MS
from noc.rules.reading import Terms
from noc.rules.states import Condition, Span, Window
from noc.rules.timeline import timeline

# Enough before and after a month to see whether an outage across its border is a long one.
MARGIN_MS: Final = LONG_MS + 1_000


class SlaClass(enum.StrEnum):
    """What a second of a month counts as."""

    UP = "up"
    LINK_LONG = "link_long"
    LINK_SHORT = "link_short"
    UNUSABLE = "unusable"
    POWER = "power"
    MAINTENANCE = "maintenance"
    UNKNOWN = "unknown"
    AHEAD = "ahead"  # of a month that is not over


_CLASSES: Final = {
    Condition.UP: SlaClass.UP,
    Condition.UNUSABLE: SlaClass.UNUSABLE,
    Condition.POWER: SlaClass.POWER,
    Condition.MAINTENANCE: SlaClass.MAINTENANCE,
    Condition.UNKNOWN: SlaClass.UNKNOWN,
}
# Of these the provider of the line is asked; the rest is excused, not known, or not over.
_ANSWERED_FOR: Final = (SlaClass.UP, SlaClass.LINK_LONG, SlaClass.LINK_SHORT, SlaClass.UNUSABLE)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month of a year."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read ``2026-08``. Raises ValueError with what is allowed."""
        try:
            day = datetime.datetime.strptime(text, "%Y-%m").replace(tzinfo=datetime.UTC)
        except ValueError:
            raise ValueError(f"{text[:20]!r} is no month; allowed is for example 2026-08") from None
        return cls(day.year, day.month)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    def bounds_ms(self, timezone: str) -> tuple[int, int]:
        """Say from when up to when, in ms of UTC, the month lasts in an IANA time zone."""
        zone = ZoneInfo(timezone)
        begin = datetime.datetime(self.year, self.month, 1, tzinfo=zone)
        end = datetime.datetime(self.year + self.month // 12, self.month % 12 + 1, 1, tzinfo=zone)
        return int(begin.timestamp()) * 1000, int(end.timestamp()) * 1000


@dataclass(frozen=True, slots=True)
class Sla:
    """A month of a hub, or of several.

    Attributes:
        seconds: of each class; they add up to the length of the month, times the number of hubs.
        long_cuts: how many cuts of the line lasted longer than 300 s.
        short_cuts: and how many up to that.
    """

    month: Month
    seconds: Mapping[SlaClass, int]
    long_cuts: int
    short_cuts: int

    @property
    def total_seconds(self) -> int:
        """The length of the month, times the number of hubs."""
        return sum(self.seconds.values())

    @property
    def availability_permille(self) -> float | None:
        """Of the time the line's provider answers for and that is known, the share without a cut longer than 300 s.

        None where nothing is known.
        """
        answered = sum(self.seconds[each] for each in _ANSWERED_FOR)
        return 1000 * (answered - self.seconds[SlaClass.LINK_LONG]) / answered if answered else None


@dataclass(frozen=True, slots=True)
class Change:
    """By how many seconds a class grew or shrank from one version to the next."""

    sla_class: SlaClass
    before_seconds: int
    after_seconds: int


@dataclass(frozen=True, slots=True)
class Version:
    """What was known of a month at ``made_ms``; ``changes`` says what is new since the version before."""

    number: int
    made_ms: int
    sla: Sla
    changes: tuple[Change, ...] = ()


def of_hub(
    history: History, terms: Terms, month: Month, *, timezone: str, now_ms: int, windows: Iterable[Window] = ()
) -> Sla:
    """Count a month of one hub by all that it ever said."""
    begin_ms, end_ms = month.bounds_ms(timezone)
    until_ms = max(begin_ms, min(end_ms + MARGIN_MS, now_ms))
    return account(timeline(history, terms, begin_ms - MARGIN_MS, until_ms, windows), month, timezone, now_ms)


def account(spans: Sequence[Span], month: Month, timezone: str, now_ms: int) -> Sla:
    """Count a month.

    Args:
        spans: a timeline that covers the month and `MARGIN_MS` on both sides, as far as it is over.
        month: which.
        timezone: the hub's own, an IANA name.
        now_ms: what comes later is ahead.
    """
    begin_ms, end_ms = month.bounds_ms(timezone)
    known_ms = max(begin_ms, min(end_ms, now_ms // 1000 * 1000))
    seconds = dict.fromkeys(SlaClass, 0)
    cuts = dict.fromkeys(SlaClass, 0)
    # Borders are brought to whole seconds, all in the same way, so that the parts add up to the whole.
    at = begin_ms // 1000
    for condition, group in itertools.groupby(spans, key=lambda span: span.state.condition):
        parts = list(group)
        if parts[-1].end_ms <= begin_ms or parts[0].start_ms >= known_ms:
            continue
        sla_class = _class(condition, parts[-1].end_ms - parts[0].start_ms)
        cuts[sla_class] += 1
        for until_ms, counted_as in ((parts[0].start_ms, SlaClass.UNKNOWN), (parts[-1].end_ms, sla_class)):
            until = min(known_ms // 1000, (until_ms + 500) // 1000)
            seconds[counted_as] += max(0, until - at)
            at = max(at, until)
    seconds[SlaClass.UNKNOWN] += known_ms // 1000 - at
    seconds[SlaClass.AHEAD] = (end_ms - known_ms) // 1000
    return Sla(month, seconds, cuts[SlaClass.LINK_LONG], cuts[SlaClass.LINK_SHORT])


def _class(condition: Condition, duration_ms: int) -> SlaClass:
    if condition is Condition.LINK:
        return SlaClass.LINK_LONG if duration_ms > LONG_MS else SlaClass.LINK_SHORT
    return _CLASSES[condition]


def add(parts: Iterable[Sla], month: Month) -> Sla:
    """Put the hubs of an area together."""
    every = tuple(parts)
    return Sla(
        month,
        {each: sum(part.seconds[each] for part in every) for each in SlaClass},
        sum(part.long_cuts for part in every),
        sum(part.short_cuts for part in every),
    )


def revise(before: Version | None, sla: Sla, now_ms: int) -> Version | None:
    """Make the next version of a month, None where nothing changed since ``before``."""
    if before is None:
        return Version(1, now_ms, sla)
    changes = tuple(
        Change(each, before.sla.seconds[each], sla.seconds[each])
        for each in SlaClass
        if before.sla.seconds[each] != sla.seconds[each]
    )
    if not changes and (before.sla.long_cuts, before.sla.short_cuts) == (sla.long_cuts, sla.short_cuts):
        return None
    return Version(before.number + 1, now_ms, sla, changes)
