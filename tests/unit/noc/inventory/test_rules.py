"""What a table of hubs changes, and what is refused by line and column."""

from __future__ import annotations

from dataclasses import replace

import pytest

from noc.fleet_book.contract import Card, Contact
from noc.inventory import rules
from noc.inventory.rules import Changed, Plan
from noc.inventory.tables import Line

KUTA = Card("hub-0001", "Sukamaju", "51.03.01.2001", "Asia/Makassar", 1_200, "Telkom")
WAYAN = Contact(7, "hub-0001", "Wayan", "Kepala desa", "0812 0000 0001", 0)


def plan(*rows: dict[str, str]) -> Plan:
    lines = [Line(number, row) for number, row in enumerate(rows, 2)]
    return rules.plan(lines, {"hub-0001": KUTA}, {"hub-0001": (WAYAN,)})


def test_a_new_hub_needs_a_name_and_a_code_and_gets_its_zone() -> None:
    made = plan({"hub_id": "hub-0002", "name": "Wonosari", "kode_wilayah": "8201012001", "residents": "1.200"})
    assert made.added == (Card("hub-0002", "Wonosari", "82.01.01.2001", "Asia/Jayapura", 1_200),)
    refused = plan({"hub_id": "hub-0002", "residents": "5"}).refused
    assert [(each.line, each.column) for each in refused] == [(2, "name"), (2, "kode_wilayah")]


def test_an_empty_cell_leaves_what_is_there_and_a_dash_takes_it_away() -> None:
    assert plan({"hub_id": "hub-0001", "name": "Sukamaju", "residents": "", "provider": ""}).unchanged == 1
    made = plan({"hub_id": "hub-0001", "residents": "-", "provider": "-", "latitude": "-8,65", "longitude": "115,2"})
    assert made.replaced == (replace(KUTA, residents=None, provider="", latitude=-8.65, longitude=115.2),)
    assert made.changes[:2] == (
        Changed(2, "hub-0001", "residents", "1200", ""), Changed(2, "hub-0001", "provider", "Telkom", ""),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"residents": "banyak"}, "residents"),
        ({"residents": "2.000.000"}, "residents"),
        ({"residents": "-5"}, "residents"),
        ({"kode_wilayah": "51.03"}, "kode_wilayah"),
        ({"kode_wilayah": "-"}, "kode_wilayah"),
        ({"timezone": "Asia/Tokyo"}, "timezone"),
        ({"name": "#N/A"}, "name"),
        ({"latitude": "-8.65"}, "latitude"),
        ({"provider": "x" * 65}, "provider"),
        ({"contact_1_phone": "8,12E+11"}, "contact_1_phone"),
        ({"contact_2_name": "Made"}, "contact_2_phone"),
        ({"contact_1_phone": "telepon saja"}, "contact_1_phone"),
        ({"hub_id": "HUB 1"}, "hub_id"),
    ],
)
def test_what_is_refused_is_named_by_line_and_column(cells: dict[str, str], column: str) -> None:
    made = plan({"hub_id": "hub-0001", "name": "Lain"} | cells)
    assert column in {each.column for each in made.refused}
    assert {each.line for each in made.refused} == {2}
    assert not (made.added or made.replaced or made.contacts or made.changes)
    assert "8,12E" not in str(made.refused)


def test_a_hub_that_is_there_twice_is_refused() -> None:
    (refused,) = plan({"hub_id": "hub-0001", "residents": "5"}, {"hub_id": "hub-0001", "residents": "6"}).refused
    assert (refused.line, refused.why) == (3, "is hub-0001 again, after line 2")


def test_contacts_are_added_and_changed_and_not_named_in_reports() -> None:
    row = {"hub_id": "hub-0001", "contact_1_phone": "0812 9999 9999", "contact_2_name": "Made",
           "contact_2_phone": "+62 361 123456"}  # fmt: skip
    made = plan(row)
    assert made.contacts == (
        replace(WAYAN, phone="0812 9999 9999"), Contact(0, "hub-0001", "Made", "", "+62 361 123456", 1),
    )  # fmt: skip
    assert [(each.column, each.before, each.after) for each in made.changes] == [
        ("contact_1", "", ""), ("contact_2", "", ""),
    ]  # fmt: skip
    assert plan({"hub_id": "hub-0001", "contact_1_name": "Wayan", "contact_1_phone": WAYAN.phone}).unchanged == 1


@pytest.mark.parametrize(
    ("code", "zone"),
    [("11.01.01.2001", "Asia/Jakarta"), ("61.01.01.2001", "Asia/Jakarta"), ("51.03.01.2001", "Asia/Makassar"),
     ("63.01.01.2001", "Asia/Makassar"), ("76.01.01.2001", "Asia/Makassar"), ("91.01.01.2001", "Asia/Jayapura")],
)  # fmt: skip
def test_zones_of_provinces(code: str, zone: str) -> None:
    assert rules.timezone_of(code) == zone
    assert plan({"hub_id": "hub-0002", "name": "Baru", "kode_wilayah": code}).added[0].timezone == zone
    said = plan({"hub_id": "hub-0002", "name": "Baru", "kode_wilayah": code, "timezone": "wit"})
    assert said.added[0].timezone == "Asia/Jayapura"


def test_areas_are_read_with_and_without_dots() -> None:
    rows = [("51", "Bali"), ("5103", "Badung"), ("51.03.01", "Kuta"), ("5103012001", "Tuban"), ("5103", "Badung")]
    names, refused = rules.area_names(
        Line(number, {"code": code, "name": name}) for number, (code, name) in enumerate(rows)
    )
    assert (names, refused) == (
        {"51": "Bali", "51.03": "Badung", "51.03.01": "Kuta", "51.03.01.2001": "Tuban"}, [],
    )  # fmt: skip


@pytest.mark.parametrize(
    "rows",
    [[("5", "x")], [("51.3", "x")], [("51", "")], [("51.03.01.9001", "x")], [("51", "Bali"), ("51", "Jawa")],
     [("51", "x" * 65)], [("kode", "nama")]],
)  # fmt: skip
def test_nonsense_among_areas_is_refused(rows: list[tuple[str, str]]) -> None:
    _, refused = rules.area_names(Line(n, {"code": code, "name": name}) for n, (code, name) in enumerate(rows, 2))
    assert [each.line for each in refused] == [len(rows) + 1]
