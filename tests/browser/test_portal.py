"""The portal in a phone's login window: no script, nothing kept, a small screen; by terms and by voucher."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect

from script.village import plan
from script.village.village import Village
from tests.browser.conftest import Shoot

pytestmark = [pytest.mark.root, pytest.mark.village, pytest.mark.browser]

PROBE = "http://connectivitycheck.gstatic.com/generate_204"
PORTAL = f"http://{plan.PORTAL_HOST}"
SMALL, USUAL = {"width": 320, "height": 568}, {"width": 360, "height": 640}
PAGE_BYTES_MAX = 30_000

Window = Callable[..., BrowserContext]


@pytest.fixture(autouse=True)
def _logged_out(village: Village) -> None:
    village.phone(1, "curl", "-s", "-X", "POST", "-d", "", f"{PORTAL}/keluar")


@pytest.fixture
def window(phone_browser: Browser) -> Iterator[Window]:
    """Open login windows: what one of them kept, the next does not know."""
    opened: list[BrowserContext] = []

    def _open(size: dict[str, int], locale: str) -> BrowserContext:
        context = phone_browser.new_context(
            viewport=size,  # type: ignore[arg-type]
            java_script_enabled=False,
            locale=locale,
            is_mobile=True,
            storage_state=None,
        )
        context.set_default_timeout(10_000)
        opened.append(context)
        return context

    yield _open
    for context in opened:
        assert context.cookies() == [], "a page of the portal left something behind"
        context.close()


@pytest.fixture(scope="module")
def sheet(village: Village) -> list[str]:
    """Codes of a batch for one device each."""
    printed = village.hub.inside(
        ["desahub", "voucher", "make", "Uji", "--count", "4", "--minutes", "120", "--megabytes", "500", "--csv"]
    )
    return [
        row[1] for row in csv.reader(io.StringIO(printed)) if row and re.fullmatch("[0-9A-Z]{5}-[0-9A-Z]{5}", row[1])
    ]


def _fits(page: Page) -> None:
    wide, shown = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= shown, f"{page.url} is {wide} px wide in a window of {shown}"


def _own_question(village: Village) -> int:
    """The status that the phone's own system gets for its question, beside the window that is shown."""
    return int(village.phone(1, "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", PROBE))


@pytest.mark.parametrize("size", [SMALL, USUAL], ids=["320", "360"])
@pytest.mark.parametrize(
    ("locale", "code", "connect", "online", "leave", "left"),
    [
        ("id-ID", "id", "Sambungkan", "Tersambung ke internet", "Putuskan", "Sambungan sudah diputus"),
        ("jv-ID", "jv", "Sambungaken", "Sampun nyambung dhateng internet", "Pedhot sambungan", "sampun dipunpedhot"),
    ],
)
def test_by_the_terms(
    window: Window, village: Village, shoot: Shoot, size: dict[str, int], locale: str, code: str, connect: str,
    online: str, leave: str, left: str,
) -> None:  # fmt: skip
    page = window(size, locale).new_page()
    assert _own_question(village) == 302
    page.goto(PROBE)
    expect(page).to_have_url(f"{PORTAL}/")
    expect(page.locator("html")).to_have_attribute("lang", code)
    _fits(page)
    page.get_by_role("button", name=connect, exact=True).click()
    expect(page).to_have_url(f"{PORTAL}/status")
    expect(page.get_by_text(online)).to_be_visible()
    _fits(page)
    shoot(page, f"portal-status-{code}-{size['width']}")
    assert _own_question(village) == 204, "the phone's own question gets its true answer: its window closes"
    page.get_by_role("button", name=leave).click()
    expect(page.get_by_text(left)).to_be_visible()
    assert _own_question(village) == 302


@pytest.mark.parametrize(
    ("size", "name", "code", "ask", "field", "connect", "online"),
    [
        (SMALL, "English", "en", "Have a voucher?", "Voucher code", "Connect", "Connected to the internet"),
        (USUAL, "Basa Bali", "ban", "Madue voucher?", "Kode voucher", "Sambungang", "Sampun nyambung ka internet"),
    ],
)
def test_by_voucher_in_a_language_that_is_chosen(
    window: Window, sheet: list[str], shoot: Shoot, size: dict[str, int], name: str, code: str, ask: str, field: str,
    connect: str, online: str,
) -> None:  # fmt: skip
    page = window(size, "id-ID").new_page()
    page.goto(PROBE)
    page.get_by_role("link", name=name).click()
    expect(page.locator("html")).to_have_attribute("lang", code)
    page.get_by_role("link", name=ask).click()
    page.get_by_label(field).fill("salah-salah")
    page.get_by_role("button", name=connect).click()
    expect(page.get_by_label(field)).to_have_value("salah-salah")
    expect(page.get_by_label(field)).to_have_attribute("aria-invalid", "true")
    _fits(page)
    shoot(page, f"portal-wrong-code-{code}")
    page.get_by_label(field).fill(sheet.pop().lower())
    page.get_by_role("button", name=connect).click()
    expect(page).to_have_url(f"{PORTAL}/status?bahasa={code}")
    expect(page.get_by_text(online)).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", code)
    _fits(page)
    shoot(page, f"portal-status-voucher-{code}")


def test_a_sheets_qr_code_fills_in_the_field_and_a_tap_connects(
    window: Window, village: Village, sheet: list[str], shoot: Shoot
) -> None:
    page = window(USUAL, "id-ID").new_page()
    code = sheet.pop().replace("-", "")
    page.goto(f"{PORTAL}/voucher?kode={code}")
    expect(page.get_by_label("Kode voucher")).to_have_value(code)
    assert _own_question(village) == 302, "nothing is redeemed by an address alone"
    shoot(page, "portal-voucher-phone")
    page.get_by_role("button", name="Sambungkan").click()
    expect(page.get_by_text("Tersambung ke internet")).to_be_visible()


@pytest.mark.parametrize("code", ["id", "ban", "en", "jv", "su"])
def test_all_that_the_first_page_needs_is_small_in_every_language(window: Window, code: str) -> None:
    page = window(USUAL, "id-ID").new_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - Playwright refuses methods of builtins
    page.goto(f"{PORTAL}/?bahasa={code}", wait_until="networkidle")
    assert answers and all("set-cookie" not in answer.headers for answer in answers)
    assert sum(len(answer.body()) for answer in answers) <= PAGE_BYTES_MAX, "even without compression"
    expect(page.locator("html")).to_have_attribute("lang", code)


def test_what_a_screen_reader_is_told(window: Window) -> None:
    page = window(SMALL, "id-ID").new_page()
    page.goto(f"{PORTAL}/voucher")
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_role("main")).to_be_visible()
    expect(page.get_by_role("navigation", name="Pilih bahasa").get_by_role("link")).to_have_count(4)
    expect(page.get_by_role("textbox", name="Kode voucher")).to_be_visible()
    for link in page.get_by_role("navigation", name="Pilih bahasa").get_by_role("link").all():
        box = link.bounding_box()
        assert box is not None
        assert box["height"] >= 48


def test_a_code_is_typed_in_large_letters_where_text_is_large(window: Window) -> None:
    page = window(USUAL, "id-ID").new_page()
    page.goto(f"{PORTAL}/voucher")
    size = "parseFloat(getComputedStyle(document.getElementById('kode')).fontSize)"
    usual = page.evaluate(size)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate(size) >= 1.5 * usual
    _fits(page)
