"""Vouchers, verdicts and ends as residents see them; every page in every language, without cookie or script."""

import datetime
import html
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from appliance.core import config as hub_config
from appliance.core.clock import WallQuality
from appliance.gate.protocol import Client
from appliance.hotspot.protocol import MakeBatch
from appliance.system.uplink_state import UplinkState
from captive_portal import blocks
from captive_portal.now import Now
from captive_portal.rules import Block, End
from captive_portal.vouchers import codes
from captive_portal.vouchers import store as vouchers
from script import catalogues
from tests.portal import HUB_TOML
from tests.unit.captive_portal.conftest import PHONE, Phone, World

LANGUAGES = ("id", "ban", "en", "jv", "su")
PAGE_BYTES_MAX = 30_000
# Wednesday, 14 January 2026, 20:00 in Makassar (WITA).
EVENING = Now("a" * 32, 100_000, 1_768_392_000, WallQuality.NTP)
OTHER = Client("10.20.0.8", "02:00:00:00:00:08")


def _text(response: Any) -> str:
    body = re.sub(r"<style>.*?</style>|<[^>]+>", " ", response.get_data(as_text=True), flags=re.DOTALL)
    return " ".join(html.unescape(body).split())


def _main(response: TestResponse) -> str:
    return response.get_data(as_text=True).split("</style>")[1].split("<footer")[0]


@pytest.fixture
def build(tmp_path: Any) -> Iterator[Callable[..., tuple[World, Phone]]]:
    """A world whose resident network has further keys, and a phone in it."""
    made: list[World] = []

    def _build(*keys: str, extra: str = "") -> tuple[World, Phone]:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        world = World(hub_config.parse(HUB_TOML + "\n".join(keys) + "\n" + extra), folder)
        world.now = EVENING
        world.neighbours[OTHER.address] = OTHER.mac
        made.append(world)
        return world, Phone(world.app().test_client())

    yield _build
    for world in made:
        world.grants.store.close()


def _codes(world: World, **changed: Any) -> list[str]:
    """The codes of a new batch, as printed."""
    wanted = replace(MakeBatch("Warung", 3, 1, 7_200, 0, "", 30, "kadek"), **changed)
    zone = world.config.village.timezone

    def make(db: Any) -> Any:
        batch = vouchers.make_batch(db, world.keys.local, wanted, world.now, zone)
        return vouchers.batch_codes(db, world.keys.local, batch, world.now, zone)

    return [one.code for one in world.grants.write(make).vouchers]


def _block(world: World, seconds: int | None, why: str = "x") -> None:
    block = Block(PHONE.mac, seconds, "kadek", why, world.now.wall_seconds)
    world.grants.write(lambda db: blocks.add(db, block, world.now))


def _redeem(phone: Phone, code: str, **headers: str) -> TestResponse:
    sent = {"X-Real-IP": phone.address, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return phone.client.post("/voucher", data={"kode": code}, headers=sent)


BOTH = 'access = ["terms", "voucher"]'
VOUCHER = 'access = ["voucher"]'
SPEEDS = '[[speeds]]\nname = "biasa"\ntitle = "Biasa"\ndownload_kbit = 4000\nupload_kbit = 1000\n'


# -- ways in ----------------------------------------------------------------------------------------------------------


def test_a_network_of_vouchers_asks_for_the_code_first(build: Any) -> None:
    _, phone = build(VOUCHER)
    page = phone.get("/").get_data(as_text=True)
    assert '<label for="kode">' in page and page.count("<button") == 1
    for attribute in ('autocapitalize="characters"', 'autocorrect="off"', 'autocomplete="off"', 'spellcheck="false"'):
        assert attribute in page
    assert "Sambung tanpa voucher" not in page
    assert phone.post("/sambung").status_code == 403


def test_where_both_are_offered_the_terms_come_first(build: Any) -> None:
    world, phone = build(BOTH)
    page = phone.get("/").get_data(as_text=True)
    assert page.index("Sambungkan</button>") < page.index("Punya voucher?") and 'id="kode"' not in page
    assert "Sambung tanpa voucher" in phone.get("/voucher").get_data(as_text=True)
    assert _redeem(phone, _codes(world)[0]).status_code == 303


def test_where_no_vouchers_are_taken_there_is_no_such_page(phone: Any) -> None:
    assert phone.get("/voucher?kode=1").headers["Location"] == "/"
    assert phone.client.post("/voucher", data={"kode": "1"}, headers={"X-Real-IP": PHONE.address}).status_code == 403
    assert "voucher" not in phone.get("/").get_data(as_text=True).split("</style>")[1].lower()


# -- codes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [str, str.lower, lambda code: code.replace("-", ""), lambda code: f" {code} "])
def test_a_code_connects_however_it_is_written(build: Any, change: Callable[[str], str]) -> None:
    world, phone = build(VOUCHER, extra=SPEEDS)
    world.uplink = UplinkState(True, None, 1)
    code = _codes(world, devices=3, quota_megabytes=500, speed="biasa")[0]
    response = _redeem(phone, change(code))
    assert (response.status_code, response.headers["Location"]) == (303, "/status")
    told = _text(phone.get("/status"))
    assert "Tersambung ke internet" in told
    assert "Sisa waktu 2 jam Sisa data 500 MB Kecepatan Biasa Perangkat voucher ini 1 dari 3" in told


def test_opening_a_sheets_address_fills_the_field_and_redeems_nothing(build: Any) -> None:
    world, phone = build(VOUCHER)
    code = _codes(world)[0]
    page = phone.get(f"/voucher?kode={code}&bahasa=jv").get_data(as_text=True)
    assert f'value="{code}"' in page
    assert f'href="/voucher?bahasa=en&amp;kode={code}"' in page, "another language keeps what was filled in"
    assert world.grants.all() == () and world.gate.clients() == ()


def test_a_wrong_code_stays_in_the_field(build: Any) -> None:
    _, phone = build(VOUCHER)
    response = _redeem(phone, "abcde-fghjk")
    page = response.get_data(as_text=True)
    assert response.status_code == 403 and 'value="abcde-fghjk"' in page
    assert 'aria-invalid="true"' in page and 'aria-describedby="kode-hint kode-error"' in page
    assert "<title>Salah: " in page and "Kode ini tidak dikenal" in page


@pytest.mark.parametrize("sent", ["", " ", '"><b>x', "\x00\x07\n", "🎟" * 30, "A" * 4_000, "%(duration)s", "' OR 1=1--"])
def test_what_is_no_code_is_answered_as_a_wrong_one_and_escaped(build: Any, sent: str) -> None:
    _, phone = build(VOUCHER)
    response = _redeem(phone, sent)
    assert response.status_code == 403 and "Kode ini tidak dikenal" in _text(response)
    assert "<b>x" not in response.get_data(as_text=True)
    assert len(response.data) < PAGE_BYTES_MAX


def test_guessing_is_stopped_and_the_page_says_for_how_long(build: Any) -> None:
    world, phone = build(VOUCHER)
    code = _codes(world)[0]
    answers = [_redeem(phone, "ABCDEFGHJK") for _ in range(6)]
    assert answers[0].status_code == 403 and answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) > 0
    waiting = _redeem(phone, code)
    assert waiting.status_code == 429 and "Tunggu 1 menit" in _text(waiting)
    assert f'value="{code}"' in waiting.get_data(as_text=True)
    world.now = replace(world.now, boot_seconds=world.now.boot_seconds + int(waiting.headers["Retry-After"]))
    assert _redeem(phone, code).status_code == 303


def test_a_voucher_in_use_elsewhere_says_what_to_do_and_lets_in_who_comes_after(build: Any) -> None:
    world, phone = build(VOUCHER)
    code = _codes(world)[0]
    assert _redeem(phone, code).status_code == 303
    other = Phone(phone.client, OTHER.address)
    taken = _redeem(other, code)
    assert taken.status_code == 403 and "sedang dipakai perangkat lain" in _text(taken)
    phone.post("/keluar")
    assert _redeem(other, code).status_code == 303
    assert [one.client for one in world.gate.clients()] == [OTHER]
    assert "Perangkat voucher ini 1 dari 1" in _text(other.get("/status"))


def test_used_up_expired_and_withdrawn_vouchers_are_told_apart(build: Any) -> None:
    world, phone = build(VOUCHER)
    used, expired, void = _codes(world, valid_days=2)
    _redeem(phone, used)
    world.grants.write(lambda db: vouchers.void(db, 1, 3, world.now))
    world.now = replace(
        world.now, boot_seconds=world.now.boot_seconds + 300_000, wall_seconds=world.now.wall_seconds + 300_000
    )
    for code, words in ((used, "Voucher ini sudah habis"), (expired, "sudah lewat"), (void, "sudah ditarik kantor")):
        answer = _redeem(phone, code)
        assert answer.status_code == 403 and words in _text(answer)


def test_a_gate_that_is_silent_wastes_no_voucher(build: Any) -> None:
    world, phone = build(VOUCHER)
    code = _codes(world)[0]
    world.gate.is_down = True
    assert "Izin sudah tercatat" in _text(_redeem(phone, code))
    other = Phone(phone.client, OTHER.address)
    world.now = replace(world.now, boot_seconds=world.now.boot_seconds + 130)
    assert _redeem(other, code).status_code == 503, "nobody knows who is silent"
    world.gate.is_down = False
    assert "Sisa waktu" in _text(phone.get("/status"))


# -- verdicts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("id", "Internet dibuka setiap hari 00.00\u201324.00 WITA."),
        ("en", "The internet is open every day 00.00\u201324.00 WITA."),
        ("jv", "Internet dipunbikak saben dinten"),
        ("su", "Internét dibuka unggal dinten"),
        ("ban", "Internet kabuka nyabran rahina"),
    ],
)
def test_opening_hours_are_told_before_one_connects(build: Any, language: str, said: str) -> None:
    _, phone = build('open_hours = ["mon-sun 00:00-24:00"]\naccess = ["terms", "voucher"]')
    for path in ("/", "/voucher"):
        assert said in _text(phone.get(f"{path}?bahasa={language}"))
    _, always = build('access = ["terms", "voucher"]')
    assert "Internet dibuka" not in _text(always.get("/")) + _text(always.get("/voucher"))


def test_closed_hours_say_when_it_opens(build: Any) -> None:
    world, phone = build('open_hours = ["mon-fri 05:00-18:00"]')
    for path in ("/", "/status"):
        page = phone.get(path)
        assert page.status_code == 403 and "Buka lagi besok pukul 05.00 WITA" in _text(page)
        assert "Buka layanan desa" in _text(page) and "403 JAM" in _text(page)
        assert '<meta http-equiv="refresh"' in page.get_data(as_text=True)
    assert phone.post("/sambung").status_code == 403 and world.gate.clients() == ()
    world.now = replace(world.now, wall_seconds=world.now.wall_seconds + 2 * 86_400)  # Friday
    assert "Buka lagi Senin pukul 05.00 WITA" in _text(phone.get("/"))
    assert "It opens again Monday at 05.00 WITA" in _text(phone.get("/?bahasa=en"))


@pytest.mark.parametrize(
    ("key", "used", "words"),
    [
        ("daily_seconds = 3600", (3_600, 0), "Waktu internet hari ini sudah habis"),
        ("daily_megabytes = 100", (60, 100_000_000), "Data internet hari ini sudah habis"),
    ],
)
def test_a_days_share_that_is_used_says_when_the_next_begins(
    build: Any, key: str, used: tuple[int, int], words: str
) -> None:
    world, phone = build(BOTH, key)
    world.grants.write(
        lambda db: db.execute("INSERT INTO daily_use VALUES (?, '2026-01-14', ?, ?)", (PHONE.mac, *used))
    )
    told = _text(phone.get("/"))
    assert words in told and "bisa menyambung lagi besok pukul 00.00 WITA" in told and "Punya voucher?" in told
    assert _redeem(phone, _codes(world)[0]).status_code == 303, "a voucher is beside the day's share"


def test_no_voucher_is_asked_for_where_none_would_help(build: Any) -> None:
    world, phone = build(BOTH, 'open_hours = ["wed 05:00-21:00"]')
    _block(world, None)
    assert "Punya voucher?" not in _text(phone.get("/"))
    world.grants.write(lambda db: blocks.remove(db, PHONE.mac))
    world.wait(7_200)
    told = _text(phone.get("/"))
    assert "sedang tutup" in told and "Punya voucher?" not in told


def test_a_renewal_that_would_give_no_more_is_not_offered(build: Any) -> None:
    _, phone = build(BOTH, 'open_hours = ["wed 05:00-20:10"]')
    phone.post("/sambung")
    assert "Perpanjang" not in _text(phone.get("/status")), "it ends when the network closes, whatever one presses"


def test_a_device_that_the_office_keeps_out_is_told_until_when(build: Any) -> None:
    world, phone = build()
    _block(world, 7_200, "rahasia kantor")
    for response in (phone.get("/"), phone.post("/sambung"), phone.get("/status")):
        told = _text(response)
        assert response.status_code == 403 and "Terbuka lagi pukul 22.00 WITA" in told
        assert "rahasia" not in told and "kadek" not in told, "why and who is the office's own"
    _block(world, None, "x")
    assert "Terbuka lagi" not in _text(phone.get("/"))


def test_a_box_that_does_not_know_the_hour_says_how_long(build: Any) -> None:
    world, phone = build()
    world.now = replace(world.now, wall_quality=WallQuality.UNKNOWN)
    _block(world, 7_200, "x")
    assert "Terbuka lagi dalam 2 jam" in _text(phone.get("/"))


# -- state ------------------------------------------------------------------------------------------------------------


def test_data_that_is_used_up_is_never_green_and_renews_with_one_tap(build: Any) -> None:
    world, phone = build("session_megabytes = 10")
    world.uplink = UplinkState(True, None, 1)
    phone.post("/sambung")
    world.gate.twin.firewall.count(PHONE, 5_000_000, 5_000_000)
    page = phone.get("/status")
    assert "is-good" not in _main(page) and "Jatah data sudah habis" in _text(page)
    assert "Perpanjang sambungan" in _text(page)
    assert phone.post("/sambung").status_code == 303
    assert "is-good" in _main(phone.get("/status")) and "Sisa data 10 MB" in _text(phone.get("/status"))


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (End.TIME, "Waktu sambungan sudah habis"), (End.DATA, "Data sambungan sudah habis"),
        (End.IDLE, "lama tidak dipakai"), (End.OFFICE, "Petugas kantor menghentikan"),
        (End.LOGOUT, "Sambungan sudah diputus"), (End.REPLACED, "Belum tersambung"),
    ],
)  # fmt: skip
def test_how_a_connection_ended_is_told_with_the_button_to_a_new_one(build: Any, end: End, words: str) -> None:
    world, phone = build()
    phone.post("/sambung")
    world.grants.take_back(PHONE, world.now, end)
    page = phone.get("/status")
    assert words in _text(page) and "Sambungkan lagi" in _text(page)
    assert re.search(r'<form method="post" action="/sambung">', page.get_data(as_text=True))
    assert world.gate.clients() == (), "the page makes true what it says"
    assert "Belum tersambung" in _text(Phone(phone.client, OTHER.address).get("/status")), "nobody else's"


def test_who_has_little_time_left_may_renew_and_who_has_much_is_not_asked(build: Any) -> None:
    world, phone = build()
    phone.post("/sambung")
    assert "Perpanjang" not in _text(phone.get("/status"))
    world.wait(14_000)
    assert "Perpanjang sambungan" in _text(phone.get("/status"))
    phone.post("/sambung")
    assert "Sisa waktu 4 jam" in _text(phone.get("/status"))


# -- forms without a sender -------------------------------------------------------------------------------------------


def test_a_login_window_that_sends_a_null_origin_is_let_in_with_its_own_forms_mark(build: Any) -> None:
    world, phone = build(BOTH)
    mark = re.search(r'name="csrf_token" value="([0-9a-f]{32})"', phone.get("/").get_data(as_text=True))
    assert mark is not None
    headers = {"X-Real-IP": PHONE.address, "Origin": "null"}
    for wrong in ("", "0" * 32, "é", mark[1][:-1]):
        assert phone.client.post("/sambung", data={"csrf_token": wrong}, headers=headers).status_code == 403
    stolen = {"X-Real-IP": OTHER.address, "Origin": "null"}
    assert phone.client.post("/sambung", data={"csrf_token": mark[1]}, headers=stolen).status_code == 403
    cross = {**headers, "Sec-Fetch-Site": "cross-site"}
    assert phone.client.post("/sambung", data={"csrf_token": mark[1]}, headers=cross).status_code == 403
    assert world.gate.clients() == ()
    assert phone.client.post("/sambung", data={"csrf_token": mark[1]}, headers=headers).status_code == 303
    mark = re.search(r'name="csrf_token" value="([0-9a-f]{32})"', phone.get("/status").get_data(as_text=True))
    assert mark is not None
    assert phone.client.post("/keluar", data={"csrf_token": mark[1]}, headers=headers).status_code == 303


# -- every page, in every language ------------------------------------------------------------------------------------


class _Missing:
    """What a catalogue falls back to in these tests."""

    def ugettext(self, text: str) -> str:
        raise AssertionError(f"no words for {text!r}")

    gettext = ugettext

    def ungettext(self, one: str, many: str, count: int) -> str:
        raise AssertionError(f"no words for {one!r}")

    ngettext = ungettext


def _strict(app: Flask) -> None:
    for language in app.extensions["desahub_languages"].values():
        if language.code != "id":
            language.texts.add_fallback(_Missing())


def _pages(build: Any, query: str) -> Iterator[tuple[str, TestResponse]]:
    """Every page and verdict there is, by name."""
    since = (datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=3)).isoformat()

    def start(*keys: str, extra: str = "") -> tuple[World, Phone]:
        world, phone = build(*keys, extra=extra)
        _strict(phone.client.application)
        return world, phone

    world, phone = start(BOTH, "session_megabytes = 10", extra=SPEEDS)
    for up in (True, False, None):
        world.uplink = UplinkState(up, since, 1)
        yield f"home, uplink {up}", phone.get(f"/{query}")
    yield "voucher", phone.get(f"/voucher{query}")
    yield "wrong code", phone.client.post(f"/voucher{query}", data={"kode": "x"}, headers={"X-Real-IP": PHONE.address})
    phone.post("/sambung")
    for up in (True, False, None):
        world.uplink = UplinkState(up, since, 1)
        yield f"status, uplink {up}", phone.get(f"/status{query}")
    world.gate.twin.firewall.count(PHONE, 5_000_000, 5_000_000)
    yield "data used up", phone.get(f"/status{query}")
    world.gate.is_down = True
    yield "status, gate silent", phone.get(f"/status{query}")
    yield "not closed", phone.post(f"/keluar{query}")
    yield "kept", phone.post(f"/sambung{query}")
    world.grants.take_back(PHONE, world.now)
    yield "home, gate silent", phone.get(f"/{query}")
    world.gate.is_down = False
    yield "logged out", phone.get(f"/status{query}")
    yield "moved", phone.post(f"/sambung{query}")
    yield "not found", phone.get(f"/none{query}")
    yield "cross-site", phone.post(f"/sambung{query}", Origin="http://jahat.example")
    world.neighbours.clear()
    yield "no neighbour", phone.get(f"/{query}")
    phone.address = "10.99.0.1"
    yield "not a resident", phone.get(f"/{query}")
    world, phone = start(VOUCHER)
    yield "voucher only", phone.get(f"/{query}")
    for _ in range(7):
        last = phone.client.post(f"/voucher{query}", data={"kode": "x"}, headers={"X-Real-IP": PHONE.address})
    yield "locked out", last
    world.leases = {}
    yield "no lease", phone.get(f"/{query}")
    world, phone = start('open_hours = ["mon-fri 05:00-18:00"]')
    yield "closed", phone.get(f"/{query}")
    _block(world, 7_200, "x")
    yield "blocked", phone.get(f"/{query}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_whole_in_its_language_small_and_without_cookie_or_script(build: Any, language: str) -> None:
    for name, response in _pages(build, f"?bahasa={language}"):
        page = response.get_data(as_text=True)
        assert f'<html lang="{language}">' in page, name
        assert len(response.data) < PAGE_BYTES_MAX, name
        assert "Set-Cookie" not in response.headers, name
        assert "<script" not in page and "javascript:" not in page and " style=" not in page, name
        assert "Traceback" not in page and response.status_code < 504, name
        assert "%(" not in page and ">None<" not in page, name
        if response.status_code in (301, 302, 303):
            assert f"bahasa={language}" in response.headers["Location"], name
            continue
        assert page.count("<h1") == 1, name
        for target in re.findall(r'(?:href|action)="(/[^"]*)"', page.split("<footer")[0].split("</style>")[1]):
            assert f"bahasa={language}" in target, f"{name}: {target} forgets the language"
        for code in LANGUAGES:
            assert code == language or f'lang="{code}" hreflang="{code}"' in page, name
        for field in re.findall(r'<input(?![^>]*type="hidden")[^>]* id="(\w+)"', page):
            assert f'<label for="{field}">' in page, name


def test_terms_of_the_villages_own_are_marked_as_indonesian(build: Any) -> None:
    _, phone = build(extra='[portal]\nterms = ["Jaga <sopan> & santun."]')
    page = phone.get("/?bahasa=en").get_data(as_text=True)
    assert '<li lang="id">Jaga &lt;sopan&gt; &amp; santun.</li>' in page
    assert "<li>Jaga" in phone.get("/").get_data(as_text=True)


def test_the_default_terms_are_translated(build: Any) -> None:
    _, phone = build()
    assert "<li>Use this internet wisely and politely.</li>" in phone.get("/?bahasa=en").get_data(as_text=True)


def test_the_portal_offers_what_has_a_catalogue(build: Any) -> None:
    _, phone = build()
    offered = set(phone.client.application.extensions["desahub_languages"])
    assert offered == {"id", *(path.parts[-3] for path in catalogues.sources())}


def test_a_code_is_long_enough_to_be_typed_into_the_field() -> None:
    assert codes.DISTRICT_LENGTH + codes.DISTRICT_LENGTH // 5 <= codes.TYPED_LENGTH_MAX
