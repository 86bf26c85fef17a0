"""What was down for how long, and how fast it was repaired: pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from appliance.core.report import Number
from noc.rules.states import Basis, Cause, Condition, Evidence, Span
from noc.store.contract import ArrivedRecord

LONG_MS: Final = 300_000  # what lasts longer counts for restitution: the practice of Indonesian SLAs
WEEK_MS: Final = 7 * 86_400_000
_DOWN: Final = (Condition.LINK, Condition.UNUSABLE, Condition.POWER)


@dataclass(frozen=True, slots=True)
class Outage:
    """One time without service, of one condition. Its cause is the one that held longest.

    Attributes:
        start_ms: since when.
        end_ms: until when.
        condition: link, unusable or power.
        cause: why.
        basis: whether that was measured or inferred.
        evidence: what it rests on.
        is_begin_known: what was before is known, so it did not begin earlier.
        is_end_known: what came after is known, so it did not last longer.
    """

    start_ms: int
    end_ms: int
    condition: Condition
    cause: Cause
    basis: Basis
    evidence: tuple[Evidence, ...]
    is_begin_known: bool
    is_end_known: bool

    @property
    def duration_ms(self) -> int:
        """How long at least."""
        return self.end_ms - self.start_ms


@dataclass(frozen=True, slots=True)
class Use:
    """When a hub was last heard, and when somebody last used it; None for never."""

    hub_id: str
    heard_ms: int | None
    used_ms: int | None


@dataclass(frozen=True, slots=True)
class Headline:
    """What the first page says: of ``hubs``, how many lived and were used these 7 days, and how fast repairs are."""

    hubs: int
    alive: int
    alive_and_used: int
    repairs: int
    median_repair_seconds: int | None


def outages(spans: Sequence[Span]) -> tuple[Outage, ...]:
    """Gather a timeline into outages: neighbours of one condition are one."""
    found: list[Outage] = []
    i = 0
    while i < len(spans):
        condition = spans[i].state.condition
        end = i + 1
        while end < len(spans) and spans[end].state.condition is condition:
            end += 1
        if condition in _DOWN:
            found.append(_outage(spans, i, end))
        i = end
    return tuple(found)


def _outage(spans: Sequence[Span], begin: int, end: int) -> Outage:
    longest: dict[tuple[Cause, Basis, tuple[Evidence, ...]], int] = {}
    for span in spans[begin:end]:
        key = (span.state.cause, span.state.basis, span.state.evidence)
        longest[key] = longest.get(key, 0) + span.duration_ms
    cause, basis, evidence = max(longest, key=lambda key: (longest[key], key))
    return Outage(
        spans[begin].start_ms,
        spans[end - 1].end_ms,
        spans[begin].state.condition,
        cause,
        basis,
        evidence,
        begin > 0 and spans[begin - 1].state.condition is not Condition.UNKNOWN,
        end < len(spans) and spans[end].state.condition is not Condition.UNKNOWN,
    )


def is_used(arrived: ArrivedRecord) -> bool:
    """Say whether somebody was online at the hub in the minute of a record."""
    return _positive(arrived.record.samples.get("clients_online"))


def _positive(value: Number | None) -> bool:
    return value is not None and value > 0


def headline(uses: Iterable[Use], repaired: Iterable[Outage], now_ms: int) -> Headline:
    """Count the hubs that lived and were used, and take the median of how long repairs took, in the last 7 days.

    A repair is an outage longer than 300 s, of link or power, whose end is known. Where its begin is not (a box whose
    power is cut cannot say the second), it counts from the first moment that is.
    """
    every = tuple(uses)
    since_ms = now_ms - WEEK_MS
    alive = [use for use in every if use.heard_ms is not None and use.heard_ms >= since_ms]
    used = [use for use in alive if use.used_ms is not None and use.used_ms >= since_ms]
    durations_ms = [
        outage.duration_ms
        for outage in repaired
        if outage.condition in (Condition.LINK, Condition.POWER)
        and outage.is_end_known
        and outage.duration_ms > LONG_MS
        and since_ms <= outage.end_ms <= now_ms
    ]
    median = round(statistics.median(durations_ms) / 1000) if durations_ms else None
    return Headline(len(every), len(alive), len(used), len(durations_ms), median)
