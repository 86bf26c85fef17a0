"""A clerk and the hotspot, with the real keeper: who is online, stop and block, vouchers from the form to the phone."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from script.village import plan
from script.village.programs import VillageError
from script.village.village import Village
from tests.browser.conftest import PHONE, Shoot, first_login, log_in

pytestmark = [pytest.mark.root, pytest.mark.village, pytest.mark.browser]

ACCOUNT = "sekretaris.siti"
OWN_PASSWORD = "nasi jinggo jam enam"
PORTAL = f"http://{plan.PORTAL_HOST}"


@pytest.fixture(scope="module")
def _account(village: Village, desk_browser: Browser) -> None:
    """An account of this module's own, with a password of its own."""
    as_kiosk = ["setpriv", "--reuid=desahub-kiosk", "--regid=desahub-kiosk", "--clear-groups"]
    said = village.hub.inside([*as_kiosk, "desahub", "office", "add", ACCOUNT, "--role", "sekretaris"])
    found = re.search(r": (\S+)$", said, re.MULTILINE)
    assert found is not None
    context = desk_browser.new_context(locale="id-ID")
    first_login(context.new_page(), village.addresses["Village office"], ACCOUNT, found[1], OWN_PASSWORD)
    context.close()


@pytest.fixture
def office(desk: BrowserContext, village: Village, _account: None) -> Iterator[Page]:
    """The office's hotspot page, open and logged in; nobody is online."""
    village.phone(1, "curl", "-s", "-X", "POST", "-d", "", f"{PORTAL}/keluar")
    page = desk.new_page()
    page.goto(village.addresses["Village office"])
    log_in(page, ACCOUNT, OWN_PASSWORD)
    page.get_by_role("link", name="Hotspot warga").click()
    expect(page.get_by_role("heading", name="Perangkat tersambung")).to_be_visible()
    yield page
    page.close()


def _connect(village: Village) -> str:
    """Phone 1 accepts the terms; returns its MAC."""
    village.phone(1, "curl", "-sS", "-L", "-X", "POST", "-d", "", "-o", "/dev/null", f"{PORTAL}/sambung")
    return village.phone(1, "cat", "/sys/class/net/eth0/address").strip()


def _is_online(village: Village) -> bool:
    try:
        said = village.phone(
            1, "curl", "-s", "--max-time", "2", "-o", "/dev/null", "-w", "%{http_code}", f"http://{plan.WEB_ADDRESS}/"
        )
    except VillageError:
        return False
    return said.strip() == "200"


def _sees(page: Page, text: str, seconds: int = 15) -> None:
    """Wait for the keeper's next look."""
    for _ in range(seconds):
        if page.get_by_text(text).count():
            return
        page.wait_for_timeout(1_000)
        page.reload()
    expect(page.get_by_text(text).first).to_be_visible()


def test_stop_and_block_reach_the_phone(office: Page, village: Village, shoot: Shoot) -> None:
    mac = _connect(village)
    assert _is_online(village)
    _sees(office, mac)
    shoot(office, "hotspot-online")
    office.get_by_role("row").filter(has_text=mac).get_by_role("button", name="Atur").click()
    shoot(office, "hotspot-device")
    office.get_by_label("2 jam", exact=True).check()
    office.get_by_role("button", name="Tambah waktu").click()
    expect(office.get_by_text("Waktu perangkat itu sudah ditambah.")).to_be_visible()
    office.get_by_role("row").filter(has_text=mac).get_by_role("button", name="Atur").click()
    office.get_by_role("button", name="Blokir perangkat ini").click()
    assert office.url.endswith("/perangkat"), "the browser itself asks for the reason"
    office.locator("#block-why").fill("uji coba")
    office.get_by_role("button", name="Blokir perangkat ini").click()
    expect(office.get_by_text("Perangkat itu sudah diblokir.")).to_be_visible()
    shoot(office, "hotspot-blocked")
    assert not _is_online(village)
    _connect(village)
    assert not _is_online(village), "a blocked device cannot accept the terms again"
    office.get_by_role("button", name="Buka blokir").click()
    expect(office.get_by_text("Tidak ada perangkat yang diblokir")).to_be_visible()
    _connect(village)
    assert _is_online(village)
    for name, shown in (("Riwayat", mac), ("Catatan tindakan", "uji coba"), ("Pemakaian", "Unduh sekarang")):
        office.get_by_role("link", name=name, exact=True).click()
        expect(office.get_by_text(shown).first).to_be_visible()
        shoot(office, f"hotspot-{name.split()[0].lower()}")


def test_a_voucher_from_the_form_to_the_phone_and_back(office: Page, village: Village, shoot: Shoot) -> None:
    office.get_by_role("link", name="Voucher", exact=True).click()
    office.get_by_role("link", name="Buat voucher").click()
    shoot(office, "hotspot-voucher-form")
    office.get_by_label("Nama lembar ini").fill("Pasar malam")
    office.get_by_label("Berapa voucher").fill("25")
    office.get_by_role("button", name="Buat voucher ini").click()
    expect(office.get_by_text("Voucher sudah dibuat.")).to_be_visible()
    batch = office.url
    office.get_by_role("link", name="Cetak lembar voucher").click()
    assert office.locator(".paper").count() == 2 and office.locator(".voucher .qr").count() == 25
    shoot(office, "hotspot-sheet")
    code = office.locator(".voucher-code").first.inner_text()
    assert _pages_on_paper(office) == 2
    village.phone(1, "curl", "-sS", "-L", "-d", f"kode={code}", "-o", "/dev/null", f"{PORTAL}/voucher")
    assert _is_online(village)
    office.goto(batch)
    expect(office.locator(".figure").filter(has_text="Sedang berlaku")).to_contain_text("1")
    office.get_by_role("link", name="Batalkan semuanya").click()
    office.get_by_label("Alasan").fill("uji coba")
    office.get_by_role("button", name="Batalkan semuanya").click()
    expect(office.get_by_text("Semua voucher nomor ini sudah dibatalkan.")).to_be_visible()
    assert not _is_online(village)


def _pages_on_paper(page: Page) -> int:
    """How many pages the sheet takes when printed, as Chromium writes them into a PDF."""
    return len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True)))


@pytest.mark.parametrize("path", ["", "pemakaian", "voucher", "voucher/buat", "riwayat", "diblokir", "catatan"])
def test_nothing_scrolls_sideways_on_a_phone(office: Page, village: Village, path: str) -> None:
    office.set_viewport_size(PHONE)  # type: ignore[arg-type]
    office.goto(f"{village.addresses['Village office']}hotspot/{path}")
    wide, window = office.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= window, f"{path} is {wide} px wide"


@pytest.mark.parametrize(
    "path", ["", "hotspot/", "hotspot/riwayat", "hotspot/voucher/buat", "hotspot/diblokir", "sandi"]
)
def test_nothing_scrolls_sideways_with_text_at_200_percent(office: Page, village: Village, path: str) -> None:
    _connect(village)
    office.set_viewport_size(PHONE)  # type: ignore[arg-type]
    office.goto(f"{village.addresses['Village office']}{path}")
    office.evaluate("document.documentElement.style.fontSize = '200%'")
    wide, window = office.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= window, f"{path} is {wide} px wide"


def test_without_its_keeper_the_page_says_so(office: Page, village: Village, shoot: Shoot) -> None:
    village.hub.inside(["systemctl", "stop", "desahub-keeper.service"])
    try:
        answer = office.reload()
        assert answer is not None and answer.status == 503
        expect(office.get_by_role("heading", name="Penjaga hotspot tidak menjawab")).to_be_visible()
        shoot(office, "hotspot-silent")
    finally:
        village.hub.inside(["systemctl", "start", "desahub-keeper.service"])
    office.reload()
    expect(office.get_by_role("heading", name="Perangkat tersambung")).to_be_visible()
