"""The pages with the hotspot's twin: what they show, what they change, and what they never do."""

import datetime
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from appliance.core import config as hub_config
from appliance.core.errors import GateUnavailable, HotspotRefused, HotspotUnavailable
from appliance.gate.protocol import Client
from appliance.hotspot import protocol
from appliance.hotspot.protocol import Block, ListBlocked, ListClients, MakeBatch, RefusalCode, UsagePoint
from appliance.kiosk.hotspot import words as words_of
from appliance.system.uplink_state import UplinkState
from tests.unit.appliance.kiosk.conftest import HUB_TOML
from tests.unit.appliance.kiosk.hotspot.conftest import HOSTILE, PHONE, Clerk, words

LISTS = ("/", "/pemakaian", "/voucher", "/voucher/buat", "/riwayat", "/diblokir", "/catatan")
FORM = {"address": PHONE.address, "mac": PHONE.mac}
BATCH = {
    "title": "Pasar malam", "count": "30", "devices": "1", "duration_seconds": "86400", "quota_megabytes": "500",
    "speed": "", "valid_days": "90", "make": "1",
}  # fmt: skip
CHANGES = (
    "/perangkat/tambah", "/perangkat/hentikan", "/perangkat/blokir", "/diblokir/buka", "/voucher/buat",
    "/voucher/1/batalkan", "/voucher/1/batalkan/1",
)  # fmt: skip


def _asked(world: Any, kind: type[Any]) -> list[Any]:
    return [request for request in world.hotspot.requests if isinstance(request, kind)]


def _changes(world: Any) -> list[Any]:
    looks = (
        ListClients,
        ListBlocked,
        protocol.ListHistory,
        protocol.ListBatches,
        protocol.AskUsage,
        protocol.ListActions,
    )
    return [request for request in world.hotspot.requests if not isinstance(request, looks)]


def _make(clerk: Clerk, **values: str) -> Any:
    return clerk.post("/voucher/buat", {**BATCH, "token": clerk.field("token", "/voucher/buat"), **values})


# -- who may, and from where -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", LISTS)
def test_nobody_sees_a_page_without_a_login(visitor: Any, world: Any, path: str) -> None:
    assert visitor.get(f"/kantor/hotspot{path}").headers["Location"] == "/kantor/masuk"
    assert world.hotspot.requests == []


@pytest.mark.parametrize("path", LISTS)
def test_no_page_opens_in_the_open_air(clerk: Clerk, path: str) -> None:
    clerk.visitor.place = "resident"
    response = clerk.get(path)
    assert response.status_code == 403 and "membaca kata sandi di udara" in words(response)


@pytest.mark.parametrize("role", ["operator", "sekretaris", "kepala_desa"])
def test_every_role_of_the_office_sees_and_changes(log_in: Callable[[str, str], Clerk], world: Any, role: str) -> None:
    clerk = log_in("made", role)
    assert [clerk.get(path).status_code for path in LISTS] == [200] * len(LISTS)
    world.hotspot.put_online(PHONE)
    assert clerk.post("/perangkat/hentikan", {**FORM, "why": "uji"}).status_code == 303
    assert _asked(world, protocol.Stop)[0].by == "made"


@pytest.mark.parametrize("path", CHANGES)
def test_nothing_changes_without_the_forms_token(clerk: Clerk, world: Any, path: str) -> None:
    form = {**FORM, **BATCH, "why": "uji", "until": "jam", "seconds": "1800", "token": "a" * 22}
    response = clerk.visitor.post(f"/kantor/hotspot{path}", form)
    assert response.status_code == 400 and "FORMULIR" in words(response)
    assert _changes(world) == []


@pytest.mark.parametrize("path", CHANGES[:5])
def test_nothing_changes_by_looking(clerk: Clerk, world: Any, path: str) -> None:
    assert clerk.get(path).status_code in (200, 405)
    assert _changes(world) == []


def test_the_offices_home_leads_here(clerk: Clerk) -> None:
    home = clerk.visitor.get("/kantor/").get_data(as_text=True)
    assert 'href="/kantor/hotspot/"' in home and "Hotspot warga" in home
    assert "Hotspot warga" not in clerk.visitor.get("/").get_data(as_text=True)


# -- devices -----------------------------------------------------------------------------------------------------------


def test_a_device_is_shown_with_its_hostile_name_as_text(clerk: Clerk) -> None:
    page = clerk.page("/")
    assert "<script" not in page and "&lt;script&gt;" in page
    text = clerk.text("/")
    for shown in (
        "<script>alert('x')</script>",
        PHONE.mac,
        PHONE.address,
        "Setuju aturan",
        "1 jam",
        "6 MB",
        "2 Mbit/s",
    ):
        assert shown in text
    assert 'http-equiv="refresh" content="30"' in page
    assert 'http-equiv="refresh"' not in clerk.page("/?diam=ya")


@pytest.mark.parametrize("path", LISTS)
def test_no_page_carries_script_or_a_style_of_its_own(clerk: Clerk, world: Any, path: str) -> None:
    response = clerk.get(path)
    page = response.get_data(as_text=True)
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", page)
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert response.headers["Cache-Control"] == "no-store"


def test_no_address_of_a_page_carries_a_device(clerk: Clerk) -> None:
    for path in LISTS:
        for link in re.findall(r'(?:href|action|src|srcset)="([^"]*)"', clerk.page(path)):
            assert "02:00" not in link and "10.20" not in link and "script" not in link, link


def test_nobody_online_is_said(log_in: Callable[[str, str], Clerk]) -> None:
    assert "Belum ada perangkat yang tersambung" in log_in("siti", "operator").text("/")


def test_250_devices_come_by_pages_and_are_found(clerk: Clerk, world: Any) -> None:
    for number in range(249):
        world.hotspot.put_online(Client(f"10.20.1.{number}", f"02:00:00:00:01:{number:02x}"), host_name=f"hp-{number}")
    pages = [clerk.page(f"/?hal={number}&urut=nama") for number in range(1, 6)]
    shown = [mac for page in pages for mac in re.findall(r'<span class="mac">(\S+)', page)]
    assert len(set(shown)) == len(shown) == 250
    assert "Halaman 5 dari 5" in clerk.text("/?hal=5")
    found = clerk.post("/cari", {"text": "hp-123"})
    assert re.findall(r'<span class="mac">(\S+)', found.get_data(as_text=True)) == ["02:00:00:00:01:7b"]
    assert "hp-123" not in found.request.url
    assert "Tidak ada perangkat yang cocok" in words(clerk.post("/cari", {"text": "<b>"}))


@pytest.mark.parametrize(
    "query", ["?hal=abc", "?hal=-1", "?hal=99999999999", "?urut=%27", "?jaringan=%00", "?hal=1&hal=2"]
)
def test_nonsense_in_an_address_is_no_error(clerk: Clerk, query: str) -> None:
    for path in ("/", "/pemakaian", "/riwayat", "/catatan"):
        assert clerk.get(f"{path}{query}").status_code in (200, 404)


def test_the_devices_page_says_whom_one_meets(clerk: Clerk) -> None:
    text = words(clerk.post("/perangkat", FORM))
    for shown in (HOSTILE, PHONE.mac, "Tambah waktu", "Hentikan perangkat ini", "Blokir perangkat ini"):
        assert shown in text
    assert "vouchernya" not in text, "it accepted the terms"


def test_more_time_counts_once_for_a_form(clerk: Clerk, world: Any) -> None:
    page = clerk.post("/perangkat", FORM).get_data(as_text=True)
    token = re.search(r'name="token" value="([^"]+)"', page)
    assert token is not None
    for _ in range(3):
        response = clerk.post("/perangkat/tambah", {**FORM, "seconds": "3600", "token": token[1]})
        assert response.status_code == 303
    (asked,) = _asked(world, protocol.Extend)
    assert (asked.client, asked.seconds, asked.by) == (PHONE, 3_600, "siti")
    assert "tidak ditambah dua kali" in clerk.text("/")
    assert "Menambah waktu 1 jam" in clerk.text("/catatan")


def test_more_time_that_changes_no_end_is_told_so(clerk: Clerk, world: Any) -> None:
    token = re.search(r'name="token" value="([^"]+)"', clerk.post("/perangkat", FORM).get_data(as_text=True))
    assert token is not None
    real = world.hotspot.ask  # closing time holds all the same
    world.hotspot.ask = lambda asked: protocol.Done() if isinstance(asked, protocol.Extend) else real(asked)
    clerk.post("/perangkat/tambah", {**FORM, "seconds": "3600", "token": token[1]})
    assert "tetap berakhir dalam" in clerk.text("/") and "sudah ditambah." not in clerk.text("/")


@pytest.mark.parametrize("seconds", ["", "60", "-1", "99999999", "tutup", "x"])
def test_only_offered_times_are_given(clerk: Clerk, world: Any, seconds: str) -> None:
    response = clerk.post("/perangkat/tambah", {**FORM, "seconds": seconds, "token": "a" * 22})
    assert response.status_code == 400 and "Pilih berapa lama" in words(response)
    assert _changes(world) == []


def test_until_closing_is_offered_where_a_network_closes(world: Any, log_in: Callable[[str, str], Clerk]) -> None:
    closing = datetime.datetime.fromtimestamp(world.now, ZoneInfo("Asia/Makassar")) + datetime.timedelta(hours=2)
    world.config = hub_config.parse(f'{HUB_TOML}open_hours = ["mon-sun 06:00-{closing:%H:%M}"]\n')
    world.hotspot.put_online(PHONE, 1_800)
    clerk = log_in("siti", "operator")
    there = world.app().test_client()
    there.set_cookie("sesi-kiosk", clerk.visitor.client.get_cookie("sesi-kiosk").value)
    clerk.visitor.client = there
    assert "Sampai jam tutup (1 jam 2" in words(clerk.post("/perangkat", FORM))


@pytest.mark.parametrize("why", ["", "   ", "x" * 201, "a\x00b"])
@pytest.mark.parametrize("path", ["/perangkat/hentikan", "/perangkat/blokir"])
def test_what_takes_something_needs_a_reason(clerk: Clerk, world: Any, path: str, why: str) -> None:
    response = clerk.post(path, {**FORM, "until": "jam", "why": why})
    assert response.status_code == 400 and "Tulis alasannya" in words(response)
    assert 'aria-invalid="true"' in response.get_data(as_text=True)
    assert _changes(world) == []


def test_stop_and_block_are_done_signed_and_told(clerk: Clerk, world: Any) -> None:
    assert clerk.post("/perangkat/hentikan", {**FORM, "why": " ulah\n sendiri "}).status_code == 303
    assert "sudah dihentikan" in clerk.text("/")
    assert _asked(world, protocol.Stop) == [protocol.Stop(PHONE, "siti", "ulah sendiri")]
    response = clerk.post("/perangkat/hentikan", {**FORM, "why": "lagi"})
    assert response.status_code == 303 and "sudah tidak tersambung" in clerk.text("/")
    assert clerk.post("/perangkat/blokir", {**FORM, "until": "terus", "why": "ulah"}).status_code == 303
    text = clerk.text("/diblokir")
    assert "sudah diblokir" in text and PHONE.mac in text and "Kalau kantor membukanya" in text and "ulah" in text
    assert f"{HOSTILE} {PHONE.mac} · {PHONE.address}" in text, "as text, with the address it had last"
    assert "<script" not in clerk.get("/diblokir").get_data(as_text=True)
    assert clerk.post("/diblokir/buka", {"mac": PHONE.mac}).status_code == 303
    assert "Tidak ada perangkat yang diblokir" in clerk.text("/diblokir")
    log = clerk.text("/catatan")
    for shown in ("Membuka blokir", "Memblokir sampai dibuka", "Menghentikan sambungan", "ulah sendiri", "siti"):
        assert shown in log


@pytest.mark.parametrize(("until", "seconds"), [("jam", 3_600), ("terus", None)])
def test_a_block_lasts_as_chosen(clerk: Clerk, world: Any, until: str, seconds: int | None) -> None:
    clerk.post("/perangkat/blokir", {**FORM, "until": until, "why": "ulah"})
    assert _asked(world, Block)[0].seconds == seconds


@pytest.mark.parametrize(
    "form",
    [
        {}, {"address": PHONE.address}, {"mac": PHONE.mac, "address": "::1"}, {"mac": "x" * 9_999, "address": "1"},
        {"mac": PHONE.mac.upper() + "AB", "address": PHONE.address}, {"mac": "' OR 1=1", "address": PHONE.address},
    ],
)  # fmt: skip
def test_a_form_without_a_device_changes_nothing(clerk: Clerk, world: Any, form: dict[str, str]) -> None:
    more = {"why": "uji", "until": "jam", "seconds": "1800", "token": "a" * 22}
    for path in ("/perangkat", "/perangkat/tambah", "/perangkat/hentikan", "/perangkat/blokir"):
        assert clerk.post(path, {**form, **more}).status_code == 400
    if form.get("mac") != PHONE.mac:
        assert clerk.post("/diblokir/buka", {"mac": form.get("mac", "")}).status_code == 400
    assert _changes(world) == []


# -- vouchers ----------------------------------------------------------------------------------------------------------


def test_a_batch_is_made_once_however_often_the_button_is_pressed(clerk: Clerk, world: Any) -> None:
    token = clerk.field("token", "/voucher/buat")
    answers = [clerk.post("/voucher/buat", {**BATCH, "token": token}) for _ in range(3)]
    assert [answer.headers["Location"] for answer in answers] == ["/kantor/hotspot/voucher/1"] * 3
    (asked,) = _asked(world, MakeBatch)
    assert (asked.title, asked.count, asked.quota_megabytes, asked.by) == ("Pasar malam", 30, 500, "siti")
    text = clerk.text("/voucher")
    assert "Pasar malam" in text and "30 dari 30" in text and "1 hari · 1 perangkat · 500 MB" in text


def test_the_preview_makes_nothing(clerk: Clerk, world: Any) -> None:
    form = {name: value for name, value in BATCH.items() if name != "make"}
    token = clerk.field("token", "/voucher/buat")
    response = clerk.post("/voucher/buat", {**form, "token": token, "preview": "1"})
    page = response.get_data(as_text=True)
    assert response.status_code == 200 and "1 hari · 1 perangkat · 500 MB" in words(response)
    assert f'value="{token}"' in page and 'value="Pasar malam"' in page and _changes(world) == []


@pytest.mark.parametrize(
    ("field", "value"), [("title", ""), ("count", "0"), ("count", "501"), ("devices", "99"), ("speed", "kilat")]
)
def test_a_wrong_field_is_marked_and_nothing_is_made(clerk: Clerk, world: Any, field: str, value: str) -> None:
    response = _make(clerk, **{field: value})
    page = response.get_data(as_text=True)
    assert response.status_code == 400 and "Belum ada yang dibuat" in words(response)
    assert re.search(rf'id="{field}"[^>]*aria-invalid="true"', page) and f'id="{field}-error"' in page
    assert _changes(world) == []


@pytest.mark.parametrize("token", ["", "x", "a" * 23, "../" * 8])
def test_a_form_without_its_own_token_makes_nothing(clerk: Clerk, world: Any, token: str) -> None:
    assert clerk.post("/voucher/buat", {**BATCH, "token": token}).status_code == 400
    assert _changes(world) == []


def test_a_keeper_that_falls_silent_leaves_no_second_batch(clerk: Clerk, world: Any) -> None:
    token, ask = clerk.field("token", "/voucher/buat"), world.hotspot.ask

    def made_but_silent(request: Any) -> Any:
        answer = ask(request)
        if isinstance(request, MakeBatch):
            raise HotspotUnavailable("gone")
        return answer

    world.hotspot.ask = made_but_silent
    response = clerk.post("/voucher/buat", {**BATCH, "token": token})
    assert response.status_code == 503 and "Belum tentu" in words(response)
    world.hotspot.ask = ask
    again = clerk.post("/voucher/buat", {**BATCH, "token": token})
    assert again.headers["Location"] == "/kantor/hotspot/voucher"
    assert "Periksa dulu daftar" in clerk.text("/voucher") and len(_asked(world, MakeBatch)) == 1


def test_a_refused_batch_may_be_sent_again(clerk: Clerk, world: Any) -> None:
    token, ask = clerk.field("token", "/voucher/buat"), world.hotspot.ask

    def refuse(request: Any) -> Any:
        if isinstance(request, MakeBatch):
            raise HotspotRefused(RefusalCode.UNKNOWN_SPEED, "no such speed")
        return ask(request)

    world.hotspot.ask = refuse
    response = clerk.post("/voucher/buat", {**BATCH, "token": token})
    assert response.status_code == 400 and "desahub apply" in words(response)
    world.hotspot.ask = ask
    assert clerk.post("/voucher/buat", {**BATCH, "token": token}).status_code == 303


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        (("mon-sun 05:00-22:00",), "Dibuka setiap hari 05.00\u201322.00 WITA."),
        (
            ("mon-fri 06:00-22:00", "sat-sun 05:00-23:30"),
            "Dibuka Senin\u2013Jumat 06.00\u201322.00, Sabtu\u2013Minggu 05.00\u201323.30 WITA.",
        ),
        (tuple(f"{day} 06:00-22:00" for day in ("mon", "tue", "wed", "thu", "sun")), "Ada jam buka: lihat di halaman"),
    ],
)
def test_a_slip_says_when_the_network_is_open(world: Any, entries: tuple[str, ...], said: str) -> None:
    (network,) = world.config.networks
    hours = replace(world.config, networks=(replace(network, open_hours=entries),))
    with world.app().test_request_context():
        assert words_of.opening(hours, network.ssid).startswith(said)
        assert words_of.opening(world.config, network.ssid) == ""


def test_a_sheet_holds_24_with_code_qr_and_how_to_use(clerk: Clerk, world: Any) -> None:
    _make(clerk)
    response = clerk.get("/voucher/1/lembar")
    page = response.get_data(as_text=True)
    slips = [re.findall('class="voucher( is-long)?"', sheet) for sheet in page.split('class="paper"')[1:]]
    assert [len(sheet) for sheet in slips] == [24, 6]
    assert slips[1] == [" is-long"] * 6, "with this network's long name the last line would fall off at full size"
    assert page.count('class="qr"') == 30
    codes = re.findall(r'<span class="voucher-code">([0-9A-Z]{5}-[0-9A-Z]{5})</span>', page)
    assert len(set(codes)) == 30
    text = words(response)
    for shown in (
        "Tekan Ctrl dan P",
        "1 hari · 1 perangkat · 500 MB",
        "Paling lambat",
        "1. Sambung ke Wi-Fi Desa <b>Sukamaju</b>.",
        "2. Pindai QR, atau buka masuk.desa.internal.",
    ):
        assert shown in text
    assert "<script" not in page and " style=" not in page and "Melihat kode voucher" in clerk.text("/catatan")


def test_a_sheet_leaves_out_what_does_not_hold_and_can_be_printed_again(clerk: Clerk, world: Any) -> None:
    _make(clerk)
    world.hotspot.use_voucher(1, 2, PHONE)
    assert clerk.post("/voucher/1/batalkan/3", {"why": "rusak"}).status_code == 303
    assert _serials(clerk.page("/voucher/1/lembar")) == [i for i in range(1, 31) if i not in (2, 3)]
    assert _serials(clerk.page("/voucher/1/lembar?semua=ya")) == [i for i in range(1, 31) if i != 3]


def _serials(page: str) -> list[int]:
    return [int(serial) for serial in re.findall(r'class="serial">1-(\d+)<', page)]


def test_many_vouchers_are_printed_in_parts(clerk: Clerk) -> None:
    _make(clerk, count="130")
    assert clerk.page("/voucher/1/lembar").count('class="serial"') == 120
    assert clerk.page("/voucher/1/lembar?hal=2").count('class="serial"') == 10


def test_withdrawing_asks_first_needs_a_reason_and_is_told(clerk: Clerk, world: Any) -> None:
    _make(clerk)
    world.hotspot.use_voucher(1, 1, PHONE)
    asked = words(clerk.get("/voucher/1/batalkan"))
    assert "29 voucher yang belum dipakai" in asked and "1 yang sedang berlaku" in asked
    assert clerk.post("/voucher/1/batalkan", {"why": " "}).status_code == 400
    assert not _asked(world, protocol.VoidBatch)
    assert clerk.post("/voucher/1/batalkan", {"why": "hilang"}).status_code == 303
    text = clerk.text("/voucher/1")
    assert "sudah dibatalkan" in text and "Cetak lembar" not in text
    assert "Dibatalkan" in clerk.text("/voucher/1/kode") and "Belum ada perangkat" in clerk.text("/")


@pytest.mark.parametrize(
    "path", ["9", "9/lembar", "9/kode", "9/batalkan", "1/batalkan/31", "1/batalkan/0", "9" * 40, "x", "-1"]
)
def test_what_is_not_there_is_said(clerk: Clerk, path: str) -> None:
    _make(clerk)
    assert clerk.get(f"/voucher/{path}").status_code == 404


def test_a_village_without_vouchers_is_told_so(clerk: Clerk) -> None:
    assert "Belum ada Wi-Fi yang menerima voucher" in clerk.text("/voucher")


# -- use and history ---------------------------------------------------------------------------------------------------


def test_use_is_shown_against_the_line(clerk: Clerk, world: Any) -> None:
    now = int(world.now)
    world.hotspot.usage_points = tuple(
        UsagePoint(now // 300 * 300 - 300 * i, 75_000_000, 7_500_000, 4) for i in range(1, 13)
    )
    text = clerk.text("/pemakaian")
    for shown in ("2 Mbit/s", "10 % dari jalur 20 Mbit/s", "tertinggi 2 Mbit/s", HOSTILE, "Kecepatan jalur"):
        assert shown in text
    for which in ("unduh", "unggah", "perangkat"):
        for query in ("", "?rentang=48j&lebar=sempit"):
            response = clerk.get(f"/pemakaian/{which}.svg{query}")
            svg = response.get_data(as_text=True)
            assert response.content_type == "image/svg+xml" and "<script" not in svg and "<path" in svg


def test_no_use_yet_is_said(log_in: Callable[[str, str], Clerk]) -> None:
    text = log_in("siti", "operator").text("/pemakaian?rentang=1j")
    assert "Saat ini tidak ada yang memakai" in text and "Belum ada catatan dalam rentang ini" in text


def test_history_by_day_and_found_in_all_days(log_in: Callable[[str, str], Clerk], world: Any) -> None:
    world.hotspot.put_online(PHONE)
    world.hotspot.ask(protocol.Stop(PHONE, "siti", "uji"))
    world.now += 86_400
    other = Client("10.20.0.8", "02:00:00:00:00:08")
    world.hotspot.put_online(other, host_name="hp-lain")
    clerk = log_in("siti", "operator")
    today = clerk.text("/riwayat")
    assert "hp-lain" in today and PHONE.mac not in today and "30 hari" in today
    day = re.findall(r'<option value="([\d-]+)"', clerk.page("/riwayat"))[1]
    text = clerk.text(f"/riwayat?hari={day}")
    assert PHONE.mac in text and "Dihentikan kantor" in text
    found = words(clerk.post("/riwayat/cari", {"text": "02-00-00-00-00-07"}))
    assert PHONE.mac in found and other.mac not in found
    assert clerk.get("/riwayat?hari=2026-02-31").status_code == 404
    assert clerk.get("/riwayat?hari=1999-01-01").status_code == 200
    assert words(clerk.post("/riwayat/cari", {"text": ""})).count("hp-lain") >= 1


def test_a_search_ends_and_says_that_there_is_more(clerk: Clerk, world: Any) -> None:
    for number in range(250):
        world.hotspot.put_online(Client(f"10.20.2.{number}", f"02:00:00:00:02:{number:02x}"), host_name="sama")
    response = clerk.post("/riwayat/cari", {"text": "sama"})
    assert "terlalu banyak" in words(response)
    assert response.get_data(as_text=True).count('<span class="mac">') == 200


# -- trouble -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [each for each in LISTS if each != "/voucher/buat"])
def test_a_silent_keeper_is_said_with_the_menu(clerk: Clerk, world: Any, path: str) -> None:
    world.hotspot.ask = _silent
    response = clerk.get(path)
    text = words(response)
    assert response.status_code == 503 and response.headers["Retry-After"] == "30"
    assert (
        "Penjaga hotspot tidak menjawab" in text
        and "tetap bisa memakai internet" in text
        and "Catatan tindakan" in text
    )


def test_a_silent_keeper_upsets_no_change(clerk: Clerk, world: Any) -> None:
    world.hotspot.ask = _silent
    for path in CHANGES[1:4]:
        assert clerk.post(path, {**FORM, "why": "uji", "until": "jam"}).status_code == 503
    assert clerk.visitor.get("/kantor/").status_code == 200 and clerk.visitor.get("/").status_code == 200


def _silent(_: Any) -> Any:
    raise HotspotUnavailable("gone")


@pytest.mark.parametrize("code", [*RefusalCode, "of_a_later_release"])
def test_every_refusal_is_a_sentence(clerk: Clerk, world: Any, code: str) -> None:
    ask = world.hotspot.ask

    def refuse(request: Any) -> Any:
        if isinstance(request, protocol.Stop | protocol.ListBatches):
            raise HotspotRefused(code, "in English, for a technician")
        return ask(request)

    world.hotspot.ask = refuse
    assert clerk.post("/perangkat/hentikan", {**FORM, "why": "uji"}).status_code == 303
    page = clerk.page("/")
    assert "in English" not in page and 'class="status' in page
    response = clerk.get("/voucher")
    assert response.status_code in (400, 404, 503) and "in English" not in words(response)


def test_gate_and_line_are_told_as_they_are(clerk: Clerk, world: Any) -> None:
    def fail() -> Any:
        raise GateUnavailable("gone")

    world.uplink = UplinkState(False, "2026-11-22T07:12:00+00:00", 0)
    world.gate.status = fail
    for path in ("/", "/pemakaian"):
        response = clerk.get(path)
        text = words(response)
        assert response.status_code == 200
        assert "Gerbang internet tidak menjawab" in text and "Internet sedang putus" in text
    world.hotspot.put_online(Client("10.20.0.9", "02:00:00:00:00:09"), 3_600, is_let_through=False)
    assert "Belum lewat gerbang" not in clerk.text("/"), "nobody knows it while the gate is silent"


def test_the_app_has_no_page_of_the_hotspot_without_guard(app: Flask) -> None:
    hooks = app.before_request_funcs["hotspot"]
    names = [getattr(hook, "func", hook).__name__ for hook in hooks]
    assert names == ["refuse_open_air", "turn_away"]
