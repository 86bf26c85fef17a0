"""A process that hangs is started anew; meanwhile who is online stays so, and what leaves is heard within seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from script.village import plan
from script.village.programs import VillageError, wait_until
from script.village.village import Village
from script.village.walk import Walk

pytestmark = [pytest.mark.root, pytest.mark.village]
GUEST, STRANGER = 2, 3
PORTAL = f"http://{plan.PORTAL_HOST}"
# Of a process that serves residents: the watchdog's seconds and a start.
SERVED_AGAIN_SECONDS = {"desahub-gate": 8.0, "desahub-keeper": 8.0, "desahub-portal": 15.0}


def _main_pid(village: Village, unit: str) -> str:
    return village.hub.inside(["systemctl", "show", "--value", "-p", "MainPID", unit]).strip()


def _is_online(village: Village, number: int) -> bool:
    try:
        said = village.phone(
            number, "curl", "-s", "--max-time", "1",
            "--resolve", f"berita.example:80:{plan.WEB_ADDRESS}", "http://berita.example/",
        )  # fmt: skip
    except VillageError:
        return False
    return "the internet: berita.example" in said


def _post(village: Village, number: int, path: str) -> int:
    said = village.phone(
        number, "curl", "-s", "--max-time", "10", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST", "-d", "",
        f"{PORTAL}{path}",
    )  # fmt: skip
    return int(said)


@pytest.fixture
def guest(village: Village) -> Iterator[Village]:
    """One phone with a grant, and one without."""
    _post(village, STRANGER, "/keluar")
    Walk(village, GUEST).accept()
    assert _is_online(village, GUEST) and not _is_online(village, STRANGER)
    yield village
    village.hub.wait_active(*(f"{unit}.service" for unit in SERVED_AGAIN_SECONDS), seconds=30)
    for number in (GUEST, STRANGER):
        _post(village, number, "/keluar")


@pytest.mark.parametrize("unit", SERVED_AGAIN_SECONDS)
def test_who_is_online_stays_so_and_who_joins_is_served_soon(guest: Village, unit: str) -> None:
    before = _main_pid(guest, unit)
    guest.hub.inside(["systemctl", "kill", "--signal=SIGSTOP", unit])
    began = time.monotonic()
    asking = threading.Thread(target=lambda: _post(guest, STRANGER, "/sambung"))
    asking.start()

    def served() -> bool:
        assert _is_online(guest, GUEST), f"shut out {time.monotonic() - began:.1f} s after {unit} hung"
        if not asking.is_alive() and unit == "desahub-portal":  # nginx answered for it: who asks again is served
            _post(guest, STRANGER, "/sambung")
        return _is_online(guest, STRANGER)

    try:
        wait_until(served, f"{unit} to be started anew", seconds=SERVED_AGAIN_SECONDS[unit])
        print(f"{unit}: who joined when it hung is online {time.monotonic() - began:.1f} s later")
    finally:
        asking.join()
    wait_until(lambda: _main_pid(guest, unit) not in ("0", before), f"{unit} to be started anew", seconds=15)
    print(f"{unit}: another process {time.monotonic() - began:.1f} s after the hang")
    assert _is_online(guest, GUEST)


def test_who_leaves_while_the_gate_hangs_is_out_within_seconds(guest: Village) -> None:
    guest.hub.inside(["systemctl", "kill", "--signal=SIGSTOP", "desahub-gate"])
    began = time.monotonic()
    _post(guest, GUEST, "/keluar")
    limit = SERVED_AGAIN_SECONDS["desahub-gate"]
    wait_until(lambda: not _is_online(guest, GUEST), "the guest to be shut out", seconds=limit)
    print(f"out {time.monotonic() - began:.1f} s after the hang")


def test_who_is_online_stays_so_while_names_and_pages_hang(guest: Village) -> None:
    """Nobody watches dnsmasq and nginx: what they serve is missing, and connections go on."""
    units = ["desahub-dns", "desahub-web"]
    guest.hub.inside(["systemctl", "kill", "--signal=SIGSTOP", *units])
    try:
        began = time.monotonic()
        while time.monotonic() - began < 6:
            assert _is_online(guest, GUEST)
    finally:
        guest.hub.inside(["systemctl", "kill", "--signal=SIGCONT", *units])
    wait_until(lambda: _post(guest, STRANGER, "/sambung") == 303, "names and pages to answer again", seconds=5)
