"""NOC staff at eight in the morning: from the incident to the dispatch list, by keyboard alone; and the wall."""

from __future__ import annotations

import contextlib
import datetime
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect
from werkzeug.serving import make_server

from noc import setup
from noc.fleet_book.sqlite import open_fleet_book
from noc.store.sqlite import open_noc_store
from noc.web import create_app
from tests.browser.conftest import CHROMIUM, DESKTOP, FLAGS, PHONE, Shoot, log_in
from tests.unit.noc.seed import NOW_MS
from tests.unit.noc.web import staff
from tests.unit.noc.web.fleet import seed_fleet

pytestmark = pytest.mark.browser

WALL = {"width": 1920, "height": 1080}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The pages on the made-up fleet, on a port of this machine, with an operator."""
    folder: Path = tmp_path_factory.mktemp("noc")
    places = setup.Places(folder / "etc", folder / "var")
    setup.initialise(places, ["localhost"], datetime.datetime.now(datetime.UTC))
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(contextlib.closing(open_noc_store(places.store)))
        book = stack.enter_context(contextlib.closing(open_fleet_book(places.fleet_book)))
        seed_fleet(store, book)
        app = create_app(places, store, book, clock=lambda: NOW_MS / 1000 + 7)
        staff.add(places, "petugas", "operator")
        server = make_server("127.0.0.1", 0, app, threaded=True)
        worker = threading.Thread(target=server.serve_forever)
        worker.start()
        yield f"http://127.0.0.1:{server.port}"
        server.shutdown()
        worker.join()


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield found
    found.close()


def visitor(browser: Browser, address: str, viewport: dict[str, int]) -> BrowserContext:
    """Somebody without JavaScript who has logged in."""
    context = browser.new_context(viewport=viewport, java_script_enabled=False, locale="id-ID")  # type: ignore[arg-type]
    context.set_default_timeout(10_000)
    page = context.new_page()
    page.goto(address)
    log_in(page, "petugas", staff.PASSWORD)
    page.close()
    return context


def is_wider_than_its_window(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desk"])
def test_from_the_incident_to_the_dispatch_list_in_two_clicks(
    browser: Browser, address: str, viewport: dict[str, int], shoot: Shoot
) -> None:
    context = visitor(browser, address, viewport)
    page = context.new_page()
    page.goto(f"{address}/insiden")
    page.get_by_role("link", name="Tidak ada kontak: Kecamatan Petang").click()
    expect(page.get_by_role("link", name="0812-0000-0001").first).to_have_attribute("href", "tel:+6281200000001")
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Unduh daftar kirim").click()
    assert downloading.value.suggested_filename.endswith(".csv")
    assert Path(downloading.value.path()).read_bytes().startswith(b"\xef\xbb\xbf")
    shoot(page, f"noc-incident-{viewport['width']}")
    context.close()


def test_an_incident_is_taken_care_of_by_keyboard_alone(browser: Browser, address: str) -> None:
    context = visitor(browser, address, DESKTOP)
    page = context.new_page()
    page.goto(f"{address}/insiden/2")
    page.get_by_label("Catatan").focus()
    page.keyboard.type("Kartu baru dibawa besok")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Ditangani petugas", exact=True)).to_be_visible()
    expect(page.get_by_text("Kartu baru dibawa besok")).to_be_visible()
    context.close()


@pytest.mark.parametrize("width", [320, 360, 1024, 1920])
def test_no_page_is_wider_than_its_window(browser: Browser, address: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, locale="id-ID")
    page = context.new_page()
    page.goto(address)
    log_in(page, "petugas", staff.PASSWORD)
    paths = (
        "/insiden", "/insiden/1", "/insiden/1?bagian=back", "/serah-terima", "/pemeliharaan?untuk=51.03",
        "/sla?area=51", "/panduan", "/panduan/no_contact", "/hub/hub-51030101/kunjungan", "/dinding",
    )  # fmt: skip
    wide = []
    for path in paths:
        page.goto(f"{address}{path}")
        if is_wider_than_its_window(page):
            wide.append(path)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        if is_wider_than_its_window(page) and width >= 360 and path != "/dinding":
            wide.append(f"{path} with letters twice as large")
    assert wide == []
    context.close()


def test_the_wall_fits_its_screen_and_comes_again_by_itself(browser: Browser, address: str, shoot: Shoot) -> None:
    context = visitor(browser, address, WALL)
    page = context.new_page()
    page.goto(f"{address}/dinding")
    shoot(page, "noc-wall")
    context.close()
    looking = browser.new_context(viewport=WALL, locale="id-ID")  # type: ignore[arg-type]
    page = looking.new_page()
    page.goto(address)
    log_in(page, "petugas", staff.PASSWORD)
    page.goto(f"{address}/dinding")
    height = page.evaluate("document.documentElement.scrollHeight")
    assert height <= WALL["height"] and not is_wider_than_its_window(page)
    sizes = page.evaluate("[...document.querySelectorAll('.n')].map(e => parseFloat(getComputedStyle(e).fontSize))")
    assert min(sizes) >= 60
    cut = page.evaluate(
        "[...document.querySelectorAll('.cell b')].filter(e => e.scrollWidth > e.parentElement.clientWidth + 1)"
        ".map(e => e.textContent)"
    )
    assert cut == []
    assert page.evaluate("getComputedStyle(document.querySelector('.frozen')).visibility") == "hidden"
    with page.expect_navigation(timeout=20_000):
        pass  # the header Refresh brings the page again
    looking.close()
