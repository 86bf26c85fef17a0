"""A letter through the office without a script, by keyboard, on a laptop and a phone: operator, head, operator."""

from __future__ import annotations

import dataclasses
import datetime
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
from appliance.kiosk.actors import Actor
from appliance.kiosk.app import create_app, open_database, services
from appliance.kiosk.letters.current import make_desk
from appliance.kiosk.letters.paper import Signing
from appliance.kiosk.residents.access import open_register
from appliance.kiosk.residents.person import draft
from appliance.papers.twin_printer import TwinPrinter
from tests.browser.conftest import Shoot
from tests.unit.appliance.kiosk.conftest import HUB_TOML, World
from tests.unit.appliance.kiosk.residents.people import AYU, MADE

pytestmark = [pytest.mark.browser]
PASSWORD = "kopi pagi di balai"
HEAD = Actor("made", "kepala_desa")
WIDTHS = {"laptop": 1280, "phone": 390}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[tuple[str, World]]:
    config = hub_config.parse(HUB_TOML)
    world = World(config, open_database(tmp_path, services()), TwinGate(config), TwinHotspot(), now=time.time())
    kiosk = dataclasses.replace(world.kiosk(over_unix_socket=False), printer=TwinPrinter())
    register = open_register(kiosk)
    for person in (MADE, AYU):
        register.add(HEAD, draft(person, datetime.date(2026, 9, 21)))
    make_desk(kiosk).officials_book.add(HEAD, Signing("I Made Contoh", "Perbekel Sukamaju"), account=HEAD.name)
    server: BaseWSGIServer = make_server("127.0.0.1", 0, create_app(kiosk, services()), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", world
    server.shutdown()
    thread.join()
    server.server_close()
    world.store.close()


def _enter(browser: Browser, office: tuple[str, World], name: str, role: str, width: int) -> Page:
    address, world = office
    viewport = {"width": width, "height": 800}
    context = browser.new_context(viewport=viewport, locale="id-ID", java_script_enabled=False)  # type: ignore[arg-type]
    context.set_default_timeout(10_000)
    page, one_time = context.new_page(), world.add(name, role)
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
    return page


def _require_fits(page: Page) -> None:
    """Nothing stands beside the page: it is never scrolled sideways."""
    box = page.locator("html").evaluate("element => element.scrollWidth - element.clientWidth")
    assert box <= 0


@pytest.mark.parametrize("device", WIDTHS)
def test_a_letter_from_the_counter_to_the_hand(
    desk_browser: Browser, office: tuple[str, World], shoot: Shoot, device: str
) -> None:
    width = WIDTHS[device]
    clerk = _enter(desk_browser, office, "siti", "operator", width)
    clerk.get_by_role("link", name="Buat surat").first.click()
    # The search has the focus: type, Enter; one is found, and the kinds are shown.
    expect(clerk.get_by_label("Nama, NIK, atau No. KK")).to_be_focused()
    clerk.keyboard.type("Suparta")
    clerk.keyboard.press("Enter")
    clerk.get_by_role("link", name="Surat Keterangan Penghasilan").click()
    for label, text in (
        ("Pekerjaan sekarang", "petani"), ("Penghasilan sebulan", "1.500.000"), ("Berapa orang ditanggung", "2"),
    ):  # fmt: skip
        clerk.get_by_label(label).fill(text)
    clerk.get_by_role("button", name="Lihat contohnya dulu").click()
    sheet = clerk.get_by_role("article", name="Contoh kertas surat")
    expect(sheet).to_contain_text("Rp1.500.000,00 (satu juta lima ratus ribu rupiah)")
    _require_fits(clerk)
    shoot(clerk, f"office-letter-form-{device}")
    clerk.get_by_label("Untuk keperluan").fill("beasiswa anak")
    clerk.keyboard.press("Enter")  # the first button of the form sends it
    expect(clerk.get_by_text("Permohonan tercatat. Kode tanda terima:")).to_be_visible()
    clerk.get_by_role("button", name="Isi surat sudah benar").press("Enter")
    expect(clerk.get_by_text("Sekarang menunggu persetujuan")).to_be_visible()
    expect(clerk.get_by_role("button", name="Setujui")).to_have_count(0)
    address = clerk.url
    head = _enter(desk_browser, office, HEAD.name, HEAD.role, width)
    head.get_by_role("link", name="Antrean surat").click()
    expect(head.get_by_role("row").last).to_contain_text("Sudah diperiksa, menunggu persetujuan")
    shoot(head, f"office-letter-queue-{device}")
    head.get_by_role("link", name="I Made Suparta").click()
    _require_fits(head)
    shoot(head, f"office-letter-approval-{device}")
    head.get_by_role("button", name="Setujui").press("Enter")
    expect(head.get_by_text("Surat disetujui: nomor S-43/001/")).to_be_visible()
    clerk.goto(address)
    shoot(clerk, f"office-letter-approved-{device}")
    for button in ("Catat tanda tangan", "Beri tahu warga", "Catat penyerahan"):
        clerk.get_by_role("button", name=button).press("Enter")
    expect(clerk.get_by_text("Sudah diambil").first).to_be_visible()
    _require_fits(clerk)
    shoot(clerk, f"office-letter-done-{device}")


def test_the_paper_stands_beside_the_form_on_a_laptop(desk_browser: Browser, office: tuple[str, World]) -> None:
    clerk = _enter(desk_browser, office, "siti", "operator", WIDTHS["laptop"])
    clerk.goto(f"{office[0]}/kantor/surat/baru/0/keterangan-domisili")
    form, paper = clerk.locator(".doing-side").bounding_box(), clerk.locator(".paper-side").bounding_box()
    assert form is not None
    assert paper is not None
    assert form["x"] + form["width"] < paper["x"]
    assert abs(form["y"] - paper["y"]) < 2
    clerk.set_viewport_size({"width": WIDTHS["phone"], "height": 800})
    below = clerk.locator(".paper-side").bounding_box()
    assert below is not None
    assert below["x"] < 40
