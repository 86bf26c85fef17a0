"""Take the pictures of docs/panduan-kantor.md: a clerk's and a head's day, and what a resident meets in the hall.

Everybody on them is made up: the village's register holds nobody else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

from playwright.sync_api import Browser, Page

from script.village.programs import VillageError

_PASSWORD = "nasi jinggo jam enam pagi"
_PIN = "805293"
_WORKBOOK = """nama,nik,no_kk,sex,tempatlahir,tanggallahir,dusun,rt,rw
Ketut Contoh,5103014107909101,5103010101209101,2,Badung,1990-07-01,Krajan,001,001
Wayan Contoh,5.10301E+15,5103010101209101,1,Badung,1988-02-03,Krajan,001,001
"""


@dataclass(frozen=True, slots=True)
class People:
    """Who logs in: one-time passwords of ``operator`` and ``kepala``, and a resident's NIK and first PIN."""

    passwords: Mapping[str, str]
    nik: str
    pin: str


def take(browser: Browser, kiosk: str, people: People, folder: Path) -> None:
    """Take them all.

    Args:
        browser: a Chromium.
        kiosk: the kiosk's address as seen from the hall, ending in ``/``.
        people: as `script.village.hub.made_up_people` tells them.
        folder: where the pictures go.
    """
    _Guide(browser, kiosk, people, folder).take()


class _Guide:
    def __init__(self, browser: Browser, kiosk: str, people: People, folder: Path) -> None:
        self.browser, self.kiosk, self.people, self.folder = browser, kiosk, people, folder

    def take(self) -> None:
        """In the order of a letter's life."""
        self._resident()
        operator = self._office("operator")
        self._desk(operator)
        self._register(operator)
        self._head(self._office("kepala"))

    def _page(self, width: int, height: int) -> Page:
        context = self.browser.new_context(viewport={"width": width, "height": height}, locale="id-ID")
        context.set_default_timeout(15_000)
        return context.new_page()

    def _open(self, page: Page, path: str) -> None:
        page.goto(urljoin(self.kiosk, path))

    def _shoot(self, page: Page, name: str) -> None:
        page.screenshot(path=self.folder / f"{name}.png")

    def _office(self, name: str) -> Page:
        page = self._page(1120, 760)
        first = self.people.passwords[name]
        self._log_in(page, name, first)
        self._open(page, "/kantor/sandi")
        page.get_by_label("Kata sandi sekarang").fill(first)
        page.get_by_label("Kata sandi baru", exact=True).fill(_PASSWORD)
        page.get_by_label("Kata sandi baru, sekali lagi").fill(_PASSWORD)
        page.get_by_role("button", name="Simpan kata sandi").click()
        self._log_in(page, name, _PASSWORD)
        return page

    def _log_in(self, page: Page, name: str, password: str) -> None:
        self._open(page, "/kantor/masuk")
        page.get_by_label("Nama pengguna").fill(name)
        page.get_by_label("Kata sandi").fill(password)
        page.get_by_role("button", name="Masuk").click()

    def _resident(self) -> None:
        page = self._page(720, 1280)
        self._open(page, "/")
        self._shoot(page, "layar-depan")
        self._open(page, "/surat")
        self._shoot(page, "layar-jenis-surat")
        self._open(page, "/masuk-warga")
        self._shoot(page, "layar-masuk")
        page.locator("#nik").fill(self.people.nik)
        page.locator("#pin").fill(self.people.pin)
        page.get_by_role("button", name="Masuk", exact=True).click()
        self._open(page, "/pin")
        for name, digits in (("old", self.people.pin), ("new", _PIN), ("again", _PIN)):
            page.locator(f"#{name}").fill(digits)
        page.get_by_role("button", name="Simpan PIN baru").click()
        self._open(page, "/surat/keterangan-usaha/isi")
        self._shoot(page, "layar-pertanyaan")
        for _ in range(20):
            if page.url.endswith("/periksa"):
                break
            self._answer(page)
        else:
            raise VillageError(f"the questions of a letter do not end: {page.url}")
        self._shoot(page, "layar-periksa")
        page.get_by_role("button", name=re.compile("^Kirim")).click()
        self._shoot(page, "layar-tanda-terima")

    def _answer(self, page: Page) -> None:
        if page.locator("#tahun").count():
            for name, value in (("hari", "1"), ("bulan", "2"), ("tahun", "2021")):
                page.locator(f"#{name}").fill(value)
        elif page.locator("button[name=jawaban]").count():
            page.locator("button[name=jawaban]").first.click()
            return
        else:
            is_number = page.locator("#jawaban").get_attribute("inputmode") == "numeric"
            page.locator("#jawaban").fill("3" if is_number else "Warung Sari Rasa")
        page.get_by_role("button", name="Lanjut").first.click()

    def _desk(self, page: Page) -> None:
        self._open(page, "/kantor/")
        self._shoot(page, "kantor-beranda")
        self._open(page, "/kantor/surat/")
        self._shoot(page, "kantor-antrean")
        page.locator("tbody a").first.click()
        self._shoot(page, "kantor-surat")
        self._open(page, "/kantor/surat/baru/")
        self._shoot(page, "kantor-loket")

    def _register(self, page: Page) -> None:
        self._open(page, "/kantor/warga/")
        self._shoot(page, "kantor-warga")
        self._open(page, "/kantor/warga/impor")
        page.locator("input[type=file]").set_input_files(
            {"name": "warga.csv", "mimeType": "text/csv", "buffer": _WORKBOOK.encode()}
        )
        page.get_by_role("button", name="Periksa berkas").click()
        page.wait_for_url(re.compile(r"/impor/[0-9]+"))
        self._shoot(page, "kantor-impor")
        self._open(page, "/kantor/pin/")
        self._shoot(page, "kantor-pin")

    def _head(self, page: Page) -> None:
        self._open(page, "/kantor/surat/")
        page.get_by_role("link", name=re.compile("Menunggu persetujuan")).click()
        page.locator("tbody a").first.click()
        self._shoot(page, "kepala-menyetujui")
        self._open(page, "/kantor/pejabat/")
        self._shoot(page, "kepala-pejabat")
        self._open(page, "/kantor/jejak/")
        self._shoot(page, "kepala-jejak")
