"""A clerk at the office: the first login with the one-time password, a password of one's own, and out again."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, expect

from script.village.village import Village
from tests.browser.conftest import Shoot

pytestmark = [pytest.mark.root, pytest.mark.village, pytest.mark.browser]

OWN_PASSWORD = "kopi tubruk pagi hari"


def test_first_login_changes_the_password_and_shows_the_office(
    desk: BrowserContext, village: Village, shoot: Shoot
) -> None:
    page = desk.new_page()
    page.goto(village.addresses["Village office"])
    shoot(page, "office-login")
    page.get_by_label("Nama").fill(village.made_secrets.office_account)
    page.locator("input[type=password]").fill("salah sekali")
    page.get_by_role("button", name="Masuk").click()
    expect(page.get_by_role("button", name="Masuk")).to_be_visible()
    shoot(page, "office-login-wrong")
    page.get_by_label("Nama").fill(village.made_secrets.office_account)
    page.locator("input[type=password]").fill(village.made_secrets.office_password)
    page.get_by_role("button", name="Masuk").click()
    shoot(page, "office-change-password")
    fields = page.locator("input[type=password]")
    words = [village.made_secrets.office_password, OWN_PASSWORD, OWN_PASSWORD]
    for position in range(fields.count()):
        fields.nth(position).fill(words[position + 3 - fields.count()])
    page.locator("main button").last.click()
    if page.locator("input[type=password]").count():  # a new password ends every session: log in with it
        page.goto(village.addresses["Village office"])
        page.get_by_label("Nama").fill(village.made_secrets.office_account)
        page.locator("input[type=password]").fill(OWN_PASSWORD)
        page.get_by_role("button", name="Masuk").click()
    page.goto(village.addresses["Village office"])
    expect(page.get_by_text("Gerbang internet bekerja")).to_be_visible()
    shoot(page, "office-home")
    page.get_by_role("button", name="Keluar").click()
    page.goto(village.addresses["Village office"])
    expect(page.get_by_role("button", name="Masuk")).to_be_visible()
