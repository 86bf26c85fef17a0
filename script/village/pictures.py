"""Take the pictures of docs/hotspot.md and docs/panduan-kantor.md in a running village: what people really see.

The portal is seen by Chromium inside phone 1's network namespace, the office from this machine's own loopback.
"""

from __future__ import annotations

import re
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from script.village import guide_pictures, plan, village
from script.village.programs import Process, VillageError, start
from script.village.village import Village

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
_CHROMIUM = "/usr/bin/chromium"
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
_PORTAL = f"http://{plan.PORTAL_HOST}"
_ACCOUNT, _PASSWORD = "sekretaris.made", "nasi jinggo jam enam"
Shoot = Callable[[Page, str], None]


def main() -> int:
    """Take them all; needs a village with at least four phones."""
    running = village.attach()
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        _know_the_time(running)
        _connect_the_others(running)
        desk = _desk(playwright)
        _guide(playwright, running)
        office = _log_in(desk, running)
        code = _vouchers(office, _shoot)
        phone = _phone(playwright, running, Path(folder))
        _portal(phone, code)
        busy = [_download(running, number) for number in (2, 3)]
        try:
            _office(office, running)
        finally:
            for process in busy:
                process.terminate()
                process.wait(timeout=10)
    print(f"{len(list(FOLDER.glob('*.png')))} pictures in {FOLDER}")
    return 0


def _guide(playwright: Playwright, running: Village) -> None:
    secret = running.made_secrets
    passwords = {secret.office_account: secret.office_password, "kepala": secret.kepala_password}
    people = guide_pictures.People(passwords, secret.resident_nik, secret.resident_pin)
    browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_FLAGS)
    guide_pictures.take(browser, running.addresses["Kiosk, in the village hall"], people, FOLDER)


def _shoot(page: Page, name: str) -> None:
    page.screenshot(path=FOLDER / f"{name}.png", full_page=name.startswith("portal-"))


def _know_the_time(running: Village) -> None:
    """Let the box believe its clock, as systemd-timesyncd does once a time server has answered."""
    running.hub.inside(["sh", "-euc", "mkdir -p /run/systemd/timesync; touch /run/systemd/timesync/synchronized"])


def _connect_the_others(running: Village) -> None:
    """All phones but the first accept the terms and fetch something, each more than the one before."""
    for number in range(2, len(running.phones) + 1):
        running.phone(number, "curl", "-sS", "-L", "-X", "POST", "-d", "", "-o", "/dev/null", f"{_PORTAL}/sambung")
        last = number * number * 400_000
        running.phone(number, "curl", "-sS", "-r", f"0-{last}", "-o", "/dev/null", "http://unduh.example/bytes")


def _download(running: Village, number: int) -> Process:
    """Let a phone be busy while pictures are taken."""
    namespace = running.phones[number - 1].namespace
    return start(["ip", "netns", "exec", namespace, "curl", "-s", "--limit-rate", f"{number * 150}k",
                  "-o", "/dev/null", "http://unduh.example/bytes"])  # fmt: skip


def _desk(playwright: Playwright) -> BrowserContext:
    browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_FLAGS)
    context = browser.new_context(viewport={"width": 1120, "height": 720}, locale="id-ID")
    context.set_default_timeout(15_000)
    return context


def _phone(playwright: Playwright, running: Village, folder: Path) -> Page:
    wrapper = folder / "chromium"
    wrapper.write_text(
        f'#!/bin/sh\nexec ip netns exec {running.phones[0].namespace} {_CHROMIUM} "$@"\n', encoding="ascii"
    )
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    browser: Browser = playwright.chromium.launch(executable_path=wrapper, args=_FLAGS)
    context = browser.new_context(
        viewport={"width": 360, "height": 640}, java_script_enabled=False, locale="id-ID", is_mobile=True
    )
    context.set_default_timeout(15_000)
    return context.new_page()


def _log_in(desk: BrowserContext, running: Village) -> Page:
    as_kiosk = ["setpriv", "--reuid=desahub-kiosk", "--regid=desahub-kiosk", "--clear-groups"]
    said = running.hub.inside([*as_kiosk, "desahub", "office", "add", _ACCOUNT, "--role", "sekretaris"])
    found = re.search(r": (\S+)$", said, re.MULTILINE)
    if found is None:
        raise VillageError(f"no one-time password in: {said}")
    page = desk.new_page()
    page.goto(running.addresses["Village office"])
    _enter(page, found[1])
    page.get_by_label("Kata sandi sekarang").fill(found[1])
    page.get_by_label("Kata sandi baru", exact=True).fill(_PASSWORD)
    page.get_by_label("Kata sandi baru, sekali lagi").fill(_PASSWORD)
    page.get_by_role("button", name="Simpan kata sandi").click()
    page.goto(running.addresses["Village office"])
    _enter(page, _PASSWORD)
    _shoot(page, "office-home")
    page.get_by_role("link", name="Hotspot warga").click()
    return page


def _enter(page: Page, password: str) -> None:
    page.get_by_label("Nama pengguna").fill(_ACCOUNT)
    page.get_by_label("Kata sandi").fill(password)
    page.get_by_role("button", name="Masuk").click()


def _vouchers(page: Page, shoot: Shoot) -> str:
    """Make a batch; return one of its codes."""
    page.get_by_role("link", name="Voucher", exact=True).click()
    page.get_by_role("link", name="Buat voucher").click()
    shoot(page, "office-voucher-form")
    page.get_by_role("button", name="Buat voucher ini").click()
    shoot(page, "office-voucher-batch")
    page.get_by_role("link", name="Cetak lembar voucher").click()
    shoot(page, "office-voucher-sheet")
    return page.locator(".voucher-code").first.inner_text()


def _portal(page: Page, code: str) -> None:
    page.goto(f"{_PORTAL}/")
    _shoot(page, "portal-home")
    page.goto(f"{_PORTAL}/voucher?kode={code}")
    _shoot(page, "portal-voucher")
    page.locator("button.button").first.click()
    page.wait_for_url(f"{_PORTAL}/status*")
    _shoot(page, "portal-status")


def _office(page: Page, running: Village) -> None:
    hotspot = f"{running.addresses['Village office']}hotspot/"
    page.wait_for_timeout(3_000)  # until the keeper has looked
    page.goto(hotspot)
    _shoot(page, "office-online")
    page.get_by_role("button", name="Atur").first.click()
    _shoot(page, "office-device")
    page.locator("#block-why").fill("Mengganggu pengguna lain")
    page.get_by_role("button", name="Blokir perangkat ini").click()
    _shoot(page, "office-blocked")
    for path, name in (("pemakaian", "usage"), ("riwayat", "history"), ("catatan", "actions"), ("voucher", "vouchers")):
        page.goto(f"{hotspot}{path}")
        _shoot(page, f"office-{name}")


if __name__ == "__main__":
    sys.exit(main())
