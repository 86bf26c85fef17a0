"""A clerk at the office: the first login with the one-time password, a password of one's own, and out again."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, expect

from script.village.village import Village
from tests.browser.conftest import Shoot, first_login, log_in

pytestmark = [pytest.mark.root, pytest.mark.village, pytest.mark.browser]

OWN_PASSWORD = "kopi tubruk pagi hari"


def test_first_login_changes_the_password_and_shows_the_office(
    desk: BrowserContext, village: Village, shoot: Shoot
) -> None:
    page = desk.new_page()
    page.goto(village.addresses["Village office"])
    shoot(page, "office-login")
    log_in(page, village.made_secrets.office_account, "salah sekali")
    expect(page.get_by_role("button", name="Masuk")).to_be_visible()
    shoot(page, "office-login-wrong")
    secrets = village.made_secrets
    first_login(
        page, village.addresses["Village office"], secrets.office_account, secrets.office_password, OWN_PASSWORD
    )
    expect(page.get_by_text("Gerbang internet bekerja")).to_be_visible()
    shoot(page, "office-home")
    page.get_by_role("button", name="Keluar").click()
    page.goto(village.addresses["Village office"])
    expect(page.get_by_role("button", name="Masuk")).to_be_visible()
