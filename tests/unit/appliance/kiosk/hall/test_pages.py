"""The screen in the hall: its waiting page, its bell, its voice."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from appliance.kiosk.citizen.session import current_visit
from appliance.kiosk.hall import prompts, views
from appliance.kiosk.hall.rules import CALL_SECONDS
from appliance.kiosk.hall.store import Calls
from appliance.papers.twin_printer import TwinPrinter
from tests.unit.appliance.kiosk.citizen.conftest import Hall, words


def test_the_bell_rings_at_the_office_until_somebody_answers(hall: Hall) -> None:
    response = hall.send("/layar/panggil", {"dari": "/surat"}, page="/surat")
    assert response.headers["Location"] == "/layar/panggil?dari=/surat"
    assert "Petugas sudah dipanggil" in words(hall.get("/layar/panggil?dari=/surat"))
    hall.put_in_front("siti", "operator")
    assert "Warga memanggil petugas" in words(hall.get("/kantor/"))
    assert "/surat" in words(hall.get("/kantor/panggilan"))
    hall.send("/kantor/panggilan/1", {}, page="/kantor/panggilan")
    assert "Tidak ada yang memanggil" in words(hall.get("/kantor/panggilan"))
    assert "Warga memanggil petugas" not in words(hall.get("/kantor/"))


def test_pressed_often_it_is_one_bell_and_an_old_one_is_silent(world: Any) -> None:
    calls, now = Calls(world.store), int(world.now)
    for _ in range(5):
        calls.ring("/surat", now)
    found = calls.waiting(now)
    assert found is not None
    calls.answer(found.id, "siti", now)
    assert calls.waiting(now) is None
    calls.ring("/", now)
    assert calls.waiting(now + CALL_SECONDS) is None


def test_a_phone_is_told_how_to_reach_the_office_and_rings_nothing(hall: Hall) -> None:
    hall.visitor.place = "resident"
    hall.send("/layar/panggil", {"dari": "/surat"}, page="/surat")
    assert Calls(hall.world.store).waiting(int(hall.world.now)) is None
    assert "0361 000000" in words(hall.get("/layar/panggil"))


@pytest.mark.parametrize(
    "where", ["//evil.example/", "https://evil.example", "/nothing", "/surat?x=1", "/kantor/\r\nX: y"]
)
def test_the_way_back_leads_nowhere_else(hall: Hall, where: str) -> None:
    page = hall.visitor.client.get("/layar/panggil", query_string={"dari": where}, headers={"X-Desa-Place": "hall"})
    assert "evil" not in page.get_data(as_text=True)
    assert 'class="button is-quiet" href="/"' in page.get_data(as_text=True)


def test_the_bell_is_answered_by_the_office_alone(hall: Hall) -> None:
    assert hall.get("/kantor/panggilan").headers["Location"] == "/kantor/masuk"


@pytest.mark.parametrize("path", ["/cek", "/surat/lacak", "/surat", "/desa", "/internet"])
def test_each_page_of_the_screen_has_its_bar_its_wipe_and_its_letters_and_a_phones_page_has_none(
    hall: Hall, path: str
) -> None:
    page = hall.get(path)
    assert page.status_code == 200
    for part in ('class="bar"', 'id="idle"', 'id="keys"'):
        assert part in page.get_data(as_text=True)
    hall.visitor.place = "resident"
    page = hall.get(path)
    assert page.status_code == 200
    for part in ('id="idle"', 'id="keys"'):
        assert part not in page.get_data(as_text=True)


@pytest.mark.parametrize(
    ("printer", "said"),
    [
        (TwinPrinter(), "Pencetak siap"),
        (TwinPrinter(sheets=0), "Kertas habis"),
        (TwinPrinter(is_on=False), "Pencetak tidak menyala"),
    ],
)
def test_the_waiting_screen_says_how_the_printer_is(app: Flask, visitor: Any, printer: TwinPrinter, said: str) -> None:
    object.__setattr__(app.extensions["kiosk"], "printer", printer)
    if printer.sheets == 0:
        printer.submit(b"%PDF-1.4 /Type /Page", "A", "a")
    assert said in words(visitor.get("/"))
    visitor.place = "resident"
    assert said not in words(visitor.get("/"))


def test_the_waiting_screen_says_when_the_office_is_open_and_offers_languages(visitor: Any) -> None:
    said = words(visitor.get("/"))
    for word in ("Senin-Jumat 08.00-15.00", "English", "Basa Jawa"):
        assert word in said


def test_pages_speak_where_there_are_sounds_and_are_silent_where_not(
    app: Flask, visitor: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts.is_there.cache_clear()
    assert "data-sound" not in visitor.get("/surat").get_data(as_text=True)
    prompts.is_there.cache_clear()
    name = prompts.file_name("id", "Surat apa yang Anda perlukan?")
    (tmp_path / name).write_bytes(b"ID3")
    app.extensions[views._PROMPTS] = tmp_path
    text = visitor.get("/surat").get_data(as_text=True)
    assert f'href="/layar/suara/{name}" data-sound' in text
    sound = visitor.get(f"/layar/suara/{name}")
    assert sound.mimetype == "audio/mpeg" and sound.headers["Cache-Control"].startswith("public")
    sound.close()
    for wrong in ("x.mp3", "..%2f..%2fetc%2fpasswd", "a.txt", "%2e%2e"):
        assert visitor.get(f"/layar/suara/{wrong}").status_code == 404
    prompts.is_there.cache_clear()


def test_the_office_stays_indonesian_whatever_the_browser_speaks(visitor: Any) -> None:
    page = visitor.get("/kantor/masuk", **{"Accept-Language": "en"})
    assert '<html lang="id">' in page.get_data(as_text=True)
    assert "Welcome" in words(visitor.get("/", **{"Accept-Language": "en"}))


def test_scripts_are_our_own_files_alone(visitor: Any) -> None:
    response = visitor.get("/surat")
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy and "unsafe" not in policy
    assert "<script>" not in response.get_data(as_text=True)


def test_an_end_needs_no_form_that_still_holds(hall: Hall) -> None:
    hall.enter()
    assert hall.visitor.post("/layar/tutup", {}).headers["Location"] == "/"
    with hall.visitor.client.application.test_request_context("/", headers={"X-Desa-Place": "hall"}):
        assert current_visit() is None
    refused = hall.visitor.client.post("/layar/tutup", headers={"X-Desa-Place": "hall", "Sec-Fetch-Site": "cross-site"})
    assert refused.status_code == 403
