"""The SLA of a month: an area by its parts and by its hubs, one hub with its versions, and both as CSV and PDF."""

from __future__ import annotations

import datetime
import math
from dataclasses import replace
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Response, abort, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from noc.fleet_book.contract import Order, Query
from noc.papers import sla_csv, sla_pdf, words
from noc.papers.months import HubMonth, kept_month, with_timeline
from noc.rules import sla
from noc.rules.sla import Month, SlaClass
from noc.web import times
from noc.web.access import Right, require, scope
from noc.web.hub_people import card_of
from noc.web.listing import is_area, is_visible
from noc.web.parts import blueprint, parts

HUBS_PER_PAGE: Final = 25
ZONE: Final = "Asia/Jakarta"
FIRST_MONTH: Final = Month(2020, 1)
# In the order in which they are read: what works, what the provider answers for, what nobody is asked for.
SHOWN: Final = tuple(SlaClass)

pages = blueprint("sla", __name__)


@pages.get("/sla")
@require(Right.LOOK)
def index() -> ResponseReturnValue:
    """Show a month of an area: all of it, its parts, and a page of its hubs."""
    area, month, ignored = _asked()
    book = parts().book
    sums = book.month_sums(scope(), area, str(month))
    number = max(1, min(request.args.get("hal", 1, int), 1_000_000))
    query = Query(scope(), area=area, order=Order.AREA, offset=(number - 1) * HUBS_PER_PAGE, limit=HUBS_PER_PAGE)
    found = book.find(query)
    last = max(1, math.ceil(found.total / HUBS_PER_PAGE))
    if number > last:
        number = last
        found = book.find(replace(query, offset=(last - 1) * HUBS_PER_PAGE))
    versions = book.versions([row.card.hub_id for row in found.rows], str(month))
    total = sla.add((each.sla for each in sums), month)
    return render_template(
        "noc/sla.html",
        area=area,
        area_name=_area_name(area),
        above=_above(area),
        month=month,
        ignored=ignored,
        sums=sums if area.count(".") < 2 else (),
        total=total,
        counted=sum(each.hubs for each in sums),
        hubs=[(row.card, versions.get(row.card.hub_id)) for row in found.rows],
        hubs_total=found.total,
        page_number=number,
        pages_count=last,
        can_download=bool(area) or bool(scope().areas),
        **_words(month),
    )


@pages.get("/sla.csv")
@require(Right.LOOK)
def table() -> ResponseReturnValue:
    """Write the table of an area's hubs, or of one hub."""
    name, months, _ = _papers()
    return _download(sla_csv.write(months).encode(), "text/csv; charset=utf-8", f"{name}.csv")


@pages.get("/sla.pdf")
@require(Right.LOOK)
def paper() -> ResponseReturnValue:
    """Draw the page of an area, or of one hub."""
    name, months, area = _papers()
    made_at = datetime.datetime.fromtimestamp(int(parts().clock()), datetime.UTC)
    if request.args.get("hub"):
        page = sla_pdf.hub_page(
            with_timeline(parts().book, card_of(months[0].hub.hub_id), months[0], parts().now_ms()), made_at
        )
    else:
        _, month, _ = _asked()
        page = sla_pdf.area_page(area, months, month, made_at)
    return _download(page, "application/pdf", f"{name}.pdf")


@pages.get("/sla/hub/<hub_id>")
@require(Right.LOOK)
def hub(hub_id: str) -> ResponseReturnValue:
    """Show a month of one hub, and what each version changed."""
    card = card_of(hub_id)
    _, month, ignored = _asked()
    versions = parts().book.all_versions(hub_id, str(month))
    return render_template(
        "noc/sla_hub.html",
        card=card,
        month=month,
        ignored=ignored,
        versions=tuple(reversed(versions)),
        latest=versions[-1] if versions else None,
        zone_word=words.zone(card.timezone),
        exact=lambda time_ms: times.exact(time_ms, card.timezone),
        **_words(month),
    )


def _asked() -> tuple[str, Month, str]:
    """Area and month of the address; what is no month is said, and the one of now is shown."""
    area, text = request.args.get("area", "").strip(), request.args.get("bulan", "").strip()
    if not is_area(area) or not is_visible(scope(), area):
        abort(404)
    now = datetime.datetime.fromtimestamp(parts().clock(), ZoneInfo(ZONE))
    this = Month(now.year, now.month)
    if not text:
        return area, this, ""
    try:
        month = Month.parse(text)
    except ValueError:
        return area, this, text[:20]
    return (area, month, "") if FIRST_MONTH <= month <= this else (area, this, text[:20])


def _words(month: Month) -> dict[str, Any]:
    now = datetime.datetime.fromtimestamp(parts().clock(), ZoneInfo(ZONE))
    after, before = _shifted(month, 1), _shifted(month, -1)
    return {
        "classes": SHOWN,
        "class_words": words.classes(),
        "short_words": short_words(),
        "about": about(),
        "percent": words.percent,
        "duration_exact": words.duration,
        "month_word": words.month(month),
        "before": before if before >= FIRST_MONTH else None,
        "after": after if after <= Month(now.year, now.month) else None,
    }


def short_words() -> dict[SlaClass, str]:
    """Each class in a table's head."""
    return {
        SlaClass.UP: gettext("Berfungsi"),
        SlaClass.LINK_LONG: gettext("Putus > 300 dtk"),
        SlaClass.LINK_SHORT: gettext("Putus ≤ 300 dtk"),
        SlaClass.UNUSABLE: gettext("Tidak layak"),
        SlaClass.POWER: gettext("Listrik"),
        SlaClass.MAINTENANCE: gettext("Pemeliharaan"),
        SlaClass.UNKNOWN: gettext("Tidak diketahui"),
        SlaClass.AHEAD: gettext("Belum berlalu"),
    }


def about() -> dict[SlaClass, str]:
    """What each class means."""
    return {
        SlaClass.UP: gettext("Jaringan berfungsi."),
        SlaClass.LINK_LONG: gettext("Putus lebih lama dari 300 detik. Ini yang mengurangi ketersediaan."),
        SlaClass.LINK_SHORT: gettext("Putus paling lama 300 detik. Menurut kebiasaan kontrak tidak dihitung."),
        SlaClass.UNUSABLE: gettext(
            "Tersambung, tetapi di bawah separuh kecepatan kontrak, 30 % paket hilang, atau dihadang halaman lain."
        ),
        SlaClass.POWER: gettext("Hub tanpa listrik atau dimatikan dengan tertib; bukan tanggungan penyedia."),
        SlaClass.MAINTENANCE: gettext("Pekerjaan yang dijadwalkan sebelumnya, atau dimulai ulang atas permintaan."),
        SlaClass.UNKNOWN: gettext("Tidak ada catatan. Tidak ditebak; berkurang kalau catatan yang terlambat datang."),
        SlaClass.AHEAD: gettext("Bulan ini belum selesai."),
    }


def _shifted(month: Month, by: int) -> Month:
    count = month.year * 12 + month.month - 1 + by
    return Month(count // 12, count % 12 + 1)


def _papers() -> tuple[str, list[HubMonth], str]:
    """Name of the file, the months in it, and what the area is called. 404 where there is nothing to write."""
    area, month, ignored = _asked()
    hub_id = request.args.get("hub", "")
    if ignored or not (area or hub_id or scope().areas):
        abort(404)  # the whole country is one click a province
    book = parts().book
    if hub_id:
        card = card_of(hub_id)
        version = book.versions([hub_id], str(month)).get(hub_id)
        months = [] if version is None else [kept_month(card, version)]
        name = hub_id
    else:
        months = [kept_month(each.card, each.version) for each in book.sla_of_area(scope(), area, str(month))]
        name = area or "wilayah"
    if not months:
        abort(404)
    return f"sla-{name}-{month}", months, _area_name(area)


def _area_name(area: str) -> str:
    if not area:
        return ", ".join(_named(each) for each in scope().areas) or "Indonesia"
    return _named(area)


def _named(area: str) -> str:
    name = parts().book.area_name(area)
    return f"{name} ({area})" if name else area


def _above(area: str) -> list[tuple[str, str]]:
    """The areas above this one that the account sees, with their names."""
    steps = area.split(".")
    codes = ["", *(".".join(steps[:depth]) for depth in range(1, len(steps)))] if area else []
    return [(code, _named(code) if code else "Indonesia") for code in codes if is_visible(scope(), code)]


def _download(content: bytes, kind: str, name: str) -> Response:
    response: Response = make_response(content)
    response.content_type = kind
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
