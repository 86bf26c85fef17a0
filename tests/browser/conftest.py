"""Debian's Chromium inside a phone's network namespace, driven from here.

Playwright speaks to its browser through inherited pipes, which cross namespaces, so the executable it starts may be a
line of shell that enters the namespace first.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from script.village.village import Village

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip
PHONE = {"width": 360, "height": 640}
KIOSK = {"width": 1080, "height": 1920}
DESKTOP = {"width": 1366, "height": 768}
SHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"

Shoot = Callable[[Page, str], None]


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Playwright's driver, once."""
    with sync_playwright() as made:
        yield made


@pytest.fixture(scope="session")
def desk_browser(playwright: Playwright) -> Iterator[Browser]:
    """A browser at the developer's desk: it sees the addresses on 127.0.0.1."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def phone_browser(
    village: Village, playwright: Playwright, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """A browser in phone 1: what it sees comes through the hub."""
    namespace = village.phones[0].namespace
    wrapper = tmp_path_factory.mktemp("browser") / "chromium"
    wrapper.write_text(f'#!/bin/sh\nexec ip netns exec {namespace} {CHROMIUM} "$@"\n', encoding="ascii")
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    browser = playwright.chromium.launch(executable_path=wrapper, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture
def phone(phone_browser: Browser) -> Iterator[BrowserContext]:
    """A login window as phones have it: no script, nothing kept from before, 360 px wide."""
    context = phone_browser.new_context(viewport=PHONE, java_script_enabled=False, locale="id-ID", is_mobile=True)  # type: ignore[arg-type]
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def desk(desk_browser: Browser) -> Iterator[BrowserContext]:
    """A desktop browser at the desk."""
    context = desk_browser.new_context(viewport=DESKTOP, locale="id-ID")  # type: ignore[arg-type]
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture(scope="session")
def shoot() -> Shoot:
    """Keep a picture of a page, to be looked at."""
    SHOTS.mkdir(parents=True, exist_ok=True)

    def take(page: Page, name: str) -> None:
        page.screenshot(path=SHOTS / f"{name}.png", full_page=True)

    return take


def first_login(page: Page, address: str, account: str, one_time: str, own: str) -> None:
    """Log in with a one-time password and change it to a password of one's own, as the pages ask for it."""
    page.goto(address)
    log_in(page, account, one_time)
    page.get_by_label("Kata sandi sekarang").fill(one_time)
    page.get_by_label("Kata sandi baru", exact=True).fill(own)
    page.get_by_label("Kata sandi baru, sekali lagi").fill(own)
    page.get_by_role("button", name="Simpan kata sandi").click()
    page.goto(address)
    if page.get_by_label("Nama pengguna").count():  # a new password ends every session
        log_in(page, account, own)


def log_in(page: Page, account: str, password: str) -> None:
    """Fill the login form and send it."""
    page.get_by_label("Nama pengguna").fill(account)
    page.get_by_label("Kata sandi").fill(password)
    page.get_by_role("button", name="Masuk").click()
