"""The pages of accounts and the audit, as an admin and as everybody uses them."""

from __future__ import annotations

import contextlib
import datetime
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from noc import setup
from noc.accounts.areas import areas_of
from noc.accounts.opening import open_factors
from noc.fleet_book.contract import FleetBook
from noc.fleet_book.sqlite import open_fleet_book
from noc.store.sqlite import open_noc_store
from noc.web import create_app
from tests.unit.noc.web.staff import NOW, PASSWORD, add, log_in, send, take_telephone, token_of


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
def book(places: setup.Places) -> Iterator[FleetBook]:
    with contextlib.closing(open_fleet_book(places.fleet_book)) as made:
        yield made


@pytest.fixture
def app(places: setup.Places, book: FleetBook, time: Time) -> Iterator[Flask]:
    with contextlib.closing(open_noc_store(places.store)) as store:
        yield create_app(places, store, book, clock=time)


@pytest.fixture
def admin(app: Flask, places: setup.Places) -> FlaskClient:
    return log_in(app, places, "admin", name="kepala")


def post(client: FlaskClient, path: str, **fields: str) -> TestResponse:
    """Send a form to a page that has several; the token is the same in each."""
    return client.post(path, data={"csrf_token": token_of(client.get("/akun/saya").text), **fields})


def once(answer: TestResponse) -> str:
    found = re.search(r"<li>(\S+)</li>", answer.text.replace("<wbr>", ""))
    assert found is not None, answer.text
    return found[1]


def deeds(book: FleetBook) -> list[tuple[str, str, str]]:
    return [(each.by, each.what, each.subject) for each in book.deeds(100)][::-1]


def test_an_account_is_made_bound_used_and_closed(app: Flask, admin: FlaskClient, places: setup.Places) -> None:
    made = post(admin, "/akun", name="DPMD.Badung", role="viewer", areas="51.03, 51.07.01")
    client = app.test_client()
    assert send(client, "/masuk", name="dpmd.badung", password=once(made)).status_code == 303
    assert send(client, "/sandi", old=once(made), new=PASSWORD, again=PASSWORD).status_code == 200
    send(client, "/masuk", name="dpmd.badung", password=PASSWORD)
    own = client.get("/akun/saya").text
    assert "51.03, 51.07.01" in own and "Pengamat" in own
    for path in ("/akun", "/akun/nama/kepala", "/audit"):
        answer = client.get(path)
        assert answer.status_code == 403 and "tidak berwenang" in answer.text
    page = "/akun/nama/dpmd.badung"
    assert post(admin, page, do="areas", areas="51.04").status_code == 303
    assert "51.04" in client.get("/akun/saya").text
    assert post(admin, page, do="role", role="operator").status_code == 303
    assert "Operator" in client.get("/akun/saya").text
    assert post(admin, page, do="disable").status_code == 303
    assert client.get("/akun/saya").headers["Location"] == "/masuk"
    assert post(admin, page, do="enable").status_code == 303
    assert send(app.test_client(), "/masuk", name="dpmd.badung", password=PASSWORD).status_code == 303


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "A b", "role": "viewer"}, "huruf kecil"),
        ({"name": "kepala", "role": "viewer"}, "sudah dipakai"),
        ({"name": "baru", "role": "dewa"}, "Peran ini tidak ada"),
        ({"name": "baru", "role": "viewer", "areas": "Bali"}, "Kode wilayah"),
        ({"name": "baru", "role": "admin", "areas": "51"}, "seluruh negeri"),
        ({"name": "baru", "role": "viewer", "areas": " ".join(f"51.03.{i:02}" for i in range(65))}, "terlalu banyak"),
        ({}, "Nama akun"),
    ],
)
def test_what_is_not_allowed_is_said_and_makes_nothing(
    admin: FlaskClient, places: setup.Places, fields: dict[str, str], words: str
) -> None:
    answer = post(admin, "/akun", **{"role": "viewer", **fields})
    assert answer.status_code == 400 and words in answer.text
    assert [each.name for each in setup.open_accounts(places).all()] == ["admin", "kepala"]


def test_the_last_admin_cannot_lock_everybody_out(admin: FlaskClient, places: setup.Places) -> None:
    post(admin, "/akun/nama/admin", do="disable")
    for fields in ({"do": "disable"}, {"do": "role", "role": "viewer"}):
        answer = post(admin, "/akun/nama/kepala", **fields)
        assert answer.status_code == 400 and "satu-satunya admin" in answer.text
    assert admin.get("/akun").status_code == 200


def test_a_lost_telephone_is_taken_away_by_another_admin(
    app: Flask, admin: FlaskClient, places: setup.Places, book: FleetBook
) -> None:
    operator = log_in(app, places, "operator")
    take_telephone(operator)
    assert post(admin, "/akun/nama/kepala", do="factor").status_code == 400
    assert post(admin, "/akun/nama/petugas", do="factor").status_code == 303
    assert operator.get("/akun/saya").headers["Location"] == "/masuk"
    assert not open_factors(places, setup.open_accounts(places)).has("petugas")
    assert ("kepala", "second_factor_reset", "account:petugas") in deeds(book)


def test_everybody_logs_out_everywhere_and_sees_where(app: Flask, places: setup.Places) -> None:
    client = log_in(app, places, "viewer")
    other = app.test_client()
    send(other, "/masuk", name="petugas", password=PASSWORD)
    assert client.get("/akun/saya").text.count("<li>masuk ") == 2
    assert post(client, "/akun/saya", do="sessions").headers["Location"] == "/masuk"
    assert other.get("/akun/saya").headers["Location"] == "/masuk"


def test_new_recovery_codes_replace_the_old(app: Flask, places: setup.Places, time: Time) -> None:
    client = log_in(app, places, "operator")
    assert post(client, "/akun/saya", do="codes").status_code == 400
    totp, codes = take_telephone(client)
    answer = post(client, "/akun/saya", do="codes")
    fresh = re.findall(r"<li>([a-z0-9-]{14})</li>", answer.text)
    assert len(fresh) == 10 and not set(fresh) & set(codes)
    time.now += 901
    assert post(client, "/akun/saya", do="codes").headers["Location"] == "/masuk/lagi"
    assert totp.secret not in answer.text


def test_every_step_is_in_the_audit_and_no_secret(app: Flask, places: setup.Places, book: FleetBook) -> None:
    send(app.test_client(), "/masuk", name="siapa", password="rahasia-saya")
    client = log_in(app, places, "admin", name="kepala")
    send(app.test_client(), "/masuk", name="kepala", password="salah sekali")
    made = post(client, "/akun", name="baru", role="operator", areas="51")
    post(client, "/akun/nama/baru", do="password")
    post(client, "/akun/kebijakan", role="operator")
    token = once(post(client, "/akun/saya", do="token", label="dasbor"))
    post(client, "/akun/saya", do="revoke", number="1")
    said = deeds(book)
    assert said == [
        ("kepala", "log_in", "account:kepala"),
        ("kepala", "second_factor_taken", "account:kepala"),
        ("kepala", "log_in_refused", "account:kepala"),
        ("kepala", "account_added", "account:baru"),
        ("kepala", "password_reset", "account:baru"),
        ("kepala", "policy_changed", "accounts"),
        ("kepala", "token_made", "account:kepala"),
        ("kepala", "token_revoked", "account:kepala"),
    ]
    raw = b"".join(path.read_bytes() for path in places.state.rglob("*") if path.is_file())
    for secret in ("rahasia-saya", "salah sekali", token, once(made)):
        assert secret.encode() not in raw
    page = client.get("/audit").text
    assert "membuat akun" in page and "8 catatan" in page
    assert page.count("<tr>") == 9
    assert client.get("/audit?apa=log_in&oleh=kepala").text.count("<tr>") == 2
    assert client.get("/audit?tentang=account:baru").text.count("<tr>") == 3
    assert "Rantai utuh" in client.get("/audit?periksa=1").text
    with contextlib.closing(sqlite3.connect(places.fleet_book, isolation_level=None)) as db:
        db.execute("DROP TRIGGER deed_stays")
        db.execute("UPDATE deed SET by = 'orang lain' WHERE position = 3")
    assert "Rantai putus di catatan 3" in client.get("/audit?periksa=1").text


def test_the_audit_is_read_page_by_page(admin: FlaskClient, book: FleetBook) -> None:
    for number in range(61):
        post(admin, "/akun/saya", do="token", label=f"p{number}")
        post(admin, "/akun/saya", do="revoke", number=str(number + 1))
    seen, page = [], admin.get("/audit?oleh=kepala").text
    while True:
        seen += re.findall(r">(p\d+)</td>", page)
        onward = re.search(r'<a href="([^"]+)" rel="next">', page)
        if onward is None:
            break
        page = admin.get(onward[1].replace("&amp;", "&")).text
    assert len(seen) == 122 and len(set(seen)) == 61
    assert admin.get("/audit?sebelum=x&oleh=%00").status_code == 200


def test_tokens_are_shown_once_and_end_with_the_password(app: Flask, admin: FlaskClient, places: setup.Places) -> None:
    client = log_in(app, places, "viewer", "51.03")
    token = once(post(client, "/akun/saya", do="token", label="dasbor"))
    assert token not in client.get("/akun/saya").text
    bearer = {"Authorization": f"Bearer {token}"}
    assert app.test_client().get("/api/v1/areas", headers=bearer).status_code == 200
    assert "belum dipakai" not in client.get("/akun/saya").text
    assert post(client, "/akun/saya", do="token", label=" ").status_code == 400
    post(admin, "/akun/nama/petugas", do="password")
    assert app.test_client().get("/api/v1/areas", headers=bearer).status_code == 401


def test_accounts_stand_on_pages(admin: FlaskClient, places: setup.Places) -> None:
    with setup.open_accounts(places).store.transaction() as db:
        db.executemany(
            "INSERT INTO accounts (name, role, password_hash, must_change, created_seconds)"
            " VALUES (?, 'viewer', 'x', 0, 0)",
            [(f"kab{number:03}",) for number in range(150)],
        )
    pages = [re.findall(r"/akun/nama/([a-z0-9]+)", admin.get(f"/akun?hal={number}").text) for number in (1, 2, 9)]
    assert len(pages[0]) == 100 and pages[1] == pages[2] and len({*pages[0], *pages[1]}) >= 151


def test_tokens_end_with_the_owner_s_own_change_of_password(app: Flask, places: setup.Places) -> None:
    client = log_in(app, places, "viewer")
    bearer = {"Authorization": f"Bearer {once(post(client, '/akun/saya', do='token', label='dasbor'))}"}
    assert app.test_client().get("/api/v1/areas", headers=bearer).status_code == 200
    new = "lain sekali sandi ini"
    assert send(client, "/sandi", old=PASSWORD, new=new, again=new).status_code == 200
    assert app.test_client().get("/api/v1/areas", headers=bearer).status_code == 401


@pytest.mark.parametrize("number", ["9" * 30, "-" + "9" * 30, "9" * 5_000])
def test_no_number_is_too_great(admin: FlaskClient, number: str) -> None:
    assert admin.get(f"/audit?sebelum={number}").status_code == 200
    assert post(admin, "/akun/saya", do="revoke", number=number).status_code == 303


def test_nobody_revokes_anothers_token(app: Flask, admin: FlaskClient, places: setup.Places) -> None:
    client = log_in(app, places, "viewer")
    token = once(post(client, "/akun/saya", do="token", label="dasbor"))
    post(admin, "/akun/saya", do="revoke", number="1")
    bearer = {"Authorization": f"Bearer {token}"}
    assert app.test_client().get("/api/v1/areas", headers=bearer).status_code == 200


@pytest.mark.parametrize("do", ["", "x", "revoke-all", "codes\0"])
def test_unknown_deeds_are_refused(admin: FlaskClient, do: str) -> None:
    assert post(admin, "/akun/saya", do=do).status_code == 400
    assert post(admin, "/akun/nama/admin", do=do).status_code == 400
    assert admin.get("/akun/nama/siapa").status_code == 404


def test_areas_of_an_account_survive_a_wrong_try(admin: FlaskClient, places: setup.Places) -> None:
    add(places, "dpmd", "viewer", "51.03")
    assert post(admin, "/akun/nama/dpmd", do="role", role="admin").status_code == 400
    assert post(admin, "/akun/nama/dpmd", do="areas", areas="51.03 x").status_code == 400
    assert areas_of(setup.open_accounts(places).store, "dpmd") == ("51.03",)
