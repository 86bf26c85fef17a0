"""The roll-up of an area: how its hubs are, how they were, and which of its parts need somebody."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import abort, render_template
from flask.typing import ResponseReturnValue

from noc.fleet import HubState
from noc.fleet_book.contract import AreaLine, AreaSum, Order, Query, Row
from noc.papers import words
from noc.rules.sla import Month, Sla, SlaClass
from noc.web import map as tiles
from noc.web import strips, trail
from noc.web.access import Right, require, scope
from noc.web.ages import judged
from noc.web.incident_words import problem_words
from noc.web.listing import is_area, is_visible
from noc.web.parts import blueprint, parts
from noc.web.words import page_words

DAYS: Final = 90
LONGEST: Final = 10
_KECAMATAN: Final = 2
# In whose days an area is counted: a hub's days are its own, the country's begin where the sun rises last of all.
_ZONES: Final = {"Asia/Jakarta": "123 61 62", "Asia/Makassar": "5 63 64 65 7", "Asia/Jayapura": "8 9"}

pages = blueprint("areas", __name__)


@dataclass(frozen=True, slots=True)
class Child:
    """A part of an area. Availability is in permille, None where nothing is known."""

    line: AreaLine
    address_of: str
    now: float | None
    before: float | None
    long_cuts: int


@dataclass(frozen=True, slots=True)
class Total:
    """An area as a whole."""

    hubs: int
    states: Mapping[HubState, int]
    residents_cut_off: int
    clients_online: int


@pages.get("/wilayah")
@require(Right.LOOK)
def country() -> ResponseReturnValue:
    """Sum the country up."""
    return _page("")


@pages.get("/wilayah/<code>")
@require(Right.LOOK)
def area(code: str) -> ResponseReturnValue:
    """Sum an area up."""
    if not code or not is_area(code) or code.count(".") > _KECAMATAN:
        abort(404)
    return _page(code)


def _page(code: str) -> ResponseReturnValue:
    book, seen = parts().book, scope()
    if not is_visible(seen, code):
        abort(404)
    lines = book.areas(seen, code)
    if code and not lines:
        abort(404)
    today = today_of(code, parts().clock())
    begin = today - datetime.timedelta(days=DAYS - 1)
    days = book.area_days(seen, code, begin.isoformat(), today.isoformat())
    return render_template(
        "noc/area.html",
        code=code,
        trail=trail.of(code),
        level_word=trail.level_word(code),
        total=total(lines),
        children=_children(code, lines, today),
        open_now=_longest_open(code),
        headline=book.headline(seen, code, parts().now_ms()),
        judged=judged(),
        problem_words=problem_words(),
        classes=words.classes(),
        month_names=(words.month(Month(today.year, today.month)), words.month(before(today))),
        **_strip(days, begin),
        **page_words(),
    )


def today_of(code: str, now: float) -> datetime.date:
    """Say which day it is in an area."""
    zone = next(
        (zone for zone, begins in _ZONES.items() if any(code.startswith(each) for each in begins.split())),
        "Asia/Jakarta",
    )
    return datetime.datetime.fromtimestamp(now, ZoneInfo(zone)).date()


def before(day: datetime.date) -> Month:
    """The month before a day's."""
    last = day.replace(day=1) - datetime.timedelta(days=1)
    return Month(last.year, last.month)


def total(lines: Sequence[AreaLine]) -> Total:
    """Add the parts of an area up."""
    return Total(
        sum(line.hubs for line in lines),
        {state: sum(line.states.get(state, 0) for line in lines) for state in HubState},
        sum(line.residents_cut_off for line in lines),
        sum(line.clients_online for line in lines),
    )


def availability(seconds: Mapping[SlaClass, int]) -> float | None:
    """Say how available hubs were, by the rule of the SLA (docs/sla.md), in permille; None where nothing is known."""
    return Sla(Month(1970, 1), {**dict.fromkeys(SlaClass, 0), **seconds}, 0, 0).availability_permille


def _children(code: str, lines: Sequence[AreaLine], today: datetime.date) -> list[Child]:
    first, last = today.replace(day=1), before(today)
    ended = first - datetime.timedelta(days=1)
    book, seen = parts().book, scope()
    now = {each.code: each for each in book.area_sums(seen, code, first.isoformat(), today.isoformat())}
    past = {each.code: each for each in book.area_sums(seen, code, f"{last}-01", ended.isoformat())}
    hubs = _hubs_of(code) if code.count(".") == _KECAMATAN else {}
    return [
        Child(
            _named(line),
            hubs.get(line.code, ""),
            _available(now.get(line.code)),
            _available(past.get(line.code)),
            now[line.code].long_cuts if line.code in now else 0,
        )
        for line in lines
    ]


def _named(line: AreaLine) -> AreaLine:
    name = line.name or tiles.PROVINCES.get(line.code, ("", line.code))[1]
    return AreaLine(line.code, name, line.hubs, line.states, line.residents_cut_off, line.clients_online)


def _hubs_of(code: str) -> dict[str, str]:
    """The first hub of each village of a kecamatan, by the village's code."""
    found = parts().book.find(Query(scope(), area=code, order=Order.AREA, limit=tiles.VILLAGES_MAX))
    return {row.card.kode_wilayah: row.card.hub_id for row in reversed(found.rows)}


def _available(added: AreaSum | None) -> float | None:
    return None if added is None else availability(added.seconds)


def _longest_open(code: str) -> tuple[Row, ...]:
    """The hubs without contact that were heard longest ago."""
    query = Query(scope(), area=code, states=(HubState.NO_CONTACT,), order=Order.CONTACT, limit=LONGEST)
    return parts().book.find(query).rows


def _strip(days: Sequence[AreaSum], begin: datetime.date) -> dict[str, Any]:
    by_day = {each.day: each.seconds for each in days}
    dates = [begin + datetime.timedelta(days=place) for place in range(DAYS)]
    columns = [by_day.get(each.isoformat()) for each in dates]
    known = [(date, share) for date, each in zip(dates, columns, strict=True) if each and (share := availability(each))]
    worst = min(known, key=lambda pair: pair[1], default=None)
    return {
        "stacks": strips.stacks(columns),
        "dates": [dates[place] for place in (0, 30, 60, 89)],
        "period": strips.add(each for each in columns if each),
        "available": availability(strips.add(each for each in columns if each)),
        "worst": worst,
        "days_known": sum(each is not None for each in columns),
    }
