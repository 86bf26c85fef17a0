"""What a district's account sees: its own areas, on every page there is and every one that will be added.

Addresses come from the application itself. A page with a name in its address that is not known here fails the test:
whoever adds one says below what a foreign one would be.
"""

from __future__ import annotations

import re
from typing import Final

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from noc.fleet_book.contract import Contact, KeptWindow, Note, Scope
from noc.rules.alert_state import Deed, Incident
from noc.rules.groups import Group, GroupKind
from noc.rules.problems import Problem
from noc.rules.states import Window
from noc.web.access import Right, right_of
from tests.unit.noc.seed import NOW_MS
from tests.unit.noc.web.conftest import FleetApp
from tests.unit.noc.web.staff import token_of
from tests.unit.noc.web.visiting import send

MINE: Final = "33.01"
FOREIGN_HUB: Final = "hub-51030101"
FOREIGN_AREA: Final = "51.03"
FOREIGN_NAMES: Final = ("Kuta Selatan", "Petang", "Rendang", "Sidemen", "Napan", "Mulia", "Lumbir", "Wangon")
SECRET: Final = "Ketut Rahasia"
# Open to everybody, or to everybody who has a password, or with a door of their own: they name no hub.
OPEN: Final = re.compile(r"(faces\.)?static|login\.\w+|second\.\w+|api\.document|metrics", re.ASCII)
# Without a right of their own, since screens on a wall have no account; whoever has one sees its areas there too.
WALL: Final = frozenset({"wall.show", "wall.open_screen"})
NAMES_OF_NO_HUB: Final = frozenset({"problem"})  # in an address, such as those of the runbook


@pytest.fixture
def foreign(fleet_app: FleetApp) -> dict[str, str]:
    """For each name in an address one of another district, with something to see there."""
    book, deed = fleet_app.book, Deed(NOW_MS, "kepala", "uji", "uji")
    book.put_contact(Contact(0, FOREIGN_HUB, SECRET, "kepala desa", "0812-3456-7890"), deed)
    window = Window(NOW_MS, NOW_MS + 3_600_000)
    window_id = book.put_window(KeptWindow(0, FOREIGN_AREA, "", window, "kepala", SECRET), deed)
    book.put_note(Note(0, NOW_MS, "kepala", SECRET), deed)
    numbers = [
        each.incident.number
        for is_open in (True, False)
        for each in book.incidents(Scope(), is_open=is_open)
        if not any(hub_id.startswith("hub-3301") for hub_id in each.incident.everyone)
    ]
    return {
        "hub_id": FOREIGN_HUB,
        "code": FOREIGN_AREA,
        "number": str(numbers[0]),
        "window_id": str(window_id),
        "month": "2026-05",
        "which": "bandwidth",
        "name": "kepala",
        "token": "x",
        "rest": "x",
        "problem": "no_contact",
    }


def address(rule: Rule, names: dict[str, str]) -> str:
    path = re.sub(r"<(?:[^:<>]+(?:\([^)]*\))?:)?(\w+)>", lambda found: names[found[1]], rule.rule)
    return f"{path}?samples=uplink_up" if path.endswith("/series") else path


def rules(fleet_app: FleetApp, method: str) -> list[Rule]:
    every = fleet_app.app.url_map.iter_rules()
    return [rule for rule in every if method in (rule.methods or ()) and not OPEN.fullmatch(rule.endpoint)]


def district(fleet_app: FleetApp, role: str) -> FlaskClient:
    client = fleet_app.visitor(role, MINE)
    # What a link of the pages themselves would open.
    assert "hub-3301" in client.get("/hub.csv").text
    return client


def test_every_page_asks_a_right(fleet_app: FleetApp) -> None:
    views = fleet_app.app.view_functions
    every = {rule.endpoint for rule in fleet_app.app.url_map.iter_rules()}
    unguarded = {each for each in every if right_of(views[each]) is None and not OPEN.fullmatch(each)}
    assert unguarded == WALL


def test_strangers_are_led_to_the_login_from_everywhere(fleet_app: FleetApp, foreign: dict[str, str]) -> None:
    client = fleet_app.app.test_client()
    for rule in rules(fleet_app, "GET"):
        answer = client.get(address(rule, foreign))
        assert answer.status_code in (303, 401, 403, 404), rule
        assert not seen_in(answer.text), rule


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_what_lies_outside_is_not_there(fleet_app: FleetApp, foreign: dict[str, str], role: str) -> None:
    client, tried = district(fleet_app, role), 0
    for rule in rules(fleet_app, "GET"):
        answer = client.get(address(rule, foreign))
        right = right_of(fleet_app.app.view_functions[rule.endpoint])
        assert not seen_in(answer.text), rule
        if rule.arguments - NAMES_OF_NO_HUB:
            refused = (404,) if right is Right.LOOK else (403, 404)
            assert answer.status_code in refused, (rule, answer.status_code)
            tried += 1
        else:
            # A page says that it does not exist for one who has not this right; else it is there.
            assert answer.status_code in (200, 303, 400, 403, 404), (rule, answer.status_code)
    assert tried > 20


@pytest.mark.parametrize(
    "query",
    [
        {"area": FOREIGN_AREA}, {"area": "51"}, {"q": "Kuta"}, {"sort": "x"}, {"wilayah": FOREIGN_AREA},
        {"parent": FOREIGN_AREA}, {"bulan": "2026-05", "area": FOREIGN_AREA},
    ],
)  # fmt: skip
def test_no_filter_reaches_outside(fleet_app: FleetApp, foreign: dict[str, str], query: dict[str, str]) -> None:
    client = district(fleet_app, "operator")
    for rule in rules(fleet_app, "GET"):
        if not rule.arguments:
            answer = client.get(rule.rule, query_string=query)
            assert answer.status_code < 500 and not seen_in(answer.text), rule


def test_nothing_outside_can_be_changed(fleet_app: FleetApp, foreign: dict[str, str]) -> None:
    client, book = district(fleet_app, "operator"), fleet_app.book
    token = token_of(client.get("/sandi").text)
    fields = {
        "csrf_token": token, "area": FOREIGN_AREA, "hub_id": FOREIGN_HUB, "hub": FOREIGN_HUB, "why": "coba",
        "wilayah": FOREIGN_AREA, "alasan": "coba", "tujuan": FOREIGN_AREA, "mulai": "2026-05-29T08:00",
        "selesai": "2026-05-29T10:00", "from": "2026-05-29T08:00", "until": "2026-05-29T10:00", "jam": "2",
    }  # fmt: skip
    before = (book.deeds_end(), book.windows(0, 2**50), book.silences(NOW_MS), book.contacts(FOREIGN_HUB))
    for rule in rules(fleet_app, "POST"):
        if rule.endpoint in ("shifts.write", "people.own"):
            continue  # a note of one's own, and one's own account
        answer = client.post(address(rule, foreign), data=fields)
        refused = (403, 404) if rule.arguments else (200, 303, 400, 403, 404)
        assert answer.status_code in refused, (rule, answer.status_code)
        assert not seen_in(answer.text), rule
    assert before == (book.deeds_end(), book.windows(0, 2**50), book.silences(NOW_MS), book.contacts(FOREIGN_HUB))


@pytest.mark.parametrize(
    ("group", "problem"),
    [
        (Group(GroupKind.BROKER, ""), Problem.NOC_DEAF),
        (Group(GroupKind.BROKER, ""), Problem.NO_CONTACT),
        (Group(GroupKind.UPSTREAM, "menara-33.01.01"), Problem.NO_CONTACT),
        (Group(GroupKind.PROVINCE, "33"), Problem.NO_CONTACT),
        (Group(GroupKind.REGENCY, "33.02"), Problem.NO_CONTACT),
        (Group(GroupKind.HUB, FOREIGN_HUB), Problem.HOT),
        (Group(GroupKind.HUB, "hub-nobody"), Problem.HOT),
    ],
)
def test_authority_follows_the_group_and_not_the_hubs_of_today(
    fleet_app: FleetApp, group: Group, problem: Problem
) -> None:
    """All hubs so far are the district's own, or there are none at all; others may join, and a silence covers them."""
    client, book = district(fleet_app, "operator"), fleet_app.book
    hubs = frozenset({""} if problem is Problem.NOC_DEAF else {"hub-33010101", "hub-33010102"})
    book.put_incidents([Incident(88, group, problem, NOW_MS, NOW_MS, hubs, hubs)], [], NOW_MS)
    page, before = client.get("/insiden/88"), (book.deeds_end(), book.silences(NOW_MS))
    assert page.status_code == 200 and "Saya tangani" not in page.text and "Tahan pesan" not in page.text
    assert "yang menangani dan menahan pesannya" in page.text and "juga mengenai 0 hub" not in page.text
    for path in ("terima", "senyap", "bicara"):
        fields = {"until": "2026-05-29T10:00", "why": "x", "what": "semua"}
        assert send(client, "/insiden/88", f"/insiden/88/{path}", **fields).status_code == 403
    assert before == (book.deeds_end(), book.silences(NOW_MS))
    line = book.incident_line(88, Scope())
    assert line is not None and not line.acknowledged_by


def test_the_walk_sees_what_others_see(fleet_app: FleetApp, foreign: dict[str, str]) -> None:
    client = fleet_app.visitor("operator")
    seen = [rule.endpoint for rule in rules(fleet_app, "GET") if seen_in(client.get(address(rule, foreign)).text)]
    assert len(seen) > 12


def seen_in(text: str) -> list[str]:
    """Find what a district must not read."""
    return [each for each in (SECRET, *FOREIGN_NAMES, "hub-5103", "hub-9401", "hub-3302") if each in text]
