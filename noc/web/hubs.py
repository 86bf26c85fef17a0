"""The list of hubs: its filters stand in the address, and the whole of it is a table for a spreadsheet."""

from __future__ import annotations

import csv
import datetime
import io
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Final
from zoneinfo import ZoneInfo

from flask import Response, abort, render_template, request
from flask.typing import ResponseReturnValue

from noc.fleet_book.contract import FleetBook, Order, Query, Row
from noc.papers.cells import BYTE_ORDER_MARK, safe, version
from noc.web import listing, trail
from noc.web.access import Right, require, scope
from noc.web.ages import judged
from noc.web.incident_words import problem_words
from noc.web.parts import blueprint, parts
from noc.web.words import order_words, page_words

ROWS_AT_ONCE: Final = 500  # the most that the fleet book gives at once
HEADERS: Final = (
    "hub", "nama", "kode_wilayah", "keadaan", "masalah", "sejak", "kontak_terakhir", "penduduk", "perangkat",
    "unduh_kbit", "unggah_kbit", "penyedia", "kontrak_unduh_kbit", "kontrak_unggah_kbit", "versi",
)  # fmt: skip

pages = blueprint("hubs", __name__)


@pages.get("/")
@require(Right.LOOK)
def index() -> ResponseReturnValue:
    """List the hubs."""
    filters = _filters()
    book, seen = parts().book, scope()
    found = book.find(filters.query(seen))
    last = max(1, math.ceil(found.total / listing.HUBS_PER_PAGE))
    if filters.page > last:
        filters = replace(filters, page=last)
        found = book.find(filters.query(seen))
    return render_template(
        "noc/index.html",
        filters=filters,
        found=found,
        everything=sum(found.states.values()),
        pages_count=last,
        trail=trail.of(filters.area),
        headline=book.headline(seen, filters.area, parts().now_ms()),
        judged=judged(),
        problem_words=problem_words(),
        order_words=order_words(),
        aside=0 if seen.areas else sum(parts().store.aside_counts().values()),
        **page_words(),
    )


@pages.get("/hub.csv")
@require(Right.LOOK)
def table() -> ResponseReturnValue:
    """Send the filtered list as a table, by area: an order that does not change while it is being read."""
    query = replace(_filters(), order=Order.AREA, page=1).query(scope(), limit=ROWS_AT_ONCE)
    answer = Response(_lines(parts().book, query), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = "attachment; filename=hub.csv"
    return answer


def _filters() -> listing.Filters:
    filters = listing.read(request.args)
    if not listing.is_visible(scope(), filters.area):
        abort(404)
    return filters


def _lines(book: FleetBook, query: Query) -> Iterator[str]:
    yield BYTE_ORDER_MARK + _line(HEADERS)
    while True:
        found = book.find(query)
        yield "".join(_line(cells(row)) for row in found.rows)
        query = replace(query, offset=query.offset + query.limit)
        if query.offset >= found.total:
            return


def cells(row: Row) -> tuple[str, ...]:
    """Write one hub for a spreadsheet; moments in the hub's own time zone, "" for what is unknown."""
    card, standing = row.card, row.standing
    zone = ZoneInfo(card.timezone)

    def moment(time_ms: int | None) -> str:
        if time_ms is None:
            return ""
        return datetime.datetime.fromtimestamp(time_ms // 1000, zone).isoformat()

    return (
        card.hub_id, safe(card.name), card.kode_wilayah, standing.state.value,
        " ".join(problem.value for problem in standing.problems), moment(standing.since_ms),
        moment(standing.contact_ms), _number(card.residents), _number(standing.clients_online),
        _number(standing.received_kbit), _number(standing.sent_kbit), safe(card.provider),
        str(card.download_kbit or ""), str(card.upload_kbit or ""), version(standing.software_version),
    )  # fmt: skip


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _line(row: tuple[str, ...]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(row)
    return buffer.getvalue()
