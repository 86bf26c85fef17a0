"""The first PIN, from the office's slip to the resident's own, typed on the glass; and who saw what afterwards."""

from __future__ import annotations

import datetime
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import BaseWSGIServer, make_server

from appliance.core import config as hub_config
from appliance.gate.twin import TwinGate
from appliance.hotspot.twin import TwinHotspot
from appliance.kiosk.app import open_database, services
from appliance.kiosk.residents.access import open_register
from appliance.kiosk.residents.person import draft
from tests.browser.conftest import Shoot
from tests.unit.appliance.kiosk.citizen.people import CLERK, WAYAN
from tests.unit.appliance.kiosk.conftest import HUB_TOML, World

pytestmark = [pytest.mark.browser]
PASSWORD, NEW_PIN = "kopi pagi di balai", "739105"


@pytest.fixture
def kiosk(tmp_path: Path) -> Iterator[tuple[str, World]]:
    config = hub_config.parse(HUB_TOML)
    world = World(config, open_database(tmp_path, services()), TwinGate(config), TwinHotspot(), now=time.time())
    person = {"nik": WAYAN, "nama": "I Wayan Contoh", "sex": "1", "tanggallahir": "1990-08-17", "alamat": "Jalan 3"}
    open_register(world.kiosk()).add(CLERK, draft(person, datetime.date(2026, 9, 21)))
    server: BaseWSGIServer = make_server("127.0.0.1", 0, world.app(over_unix_socket=False), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", world
    server.shutdown()
    thread.join()
    server.server_close()
    world.store.close()


def _office(page: Page, kiosk: tuple[str, World], name: str, role: str) -> None:
    address, world = kiosk
    one_time = world.add(name, role)
    for password in (one_time, PASSWORD):
        page.goto(f"{address}/kantor/masuk")
        page.get_by_label("Nama pengguna").fill(name)
        page.get_by_label("Kata sandi").fill(password)
        page.get_by_role("button", name="Masuk").click()
        if password == one_time:
            page.get_by_label("Kata sandi sekarang").fill(one_time)
            page.get_by_label("Kata sandi baru", exact=True).fill(PASSWORD)
            page.get_by_label("Kata sandi baru, sekali lagi").fill(PASSWORD)
            page.locator("main button").click()


def _type(page: Page, digits: str) -> None:
    for digit in digits:
        page.locator("#pad [data-digit]", has_text=digit).click()


def test_from_the_slip_to_a_pin_of_ones_own(desk_browser: Browser, kiosk: tuple[str, World], shoot: Shoot) -> None:
    address, _ = kiosk
    office = desk_browser.new_context(viewport={"width": 1366, "height": 768}, locale="id-ID").new_page()
    _office(office, kiosk, "siti", "operator")
    office.get_by_role("link", name=re.compile("^PIN warga")).click()
    office.get_by_label("NIK").fill(WAYAN)
    office.get_by_role("button", name="Cari").click()
    assert WAYAN not in office.url
    shoot(office, "pin-office")
    office.get_by_label(re.compile("sudah saya periksa")).check()
    office.get_by_role("button", name="Buat PIN").click()
    first = (office.locator(".slip").text_content() or "").replace(" ", "").strip()
    shoot(office, "pin-slip")

    hall = desk_browser.new_context(viewport={"width": 1080, "height": 1920}, has_touch=True, locale="id-ID").new_page()
    hall.goto(f"{address}/masuk-warga")
    expect(hall.locator("#pad")).to_be_visible()
    _type(hall, WAYAN)
    expect(hall.get_by_label("PIN", exact=True)).to_be_focused()
    hall.get_by_role("button", name="Acak tombol").click()
    shown = hall.locator("#pad [data-digit]").all_text_contents()
    assert sorted(shown) == sorted("0123456789")
    _type(hall, first)
    shoot(hall, "pin-login")
    assert first not in hall.locator("main").inner_text()
    hall.get_by_role("button", name="Masuk", exact=True).click()
    hall.goto(f"{address}/pin")
    for digits in (first, "123456", "123456"):
        _type(hall, digits)
    hall.get_by_role("button", name="Simpan PIN baru").click()
    expect(hall.get_by_text("tidak boleh angka berurutan")).to_be_visible()
    shoot(hall, "pin-change")
    for digits in (first, NEW_PIN, NEW_PIN):
        _type(hall, digits)
    hall.get_by_role("button", name="Simpan PIN baru").click()
    expect(hall.get_by_text("PIN sudah diganti")).to_be_visible()
    shoot(hall, "pin-changed")

    office.context.clear_cookies()
    _office(office, kiosk, "budi", "sekretaris")
    office.get_by_role("link", name=re.compile("^Petugas")).click()
    shoot(office, "office-people")
    office.goto(f"{address}/kantor/jejak?oleh=siti")
    expect(office.get_by_text("memberi PIN").first).to_be_visible()
    shoot(office, "office-audit")


def test_without_a_script_a_phones_own_keyboard_will_do(
    desk_browser: Browser, kiosk: tuple[str, World], shoot: Shoot
) -> None:
    context = desk_browser.new_context(
        viewport={"width": 320, "height": 640}, java_script_enabled=False, locale="id-ID"
    )
    page = context.new_page()
    page.goto(f"{kiosk[0]}/masuk-warga")
    expect(page.locator("#pad")).to_be_hidden()
    assert page.get_by_label("PIN", exact=True).get_attribute("inputmode") == "numeric"
    page.get_by_label("NIK", exact=True).fill(WAYAN)
    page.get_by_label("PIN", exact=True).fill("000001")
    page.get_by_role("button", name="Masuk", exact=True).click()
    expect(page.get_by_text("NIK atau PIN salah.")).to_be_visible()
    wide, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= window
    shoot(page, "pin-login-phone")
    context.close()
