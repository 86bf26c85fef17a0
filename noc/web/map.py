"""The map: provinces as tiles in the shape of the archipelago, below them kabupaten, kecamatan and villages in order.

A tile is a link and a sentence. There is never a marker for each hub, and nothing comes from elsewhere (ADR 0048).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flask import abort, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from noc.fleet import HubState
from noc.fleet_book.contract import AreaLine, Order, Query
from noc.web import trail
from noc.web.access import Right, require, scope
from noc.web.ages import judged
from noc.web.incident_words import problem_words
from noc.web.listing import is_area, is_visible
from noc.web.parts import blueprint, parts
from noc.web.words import page_words

# Short names by the ministry's code. Where each stands is in static/map.css.
PROVINCES: Final = {
    "11": ("Aceh", "Aceh"), "12": ("Sumut", "Sumatera Utara"), "13": ("Sumbar", "Sumatera Barat"),
    "14": ("Riau", "Riau"), "15": ("Jambi", "Jambi"), "16": ("Sumsel", "Sumatera Selatan"),
    "17": ("Bengkulu", "Bengkulu"), "18": ("Lampung", "Lampung"), "19": ("Babel", "Kepulauan Bangka Belitung"),
    "21": ("Kepri", "Kepulauan Riau"), "31": ("DKI", "DKI Jakarta"), "32": ("Jabar", "Jawa Barat"),
    "33": ("Jateng", "Jawa Tengah"), "34": ("DIY", "DI Yogyakarta"), "35": ("Jatim", "Jawa Timur"),
    "36": ("Banten", "Banten"), "51": ("Bali", "Bali"), "52": ("NTB", "Nusa Tenggara Barat"),
    "53": ("NTT", "Nusa Tenggara Timur"), "61": ("Kalbar", "Kalimantan Barat"), "62": ("Kalteng", "Kalimantan Tengah"),
    "63": ("Kalsel", "Kalimantan Selatan"), "64": ("Kaltim", "Kalimantan Timur"),
    "65": ("Kaltara", "Kalimantan Utara"), "71": ("Sulut", "Sulawesi Utara"), "72": ("Sulteng", "Sulawesi Tengah"),
    "73": ("Sulsel", "Sulawesi Selatan"), "74": ("Sultra", "Sulawesi Tenggara"), "75": ("Goront.", "Gorontalo"),
    "76": ("Sulbar", "Sulawesi Barat"), "81": ("Maluku", "Maluku"), "82": ("Malut", "Maluku Utara"),
    "91": ("Papua", "Papua"), "92": ("Pabar", "Papua Barat"), "93": ("Pasel", "Papua Selatan"),
    "94": ("Papteng", "Papua Tengah"), "95": ("Papeg", "Papua Pegunungan"), "96": ("PBD", "Papua Barat Daya"),
}  # fmt: skip
VILLAGES_MAX: Final = 500
_KECAMATAN: Final = 2
SOME: Final = 0.05
MANY: Final = 0.25

pages = blueprint("map", __name__)


class Level(enum.StrEnum):
    """How an area looks, by the share of its hubs without contact."""

    NONE = "none"  # no hub is there
    CALM = "calm"
    FEW = "few"
    SOME = "some"
    MANY = "many"
    UNKNOWN = "unknown"  # of no hub anything was ever heard


@dataclass(frozen=True, slots=True)
class Tile:
    """An area on the map. Shares are of 1, for its bar."""

    code: str
    short: str
    name: str
    hubs: int
    cut_off: int
    attention: int
    unknown: int
    residents_cut_off: int
    level: Level

    @property
    def cut_off_share(self) -> float:
        """How many of its hubs have no contact."""
        return self.cut_off / self.hubs if self.hubs else 0.0

    @property
    def unknown_share(self) -> float:
        """Of how many of its hubs nothing was ever heard."""
        return self.unknown / self.hubs if self.hubs else 0.0


def tile(line: AreaLine) -> Tile:
    """Make the tile of an area."""
    short, name = PROVINCES.get(line.code, ("", ""))
    cut_off, unknown = line.states.get(HubState.NO_CONTACT, 0), line.states.get(HubState.NEVER, 0)
    return Tile(
        line.code, short, line.name or name or line.code, line.hubs, cut_off, line.states.get(HubState.ATTENTION, 0),
        unknown, line.residents_cut_off, level(line.hubs, cut_off, unknown),
    )  # fmt: skip


def level(hubs: int, cut_off: int, unknown: int) -> Level:
    """Say how an area looks. What nobody ever heard of is no cut."""
    if not hubs:
        return Level.NONE
    if unknown == hubs:
        return Level.UNKNOWN
    share = cut_off / hubs
    if not cut_off:
        return Level.CALM
    return Level.FEW if share < SOME else Level.SOME if share < MANY else Level.MANY


def archipelago(lines: Sequence[AreaLine]) -> tuple[Tile, ...]:
    """Make the tiles of all provinces, those without a hub too: a hole would say that there is no land."""
    known: Mapping[str, AreaLine] = {line.code: line for line in lines}
    none = dict.fromkeys(HubState, 0)
    return tuple(tile(known.get(code, AreaLine(code, "", 0, none, 0, 0))) for code in sorted({*PROVINCES, *known}))


@pages.get("/peta")
@require(Right.LOOK)
def country() -> ResponseReturnValue:
    """Show all provinces."""
    tiles = archipelago(parts().book.areas(scope(), ""))
    return _page("", tiles, is_archipelago=True)


@pages.get("/peta/<code>")
@require(Right.LOOK)
def area(code: str) -> ResponseReturnValue:
    """Show the areas of a province or kabupaten, or the villages of a kecamatan."""
    if not code or not is_area(code) or code.count(".") > _KECAMATAN or not is_visible(scope(), code):
        abort(404)
    lines = parts().book.areas(scope(), code)
    if not lines:
        abort(404)
    if code.count(".") < _KECAMATAN:
        return _page(code, tuple(tile(line) for line in lines))
    found = parts().book.find(Query(scope(), area=code, order=Order.AREA, limit=VILLAGES_MAX))
    return render_template(
        "noc/villages.html",
        code=code,
        trail=trail.of(code),
        rows=found.rows,
        judged=judged(),
        problem_words=problem_words(),
        **page_words(),
    )


def _page(code: str, tiles: Sequence[Tile], *, is_archipelago: bool = False) -> ResponseReturnValue:
    return render_template(
        "noc/map.html",
        code=code,
        trail=trail.of(code),
        level_word=trail.level_word(code),
        tiles=tiles,
        is_archipelago=is_archipelago,
        judged=judged(),
        level_words={
            Level.CALM: gettext("tidak ada yang terputus"),
            Level.FEW: gettext("di bawah 5 % terputus"),
            Level.SOME: gettext("5 sampai 25 % terputus"),
            Level.MANY: gettext("lebih dari 25 % terputus"),
            Level.UNKNOWN: gettext("belum ada kabar dari satu pun"),
            Level.NONE: gettext("belum ada hub"),
        },
        **page_words(),
    )
