"""The second step of the login, as somebody with a browser meets it."""

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
from noc.accounts.opening import open_factors
from noc.accounts.policy import require_factor
from noc.store.sqlite import open_noc_store
from noc.web import create_app
from noc.web.access import Right, require
from tests.unit.noc.web.staff import NOW, PASSWORD, add, log_in, secret_of, send, take_telephone, token_of


class Time:
    now = NOW

    def __call__(self) -> float:
        return float(self.now)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def places(tmp_path: Path) -> setup.Places:
    made = setup.Places(tmp_path / "etc", tmp_path / "var")
    setup.initialise(made, ["localhost"], datetime.datetime.now(datetime.UTC))
    return made


@pytest.fixture
def app(places: setup.Places, time: Time) -> Iterator[Flask]:
    with contextlib.closing(open_noc_store(places.store)) as store:
        made = create_app(places, store, clock=time)

        @require(Right.ADMIN)
        def view() -> str:
            return "hak orang"

        @require(Right.LOOK)
        def look() -> str:
            return "lihat"

        made.add_url_rule("/coba", "coba", view, methods=["GET", "POST"])
        made.add_url_rule("/lihat", "lihat", look)
        yield made


def password_only(app: Flask, name: str = "petugas") -> FlaskClient:
    client = app.test_client()
    assert send(client, "/masuk", name=name, password=PASSWORD).status_code == 303
    return client


def test_an_admin_takes_a_telephone_before_working(app: Flask, places: setup.Places) -> None:
    add(places, "kepala", "admin")
    client = password_only(app, "kepala")
    for path in ("/lihat", "/coba", "/sandi"):
        assert client.get(path).headers["Location"] == "/masuk/telepon"
    assert client.get("/api/hubs").status_code == 401
    assert "harus masuk dengan kata sandi dan kode" in client.get("/masuk/telepon").text
    _, codes = take_telephone(client)
    assert len(codes) == 10
    assert client.get("/coba").text == "hak orang"
    assert client.get("/masuk/telepon").status_code == 303  # no second one beside it


def test_the_secret_is_shown_once_and_never_in_an_answer_to_get(app: Flask, places: setup.Places) -> None:
    add(places, "kepala", "admin")
    client = password_only(app, "kepala")
    page = send(client, "/masuk/telepon", step="begin").text
    secret = secret_of(page)
    assert page.count("<svg") >= 1 and secret not in client.get("/masuk/telepon").text
    wrong = send(client, "/masuk/telepon", step="confirm", code="000000")
    assert wrong.status_code == 403 and "tidak cocok" in wrong.text and secret not in wrong.text
    assert "script" not in page.partition("<main")[2]


def test_others_may_and_a_policy_may_ask_them(app: Flask, places: setup.Places, time: Time) -> None:
    client = log_in(app, places, "operator")
    assert client.get("/lihat").status_code == 200
    require_factor(setup.open_accounts(places).store, ["admin", "operator"])
    assert client.get("/lihat").headers["Location"] == "/masuk/telepon"
    take_telephone(client)
    assert client.get("/lihat").status_code == 200


def test_a_login_is_half_until_the_code(app: Flask, places: setup.Places, time: Time) -> None:
    totp, _ = take_telephone(log_in(app, places, "operator"))
    time.now += 60
    client = app.test_client()
    assert client.get("/lihat?q=suka").status_code == 303
    send(client, "/masuk", name="petugas", password=PASSWORD)
    for path in ("/lihat", "/sandi", "/coba"):
        assert client.get(path).headers["Location"] == "/masuk/kode"
    assert client.get("/masuk/telepon").headers["Location"] == "/masuk"
    assert client.get("/masuk/lagi").headers["Location"] == "/masuk"
    assert client.get("/api/hubs").status_code == 401
    assert send(client, "/masuk/kode", code="000000").status_code == 403
    answer = send(client, "/masuk/kode", code=totp.at(time.now))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/lihat?q=suka")
    assert client.get("/lihat").status_code == 200
    other = password_only(app)
    assert send(other, "/masuk/kode", code=totp.at(time.now)).status_code == 403  # replayed


def test_a_recovery_code_opens_once(app: Flask, places: setup.Places) -> None:
    _, codes = take_telephone(log_in(app, places, "operator"))
    client = password_only(app)
    assert send(client, "/masuk/kode", code=codes[0]).status_code == 303
    assert send(password_only(app), "/masuk/kode", code=codes[0]).status_code == 403


def test_wrong_codes_wait_as_wrong_passwords_do(app: Flask, places: setup.Places) -> None:
    take_telephone(log_in(app, places, "operator"))
    client = password_only(app)
    answers = [send(client, "/masuk/kode", code="000000") for _ in range(5)]
    assert [each.status_code for each in answers] == [403] * 4 + [429]
    assert int(answers[-1].headers["Retry-After"]) <= 30
    assert send(app.test_client(), "/masuk", name="petugas", password=PASSWORD).status_code == 429


def test_too_late_means_the_password_again(app: Flask, places: setup.Places, time: Time) -> None:
    totp, _ = take_telephone(log_in(app, places, "operator"))
    client = password_only(app)
    time.now += 301
    answer = send(client, "/masuk/kode", code=totp.at(time.now))
    assert answer.status_code == 403 and "dari awal" in answer.text
    assert client.get("/lihat").headers["Location"] == "/masuk"


def test_a_reset_ends_sessions(app: Flask, places: setup.Places) -> None:
    client = log_in(app, places, "admin")
    assert client.get("/coba").status_code == 200
    open_factors(places, setup.open_accounts(places)).reset("petugas")
    assert client.get("/coba").headers["Location"] == "/masuk"


def test_who_works_on_accounts_is_asked_again(app: Flask, places: setup.Places, time: Time) -> None:
    add(places, "kepala", "admin")
    client = password_only(app, "kepala")
    totp, _ = take_telephone(client)
    token = token_of(client.get("/sandi").text)
    time.now += 901
    assert client.get("/lihat").status_code == 200
    assert client.post("/coba", data={"csrf_token": token}).headers["Location"] == "/masuk/lagi"
    assert "belum tersimpan" in client.get("/masuk/lagi").text
    assert send(client, "/masuk/lagi", code="000000").status_code == 403
    answer = send(client, "/masuk/lagi", code=totp.at(time.now))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/coba")
    assert client.get("/coba").text == "hak orang"


def test_without_a_telephone_the_password_is_asked_again(app: Flask, places: setup.Places, time: Time) -> None:
    require_factor(setup.open_accounts(places).store, [])
    client = log_in(app, places, "admin")
    assert client.get("/coba").text == "hak orang"
    time.now += 901
    assert client.get("/coba").headers["Location"] == "/masuk/lagi"
    assert send(client, "/masuk/lagi", password="salah").status_code == 403
    assert send(client, "/masuk/lagi", password=PASSWORD).headers["Location"] == "/coba"
    assert client.get("/coba").text == "hak orang"


def test_pages_of_the_second_step_need_their_form_token(app: Flask, places: setup.Places) -> None:
    client = log_in(app, places, "operator")
    for path in ("/masuk/telepon", "/masuk/lagi"):
        assert client.post(path, data={"step": "begin", "code": "1"}).status_code == 400
    assert not re.search(r"<(script|style)", client.get("/masuk/telepon").text)


def test_a_session_that_was_left_open_takes_no_telephone(app: Flask, places: setup.Places, time: Time) -> None:
    client = log_in(app, places, "operator")
    time.now += 901
    assert client.get("/masuk/telepon").headers["Location"] == "/masuk/lagi"
    token = token_of(client.get("/sandi").text)
    assert client.post("/masuk/telepon", data={"csrf_token": token, "step": "begin"}).status_code == 303
    assert send(client, "/masuk/lagi", password=PASSWORD).headers["Location"] == "/masuk/telepon"
    take_telephone(client, time.now)
