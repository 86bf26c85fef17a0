"""The dispatch list: what a spreadsheet makes of it."""

from __future__ import annotations

import csv
import io

import pytest
from flask import Flask
from flask_babel import Babel
from hypothesis import given
from hypothesis import strategies as st

from noc.fleet import HubState
from noc.fleet_book.contract import Card, Contact, IncidentHub, Row, Standing
from noc.papers.cells import safe, version
from noc.papers.dispatch_csv import phone_text, write
from noc.rules.affected import Part


def _hub(i: int, district: str = "51.03.01", name: str = "Desa", contacts: tuple[Contact, ...] = ()) -> IncidentHub:
    card = Card(f"hub-{i}", name, f"{district}.2{i:03}", residents=100 * i, latitude=-8.5, longitude=115.25)
    return IncidentHub(Row(card, Standing(f"hub-{i}", HubState.NO_CONTACT, (), 0, 0, 0)), True, contacts)


def _written(*hubs: IncidentHub, by_district: bool = False) -> list[list[str]]:
    app = Flask("test")
    Babel(app, default_locale="id")
    with app.test_request_context():
        text = write(
            [(Part.DARK, hub) for hub in hubs],
            parts={Part.DARK: "Masih gelap"},
            since=lambda hub: "3 Agu 2026 14.05 WITA",
            area_name=lambda code: {"51.03.01": "Kuta"}.get(code, ""),
            by_district=by_district,
        )
    assert text.startswith("\ufeff") and text.endswith("\r\n")
    return list(csv.reader(io.StringIO(text[1:], newline=""), delimiter=";"))


def test_a_line_says_where_and_whom_to_call() -> None:
    contacts = (Contact(1, "hub-1", "Made", "Kaur", "+6281234567890"), Contact(2, "hub-1", "Ketut", "", "0361 22"))
    _, line = _written(_hub(1, contacts=contacts))
    assert line == [
        "1", "Kuta", "Desa", "51.03.01.2001", "hub-1", "100", "Masih gelap", "3 Agu 2026 14.05 WITA", "Made", "Kaur",
        "0812-3456-7890", "Ketut 0361 22", "", "8.50000S, 115.25000E", "",
    ]  # fmt: skip


def test_kecamatan_stay_together_in_the_order_of_their_first_hub() -> None:
    hubs = [_hub(1, "51.03.02"), _hub(2, "51.03.01"), _hub(3, "51.03.02")]
    assert [line[4] for line in _written(*hubs)[1:]] == ["hub-1", "hub-2", "hub-3"]
    assert [line[4] for line in _written(*hubs, by_district=True)[1:]] == ["hub-1", "hub-3", "hub-2"]
    assert [line[1] for line in _written(*hubs, by_district=True)[1:]] == ["51.03.02", "51.03.02", "Kuta"]


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
@pytest.mark.parametrize("between", ["", " ", '"', "\u00a0"])
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d"])
def test_no_part_of_a_cell_is_one_where_it_is_cut_at_another_separator(separator: str, between: str, sign: str) -> None:
    assert safe(f"x{separator}{between}{sign}1") == f"x{separator}'{between}{sign}1"
    assert safe("Jalan Raya 3; Kuta, 0812-3456") == "Jalan Raya 3; Kuta, 0812-3456"


def test_a_version_holds_nothing_but_a_version() -> None:
    assert version("1.2.0~rc1+g3f") == "1.2.0~rc1+g3f"
    assert version('1;=HYPERLINK("x")') == "1__HYPERLINK__x__" and version("=1") == "_1" and version("-1") == "'-1"


@pytest.mark.parametrize(
    "text", ["=1+1", "+62", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\uff1d1", '=HYPERLINK("x")']
)
def test_no_cell_is_a_formula(text: str) -> None:
    assert safe(text).startswith("'")
    assert not _written(_hub(1, name=text))[1][2].lstrip().startswith(("=", "+", "-", "@"))


@given(st.text(max_size=40))
def test_every_text_is_one_cell_of_one_line_that_nobody_calculates(text: str) -> None:
    cell = safe(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert "\r" not in cell and "\n" not in cell
    lines = _written(_hub(1, name=text.replace("\x00", "")))
    assert len(lines) == 2 and len(lines[1]) == 15


@pytest.mark.parametrize(
    ("phone", "said"),
    [
        ("+6281234567890", "0812-3456-7890"),
        ("+62361123456", "0361-1234-56"),
        ("+67070123456", "0067-0701-23456"),
        ("+62 812-0000-0001", "0812-0000-0001"),
        ("112", "112"),
    ],
)
def test_phones_keep_their_zero(phone: str, said: str) -> None:
    assert phone_text(phone) == said
