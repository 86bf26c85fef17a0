"""A resident logs in with an account in a phone's login window: no script, nothing kept, a small screen."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from script.village import plan
from tests.browser.conftest import Shoot
from tests.village.test_accounts import Desk, desk
from tests.village.test_policies import _post

__all__ = ["desk"]

pytestmark = [pytest.mark.root, pytest.mark.village, pytest.mark.browser, pytest.mark.timeout(300)]

PORTAL = f"http://{plan.PORTAL_HOST}"


@pytest.mark.parametrize(
    ("locale", "code", "ask", "name", "pin", "connect", "wrong", "online", "places"),
    [
        ("id-ID", "id", "Masuk dengan akun Wi-Fi", "Nama akun", "PIN Wi-Fi", "Sambungkan", "Nama akun atau PIN salah",
         "Tersambung ke internet", "Perangkat akun ini"),
        ("jv-ID", "jv", "Mlebet mawi akun Wi-Fi", "Nama akun", "PIN Wi-Fi", "Sambungaken", "Nama akun utawi PIN lepat",
         "Sampun nyambung dhateng internet", "Piranti akun punika"),
    ],
)  # fmt: skip
def test_by_account(
    phone_browser: Browser, desk: Desk, shoot: Shoot, locale: str, code: str, ask: str, name: str, pin: str,
    connect: str, wrong: str, online: str, places: str,
) -> None:  # fmt: skip
    _post(desk.village, 1, "/keluar")
    typed, secret = desk.give()
    context = phone_browser.new_context(
        viewport={"width": 320, "height": 568}, java_script_enabled=False, locale=locale, is_mobile=True
    )
    page = context.new_page()
    page.goto(f"{PORTAL}/")
    page.get_by_role("link", name=ask).click()
    expect(page).to_have_url(f"{PORTAL}/akun")
    expect(page.locator("html")).to_have_attribute("lang", code)
    assert len(page.content()) <= 30_000, "one page, and nothing beside it"
    shoot(page, f"portal-account-{code}")
    page.get_by_label(name).fill(typed.upper())
    page.get_by_label(pin).fill("000000")
    page.get_by_role("button", name=connect).click()
    expect(page.get_by_text(wrong)).to_be_visible()
    expect(page.get_by_label(name)).to_have_value(typed.upper())
    expect(page.get_by_label(pin)).to_have_value("")
    wide, shown = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= shown
    shoot(page, f"portal-account-wrong-{code}")
    page.get_by_label(pin).fill(secret)
    page.get_by_role("button", name=connect).click()
    expect(page.get_by_text(online)).to_be_visible()
    expect(page.get_by_text(places)).to_be_visible()
    shoot(page, f"portal-status-account-{code}")
    assert context.cookies() == [], "a page of the portal left something behind"
    context.close()
