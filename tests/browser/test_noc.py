"""NOC staff: log in, see the hub in the list, open its page, look at its chart, and at a cut on the other's page."""

from __future__ import annotations

import datetime
import time
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from script.village import plan
from script.village.programs import run, wait_until
from script.village.village import Village
from tests.browser.conftest import PHONE, Shoot, first_login

pytestmark = [pytest.mark.root, pytest.mark.village, pytest.mark.browser, pytest.mark.timeout(300)]

OWN_PASSWORD = "menara jaga malam hari"
CUT_SECONDS = 12
# The box comes back, its records come, and then it is the watch's turn.
TOLD_SECONDS = 150


def _pull_the_second_cable() -> set[str]:
    """Cut the second hub's line for some seconds; return the minutes in which it may have begun, as a page has them."""
    link = ["ip", "-n", plan.NET, "link", "set", plan.SECOND.cable]
    began = datetime.datetime.now(ZoneInfo(plan.SECOND.timezone))
    run([*link, "down"])
    time.sleep(CUT_SECONDS)
    run([*link, "up"])
    return {f"{began + datetime.timedelta(seconds=each):%H.%M} {plan.SECOND.zone}" for each in (-1, 1)}


def _shows_a_cut(page: Page, minutes: set[str]) -> bool:
    page.reload()
    rows = page.locator("#gangguan ~ table tbody tr").filter(has_text="kabel atau radio ke jaringan mati")
    return any(minute in text for minute in minutes for text in rows.all_inner_texts())


def test_from_login_to_the_chart_of_a_hub_and_a_cut_of_the_other(
    desk: BrowserContext, village: Village, shoot: Shoot
) -> None:
    dashboard = village.addresses["NOC dashboard"]
    outside: list[str] = []
    page = desk.new_page()
    page.on("request", lambda request: None if request.url.startswith(dashboard) else outside.append(request.url))
    page.goto(dashboard)
    shoot(page, "noc-login")
    first_login(page, dashboard, village.made_secrets.noc_account, village.made_secrets.noc_password, OWN_PASSWORD)
    link = page.get_by_role("link", name=plan.VILLAGE_NAME)
    expect(link).to_be_visible()
    shoot(page, "noc-list")
    link.click()
    chart = page.locator(".plot svg").first
    expect(chart).to_be_visible()
    assert "M" in (chart.locator("path.line-1").get_attribute("d") or ""), "it holds a line, not only axes"
    expect(page.get_by_text(plan.KODE_WILAYAH).first).to_be_visible()
    shoot(page, "noc-hub")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    shoot(page, "noc-hub-phone")
    page.goto(dashboard)
    shoot(page, "noc-list-phone")
    minutes = _pull_the_second_cable()
    page.goto(f"{dashboard}hub/{plan.SECOND.hub_id}")
    wait_until(
        lambda: _shows_a_cut(page, minutes), f"a cut at {minutes} on the page of the second hub",
        seconds=TOLD_SECONDS, pause_seconds=2,
    )  # fmt: skip
    shoot(page, "noc-hub-cut")
    assert outside == [], "everything on these pages comes from the NOC itself"
