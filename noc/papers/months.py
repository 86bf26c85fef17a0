"""A month of one hub, gathered for a paper from what the fleet book keeps."""

from __future__ import annotations

from dataclasses import dataclass

from noc.fleet_book.contract import Card, FleetBook, Scope
from noc.rules.history import KEPT_MS, History, merge
from noc.rules.outages import Outage, outages
from noc.rules.reading import INTERVAL_MS, Terms
from noc.rules.sla import MARGIN_MS, Month, Sla, SlaClass, Version
from noc.rules.states import Span
from noc.rules.timeline import timeline
from noc.store.contract import Hub


@dataclass(frozen=True, slots=True)
class HubMonth:
    """A month of one hub: its account, its timeline, which covers a little more, and the outages of the month.

    The timeline is empty where the history that it is told from is not kept any more.
    """

    hub: Hub
    version: Version
    spans: tuple[Span, ...]
    outages: tuple[Outage, ...]


def kept_month(card: Card, version: Version) -> HubMonth:
    """Make the month of a hub as a table shows it: its account alone."""
    return HubMonth(Hub(card.hub_id, card.name, card.kode_wilayah, card.timezone), version, (), ())


def with_timeline(book: FleetBook, card: Card, each: HubMonth, now_ms: int, interval_ms: int = INTERVAL_MS) -> HubMonth:
    """Add what the page of one hub shows: its timeline of the month, and its outages."""
    begin_ms, end_ms = each.version.sla.month.bounds_ms(card.timezone)
    if not is_told(each.version.sla.month, card.timezone, now_ms):
        found = book.outages(Scope(), card.kode_wilayah, begin_ms, end_ms, card.hub_id)
        return HubMonth(each.hub, each.version, (), tuple(kept.outage for kept in found))
    spans = spans_of(book, card, each.version.sla.month, now_ms, interval_ms)
    down = tuple(o for o in outages(spans) if o.end_ms > begin_ms and o.start_ms < end_ms)
    return HubMonth(each.hub, each.version, spans, down)


def spans_of(
    book: FleetBook, card: Card, month: Month, now_ms: int, interval_ms: int = INTERVAL_MS
) -> tuple[Span, ...]:
    """Tell what was when in a month, and a little before and after, as far as it is over."""
    begin_ms, end_ms = month.bounds_ms(card.timezone)
    until_ms = max(begin_ms, min(end_ms + MARGIN_MS, now_ms))
    terms = Terms(interval_ms, card.download_kbit, card.upload_kbit)
    windows = [kept.window for kept in book.windows(begin_ms - MARGIN_MS, until_ms, card.hub_id)]
    return timeline(history_of(book, card.hub_id, terms), terms, begin_ms - MARGIN_MS, until_ms, windows)


def history_of(book: FleetBook, hub_id: str, terms: Terms) -> History:
    """All that the book has of a hub: its history, and what came since that was written."""
    history = book.histories((hub_id,)).get(hub_id, {})
    tail = book.tails((hub_id,)).get(hub_id)
    return history if tail is None else merge(history, tail.said, terms)


def is_told(month: Month, timezone: str, now_ms: int) -> bool:
    """Say whether the history is still there that a month's timeline is told from."""
    return month.bounds_ms(timezone)[0] >= now_ms - KEPT_MS


def nothing_known(month: Month, timezone: str, now_ms: int) -> Version:
    """The account of a month of which nothing came: it is no version, and its number says so."""
    begin_ms, end_ms = month.bounds_ms(timezone)
    known_ms = max(begin_ms, min(end_ms, now_ms // 1000 * 1000))
    seconds = dict.fromkeys(SlaClass, 0)
    seconds[SlaClass.UNKNOWN] = (known_ms - begin_ms) // 1000
    seconds[SlaClass.AHEAD] = (end_ms - known_ms) // 1000
    return Version(0, now_ms, Sla(month, seconds, 0, 0))
