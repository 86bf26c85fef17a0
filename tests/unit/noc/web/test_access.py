"""Roles and areas at the doors of the pages."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from noc import setup
from noc.store.sqlite import open_noc_store
from noc.web import create_app
from noc.web.access import Right, may, require, right_of, scope, who
from tests.unit.noc.seed import NOW_MS
from tests.unit.noc.web.staff import log_in, send


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


@pytest.mark.parametrize(
    ("role", "opened"), [("viewer", "look"), ("operator", "look act"), ("admin", "look act manage admin"), ("lain", "")]
)
def test_each_role_opens_what_it_may(app: Flask, places: setup.Places, role: str, opened: str) -> None:
    client = log_in(app, places, role)
    answers = {right: client.get(f"/coba/{right.value}") for right in Right}
    assert " ".join(right for right, answer in answers.items() if answer.status_code == 200) == opened
    for answer in answers.values():
        assert answer.status_code == 200 or ("tidak berwenang" in answer.text and "PERAN" in answer.text)


def test_strangers_and_one_time_passwords_open_nothing(app: Flask, places: setup.Places) -> None:
    assert app.test_client().get("/coba/look").headers["Location"] == "/masuk"
    password = setup.open_accounts(places).add("baru", "admin", NOW_MS // 1000)
    client = app.test_client()
    send(client, "/masuk", name="baru", password=password)
    assert client.get("/coba/look").headers["Location"] == "/sandi"


def test_a_view_knows_who_asks_and_from_where(app: Flask, places: setup.Places) -> None:
    assert log_in(app, places, "operator", "51.03", "52").get("/coba/look").text == "petugas 51.03,52 True"


def test_a_right_is_written_on_its_view() -> None:
    @require(Right.ACT)
    def view() -> str:
        return ""

    assert right_of(view) is Right.ACT
    assert right_of(str) is None
