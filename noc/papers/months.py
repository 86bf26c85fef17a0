"""A month of one hub or of an area, gathered for a paper: pure but for the records it is given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from noc.rules.history import observe
from noc.rules.outages import Outage, outages
from noc.rules.reading import Terms
from noc.rules.sla import MARGIN_MS, Month, Version, account, revise
from noc.rules.states import Span, Window
from noc.rules.timeline import timeline
from noc.store.contract import ArrivedRecord, Hub

# A boot is placed by what it said in a day before and after the month too.
RECORDS_MARGIN_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class HubMonth:
    """A month of one hub: its account, its timeline, which covers a little more, and the outages of the month."""

    hub: Hub
    version: Version
    spans: tuple[Span, ...]
    outages: tuple[Outage, ...]


def hub_month(
    hub: Hub,
    records: Iterable[ArrivedRecord],
    month: Month,
    *,
    terms: Terms,
    now_ms: int,
    windows: Sequence[Window] = (),
    before: Version | None = None,
) -> HubMonth:
    """Account for a month of a hub by ``records``, which reach `RECORDS_MARGIN_MS` further on both sides.

    ``before`` is the version made last; where nothing changed since, it stays.
    """
    begin_ms, end_ms = month.bounds_ms(hub.timezone)
    until_ms = max(begin_ms, min(end_ms + MARGIN_MS, now_ms))
    spans = timeline(observe(records, terms), terms, begin_ms - MARGIN_MS, until_ms, windows)
    version = revise(before, account(spans, month, hub.timezone, now_ms), now_ms) or before
    if version is None:
        raise AssertionError("a first account is always a version")
    found = tuple(each for each in outages(spans) if each.end_ms > begin_ms and each.start_ms < end_ms)
    return HubMonth(hub, version, spans, found)
