"""The list of hubs: filters in the address, counts, pages, the table, and how old what it says is."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from noc.fleet import HubState
from noc.fleet_book.contract import Card, Order, Scope, Standing
from noc.rules.problems import Problem
from noc.web import hubs, listing
from noc.web.listing import Filters
from tests.unit.noc.seed import NOW_MS
from tests.unit.noc.web.conftest import FleetApp
from tests.unit.noc.web.fleet import DARK_DISTRICT, DEED, SILENT, fleet

TEXTS = st.text(max_size=80) | st.sampled_from(["51", "51.03", "no_contact", "hot", "name", "-1", "99999999999"])
ADDRESSES = st.dictionaries(st.sampled_from(["area", "state", "masalah", "penyedia", "q", "urut", "hal"]), TEXTS)


def rows_of(page: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/hub/([^"]+)">', page)


def test_what_needs_somebody_comes_first(fleet_app: FleetApp) -> None:
    page = fleet_app.visitor().get("/").text
    looks = re.findall(r'<th scope="row">.*?<span class="word is-(\w+)">', page, re.DOTALL)
    order = ["bad", "warn", "unknown", "calm"]
    assert len(looks) == 25 and looks == sorted(looks, key=order.index) and set(looks) == set(order)
    assert "Hidup dan dipakai dalam 7 hari terakhir: 57 dari 60 hub" in page
    assert f"Keadaan dinilai {7} detik lalu" in page


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("state=no_contact", lambda made: made.standing.state is HubState.NO_CONTACT),
        (f"area={DARK_DISTRICT}", lambda made: made.card.kode_wilayah.startswith(DARK_DISTRICT)),
        ("masalah=hot", lambda made: Problem.HOT in made.standing.problems),
        (
            "penyedia=Lintas+Desa&state=attention",
            lambda made: made.card.provider == "Lintas Desa" and made.standing.state is HubState.ATTENTION,
        ),
        ("q=SUKAMAJU+NAPAN", lambda made: made.card.name == "Sukamaju Napan"),
        ("q=51.03.02.2004", lambda made: made.card.kode_wilayah == "51.03.02.2004"),
        ("q=%3Cb%3E", lambda _: False),
        ("area=11", lambda _: False),
    ],
)  # fmt: skip
def test_filters_stand_in_the_address_and_in_the_table(fleet_app: FleetApp, query: str, fits: object) -> None:
    visitor = fleet_app.visitor()
    expected = {made.card.hub_id for made in fleet() if fits(made)}  # type: ignore[operator]
    page = visitor.get(f"/?{query}").text
    assert set(rows_of(page)) == expected
    table = visitor.get(f"/hub.csv?{query}")
    assert table.content_type == "text/csv; charset=utf-8"
    lines = list(csv.DictReader(io.StringIO(table.text.removeprefix("\ufeff"))))
    assert {line["hub"] for line in lines} == expected


def test_counts_are_links_that_keep_the_other_filters(fleet_app: FleetApp) -> None:
    visitor = fleet_app.visitor()
    page = visitor.get("/?area=51&urut=residents&hal=1").text
    links = re.findall(r'<a href="([^"]+)"[^>]*>([^<]+)<b>(\d+)</b>', page)
    assert [int(count) for _, _, count in links] == [20, 7, 2, 0, 11]
    for address, _, count in links[1:]:
        followed = visitor.get(address.replace("&amp;", "&")).text
        assert len(rows_of(followed)) == int(count) and 'value="residents" selected' in followed


def test_pages_do_not_overlap_and_keep_the_filter(fleet_app: FleetApp) -> None:
    visitor = fleet_app.visitor()
    pages = [visitor.get(f"/?urut=name&hal={number}").text for number in (1, 2, 3)]
    assert [len(rows_of(page)) for page in pages] == [25, 25, 10]
    assert len({hub for page in pages for hub in rows_of(page)}) == 60
    assert rows_of(visitor.get("/?urut=name&hal=99").text) == rows_of(pages[2])
    (following,) = re.findall(r'<a href="([^"]+)" rel="next">', pages[0])
    assert rows_of(visitor.get(following.replace("&amp;", "&")).text) == rows_of(pages[1])


def test_what_means_nothing_is_ignored_and_said(fleet_app: FleetApp) -> None:
    page = fleet_app.visitor().get("/?state=%3Cb%3E&area=5.103&urut=name").text
    assert "tidak dikenal dan diabaikan" in page and "&lt;b&gt;" in page and "5.103" in page
    assert len(rows_of(page)) == 25


def test_a_watch_that_stands_still_is_said_and_fades(fleet_app: FleetApp) -> None:
    visitor = fleet_app.visitor()
    assert "is-stale" not in visitor.get("/").text
    fleet_app.now_ms = NOW_MS + 600_000
    page = visitor.get("/").text
    assert "Keadaan ini sudah lama" in page and "is-stale" in page


def test_a_district_account_sees_its_own_area_alone(fleet_app: FleetApp) -> None:
    visitor = fleet_app.visitor("operator", "51.03")
    page = visitor.get("/?urut=name").text
    assert set(rows_of(page)) == {made.card.hub_id for made in fleet() if made.card.kode_wilayah.startswith("51.03.")}
    assert visitor.get("/?area=51.07").status_code == 404
    assert visitor.get("/hub.csv?area=33").status_code == 404
    assert len(visitor.get("/hub.csv").text.splitlines()) == 11
    assert "disimpan terpisah" not in page


def test_the_table_is_whole_at_any_size_and_calculates_nothing(
    fleet_app: FleetApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "ROWS_AT_ONCE", 7)
    fleet_app.book.put_cards([Card("hub-jahat", "=1+1", "33.01.01.2009", provider="x; =SUM(A1)")], DEED)
    (said,) = fleet_app.book.standings(["hub-jahat"]).values()
    fleet_app.book.put_standings([replace(said, software_version="1;=HYPERLINK(1);")], NOW_MS)
    lines = list(csv.DictReader(io.StringIO(fleet_app.visitor().get("/hub.csv").text.removeprefix("\ufeff"))))
    assert len(lines) == 61 and len({line["hub"] for line in lines}) == 61
    assert [line["kode_wilayah"] for line in lines] == sorted(line["kode_wilayah"] for line in lines)
    (evil,) = (line for line in lines if line["hub"] == "hub-jahat")
    assert (evil["nama"], evil["penyedia"]) == ("'=1+1", "x;' =SUM(A1)")
    assert evil["versi"] == "1__HYPERLINK_1__"
    (heard,) = (line for line in lines if line["hub"] == "hub-94010101")
    assert heard["kontak_terakhir"].endswith("+09:00"), "a hub's own time"


@given(ADDRESSES)
def test_any_address_is_read_and_written_again(asked: dict[str, str]) -> None:
    filters = listing.read(MultiDict(asked))
    written = {name: str(value) for name, value in filters.address(page=filters.page).items() if value is not None}
    again = listing.read(MultiDict(written))
    assert again == Filters(**{name: getattr(filters, name) for name in Filters.__slots__ if name != "ignored"})
    assert filters.query(Scope()).offset >= 0 and listing.is_area(filters.area)


def test_only_what_hides_something_keeps_a_list_from_being_open() -> None:
    assert Filters().is_open and Filters(order=Order.NAME, page=4).is_open
    assert not Filters(area="51").is_open and Filters(area="51").more and not Filters(text="x").more


@pytest.mark.parametrize(
    ("areas", "code", "seen"),
    [((), "51", True), (("51.03",), "51", True), (("51.03",), "51.03.01", True), (("51.03",), "", True),
     (("51.03",), "51.07", False), (("51.03",), "5", False), (("51",), "51.03", True)],
)  # fmt: skip
def test_an_area_is_seen_where_a_part_of_it_is(areas: tuple[str, ...], code: str, seen: bool) -> None:
    assert listing.is_visible(Scope(areas), code) is seen


def test_a_silent_hub_of_a_copied_card_says_so_in_the_list_and_is_found_by_it(fleet_app: FleetApp) -> None:
    both = (Problem.NO_CONTACT, Problem.TWO_BOXES)
    standing = Standing(SILENT, HubState.NO_CONTACT, both, NOW_MS, NOW_MS - 9_000_000, NOW_MS, is_clone=True)
    fleet_app.book.put_standings([standing], NOW_MS)
    page = fleet_app.visitor().get("/?masalah=two_boxes").text
    assert page.count("<tr") == 2 and f'href="/hub/{SILENT}"' in page
    assert '<span class="reasons">Dua kotak memakai satu identitas</span>' in page
