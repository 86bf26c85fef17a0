"""An admin's first login at the NOC, in a real browser without JavaScript, on a telephone's width too."""

from __future__ import annotations

import contextlib
import datetime
import re
import threading
import time
from collections.abc import Iterator

import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from werkzeug.serving import make_server

from noc import setup
from noc.accounts.opening import open_accounts
from noc.fleet_book.sqlite import open_fleet_book
from noc.store.sqlite import open_noc_store
from noc.web import create_app
from tests.browser.conftest import Shoot, first_login, log_in
from tests.unit.noc.web.fleet import seed_fleet

pytestmark = [pytest.mark.browser]

OWN = "menara jaga malam hari"


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> setup.Places:
    """A NOC's folders."""
    folder = tmp_path_factory.mktemp("noc-accounts")
    made = setup.Places(folder / "etc", folder / "var")
    setup.initialise(made, ["localhost"], datetime.datetime.now(datetime.UTC))
    return made


@pytest.fixture(scope="module")
def dashboard(places: setup.Places) -> Iterator[str]:
    """Its pages behind a real server on the loopback, by the real clock."""
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(contextlib.closing(open_noc_store(places.store)))
        book = stack.enter_context(contextlib.closing(open_fleet_book(places.fleet_book)))
        seed_fleet(store, book)
        server = make_server("127.0.0.1", 0, create_app(places, store, book), threaded=True)
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        stack.callback(serving.join)
        stack.callback(server.shutdown)
        yield f"http://127.0.0.1:{server.server_port}"


@pytest.fixture
def context(desk_browser: Browser) -> Iterator[BrowserContext]:
    """A browser at 320 px, without JavaScript."""
    made = desk_browser.new_context(java_script_enabled=False, locale="id-ID", viewport={"width": 320, "height": 640})
    made.set_default_timeout(20_000)
    yield made
    made.close()


def fits(page: Page) -> bool:
    """Say whether the page needs no scrolling sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_an_admin_takes_a_telephone_and_works(
    context: BrowserContext, dashboard: str, places: setup.Places, shoot: Shoot
) -> None:
    one_time = open_accounts(places).add("kepala", "admin", int(time.time()))
    page = context.new_page()
    first_login(page, dashboard, "kepala", one_time, OWN)
    expect(page.get_by_role("heading", name="Kode dari telepon")).to_be_visible()
    page.get_by_role("button", name="Tampilkan gambar untuk dipindai").click()
    picture = page.locator("svg.qr")
    expect(picture).to_be_visible()
    box = picture.bounding_box()
    assert box is not None and box["width"] >= 180 and abs(box["width"] - box["height"]) < 2
    assert fits(page)
    shoot(page, "noc-second-factor")
    secret = re.sub(r"\s", "", page.locator("span.code").inner_text())
    page.get_by_label("Kode").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Pakai telepon ini").click()
    expect(page.get_by_role("listitem")).to_have_count(10)
    recovery = page.get_by_role("listitem").first.inner_text().strip()
    shoot(page, "noc-recovery-codes")
    page.get_by_role("link", name="Sudah saya simpan").click()
    for address, heading in (("/akun", "Akun"), ("/akun/saya", "Akun saya"), ("/audit", "Audit: siapa melakukan apa")):
        page.goto(f"{dashboard}{address}")
        expect(page.get_by_role("heading", level=1)).to_contain_text(heading)
        assert fits(page), address
        shoot(page, f"noc{address.replace('/', '-')}")
    page.goto(f"{dashboard}/akun/saya")
    page.get_by_label("Nama program").fill("dasbor kabupaten")
    page.get_by_role("button", name="Buat token").click()
    expect(page.get_by_text("dhn_")).to_be_visible()
    assert fits(page), "a token is long"
    page.goto(f"{dashboard}/akun")
    page.get_by_label("Nama akun").fill("dpmd")
    page.get_by_label("Wilayah").fill("51.03")
    page.get_by_role("button", name="Buat akun").click()
    expect(page.get_by_role("heading", name="Kata sandi sekali pakai untuk dpmd")).to_be_visible()
    page.get_by_role("button", name="Keluar", exact=True).click()
    log_in(page, "kepala", OWN)
    expect(page.get_by_role("heading", name="Kode kedua")).to_be_visible()
    shoot(page, "noc-second-code")
    page.get_by_label("Kode").fill(recovery)
    page.get_by_role("button", name="Lanjut").click()
    expect(page.get_by_role("heading", name="Daftar hub")).to_be_visible()
