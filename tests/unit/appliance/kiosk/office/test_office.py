"""The office: who gets in, from where, and what is seen there."""

import html
import re
from typing import Any

import pytest

from appliance.core.errors import GateUnavailable
from appliance.gate.protocol import Client, GateStatus
from appliance.kiosk.office.rules import Role, role_title
from appliance.store.accounts import Accounts

NEW = "kopi pagi di balai"


def _text(response: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.get_data(as_text=True))).split())


def _send(visitor: Any, path: str, form: dict[str, str], page: str = "") -> Any:
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', visitor.get(page or path).get_data(as_text=True))
    assert token is not None
    return visitor.post(path, {"csrf_token": token[1], **form})


def _enter(visitor: Any, world: Any, name: str = "siti", role: str = "operator") -> None:
    password = world.add(name, role)
    assert _send(visitor, "/kantor/masuk", {"name": name, "password": password}).status_code == 303
    form = {"old": password, "new": NEW, "again": NEW}
    assert "sudah diganti" in _text(_send(visitor, "/kantor/sandi", form))
    assert _send(visitor, "/kantor/masuk", {"name": name, "password": NEW}).headers["Location"] == "/kantor/"


def test_first_login_leads_to_a_new_password_then_home(visitor: Any, world: Any) -> None:
    password = world.add("siti", "kepala_desa")
    assert visitor.get("/kantor/").headers["Location"] == "/kantor/masuk"
    assert _send(visitor, "/kantor/masuk", {"name": "siti", "password": password}).status_code == 303
    assert visitor.get("/kantor/").headers["Location"] == "/kantor/sandi"
    form = {"old": password, "new": NEW, "again": NEW}
    assert _send(visitor, "/kantor/sandi", form).status_code == 200
    _send(visitor, "/kantor/masuk", {"name": "siti", "password": NEW})
    home = _text(visitor.get("/kantor/"))
    assert "Masuk dengan akun siti (Perbekel)." in home
    assert "Tidak ada yang menunggu" in home and "Gerbang internet bekerja" in home
    assert "0 perangkat warga" in home


def test_the_gate_is_told_as_it_is(visitor: Any, world: Any) -> None:
    _enter(visitor, world)
    world.gate.admit(Client("10.20.0.7", "02:00:00:00:00:01"), 60)
    assert "1 perangkat warga" in _text(visitor.get("/kantor/"))
    world.gate.status = lambda: GateStatus(False, 0, "")
    assert "tidak terkunci" in _text(visitor.get("/kantor/"))

    def fail() -> GateStatus:
        raise GateUnavailable("gone")

    world.gate.status = fail
    response = visitor.get("/kantor/")
    assert response.status_code == 200 and "tidak menjawab" in _text(response)


@pytest.mark.parametrize("path", ["/kantor/", "/kantor/masuk", "/kantor/sandi"])
def test_in_the_open_air_no_office_page_opens_and_it_says_why(visitor: Any, world: Any, path: str) -> None:
    _enter(visitor, world)
    visitor.place = "resident"
    response = visitor.get(path)
    assert response.status_code == 403 and "membaca kata sandi di udara" in _text(response)
    assert "<input" not in response.get_data(as_text=True)


def test_in_the_open_air_a_password_is_not_even_checked(visitor: Any, world: Any) -> None:
    visitor.place = "resident"
    assert visitor.post("/kantor/masuk", {"name": "siti", "password": "x"}).status_code in (400, 403)
    with world.store.reading() as db:
        assert db.rows("SELECT * FROM failures") == []


def test_wrong_password_and_unknown_name_look_the_same(visitor: Any, world: Any) -> None:
    world.add("siti", "operator")
    pages = []
    for name in ("siti", "bukan"):
        response = _send(visitor, "/kantor/masuk", {"name": name, "password": "salah"})
        assert response.status_code == 403
        pages.append(_text(response))
    assert pages[0] == pages[1] and "Nama pengguna atau kata sandi salah." in pages[0]


def test_guessing_is_slowed_readably(visitor: Any, world: Any) -> None:
    world.add("siti", "operator")
    for _ in range(5):
        _send(visitor, "/kantor/masuk", {"name": "siti", "password": "salah"})
    response = _send(visitor, "/kantor/masuk", {"name": "siti", "password": "salah"})
    assert (response.status_code, response.headers["Retry-After"]) == (429, "30")
    assert "Coba lagi dalam 1 menit" in _text(response)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"old": "x", "new": NEW, "again": "lain sama sekali"}, "tidak sama"),
        ({"old": "x", "new": "pendek", "again": "pendek"}, "terlalu pendek: paling sedikit 10"),
        ({"old": "x", "new": NEW, "again": NEW}, "Kata sandi sekarang salah"),
        ({}, "terlalu pendek"),
    ],
)
def test_a_new_password_that_is_not_taken_is_explained(
    visitor: Any, world: Any, form: dict[str, str], words: str
) -> None:
    _enter(visitor, world)
    response = _send(visitor, "/kantor/sandi", form)
    assert response.status_code == 400 and words in _text(response)


def test_the_cookie_is_shut_and_changes_at_login(visitor: Any, world: Any) -> None:
    password = world.add("siti", "operator")
    before = visitor.get("/kantor/masuk").headers["Set-Cookie"]
    after = _send(visitor, "/kantor/masuk", {"name": "siti", "password": password}).headers["Set-Cookie"]
    assert before.split(";")[0] != after.split(";")[0]
    for flag in ("HttpOnly", "SameSite=Lax", "Path=/"):
        assert flag in after
    assert password not in after and "siti" not in after


def test_logging_out_ends_the_session_even_for_who_kept_the_cookie(visitor: Any, world: Any) -> None:
    _enter(visitor, world)
    visitor.get("/kantor/")
    kept = visitor.client.get_cookie("sesi-kiosk").value
    assert _send(visitor, "/kantor/keluar", {}, page="/kantor/").headers["Location"] == "/kantor/masuk"
    visitor.client.set_cookie("sesi-kiosk", kept)
    assert visitor.get("/kantor/").headers["Location"] == "/kantor/masuk"


def test_a_session_ends_over_lunch(visitor: Any, world: Any) -> None:
    _enter(visitor, world)
    world.now += 1_799
    assert visitor.get("/kantor/").status_code == 200
    world.now += 1_801
    assert visitor.get("/kantor/").headers["Location"] == "/kantor/masuk"


def test_a_form_without_its_token_is_refused_readably(visitor: Any, world: Any) -> None:
    _enter(visitor, world)
    for path in ("/kantor/masuk", "/kantor/keluar", "/kantor/sandi"):
        response = visitor.post(path, {"name": "siti", "password": NEW})
        assert response.status_code == 400 and "FORMULIR" in _text(response)
    assert visitor.get("/kantor/").status_code == 200


def test_a_made_up_cookie_is_nobody(visitor: Any) -> None:
    visitor.client.set_cookie("sesi-kiosk", "eyJ0b2tlbiI6InNpdGkifQ.aaaa.bbbb")
    assert visitor.get("/kantor/").headers["Location"] == "/kantor/masuk"


def test_a_login_that_cannot_be_stored_says_so(visitor: Any, world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    password = world.add("siti", "operator")
    token = re.search(r'value="([^"]+)"', visitor.get("/kantor/masuk").get_data(as_text=True))
    assert token is not None
    monkeypatch.setattr("appliance.store.database.FREE_BYTES_MIN", 1 << 62)
    form = {"csrf_token": token[1], "name": "siti", "password": password}
    response = visitor.post("/kantor/masuk", form)
    assert response.status_code == 503 and "PENYIMPANAN" in _text(response)


def test_roles_have_the_villages_own_titles(world: Any) -> None:
    titles = [role_title(role, world.config.village) for role in Role]
    assert titles[:3] == ["Operator", "Sekretaris", "Perbekel"] and len(set(titles)) == len(Role)
    assert role_title("raja", world.config.village) == "raja"


def test_accounts_are_those_of_the_store(world: Any) -> None:
    world.add("siti", "operator")
    assert [each.role for each in Accounts(world.store).all()] == ["operator"]


def test_all_problems_of_a_new_password_are_shown_at_once_and_tied_to_their_fields(visitor: Any, world: Any) -> None:
    password = world.add("siti", "operator")
    _send(visitor, "/kantor/masuk", {"name": "siti", "password": password})
    page = visitor.get("/kantor/sandi").get_data(as_text=True)
    assert "Keluar" in page, "who cannot go on can go out"
    assert 'aria-describedby="new-hint"' in page and "aria-invalid" not in page
    answer = _send(visitor, "/kantor/sandi", {"old": password, "new": "siti", "again": "x"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400 and "<title>Salah: Ganti kata sandi" in page and page.count('role="alert"') == 1
    for words in ("terlalu pendek", "tidak boleh memuat nama", "Kedua kata sandi baru tidak sama"):
        assert words in page
    fields = {name: tag for tag, name in re.findall(r'(<input[^>]*name="(old|new|again)"[^>]*>)', page)}
    assert "aria-invalid" not in fields["old"] and all("required" in tag for tag in fields.values())
    assert 'aria-describedby="new-hint new-error"' in fields["new"] and 'aria-invalid="true"' in fields["new"]
    assert 'aria-describedby="again-error"' in fields["again"] and 'id="again-error"' in page
    answer = _send(visitor, "/kantor/sandi", {"old": "salah", "new": NEW, "again": NEW})
    assert 'id="old-error"' in answer.get_data(as_text=True)


def test_a_failed_login_says_so_in_title_and_fields(visitor: Any, world: Any) -> None:
    page = _send(visitor, "/kantor/masuk", {"name": "siti", "password": "x"}).get_data(as_text=True)
    assert "<title>Salah: Masuk" in page and 'role="alert"' in page and page.count('aria-invalid="true"') == 2
    assert "teknisi yang mengurus hub desa" in page and "Kembali" in page
