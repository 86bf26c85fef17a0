"""The map: all provinces in their places, levels by share, unknown apart, and the same as a table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from noc.fleet import HubState
from noc.fleet_book.contract import AreaLine
from noc.web import map as tiles
from noc.web.map import Level
from tests.unit.noc.seed import NOW_MS
from tests.unit.noc.web.conftest import FleetApp

STATIC = Path(tiles.__file__).parent / "static"


def line(code: str, *, dark: int = 0, never: int = 0, online: int = 0) -> AreaLine:
    states = {
        HubState.NO_CONTACT: dark, HubState.ATTENTION: 0, HubState.NEVER: never, HubState.ONLINE: online,
    }  # fmt: skip
    return AreaLine(code, "", dark + never + online, states, 0, 0)


def test_all_38_provinces_have_a_place_of_their_own() -> None:
    css = (STATIC / "map.css").read_text()
    places = dict(re.findall(r"\.at-(\d\d) \{ grid-area: (\d+ / \d+); \}", css))
    assert set(places) == set(tiles.PROVINCES) and len(places) == 38
    assert len(set(places.values())) == 38


def test_the_grid_keeps_the_archipelago_recognisable() -> None:
    css = (STATIC / "map.css").read_text()
    at = {
        code: (int(row), int(column))
        for code, row, column in re.findall(r"\.at-(\d\d) \{ grid-area: (\d+) / (\d+)", css)
    }
    west_to_east = ["11", "12", "18", "36", "32", "33", "35", "51", "52", "53"]
    assert [at[code][1] for code in west_to_east] == sorted(at[code][1] for code in west_to_east)
    assert at["65"][0] < at["64"][0] < at["63"][0], "Kalimantan from north to south"
    assert at["71"][0] < at["72"][0] < at["73"][0], "Sulawesi from north to south"
    assert max(at[code][1] for code in at if code[0] not in "9") <= min(at[code][1] for code in at if code[0] == "9")


@pytest.mark.parametrize(
    ("hubs", "level"),
    [
        ({"online": 100}, Level.CALM), ({"online": 96, "dark": 4}, Level.FEW), ({"online": 95, "dark": 5}, Level.SOME),
        ({"online": 75, "dark": 25}, Level.MANY), ({"never": 9}, Level.UNKNOWN),
        ({"never": 9, "online": 1}, Level.CALM), ({"never": 8, "dark": 2}, Level.SOME), ({}, Level.NONE),
    ],
)  # fmt: skip
def test_a_level_is_the_share_without_contact(hubs: dict[str, int], level: Level) -> None:
    assert tiles.tile(line("51", **hubs)).level is level


def test_a_province_without_a_hub_is_land_too() -> None:
    made = tiles.archipelago([line("51", online=3), line("99", online=1)])
    assert len(made) == 39 and [each.code for each in made if each.hubs] == ["51", "99"]


def test_the_map_says_in_words_and_in_a_table_what_it_shows(fleet_app: FleetApp) -> None:
    page = fleet_app.visitor().get("/peta").text
    assert page.count('class="at-') == 38
    assert re.search(r'href="/peta/51" class="cell level-many".*?Bali.*?7 dari 20 hub tanpa kontak', page, re.DOTALL)
    assert 'level-calm"' in page.partition("/peta/33")[2][:40]
    table = page.partition("<table")[2]
    assert re.search(r"Bali</a>.*?>20</td>\s*<td[^>]*>7</td>", table, re.DOTALL)
    assert "<img" not in page and re.findall(r"url\((?!#f-)", page) == []


def test_from_the_country_down_to_a_hub(fleet_app: FleetApp) -> None:
    visitor = fleet_app.visitor()
    for code, below in (("51", "/peta/51.03"), ("51.03", "/peta/51.03.02"), ("51.03.02", "/hub/hub-51030201")):
        page = visitor.get(f"/peta/{code}").text
        assert f'href="{below}"' in page, code
    assert "Badung" in page and 'aria-current="location">Petang' in page
    assert visitor.get("/hub/hub-51030201").status_code == 200


@pytest.mark.parametrize("code", ["99", "5", "51.03.02.2001", "x", "51.99", "51.03.99"])
def test_where_there_is_nothing_there_is_no_page(fleet_app: FleetApp, code: str) -> None:
    assert fleet_app.visitor().get(f"/peta/{code}").status_code == 404


def test_a_district_account_has_no_map_of_others(fleet_app: FleetApp) -> None:
    visitor = fleet_app.visitor("viewer", "51.03.01")
    page = visitor.get("/peta").text
    assert re.search(r'href="/peta/51" .*?1 dari 5 hub', page, re.DOTALL)
    assert 'href="/peta/33"' not in page
    assert [visitor.get(f"/peta/{code}").status_code for code in ("51", "51.03", "51.03.01", "51.03.02", "33")] == [
        200, 200, 200, 404, 404,
    ]  # fmt: skip


def test_a_map_of_yesterday_says_so(fleet_app: FleetApp) -> None:
    visitor = fleet_app.visitor()
    fleet_app.now_ms = NOW_MS + 600_000
    page = visitor.get("/peta").text
    assert "Keadaan ini sudah lama" in page and "is-archipelago is-stale" in page


def test_style_sheets_are_small() -> None:
    assert sum(path.stat().st_size for path in STATIC.glob("*.css")) <= 30_000
