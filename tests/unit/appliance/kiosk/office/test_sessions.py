"""A session that has ended: the login, and back to where one was."""

import html
import re
from typing import Any

import pytest

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


def _log_in(visitor: Any) -> str:
    answer = _send(visitor, "/kantor/masuk", {"name": "siti", "password": NEW})
    assert answer.status_code == 303
    return str(answer.headers["Location"])


@pytest.mark.parametrize("path", ["/kantor/", "/kantor/hotspot/voucher/buat?siap=sejam", "/kantor/hotspot/riwayat"])
def test_who_logs_in_again_is_back_where_they_were(visitor: Any, world: Any, path: str) -> None:
    _enter(visitor, world)
    world.now += 40 * 86_400
    assert visitor.get(path).headers["Location"] == "/kantor/masuk", "and no page in the address"
    said = _text(visitor.get("/kantor/masuk"))
    assert "Masa masuk Anda sudah habis" in said and "belum tersimpan" not in said
    _send(visitor, "/kantor/masuk", {"name": "siti", "password": "salah"})
    assert _log_in(visitor) == path


@pytest.mark.parametrize(
    ("path", "back"),
    [
        ("/kantor/hotspot/voucher/buat", "/kantor/hotspot/voucher/buat"),
        ("/kantor/hotspot/perangkat/blokir", "/kantor/hotspot/"),
        ("/kantor/hotspot/riwayat/cari", "/kantor/hotspot/riwayat"),
        ("/kantor/hotspot/voucher/7/batalkan/3", "/kantor/hotspot/voucher/7/batalkan/3"),
    ],
)
@pytest.mark.parametrize("has_cookie", [True, False])
def test_a_form_after_the_end_of_a_session_leads_to_the_login_and_back(
    visitor: Any, world: Any, path: str, back: str, has_cookie: bool
) -> None:
    _enter(visitor, world)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', visitor.get("/kantor/sandi").get_data(as_text=True))
    assert token is not None
    world.now += 40 * 86_400
    if not has_cookie:
        visitor.forget()
    answer = visitor.post(path, {"csrf_token": token[1], "why": "x"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/kantor/masuk")
    assert "Yang tadi Anda kirim belum tersimpan." in _text(visitor.get("/kantor/masuk"))
    assert _log_in(visitor) == back


def test_a_login_leads_nowhere_else(visitor: Any, world: Any) -> None:
    _enter(visitor, world)
    world.now += 40 * 86_400
    for path in ("//kantor.example/", "/kantor//evil.example/", "/kantor/hotspot/" + "x" * 3_000):
        visitor.get(path)
    visitor.get("/kantor/hotspot/riwayat?hari=" + "9" * 3_000)
    assert _log_in(visitor) in ("/kantor/", "/kantor/hotspot/")


def test_a_new_password_may_be_left_for_later(visitor: Any, world: Any) -> None:
    _enter(visitor, world)
    assert 'href="/kantor/">Kembali</a>' in visitor.get("/kantor/sandi").get_data(as_text=True)
    password = world.add("budi", "operator")
    visitor.forget()
    _send(visitor, "/kantor/masuk", {"name": "budi", "password": password})
    assert 'href="/kantor/">Kembali</a>' not in visitor.get("/kantor/sandi").get_data(as_text=True)
