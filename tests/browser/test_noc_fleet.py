"""The NOC's pages of the fleet in a real browser: no sideways scroll at any width, large text, keyboard, no script."""

from __future__ import annotations

import contextlib
import datetime
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from werkzeug.serving import make_server

from noc import setup
from noc.fleet_book.sqlite import open_fleet_book
from noc.store.sqlite import open_noc_store
from noc.web import create_app
from tests.browser.conftest import Shoot, log_in
from tests.unit.noc.seed import NOW_MS
from tests.unit.noc.web import staff
from tests.unit.noc.web.commanded import seed_commands
from tests.unit.noc.web.fleet import DETAILED, SILENT, seed_fleet

pytestmark = [pytest.mark.browser]

PAGES = {
    "list": "/", "filtered": "/?area=51.03&urut=residents", "map": "/peta", "province": "/peta/51",
    "villages": "/peta/51.03.02", "country": "/wilayah", "area": "/wilayah/51", "district": "/wilayah/51.03.01",
    "hub": f"/hub/{DETAILED}?rentang=24j", "silent": f"/hub/{SILENT}?rentang=90h",
}  # fmt: skip
WIDTHS = (320, 360, 768, 1024, 1920)


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The made-up fleet behind a real server on the loopback."""
    folder = tmp_path_factory.mktemp("noc")
    places = setup.Places(folder / "etc", folder / "var")
    setup.initialise(places, ["localhost"], datetime.datetime.now(datetime.UTC))
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(contextlib.closing(open_noc_store(places.store)))
        book = stack.enter_context(contextlib.closing(open_fleet_book(places.fleet_book)))
        seed_fleet(store, book)
        seed_commands(book, DETAILED)
        staff.add(places, "petugas", "operator")
        app = create_app(places, store, book, clock=lambda: NOW_MS / 1000 + 7)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        stack.callback(serving.join)
        stack.callback(server.shutdown)
        yield f"http://127.0.0.1:{server.server_port}"


@pytest.fixture(scope="module")
def visitor(desk_browser: Browser, dashboard: str) -> Iterator[BrowserContext]:
    """An operator's browser, without JavaScript: the pages need none."""
    context = desk_browser.new_context(java_script_enabled=False, locale="id-ID")
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.goto(f"{dashboard}/masuk")
    log_in(page, "petugas", staff.PASSWORD)
    expect(page.get_by_role("heading", name="Daftar hub")).to_be_visible()
    page.close()
    yield context
    context.close()


@pytest.fixture
def page(visitor: BrowserContext) -> Iterator[Page]:
    made = visitor.new_page()
    yield made
    made.close()


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window. Playwright evaluates also where pages may not."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.mark.parametrize("name", PAGES)
def test_no_page_scrolls_sideways(page: Page, dashboard: str, shoot: Shoot, name: str) -> None:
    outside: list[str] = []
    page.on("request", lambda request: None if request.url.startswith(dashboard) else outside.append(request.url))
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        answer = page.goto(dashboard + PAGES[name])
        assert answer is not None and answer.status == 200
        assert overflow(page) == 0, f"{width} px"
        if width in (360, 1024, 1920):
            shoot(page, f"noc-fleet-{name}-{width}")
    assert outside == [], "everything on these pages comes from the NOC itself"


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [320, 1280])
def test_letters_of_twice_the_size_fit(page: Page, dashboard: str, name: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(dashboard + PAGES[name])
    # What the setting of a browser does: rem and em grow, and with them where pages become lists.
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert overflow(page) == 0


def test_the_map_is_an_archipelago_on_a_desk_and_a_list_on_a_phone(page: Page, dashboard: str) -> None:
    page.set_viewport_size({"width": 1366, "height": 768})
    page.goto(f"{dashboard}/peta")
    aceh, papua, ntt = (page.locator(f".at-{code}").bounding_box() for code in ("11", "91", "53"))
    assert aceh is not None and papua is not None and ntt is not None
    assert aceh["x"] < ntt["x"] < papua["x"] and aceh["y"] < papua["y"] < ntt["y"]
    assert all(
        box.evaluate("each => each.scrollWidth <= each.clientWidth") for box in page.locator(".cell .short").all()
    )
    page.set_viewport_size({"width": 1024, "height": 768})
    assert all(
        box.evaluate("each => each.scrollWidth <= each.clientWidth") for box in page.locator(".cell .short").all()
    )
    page.set_viewport_size({"width": 360, "height": 800})
    boxes = [page.locator(f".at-{code}").bounding_box() for code in ("11", "51", "96")]
    assert len({box["x"] for box in boxes if box}) == 1, "one below the other"


def test_by_keyboard_from_the_map_down_to_a_hub(page: Page, dashboard: str) -> None:
    page.set_viewport_size({"width": 1366, "height": 768})
    page.goto(f"{dashboard}/peta")
    for name in ("Bali", "Badung", "Petang", "Sukamaju Petang"):
        tile = page.locator(".map a.cell", has_text=name).first
        for _ in range(60):
            page.keyboard.press("Tab")
            if tile.evaluate("each => each === document.activeElement"):
                break
        assert tile.evaluate("each => each === document.activeElement"), name
        page.keyboard.press("Enter")
        expect(page.get_by_text(name).first).to_be_visible()
        page.wait_for_load_state()
    expect(page).to_have_url(f"{dashboard}/hub/{SILENT}")


def test_a_screen_reader_is_told_each_chart_and_tile(page: Page, dashboard: str) -> None:
    page.goto(f"{dashboard}/hub/{DETAILED}?rentang=24j")
    expect(page.get_by_role("img", name="Unduh: terendah")).to_have_count(1)
    assert page.get_by_role("img").count() == 9, "the timeline and eight charts"
    page.goto(f"{dashboard}/peta")
    expect(page.get_by_role("link", name="Bali : 7 dari 20 hub tanpa kontak").or_(
        page.get_by_role("link", name="Bali: 7 dari 20 hub tanpa kontak"))).to_be_visible()  # fmt: skip


def test_filters_lead_from_the_list_to_the_same_list(page: Page, dashboard: str) -> None:
    page.set_viewport_size({"width": 1366, "height": 768})
    page.goto(f"{dashboard}/?area=51")
    page.get_by_role("link", name="Perlu perhatian 2").click()
    expect(page).to_have_url(f"{dashboard}/?area=51&state=attention")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_label("Masalah").select_option("unit_failed")
    page.get_by_role("button", name="Cari").click()
    expect(page.locator("tbody tr")).to_have_count(1)
