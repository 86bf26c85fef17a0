"""The roll-up of areas: what adds up, what is not known, and who sees it."""

from __future__ import annotations

import datetime
import re

import pytest

from noc.rules.sla import SlaClass
from noc.web import areas, strips
from tests.unit.noc.seed import NOW_MS
from tests.unit.noc.web.conftest import FleetApp


def numbers(page: str, name: str) -> list[str]:
    """The cells of a line of the last table."""
    table = page.rpartition("<table")[2]
    row = re.search(rf"<tr><th[^>]*><a[^>]*>{name}</a>.*?</tr>", table, re.DOTALL)
    assert row is not None, name
    return [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", row[0], re.DOTALL)]


def test_a_country_adds_its_provinces_up(fleet_app: FleetApp) -> None:
    page = fleet_app.visitor().get("/wilayah").text
    assert numbers(page, "Bali")[:4] == ["20", "7", "2", "0"]
    residents = sum(int(numbers(page, name)[4].replace(".", "")) for name in ("Bali", "Jawa Tengah", "Papua Tengah"))
    (said,) = re.findall(r"Penduduk terputus</div><div class=\"value\">([\d.]+)", page)
    assert int(said.replace(".", "")) == residents > 0
    assert re.search(r"Ketersediaan 99,\d\d\s% selama 90 hari", page)
    assert "Terputus paling lama sekarang" in page and "15 hari" in page


def test_children_lead_further_down_to_the_hub(fleet_app: FleetApp) -> None:
    visitor = fleet_app.visitor()
    for code, below in (("51", "/wilayah/51.03"), ("51.03", "/wilayah/51.03.02"), ("51.03.02", "/hub/hub-51030201")):
        assert f'<a href="{below}">' in visitor.get(f"/wilayah/{code}").text.rpartition("<table")[2], code


def test_availability_of_a_village_is_that_of_its_hub(fleet_app: FleetApp) -> None:
    cells = numbers(fleet_app.visitor().get("/wilayah/51.03.01").text, "Sukamaju Kuta Selatan")
    assert cells[0] == "1" and re.fullmatch(r"\d\d,\d\d\s%", cells[6]) and re.fullmatch(r"\d\d,\d\d\s%", cells[7])


@pytest.mark.parametrize("code", ["5", "99", "51.03.02.2001", "51.99"])
def test_where_there_is_nothing_there_is_no_page(fleet_app: FleetApp, code: str) -> None:
    assert fleet_app.visitor().get(f"/wilayah/{code}").status_code == 404


def test_a_district_account_sees_its_own_area_alone(fleet_app: FleetApp) -> None:
    visitor = fleet_app.visitor("viewer", "51.03")
    page = visitor.get("/wilayah").text
    assert numbers(page, "Bali")[0] == "10" and "Jawa Tengah" not in page
    assert visitor.get("/wilayah/51.07").status_code == 404


def test_days_without_a_word_stay_empty_and_unknown_does_not_press_the_rest_flat() -> None:
    whole = dict.fromkeys(SlaClass, 0)
    calm = whole | {SlaClass.UP: 86_000, SlaClass.LINK_LONG: 400}
    dark = whole | {SlaClass.UNKNOWN: 86_400}
    made = strips.stacks([calm, None, dark])
    assert made.top_percent == 1
    boxes = {layer.fill: layer.boxes for layer in made.layers}
    assert set(boxes) == {"link", "unknown"}
    assert boxes["link"][0].x == 0 and 40 < boxes["link"][0].height < 50
    assert boxes["unknown"][0].height == 100 and boxes["unknown"][0].y == 0


def test_today_is_the_areas_own() -> None:
    evening = datetime.datetime(2026, 8, 17, 16, 30, tzinfo=datetime.UTC).timestamp()
    days = {code: areas.today_of(code, evening).day for code in ("", "33", "61", "51", "64", "94")}
    assert days == {"": 17, "33": 17, "61": 17, "51": 18, "64": 18, "94": 18}


def test_an_area_of_yesterday_says_so(fleet_app: FleetApp) -> None:
    visitor = fleet_app.visitor()
    fleet_app.now_ms = NOW_MS + 600_000
    assert "Keadaan ini sudah lama" in visitor.get("/wilayah/51").text
