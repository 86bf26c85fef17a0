"""A resident's own account on a running box: made at the office, typed on phones, checked by the real kiosk."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urljoin

import pytest

from script.village import plan
from script.village.programs import VillageError, wait_until
from script.village.village import Village
from script.village.walk import Walk
from tests.village.test_personal_data import Visitor
from tests.village.test_policies import _configured, _is_online, _post

pytestmark = [pytest.mark.root, pytest.mark.village, pytest.mark.timeout(400)]

# Beside the two ways of the village: accounts, and an office that makes them.
_ACCESS = 'access = ["terms", "voucher", "account"]'
_TABLES = """
[accounts]
devices = 1

[[networks]]
name = "kantor"
kind = "office"
interface = "br-kantor"
address = "10.30.0.1/24"
ssid = "Kantor"
passphrase_file = "/etc/desahub/secrets/kantor.psk"
"""
_PASSWORD = "sate lilit di pinggir pantai"


@dataclass
class Desk:
    """A clerk of the office, and the resident who stands there."""

    village: Village
    clerk: Visitor
    path: str

    def give(self) -> tuple[str, str]:
        """Name and PIN, as the slip shows them."""
        page = self.clerk.send(self.clerk.get(self.path), do="give", seen="yes")
        found = re.findall(r'class="slip">([^<]+)<', page.text)
        assert len(found) == 2, page.text[:800]
        return found[0], found[1]

    def end(self) -> None:
        assert self.clerk.send(self.clerk.get(self.path), do="end").status_code == 200


def _desk(village: Village) -> Desk:
    clerk_name = f"juru{secrets.token_hex(3)}"  # others of this village's tests may have made one
    said = village.hub.inside(["desahub", "office", "add", clerk_name, "--role", "operator"])
    told = re.search(r": (\S+)$", said, re.MULTILINE)
    assert told is not None
    password = told[1]
    kiosk = village.addresses["Kiosk, in the village hall"]
    clerk = Visitor(kiosk)
    page = clerk.send(clerk.get("/kantor/masuk"), name=clerk_name, password=password)
    page = clerk.send(page, old=password, new=_PASSWORD, again=_PASSWORD)
    clerk.send(clerk.get("/kantor/masuk"), name=clerk_name, password=_PASSWORD)
    listed = clerk.get("/kantor/warga/")
    assert listed.status_code == 200, (page.url, listed.url)
    listed.url = urljoin(kiosk, "/kantor/warga/cari")
    found = clerk.send(listed, text=village.made_secrets.resident_nik)
    person = re.search(r'href="/kantor/warga/(\d+)"', found.text)
    assert person is not None, found.text[:800]
    return Desk(village, clerk, f"/kantor/wifi/{person[1]}")


@pytest.fixture(scope="module")
def desk(village: Village) -> Iterator[Desk]:
    with _configured(village, "", _TABLES, access=_ACCESS):
        village.hub.wait_active("desahub-kiosk.service", "desahub-portal.service", seconds=60)
        yield _desk(village)


def _leave(village: Village) -> None:
    for number in (1, 2, 3):
        _post(village, number, "/keluar")


def _enter(village: Village, number: int, name: str, pin: str) -> tuple[int, str]:
    return _post(village, number, "/akun", nama=name, pin=pin)


def test_an_account_opens_the_internet_and_its_end_closes_it_within_seconds(desk: Desk) -> None:
    village = desk.village
    _leave(village)
    name, pin = desk.give()
    assert _enter(village, 1, name, "000 000")[0] == 403 and not _is_online(village, 1)
    status, body = _enter(village, 1, name.upper(), pin)
    assert status == 303, body[:800]
    assert _is_online(village, 1)
    shown = Walk(village, 1).fetch(f"http://{plan.PORTAL_HOST}/status")[2]
    assert "1 dari 1" in shown, shown[-2_000:]
    assert _enter(village, 2, name, pin)[0] == 403 and not _is_online(village, 2), "it is for one device"
    assert _post(village, 1, "/keluar")[0] == 303
    assert _enter(village, 2, name, pin)[0] == 303 and _is_online(village, 2)
    began = time.monotonic()
    desk.end()
    wait_until(lambda: not _is_online(village, 2), "the end of the account to reach the firewall", seconds=30)
    print(f"cut {time.monotonic() - began:.1f} s after the office ended the account")
    assert _enter(village, 2, name, pin)[0] == 403


def test_who_guesses_waits_also_after_a_restart_of_the_kiosk(desk: Desk) -> None:
    village = desk.village
    _leave(village)
    name, pin = desk.give()
    answers = [_enter(village, 3, name, "000 000")[0] for _ in range(5)]
    assert answers[-1] == 429, answers
    village.hub.inside(["systemctl", "restart", "desahub-kiosk.service"])
    assert _enter(village, 3, name, pin)[0] == 429 and not _is_online(village, 3)
    forget = (
        "import sqlite3; db = sqlite3.connect('/var/lib/desahub-kiosk/kiosk.db', timeout=10);"
        "db.execute('DELETE FROM wifi_tries'); db.commit()"
    )
    village.hub.inside(["/opt/desahub/bin/python", "-c", forget])
    assert _enter(village, 3, name, pin)[0] == 303 and _is_online(village, 3)


def test_without_the_kiosk_it_is_said_and_other_ways_work(desk: Desk) -> None:
    village = desk.village
    _leave(village)
    name, pin = desk.give()
    assert _enter(village, 1, name, pin)[0] == 303 and _is_online(village, 1)
    units = ["desahub-accounts.socket", "desahub-kiosk.socket", "desahub-kiosk.service"]
    village.hub.inside(["systemctl", "stop", *units])
    try:
        status, body = _enter(village, 2, name, pin)
        assert status == 503 and "Akun belum bisa diperiksa" in body and "Sambung tanpa akun" in body, body[:800]
        assert _is_online(village, 1) and not _is_online(village, 2)
        Walk(village, 2).accept()
        assert _is_online(village, 2)
        assert _post(village, 1, "/keluar")[0] == 303 and not _is_online(village, 1), "leaving asks nobody"
    finally:
        village.hub.inside(["systemctl", "start", *units])
        village.hub.wait_active("desahub-kiosk.service", seconds=60)
    assert _enter(village, 1, name, pin)[0] == 303


def test_a_kiosk_that_hangs_keeps_nobody_waiting_for_long(desk: Desk) -> None:
    village = desk.village
    _leave(village)
    name, pin = desk.give()
    village.hub.inside(["systemctl", "kill", "--signal=SIGSTOP", "desahub-kiosk.service"])
    try:
        status, body = _enter(village, 1, name, pin)
        assert status == 503 and "Akun belum bisa diperiksa" in body, body[:800]
        Walk(village, 2).accept()
        assert _is_online(village, 2)
    finally:
        village.hub.inside(["systemctl", "kill", "--signal=SIGCONT", "desahub-kiosk.service"])

    def served() -> bool:
        return _enter(village, 1, name, pin)[0] == 303

    wait_until(served, "the kiosk to be there again", seconds=60)


@pytest.mark.parametrize("user", ["nobody", "desahub-agent", "desahub-web"])
def test_nobody_else_may_ask_whether_a_pin_is_right(desk: Desk, user: str) -> None:
    program = (
        "from appliance.gate.protocol import Client; from appliance.wifi.client import AccountsClient;"
        "AccountsClient().check('a', 'b', Client('10.20.0.7', '02:00:00:00:00:01'))"
    )
    argv = [
        "setpriv",
        "--reuid",
        user,
        "--regid",
        "nogroup",
        "--clear-groups",
        "/opt/desahub/bin/python",
        "-c",
        program,
    ]
    with pytest.raises(VillageError, match="Permission denied"):
        desk.village.hub.inside(argv)
