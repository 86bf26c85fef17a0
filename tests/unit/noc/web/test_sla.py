"""The SLA of a month: classes that add up, versions that say what changed, papers, and what a district may see."""

from __future__ import annotations

import csv
import datetime
import io
import re

import pytest

from noc.fleet_book.contract import Scope
from noc.fleet_book.sqlite import SqliteFleetBook
from noc.rules.sla import Month, Sla, SlaClass, Version, revise
from tests.unit.noc.seed import NOW_MS
from tests.unit.noc.web.conftest import FleetApp
from tests.unit.noc.web.fleet import DETAILED, fleet
from tests.unit.noc.web.visiting import Visit, logged_in

APRIL, MAY = Month(2026, 4), Month(2026, 5)


def seed_months(book: SqliteFleetBook) -> None:
    """Make a first version of two months from the days, and a second one of `DETAILED` in which 600 s came to light."""
    for month in (APRIL, MAY):
        first, last = f"{month}-01", f"{month}-{(datetime.date(2026, month.month + 1, 1) - datetime.timedelta(1)).day}"
        made = {}
        for each in fleet():
            days = book.days(Scope(), each.card.kode_wilayah, first, last, each.card.hub_id)
            if days:
                begin_ms, end_ms = month.bounds_ms(each.card.timezone)
                seconds = {sla_class: sum(day.seconds[sla_class] for day in days) for sla_class in SlaClass}
                seconds[SlaClass.AHEAD] += (end_ms - begin_ms) // 1000 - sum(seconds.values())
                cuts = sum(day.long_cuts for day in days), sum(day.short_cuts for day in days)
                made[each.card.hub_id] = Version(1, NOW_MS - 10_000_000, Sla(month, seconds, *cuts))
        book.put_versions(made)
        before = made[DETAILED]
        later = dict(before.sla.seconds)
        later[SlaClass.POWER] -= 600
        later[SlaClass.UP] += 600
        sla = Sla(month, later, before.sla.long_cuts, before.sla.short_cuts)
        second = revise(before, sla, NOW_MS - 5_000_000)
        assert second is not None
        book.put_versions({DETAILED: second})


@pytest.fixture
def months(viewer: Visit) -> Visit:
    seed_months(viewer.book)
    return viewer


def seconds(text: str) -> int:
    """Read ``2 hari 03.04.05``."""
    days, _, clock = text.rpartition(" hari ")
    hours, minutes, rest = map(int, clock.split("."))
    return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + rest


@pytest.mark.parametrize("path", ["/sla?area=51", "/sla", f"/sla/hub/{DETAILED}", "/sla?area=51.03.01&bulan=2026-04"])
def test_the_classes_add_up_to_the_month(months: Visit, path: str) -> None:
    page = months.client.get(path).text
    (table,) = re.findall(r'<table class="table account">(.*?)</table>', page, re.DOTALL)
    amounts = [seconds(each) for each in re.findall(r'data-label="Lama">(?:<b>)?([\d. hari]+?)(?:</b>)?<', table)]
    assert sum(amounts[:-1]) == amounts[-1] > 0
    assert table.count('class="soft"') >= 7  # each class says what it means


def test_a_page_of_hubs_behind_the_last_is_the_last(months: Visit) -> None:
    last, behind = (months.client.get(f"/sla?area=51&bulan=2026-05&hal={number}").text for number in (1, 999))
    hubs = re.findall(r"/sla/hub/(hub-\d+)", last)
    assert len(set(hubs)) == 20 and re.findall(r"/sla/hub/(hub-\d+)", behind) == hubs


def test_areas_add_up_to_the_area_above(months: Visit) -> None:
    book = months.book
    whole = {each.code: each.sla for each in book.month_sums(Scope(), "", str(MAY))}["51"]
    parts = book.month_sums(Scope(), "51", str(MAY))
    assert {sla_class: sum(p.sla.seconds[sla_class] for p in parts) for sla_class in SlaClass} == dict(whole.seconds)
    page = months.client.get("/sla?area=51").text
    assert re.findall(r'href="/sla\?area=(51\.\d\d)&amp;bulan=2026-05"', page) == ["51.03", "51.07"]
    assert "SLA Mei 2026: Bali (51)" in page


def test_months_stand_in_the_address_and_nonsense_is_said(months: Visit) -> None:
    april = months.client.get("/sla?area=51&bulan=2026-04").text
    assert "SLA April 2026" in april and "bulan=2026-05" in april and "bulan=2026-03" in april
    for text in ("2026-13", "x", "2026-06", "2019-12", "<b>"):
        page = months.client.get("/sla", query_string={"area": "51", "bulan": text}).text
        assert "SLA Mei 2026" in page and "diabaikan" in page and "<b>&#34;" not in page
    assert "diabaikan" not in april and "Bulan berikutnya" not in months.client.get("/sla?area=51").text
    assert "Belum ada hitungan" in months.client.get("/sla?area=51&bulan=2025-01").text


def test_versions_say_what_changed_and_when(months: Visit) -> None:
    page = months.client.get(f"/sla/hub/{DETAILED}?bulan=2026-04").text
    assert (
        "Versi 2" in page and "berfungsi +600 detik" in page and "listrik padam atau perangkat dimatikan -600" in page
    )
    assert "hitungan pertama" in page and "waktu WITA" in page
    assert page.index("Versi 2") < page.index("Versi 1")
    running = months.client.get(f"/sla/hub/{DETAILED}?bulan=2026-05").text
    assert "Versi 2" in running and "Versi 1" not in running


def test_the_table_has_a_line_for_each_hub_in_whole_seconds(months: Visit) -> None:
    answer = months.client.get("/sla.csv?area=51&bulan=2026-05")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode().removeprefix("\ufeff"), newline="")))
    assert len(rows) == 20 and answer.headers["Content-Disposition"] == 'attachment; filename="sla-51-2026-05.csv"'
    for row in rows:
        parts = [int(row[name]) for name in row if name.endswith("_detik") and name != "jumlah_detik"]
        assert sum(parts) == int(row["jumlah_detik"]) == 31 * 86_400
    one = months.client.get(f"/sla.csv?hub={DETAILED}&bulan=2026-05").data.decode()
    assert one.count("\r\n") == 2 and DETAILED in one


@pytest.mark.parametrize("query", ["area=51", "area=51.03.01", f"hub={DETAILED}"])
def test_papers_are_pdf(months: Visit, query: str) -> None:
    answer = months.client.get(f"/sla.pdf?{query}&bulan=2026-05")
    assert answer.data.startswith(b"%PDF") and answer.content_type == "application/pdf"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "query", ["", "area=x", "area=99", "hub=hub-nix", "area=51&bulan=2025-01", "area=51&bulan=x", "hub=../../etc"]
)
def test_what_has_no_paper_is_not_there(months: Visit, query: str) -> None:
    for kind in ("csv", "pdf"):
        assert months.client.get(f"/sla.{kind}?{query}").status_code == 404


def test_a_district_sees_its_own_months(fleet_app: FleetApp) -> None:
    seed_months(fleet_app.book)
    district = logged_in(fleet_app, "viewer", "51.03")
    page = district.client.get("/sla").text
    assert "Hub yang dihitung" in page and re.search(r'<div class="value">10</div>', page)
    for path in (
        "/sla?area=51.07",
        "/sla?area=33",
        "/sla/hub/hub-33010101",
        "/sla.csv?area=51.07",
        "/sla.pdf?hub=hub-33010101",
    ):
        assert district.client.get(path).status_code == 404
    rows = district.client.get("/sla.csv?bulan=2026-05").data.decode().splitlines()[1:]
    assert len(rows) == 10 and all(row.startswith("51.03.") for row in rows)
    above = district.client.get("/sla?area=51").text
    assert re.search(r'<div class="value">10</div>', above) and "51.07" not in above


def test_strangers_read_nothing(fleet_app: FleetApp) -> None:
    for path in ("/sla", "/sla.csv?area=51", "/sla.pdf?area=51", f"/sla/hub/{DETAILED}"):
        assert fleet_app.app.test_client().get(path).headers["Location"] == "/masuk"
