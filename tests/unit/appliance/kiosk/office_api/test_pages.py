"""The pages of tokens: who manages people prepares one, its owner takes it, and it is shown once."""

from __future__ import annotations

import re
from typing import Any

import pytest

from appliance.kiosk.office.store import open_accounts
from appliance.kiosk.office_api.addresses import OPERATIONS
from appliance.kiosk.office_api.door import PREFIX
from appliance.kiosk.office_api.problems import Problem
from tests.unit.appliance.kiosk.conftest import CHEAP

PAGE = "/kantor/alat"
ASKED = {"do": "grant", "name": "Excel desa", "owner": "wayan", "scope": "aggregates", "ends_on": "2026-12-01"}


def secret_of(answer: Any) -> str:
    found = re.search(r"dhk_[A-Za-z0-9_-]{43}", answer.get_data(as_text=True))
    assert found is not None
    return found[0]


def state(desk: Any, secret: str) -> int:
    answer = desk.visitor.get(f"{PREFIX}/aggregates/letters", Authorization=f"Bearer {secret}")
    return int(answer.status_code)


def test_a_token_from_the_office_to_its_owner_and_back(desk: Any, world: Any) -> None:
    desk.log_in("wayan", "operator")
    assert "Alat dan token" not in desk.words(desk.get("/kantor/"))
    desk.log_in("ketut", "sekretaris")
    assert "Alat dan token" in desk.words(desk.get("/kantor/"))
    answer = desk.send(PAGE, ASKED)
    assert answer.status_code == 303 and "dhk_" not in desk.get(PAGE).get_data(as_text=True)
    assert desk.send(PAGE, {"do": "take", "number": "1"}).status_code == 404, "it is another's"
    desk.again("wayan")
    assert "Ada token menunggu" in desk.words(desk.get("/kantor/"))
    taken = desk.send(PAGE, {"do": "take", "number": "1"})
    secret = secret_of(taken)
    assert taken.headers["Cache-Control"] == "no-store" and state(desk, secret) == 200
    shown = desk.get(PAGE)
    assert secret not in shown.get_data(as_text=True) and "berlaku" in desk.words(shown)
    other = secret_of(desk.send(PAGE, {"do": "take", "number": "1"}))
    assert (state(desk, secret), state(desk, other)) == (401, 200)
    desk.again("ketut")
    assert desk.send(PAGE, {"do": "end", "number": "1"}).status_code == 303
    assert state(desk, other) == 401 and "dicabut" in desk.words(desk.get(PAGE))
    words = desk.words(desk.get("/kantor/jejak"))
    assert "menyiapkan token" in words and "mengambil token" in words and "mencabut token" in words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": '"><i>x'}, "Nama alat: 2 sampai 40"),
        ({"owner": "nobody"}, "Pilih pemilik"),
        ({"owner": "budi", "scope": "residents.read"}, "Peran pemilik"),
        ({"ends_on": "2031-01-01"}, "paling lama setahun"),
        ({"ends_on": "besok"}, "paling lama setahun"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_lost(desk: Any, world: Any, change: dict[str, str], words: str) -> None:
    desk.log_in("ketut", "sekretaris")
    for name, role in (("wayan", "operator"), ("budi", "bpd")):
        world.add(name, role)
    answer = desk.send(PAGE, {**ASKED, **change})
    assert answer.status_code == 400 and words in desk.words(answer)
    assert "<i>" not in answer.get_data(as_text=True)
    assert "Belum ada token" in desk.words(desk.get(PAGE))


def test_who_does_not_manage_people_prepares_nothing(desk: Any) -> None:
    desk.log_in("wayan", "operator")
    page = desk.get(PAGE)
    assert page.status_code == 200 and "Siapkan token" not in desk.words(page)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.get_data(as_text=True))
    assert token is not None
    for form in (ASKED, {"do": "grant"}, {"do": "x"}, {}):
        assert desk.visitor.post(PAGE, {"csrf_token": token[1], **form}).status_code == 400
    for number in ("1", "0", "-1", "9" * 30, "x"):
        for wanted in ("take", "end"):
            form = {"csrf_token": token[1], "do": wanted, "number": number}
            assert desk.visitor.post(PAGE, form).status_code == 404
    assert desk.visitor.post(PAGE, {"do": "end", "number": "1"}).status_code == 400, "without the form's mark"


def test_a_closed_account_keeps_no_token(desk: Any, world: Any) -> None:
    desk.log_in("wayan", "operator")
    desk.log_in("ketut", "sekretaris")
    desk.send(PAGE, ASKED)
    desk.again("wayan")
    secret = secret_of(desk.send(PAGE, {"do": "take", "number": "1"}))
    open_accounts(world.store, CHEAP).disable("wayan")
    assert state(desk, secret) == 401


def test_the_page_for_developers_names_all(visitor: Any) -> None:
    text = visitor.get("/kantor/api/").get_data(as_text=True)
    for operation in OPERATIONS:
        assert f"{operation.method} {PREFIX}{operation.path}" in text
    for problem in Problem:
        assert f'id="{problem}"' in text
    assert visitor.get("/kantor/api/openapi.json").get_json()["openapi"] == "3.1.0"
