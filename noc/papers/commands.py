"""``desahub-noc timeline`` and ``desahub-noc sla``: what was when at a hub, and the month of hubs as CSV and PDF."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from appliance.core.errors import OperationError
from noc.fleet_book.contract import Card, FleetBook, Scope
from noc.fleet_book.sqlite import open_fleet_book_reading
from noc.papers import sla_csv, sla_pdf, words
from noc.papers.months import HubMonth, is_told, kept_month, nothing_known, spans_of, with_timeline
from noc.places import Places
from noc.rules.history import KEPT_MS
from noc.rules.reading import INTERVAL_MS
from noc.rules.sla import Month, Version

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_HUBS_AT_ONCE: Final = 1_000
_INTERVAL_SECONDS_MAX: Final = 3_600
_AREA: Final = re.compile(r"\d\d(\.\d\d(\.\d\d(\.\d{4})?)?)?", re.ASCII)


def register(commands: _SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    """Add both commands."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--month", required=True, metavar="YYYY-MM", help="in each hub's own time zone")
    shared.add_argument(
        "--interval-seconds", type=_interval, default=INTERVAL_MS // 1000, metavar="S",
        help="how often the hubs measure, as the watch is told it (%(default)s)",
    )  # fmt: skip

    told = commands.add_parser("timeline", parents=[common, shared], help="print what was when at a hub, and why")
    told.add_argument("hub", metavar="HUB")
    told.set_defaults(command=_timeline)

    sla = commands.add_parser("sla", parents=[common, shared], help="write the month of hubs as CSV and PDF")
    which = sla.add_mutually_exclusive_group()
    which.add_argument("--hub", metavar="HUB", help="one hub (all)")
    which.add_argument("--area", metavar="PP.KK.CC", help="the hubs of a province, kabupaten or kecamatan, by its code")
    sla.add_argument("--csv", type=Path, metavar="FILE", help="the table (standard output, without --pdf)")
    sla.add_argument("--pdf", type=Path, metavar="FILE", help="one page: of the hub, or of all hubs together")
    sla.set_defaults(command=_sla)


def _now_ms() -> int:
    return int(time.time() * 1000)


def _timeline(options: argparse.Namespace, places: Places) -> int:
    month, now_ms = Month.parse(options.month), _now_ms()
    with contextlib.closing(open_fleet_book_reading(places.fleet_book)) as book:
        card = _one(book, options.hub)
        if not is_told(month, card.timezone, now_ms):
            days = KEPT_MS // 86_400_000
            raise OperationError(
                f"the timeline of {month} is not kept any more (it is for {days} days); desahub-noc sla has its account"
            )
        spans = spans_of(book, card, month, now_ms, options.interval_seconds * 1000)
    conditions, causes, bases, evidence = words.conditions(), words.causes(), words.bases(), words.evidence()
    begin_ms, end_ms = month.bounds_ms(card.timezone)
    for span in spans:
        start_ms, stop_ms = max(span.start_ms, begin_ms), min(span.end_ms, end_ms)
        if stop_ms > start_ms:
            state = span.state
            rest = (causes[state.cause], bases[state.basis], ", ".join(evidence[each] for each in state.evidence))
            seconds = (stop_ms + 500) // 1000 - (start_ms + 500) // 1000
            when = _local(start_ms, card.timezone)
            print(when, words.duration(seconds), conditions[state.condition], *rest, sep="\t")
    return 0


def _sla(options: argparse.Namespace, places: Places) -> int:
    month, now_ms = Month.parse(options.month), _now_ms()
    with contextlib.closing(open_fleet_book_reading(places.fleet_book)) as book:
        cards = [_one(book, options.hub)] if options.hub else _of_area(book, options.area)
        months = _months(book, cards, month, now_ms)
        if options.hub and options.pdf is not None:
            months = [with_timeline(book, cards[0], months[0], now_ms, options.interval_seconds * 1000)]
    if options.csv is None and options.pdf is None:
        sys.stdout.write(sla_csv.write(months))
    if options.csv is not None:
        # Its lines end as RFC 4180 wants them; the platform's way must not change them.
        options.csv.write_bytes(sla_csv.write(months).encode())
    if options.pdf is not None:
        made_at = datetime.datetime.fromtimestamp(now_ms // 1000, datetime.UTC)
        page = (
            sla_pdf.hub_page(months[0], made_at)
            if options.hub
            else sla_pdf.area_page(options.area or "Indonesia", months, month, made_at)
        )
        options.pdf.write_bytes(page)
    return 0


def _months(book: FleetBook, cards: Sequence[Card], month: Month, now_ms: int) -> list[HubMonth]:
    found: dict[str, Version] = {}
    for at in range(0, len(cards), _HUBS_AT_ONCE):
        found |= book.versions([card.hub_id for card in cards[at : at + _HUBS_AT_ONCE]], str(month))
    return [kept_month(card, found.get(card.hub_id) or nothing_known(month, card.timezone, now_ms)) for card in cards]


def _one(book: FleetBook, hub_id: str) -> Card:
    card = book.card(hub_id)
    if card is None:
        raise OperationError(f"{hub_id!r} is not in the inventory; desahub-noc hub list shows what is")
    return card


def _of_area(book: FleetBook, area: str | None) -> tuple[Card, ...]:
    if area is not None and not _AREA.fullmatch(area):
        raise OperationError(f"--area is {area!r}; allowed is a code such as 51, 51.03 or 51.03.01")
    found = book.cards(Scope(), area or "")
    if not found:
        raise OperationError("no hub of the inventory lies there; desahub-noc hub list shows all with their codes")
    return found


def _interval(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _INTERVAL_SECONDS_MAX:
        raise argparse.ArgumentTypeError(f"{text!r}: allowed are whole seconds from 1 to {_INTERVAL_SECONDS_MAX}")
    return int(text)


def _local(time_ms: int, timezone: str) -> str:
    moment = datetime.datetime.fromtimestamp((time_ms + 500) // 1000, ZoneInfo(timezone))
    return f"{moment:%Y-%m-%d %H:%M:%S} {words.zone(timezone)}"
