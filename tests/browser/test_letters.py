"""A resident at the screen in the hall and on a phone: from the waiting screen to the receipt, touch by touch."""

from __future__ import annotations

import datetime
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from werkzeug.serving import BaseWSGIServer, make_server

from appliance.core import config as hub_config
from appliance.gate.twin import TwinGate
from appliance.hotspot.twin import TwinHotspot
from appliance.kiosk.app import open_database, services
from appliance.kiosk.citizen.access import open_pins
from appliance.kiosk.hall import rules
from appliance.kiosk.residents.access import open_register
from appliance.kiosk.residents.person import draft
from tests.browser.conftest import Shoot
from tests.unit.appliance.kiosk.citizen.people import CLERK, PIN, WAYAN
from tests.unit.appliance.kiosk.conftest import HUB_TOML, World

pytestmark = [pytest.mark.browser]

SCREENS = {"phone": (390, 844), "standing": (1080, 1920), "lying": (1280, 800)}
TOUCHES_MAX = 12
KIND = "Surat Keterangan Usaha"
ANSWERS = ["Warung Sari", "warung kopi", "Maret 2019", "", "pengajuan kredit"]  # "" takes what the register supposes


@dataclass
class Hall:
    """A kiosk on loopback, which it takes for the screen in its hall."""

    address: str
    app: Flask
    world: World


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    config = hub_config.parse(HUB_TOML)
    store = open_database(tmp_path, services())
    world = World(config, store, TwinGate(config), TwinHotspot(), now=time.time())
    app = world.app(over_unix_socket=False)
    kiosk = world.kiosk(over_unix_socket=False)
    values = {
        "nik": WAYAN,
        "nama": "I Wayan Contoh",
        "sex": "1",
        "tanggallahir": "1990-08-17",
        "alamat": "Jalan Melati 3",
    }
    resident_id = open_register(kiosk).add(CLERK, draft(values, datetime.date(2026, 9, 21)))
    open_pins(kiosk).give(CLERK, resident_id, WAYAN, PIN, int(world.now))
    with store.transaction() as db:
        db.execute("UPDATE pins SET must_change = 0")
    server: BaseWSGIServer = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Hall(f"http://127.0.0.1:{server.server_port}", app, world)
    server.shutdown()
    thread.join()
    server.server_close()
    store.close()


@pytest.fixture(params=sorted(SCREENS))
def screen(request: pytest.FixtureRequest, desk_browser: Browser) -> Iterator[BrowserContext]:
    width, height = SCREENS[request.param]
    context = desk_browser.new_context(
        viewport={"width": width, "height": height}, has_touch=True, locale="id-ID", reduced_motion="reduce"
    )
    context.set_default_timeout(10_000)
    yield context
    context.close()


@dataclass
class Finger:
    """Touches a page, and counts; typing letters and digits is not counted."""

    page: Page
    touches: int = 0

    def tap(self, what: Locator) -> None:
        self.touches += 1
        with self.page.expect_navigation():
            what.first.tap()


def _no_sideways_scroll(page: Page) -> None:
    wide, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= window, f"{page.url} is {wide} px wide in a window of {window}"


def _log_in(page: Page, finger: Finger) -> None:
    page.get_by_label("NIK", exact=True).fill(WAYAN)
    page.get_by_label("PIN", exact=True).fill(PIN)
    finger.tap(page.get_by_role("button", name="Masuk", exact=True))


def _to_the_check(page: Page, finger: Finger) -> None:
    finger.tap(page.get_by_role("link", name=re.compile("^Surat Minta")))
    finger.tap(page.get_by_role("link", name=re.compile(f"^{KIND}")))
    finger.tap(page.get_by_role("link", name="Minta surat ini"))
    _log_in(page, finger)
    for answer in ANSWERS:
        if answer:
            page.locator("#jawaban").fill(answer)
        _no_sideways_scroll(page)
        keys = page.locator("#keys button", has_text="Lanjut")
        finger.tap(keys if keys.count() and keys.first.is_visible() else page.get_by_role("button", name="Lanjut"))


def test_a_known_resident_asks_for_a_letter_in_a_few_touches(
    hall: Hall, screen: BrowserContext, shoot: Shoot, request: pytest.FixtureRequest
) -> None:
    page = screen.new_page()
    name = request.node.callspec.params["screen"]
    page.goto(hall.address)
    shoot(page, f"letters-{name}-home")
    finger = Finger(page)
    _to_the_check(page, finger)
    shoot(page, f"letters-{name}-check")
    finger.tap(page.get_by_role("button", name="Kirim permohonan"))
    expect(page.locator(".code")).to_have_text(re.compile("[0-9A-Z]{4}-[0-9A-Z]{4}"))
    shoot(page, f"letters-{name}-receipt")
    _no_sideways_scroll(page)
    assert finger.touches <= TOUCHES_MAX
    code = page.locator(".code").inner_text()
    finger.tap(page.get_by_role("button", name="Selesai").first)
    expect(page).to_have_url(f"{hall.address}/")
    page.goto(f"{hall.address}/surat/lacak")
    page.locator("#kode").fill(code)
    finger.tap(page.locator(".step").get_by_role("button", name="Lihat"))
    expect(page.get_by_text("Menunggu diperiksa").first).to_be_visible()
    assert "Wayan" not in page.content()


@pytest.mark.parametrize("screen", ["standing", "lying"], indirect=True)
def test_what_one_touches_in_the_hall_is_large_and_apart(hall: Hall, screen: BrowserContext) -> None:
    page = screen.new_page()
    for path in ("/", "/surat", "/surat/keterangan-usaha", "/surat/lacak", "/layar/panggil"):
        page.goto(hall.address + path)
        boxes = [one.bounding_box() for one in page.locator("main a[href]:visible, main button:visible").all()]
        keys = page.locator("#keys button:visible").count()
        for box in boxes[: len(boxes) - keys]:
            assert box is not None
            assert box["height"] >= 80, (path, box)


@pytest.mark.parametrize("screen", ["standing"], indirect=True)
def test_the_screen_counts_down_can_be_kept_and_closes(
    hall: Hall, screen: BrowserContext, shoot: Shoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = screen.new_page()
    page.clock.install()
    page.goto(hall.address)
    _to_the_check(page, Finger(page))
    address = page.url
    page.clock.fast_forward((rules.IDLE_SECONDS - rules.WARN_SECONDS + 1) * 1000)
    expect(page.get_by_role("alertdialog")).to_be_visible()
    shoot(page, "letters-standing-idle")
    page.get_by_role("button", name="Ya, lanjutkan").tap()
    expect(page.get_by_role("alertdialog")).to_be_hidden()
    page.clock.fast_forward((rules.IDLE_SECONDS - rules.WARN_SECONDS - 1) * 1000)
    expect(page.get_by_role("alertdialog")).to_be_hidden()
    page.clock.fast_forward((rules.WARN_SECONDS + 2) * 1000)
    expect(page).to_have_url(f"{hall.address}/")
    with hall.world.store.reading() as db:
        assert db.execute("SELECT count(*) FROM letter_forms").fetchone()[0] == 0
        assert db.execute("SELECT count(*) FROM pin_sessions").fetchone()[0] == 0
    page.goto(address)
    expect(page).to_have_url(f"{hall.address}/masuk-warga")


@pytest.mark.parametrize("screen", ["standing"], indirect=True)
def test_back_shows_nothing_of_who_was_there(hall: Hall, screen: BrowserContext) -> None:
    page = screen.new_page()
    page.goto(hall.address)
    finger = Finger(page)
    _to_the_check(page, finger)
    assert "Warung Sari" in page.content()
    finger.tap(page.get_by_role("button", name="Selesai").first)
    for _ in range(3):
        page.go_back()
        assert "Warung" not in page.content() and "Wayan" not in page.content()


@pytest.mark.parametrize("screen", ["lying"], indirect=True)
def test_letters_are_typed_on_the_glass(hall: Hall, screen: BrowserContext, shoot: Shoot) -> None:
    page = screen.new_page()
    page.goto(f"{hall.address}/surat/lacak")
    keys = page.locator("#keys")
    expect(keys).to_be_visible()
    for key in ("k", "9", "x"):
        keys.get_by_role("button", name=key, exact=True).tap()
    keys.get_by_role("button", name="hapus satu huruf").tap()
    expect(page.locator("#kode")).to_have_value("k9")
    for word in ("Kembali", "Selesai", "Panggil petugas"):
        box = page.locator(".bar").get_by_text(word).bounding_box()
        keys_box = keys.bounding_box()
        assert box is not None and keys_box is not None
        assert box["y"] >= 0 and box["y"] + box["height"] <= keys_box["y"], word
    shoot(page, "letters-lying-keys")


def test_twice_as_large_text_loses_nothing(hall: Hall, desk_browser: Browser, shoot: Shoot) -> None:
    context = desk_browser.new_context(viewport={"width": 640, "height": 900}, locale="id-ID", bypass_csp=True)
    page = context.new_page()
    page.add_init_script(
        "document.addEventListener('DOMContentLoaded', () => document.documentElement.style.fontSize = '237.5%')"
    )
    for path in ("/", "/surat", "/surat/keterangan-usaha", "/surat/lacak", "/layar/panggil"):
        page.goto(hall.address + path)
        _no_sideways_scroll(page)
        for word in ("Kembali", "Selesai", "Panggil petugas") if path != "/" else ():
            expect(page.locator(".bar").get_by_text(word)).to_be_visible()
    shoot(page, "letters-large-text")
    context.close()


def test_it_works_without_script(hall: Hall, desk_browser: Browser) -> None:
    context = desk_browser.new_context(java_script_enabled=False, locale="id-ID", has_touch=True)
    page = context.new_page()
    page.goto(hall.address)
    finger = Finger(page)
    _to_the_check(page, finger)
    finger.tap(page.get_by_role("button", name="Kirim permohonan"))
    expect(page.locator(".code")).to_be_visible()
    context.close()
