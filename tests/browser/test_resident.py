"""A resident with a phone, from the login window that opens by itself to the village's services."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from script.village import plan
from script.village.village import Village
from tests.browser.conftest import KIOSK, Shoot

pytestmark = [pytest.mark.root, pytest.mark.village, pytest.mark.browser]

PROBE = "http://captive.apple.com/hotspot-detect.html"


@pytest.fixture(autouse=True)
def _logged_out(village: Village) -> None:
    village.phone(1, "curl", "-s", "-X", "POST", "-d", "", f"http://{plan.PORTAL_HOST}/keluar")


def _no_sideways_scroll(page: Page) -> None:
    # Asked of the debugger's side, so it works where the page itself may run no script.
    wide, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= window, f"{page.url} is {wide} px wide in a window of {window}"


def _reload_until(page: Page, text: str, seconds: int = 30) -> None:
    line = page.get_by_text(text)
    for _ in range(seconds):
        if line.count():
            break
        page.wait_for_timeout(1000)
        page.reload()
    expect(line).to_be_visible()


def test_from_the_probe_to_the_internet_in_one_tap(phone: BrowserContext, shoot: Shoot) -> None:
    page = phone.new_page()
    page.goto(PROBE)
    expect(page).to_have_url(f"http://{plan.PORTAL_HOST}/")
    expect(page.locator("html")).to_have_attribute("lang", "id")
    expect(page.get_by_text(f"Desa {plan.VILLAGE_NAME}").first).to_be_visible()
    button = page.get_by_role("button", name="Sambungkan")
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 48
    assert box["width"] >= 0.8 * 360
    _no_sideways_scroll(page)
    shoot(page, "portal-phone")
    button.click()
    expect(page).to_have_url(f"http://{plan.PORTAL_HOST}/status")
    expect(page.get_by_text("Tersambung ke internet")).to_be_visible()
    shoot(page, "portal-status-phone")
    page.goto(PROBE)
    expect(page).to_have_url(PROBE)
    expect(page.locator("body")).to_have_text("Success")


def test_the_first_page_weighs_little(phone: BrowserContext) -> None:
    weights: list[int] = []
    page = phone.new_page()
    page.on("requestfinished", lambda request: weights.append(request.sizes()["responseBodySize"]))
    page.goto(f"http://{plan.PORTAL_HOST}/", wait_until="networkidle")
    assert 0 < sum(weights) <= 30_000
    assert len(weights) <= 4


def test_terms_are_folded_and_open_without_script(phone: BrowserContext, shoot: Shoot) -> None:
    page = phone.new_page()
    page.goto(f"http://{plan.PORTAL_HOST}/")
    term = page.get_by_text("Dilarang membuka situs judi")
    expect(term).to_be_hidden()
    page.locator("summary").click()
    expect(term).to_be_visible()
    shoot(page, "portal-terms-phone")


def test_a_narrow_old_phone_with_large_text_can_use_it(phone_browser: Browser, shoot: Shoot) -> None:
    context = phone_browser.new_context(
        viewport={"width": 320, "height": 480},
        locale="id-ID",
        bypass_csp=True,  # the test's own style, the larger text
    )
    page = context.new_page()
    page.goto(f"http://{plan.PORTAL_HOST}/")
    page.add_style_tag(content="html{font-size:200%!important}")
    expect(page.get_by_role("button", name="Sambungkan")).to_be_visible()
    _no_sideways_scroll(page)
    shoot(page, "portal-320-large-text")
    context.close()


def test_leaving_is_told_and_true(phone: BrowserContext, village: Village) -> None:
    page = phone.new_page()
    page.goto(f"http://{plan.PORTAL_HOST}/")
    page.get_by_role("button", name="Sambungkan").click()
    page.get_by_role("button", name="Putuskan").click()
    expect(page.get_by_text("Sambungan sudah diputus")).to_be_visible()
    page.goto(f"http://{plan.PORTAL_HOST}/status")
    expect(page.get_by_text("Sambungan sudah diputus")).to_be_visible()
    page.goto(PROBE)
    expect(page).to_have_url(f"http://{plan.PORTAL_HOST}/")


def test_the_uplink_is_down_and_the_page_says_so(phone: BrowserContext, village: Village, shoot: Shoot) -> None:
    village.net.inside(["ip", "link", "set", "hub0", "down"])
    try:
        page = phone.new_page()
        page.goto(f"http://{plan.PORTAL_HOST}/")
        _reload_until(page, "Internet desa sedang putus")
        shoot(page, "portal-uplink-down-phone")
        page.get_by_role("button", name="Sambungkan").click()
        expect(page.get_by_text("Tersambung ke internet")).to_have_count(0)
        shoot(page, "portal-status-uplink-down-phone")
        page.goto(f"http://{plan.KIOSK_HOST}/")
        expect(page.get_by_text(plan.VILLAGE_NAME).first).to_be_visible()
    finally:
        village.net.inside(["ip", "link", "set", "hub0", "up"])
    page.goto(f"http://{plan.PORTAL_HOST}/status")
    _reload_until(page, "Tersambung ke internet")


def test_the_office_is_not_shown_to_an_open_network(phone: BrowserContext, shoot: Shoot) -> None:
    page = phone.new_page()
    answer = page.goto(f"http://{plan.KIOSK_HOST}/kantor/")
    assert answer is not None
    assert answer.status == 403
    expect(page.locator("input[type=password]")).to_have_count(0)
    shoot(page, "office-refused-phone")


def test_every_link_of_the_services_leads_somewhere(phone: BrowserContext, shoot: Shoot) -> None:
    page = phone.new_page()
    page.goto(f"http://{plan.KIOSK_HOST}/")
    shoot(page, "kiosk-phone")
    seen, queue = set(), [page.url]
    while queue:
        address = queue.pop()
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        _no_sideways_scroll(page)
        seen.add(address)
        links = [link.get_attribute("href") or "" for link in page.locator("a[href]").all()]
        for link in links:
            target = link if link.startswith("http") else f"http://{plan.KIOSK_HOST}{link}"
            if target.startswith(f"http://{plan.KIOSK_HOST}/") and "#" not in target and target not in seen:
                queue.append(target)
                seen.add(target)
    assert len(seen) >= 3


def test_the_kiosk_on_its_own_screen(desk_browser: Browser, village: Village, shoot: Shoot) -> None:
    context = desk_browser.new_context(viewport=KIOSK, has_touch=True)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(village.addresses["Kiosk, in the village hall"])
    expect(page.get_by_text(plan.VILLAGE_NAME).first).to_be_visible()
    shoot(page, "kiosk-hall")
    for number, link in enumerate(page.locator("main a[href]").all()):
        box = link.bounding_box()
        assert box is not None
        assert box["height"] >= 48, number
    context.close()
