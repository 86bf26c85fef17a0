"""NOC staff: log in, see the hub in the list, open its page, look at its chart."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, expect

from script.village import plan
from script.village.village import Village
from tests.browser.conftest import PHONE, Shoot, first_login

pytestmark = [pytest.mark.root, pytest.mark.village, pytest.mark.browser]

OWN_PASSWORD = "menara jaga malam hari"


def test_from_login_to_the_chart_of_a_hub(desk: BrowserContext, village: Village, shoot: Shoot) -> None:
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
    chart = page.locator("main img").first
    expect(chart).to_be_visible()
    # An image that arrives is visible before it is complete.
    chart.evaluate("image => image.decode()")
    assert chart.evaluate("image => image.naturalWidth > 0"), "the chart is drawn"
    drawn = page.request.get(dashboard.rstrip("/") + (chart.get_attribute("src") or ""))
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    assert "<path" in drawn.text(), "it holds a line, not only axes"
    expect(page.get_by_text(plan.KODE_WILAYAH).first).to_be_visible()
    shoot(page, "noc-hub")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    shoot(page, "noc-hub-phone")
    page.goto(dashboard)
    shoot(page, "noc-list-phone")
    assert outside == [], "everything on these pages comes from the NOC itself"
