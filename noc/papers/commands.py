"""``desahub-noc timeline`` and ``desahub-noc sla``: what was when at a hub, and the month of hubs as CSV and PDF."""

from __future__ import annotations

import argparse
import datetime
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from appliance.core.errors import OperationError
from noc import setup
from noc.papers import sla_csv, sla_pdf, words
from noc.papers.months import RECORDS_MARGIN_MS, HubMonth, hub_month
from noc.rules.reading import INTERVAL_MS, Terms
from noc.rules.sla import Month, Version
from noc.rules.states import Window
from noc.store.contract import Hub, NocStore
from noc.store.sqlite import open_noc_store_reading

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_AREA: Final = re.compile(r"\d\d(\.\d\d(\.\d\d(\.\d{4})?)?)?", re.ASCII)


def register(commands: _SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    """Add both commands."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--month", required=True, metavar="YYYY-MM", help="in each hub's own time zone")
    shared.add_argument(
        "--interval-seconds", type=int, default=INTERVAL_MS // 1000, metavar="S",
        help="how often the hubs measure, agent.interval_seconds of their hub.toml (%(default)s)",
    )  # fmt: skip
    shared.add_argument("--download-kbit", type=int, default=0, help="contracted speed (none: no speed is too low)")
    shared.add_argument("--upload-kbit", type=int, default=0, help="the same towards the internet")
    shared.add_argument(
        "--maintenance", action="append", default=[], metavar="FROM/TO",
        help="planned work in the hub's own time, as 2026-08-03T10:00/2026-08-03T12:00; may be given again",
    )  # fmt: skip

    timeline = commands.add_parser("timeline", parents=[common, shared], help="print what was when at a hub, and why")
    timeline.add_argument("hub", metavar="HUB")
    timeline.set_defaults(command=_timeline)

    sla = commands.add_parser("sla", parents=[common, shared], help="write the month of hubs as CSV and PDF")
    which = sla.add_mutually_exclusive_group()
    which.add_argument("--hub", metavar="HUB", help="one hub (all)")
    which.add_argument("--area", metavar="PP.KK.CC", help="the hubs of a province, kabupaten or kecamatan, by its code")
    sla.add_argument("--csv", type=Path, metavar="FILE", help="the table (standard output, without --pdf)")
    sla.add_argument("--pdf", type=Path, metavar="FILE", help="one page: of the hub, or of all hubs together")
    sla.add_argument("--before", type=Path, metavar="FILE", help="the table made last: its versions are continued")
    sla.set_defaults(command=_sla)


def _timeline(options: argparse.Namespace, places: setup.Places) -> int:
    month, now_ms = Month.parse(options.month), int(time.time() * 1000)
    store = open_noc_store_reading(places.store)
    try:
        found = _month(store, _one(store, options.hub), month, options, now_ms=now_ms)
    finally:
        store.close()
    conditions, causes, bases, evidence = words.conditions(), words.causes(), words.bases(), words.evidence()
    zone = found.hub.timezone
    begin_ms, end_ms = month.bounds_ms(zone)
    for span in found.spans:
        start_ms, stop_ms = max(span.start_ms, begin_ms), min(span.end_ms, end_ms)
        if stop_ms > start_ms:
            state = span.state
            rest = (causes[state.cause], bases[state.basis], ", ".join(evidence[each] for each in state.evidence))
            seconds = (stop_ms + 500) // 1000 - (start_ms + 500) // 1000
            print(_local(start_ms, zone), words.duration(seconds), conditions[state.condition], *rest, sep="\t")
    return 0


def _sla(options: argparse.Namespace, places: setup.Places) -> int:
    month, now_ms = Month.parse(options.month), int(time.time() * 1000)
    before = sla_csv.versions(options.before.read_text("utf-8")) if options.before else {}
    store = open_noc_store_reading(places.store)
    try:
        hubs = [_one(store, options.hub)] if options.hub else list(_of_area(store, options.area))
        months = [_month(store, hub, month, options, now_ms=now_ms, before=before) for hub in hubs]
    finally:
        store.close()
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


def _one(store: NocStore, hub_id: str) -> Hub:
    for hub in store.hubs():
        if hub.hub_id == hub_id:
            return hub
    raise OperationError(f"{hub_id!r} is not in the inventory; desahub-noc hub list shows what is")


def _of_area(store: NocStore, area: str | None) -> Iterator[Hub]:
    if area is not None and not _AREA.fullmatch(area):
        raise OperationError(f"--area is {area!r}; allowed is a code such as 51, 51.03 or 51.03.01")
    found = [hub for hub in store.hubs() if area is None or f"{hub.kode_wilayah}.".startswith(f"{area}.")]
    if not found:
        raise OperationError("no hub of the inventory lies there; desahub-noc hub list shows all with their codes")
    return iter(sorted(found, key=lambda hub: (hub.kode_wilayah, hub.hub_id)))


def _month(
    store: NocStore,
    hub: Hub,
    month: Month,
    options: argparse.Namespace,
    *,
    now_ms: int,
    before: Mapping[str, Version] | None = None,
) -> HubMonth:
    if options.interval_seconds < 1:
        raise OperationError(f"--interval-seconds is {options.interval_seconds}; allowed is at least 1")
    begin_ms, end_ms = month.bounds_ms(hub.timezone)
    earlier = (before or {}).get(hub.hub_id)
    if earlier is not None and earlier.sla.month != month:
        raise OperationError(f"--before is of {earlier.sla.month}, and --month {month}; allowed is the same month")
    return hub_month(
        hub,
        store.records(hub.hub_id, begin_ms - RECORDS_MARGIN_MS, end_ms + RECORDS_MARGIN_MS),
        month,
        terms=Terms(options.interval_seconds * 1000, options.download_kbit, options.upload_kbit),
        now_ms=now_ms,
        windows=_windows(options.maintenance, hub.timezone),
        before=earlier,
    )


def _windows(texts: Sequence[str], timezone: str) -> list[Window]:
    return [_window(text, ZoneInfo(timezone)) for text in texts]


def _window(text: str, zone: ZoneInfo) -> Window:
    begin, _, end = text.partition("/")
    try:
        times = [datetime.datetime.fromisoformat(each) for each in (begin, end)]
    except ValueError:
        times = []
    if len(times) != 2 or any(each.tzinfo for each in times) or times[0] >= times[1]:
        raise OperationError(
            f"--maintenance is {text[:60]!r}; allowed is begin/end in the hub's own time,"
            " such as 2026-08-03T10:00/2026-08-03T12:00"
        )
    start, stop = (int(each.replace(tzinfo=zone).timestamp() * 1000) for each in times)
    return Window(start, stop)


def _local(time_ms: int, timezone: str) -> str:
    moment = datetime.datetime.fromtimestamp((time_ms + 500) // 1000, ZoneInfo(timezone))
    return f"{moment:%Y-%m-%d %H:%M:%S} {words.zone(timezone)}"
