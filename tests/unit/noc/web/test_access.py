"""Roles and areas at the doors of the pages."""

from __future__ import annotations

import contextlib
import datetime
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from noc import setup
from noc.accounts import areas
from noc.store.sqlite import open_noc_store
from noc.web import create_app
from noc.web.access import Right, may, require, right_of, scope, who
from tests.unit.noc.seed import NOW_MS

PASSWORD = "panjang sekali sandi"


@pytest.fixture
def places(tmp_path: Path) -> setup.Places:
    made = setup.Places(tmp_path / "etc", tmp_path / "var")
    setup.initialise(made, ["localhost"], datetime.datetime.now(datetime.UTC))
    return made


@pytest.fixture
def app(places: setup.Places) -> Iterator[Flask]:
    with contextlib.closing(open_noc_store(places.store)) as store:
        made = create_app(places, store, clock=lambda: NOW_MS / 1000)
        for right in Right:

            @require(right)
            def view() -> str:
                return f"{who()} {','.join(scope().areas)} {may(Right.ACT)}"

            made.add_url_rule(f"/coba/{right.value}", f"coba_{right.value}", view)
        yield made


def logged_in(app: Flask, places: setup.Places, role: str, *bound: str) -> FlaskClient:
    people, now = setup.open_accounts(places), NOW_MS // 1000
    assert people.change_password("petugas", people.add("petugas", role, now), PASSWORD, "x", now) is None
    areas.bind(people.store, "petugas", role, bound)
    client = app.test_client()
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/masuk").text)
    assert token is not None
    client.post("/masuk", data={"csrf_token": token[1], "name": "petugas", "password": PASSWORD})
    return client


@pytest.mark.parametrize(
    ("role", "opened"), [("viewer", "look"), ("operator", "look act"), ("admin", "look act manage admin"), ("lain", "")]
)
def test_each_role_opens_what_it_may(app: Flask, places: setup.Places, role: str, opened: str) -> None:
    client = logged_in(app, places, role)
    answers = {right: client.get(f"/coba/{right.value}") for right in Right}
    assert " ".join(right for right, answer in answers.items() if answer.status_code == 200) == opened
    for answer in answers.values():
        assert answer.status_code == 200 or ("tidak berwenang" in answer.text and "PERAN" in answer.text)


def test_strangers_and_one_time_passwords_open_nothing(app: Flask, places: setup.Places) -> None:
    assert app.test_client().get("/coba/look").headers["Location"] == "/masuk"
    password = setup.open_accounts(places).add("baru", "admin", NOW_MS // 1000)
    client = app.test_client()
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/masuk").text)
    assert token is not None
    client.post("/masuk", data={"csrf_token": token[1], "name": "baru", "password": password})
    assert client.get("/coba/look").headers["Location"] == "/sandi"


def test_a_view_knows_who_asks_and_from_where(app: Flask, places: setup.Places) -> None:
    assert logged_in(app, places, "operator", "51.03", "52").get("/coba/look").text == "petugas 51.03,52 True"


def test_a_right_is_written_on_its_view() -> None:
    @require(Right.ACT)
    def view() -> str:
        return ""

    assert right_of(view) is Right.ACT
    assert right_of(str) is None
