"""Vouchers on a running box: made at the keeper's socket, typed on phones, withdrawn while they are used."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterator

import pytest

from script.village import plan
from script.village.programs import VillageError, wait_until
from script.village.village import Village
from script.village.walk import Walk

pytestmark = [pytest.mark.root, pytest.mark.village]
PORTAL = f"http://{plan.PORTAL_HOST}"


def _make(village: Village, *options: str) -> list[str]:
    printed = village.hub.inside(["desahub", "voucher", "make", "Uji", "--minutes", "60", "--csv", *options])
    return [row["code"] for row in csv.DictReader(io.StringIO(printed))]


def _post(village: Village, number: int, path: str, **fields: str) -> tuple[int, str]:
    data = [word for name, value in fields.items() for word in ("--data-urlencode", f"{name}={value}")] or ["-d", ""]
    status, _, body = Walk(village, number).fetch(f"{PORTAL}{path}", "-X", "POST", *data)
    return status, body


def _is_online(village: Village, number: int) -> bool:
    try:
        status, _, body = Walk(village, number).fetch("http://berita.example/")
    except VillageError:
        return False
    return status == 200 and "the internet" in body


@pytest.fixture
def offline(village: Village) -> Iterator[Village]:
    """Three phones without a grant, before and after; what they typed wrong is forgotten."""
    _clear(village)
    yield village
    _clear(village)


def _clear(village: Village) -> None:
    for number in (1, 2, 3):
        _post(village, number, "/keluar")
    forget = (
        "import sqlite3; db = sqlite3.connect('/var/lib/desahub-portal/grants.db');"
        "db.execute('DELETE FROM attempts'); db.commit()"
    )
    village.hub.inside(["/opt/desahub/bin/python", "-c", forget])


def test_a_code_opens_the_internet_and_its_withdrawal_ends_it_at_once(offline: Village) -> None:
    (code,) = _make(offline, "--count", "1")
    assert not _is_online(offline, 1)
    status, body = _post(offline, 1, "/voucher", kode=code.lower().replace("-", " "))
    assert status == 303, body[:800]
    assert _is_online(offline, 1)
    listed = offline.hub.inside(["desahub", "voucher", "list"]).splitlines()[0]
    assert "1 active" in listed
    batch = listed.split("\t")[0]
    offline.hub.inside(["desahub", "voucher", "void", f"{batch}-1", "--why", "uji"])
    assert not _is_online(offline, 1), "the gate has shut it out before the command returned"
    status, body = _post(offline, 1, "/voucher", kode=code)
    assert status != 303 and not _is_online(offline, 1), body[:300]


def test_one_place_goes_to_the_next_device_when_the_first_leaves(offline: Village) -> None:
    (code,) = _make(offline, "--count", "1")
    assert _post(offline, 1, "/voucher", kode=code)[0] == 303
    assert _post(offline, 2, "/voucher", kode=code)[0] != 303 and not _is_online(offline, 2)
    assert _post(offline, 1, "/keluar")[0] == 303
    assert _post(offline, 2, "/voucher", kode=code)[0] == 303
    assert _is_online(offline, 2) and not _is_online(offline, 1)


def test_who_guesses_waits_and_others_do_not(offline: Village) -> None:
    codes = _make(offline, "--count", "2")
    for _ in range(5):
        assert _post(offline, 3, "/voucher", kode="WRONG-WRONG")[0] != 303
    offline.hub.inside(["systemctl", "restart", "desahub-portal.service"])
    status, body = _post(offline, 3, "/voucher", kode=codes[0])
    assert status == 429 and not _is_online(offline, 3), body[:300]
    assert _post(offline, 2, "/voucher", kode=codes[1])[0] == 303 and _is_online(offline, 2)


def test_a_district_code_opens_a_hub_with_the_key_and_no_other(offline: Village) -> None:
    inside = offline.hub.inside
    inside(["sh", "-c", "rm -f /tmp/district.key; desahub voucher district-new-key /tmp/district.key"])
    sheet = inside(["desahub", "voucher", "district-make", "--key", "/tmp/district.key", "--batch", "1", "--count", "1",
                    "--minutes", "60", "--last-day", "2036-01-01"])  # fmt: skip
    code = sheet.split()[1]
    assert _post(offline, 1, "/voucher", kode=code)[0] != 303 and not _is_online(offline, 1)
    inside(["desahub", "voucher", "district-key", "--install", "/tmp/district.key"])
    try:
        owner = inside(["stat", "-c", "%U %a", "/var/lib/desahub-portal/district.key"]).strip()
        assert owner == "desahub-portal 600"
        assert _post(offline, 1, "/voucher", kode=code)[0] == 303 and _is_online(offline, 1)
    finally:
        inside(["desahub", "voucher", "district-key", "--remove"])


STATE = "/var/lib/desahub-portal"


@contextlib.contextmanager
def _another_hub(village: Village) -> Iterator[None]:
    """The box becomes another hub of the district: portal and keeper start with a state and keys of their own.

    A second whole box would need a village of its own, and what it would add, another nginx, gate and dnsmasq, knows
    nothing of vouchers. Afterwards the first hub is back, with all it knew.
    """

    def become(script: str) -> None:
        stop = "systemctl stop desahub-portal.socket desahub-portal desahub-keeper"
        start = "systemctl start desahub-keeper desahub-portal.socket desahub-portal"
        village.hub.inside(["sh", "-euc", f"{stop}; {script}; {start}"])
        village.hub.wait_active("desahub-keeper.service", "desahub-portal.service", seconds=30)

    become(f"mv {STATE} {STATE}.first")
    try:
        yield
    finally:
        become(f"rm -rf {STATE}; mv {STATE}.first {STATE}")


def test_a_code_of_the_district_opens_two_hubs_that_share_the_key(offline: Village) -> None:
    inside = offline.hub.inside
    inside(["sh", "-c", "rm -f /tmp/district.key; desahub voucher district-new-key /tmp/district.key"])
    sheet = inside(["desahub", "voucher", "district-make", "--key", "/tmp/district.key", "--batch", "2", "--count", "1",
                    "--minutes", "60", "--last-day", "2036-01-01"])  # fmt: skip
    code = sheet.split()[1]
    (local,) = _make(offline, "--count", "1")
    inside(["desahub", "voucher", "district-key", "--install", "/tmp/district.key"])
    try:
        assert _post(offline, 1, "/voucher", kode=code)[0] == 303 and _is_online(offline, 1)
        first_key = inside(["sha256sum", f"{STATE}/voucher.key"]).split()[0]
        with _another_hub(offline):
            assert inside(["sha256sum", f"{STATE}/voucher.key"]).split()[0] != first_key
            wait_until(lambda: not _is_online(offline, 1), "the other hub to let out whom it does not know", seconds=5)
            assert _post(offline, 2, "/voucher", kode=code)[0] != 303, "it has no key of the district yet"
            inside(["desahub", "voucher", "district-key", "--install", "/tmp/district.key"])
            assert _post(offline, 2, "/voucher", kode=local)[0] != 303, "a code of the first hub's own"
            assert _post(offline, 2, "/voucher", kode=code)[0] == 303 and _is_online(offline, 2)
            # It is for one device at a time, on each hub.
            assert _post(offline, 3, "/voucher", kode=code)[0] != 303 and not _is_online(offline, 3)
        wait_until(lambda: _is_online(offline, 1), "the first hub to put its own back", seconds=5)
        assert not _is_online(offline, 2)
        assert _post(offline, 1, "/keluar")[0] == 303
        assert _post(offline, 3, "/voucher", kode=local)[0] == 303 and _is_online(offline, 3)
    finally:
        inside(["desahub", "voucher", "district-key", "--remove"])


@pytest.mark.parametrize(("user", "answered"), [("desahub-kiosk", True), ("desahub-agent", False), ("nobody", False)])
def test_the_keeper_answers_the_office_and_nobody_else(village: Village, user: str, answered: bool) -> None:
    ask = (
        "from appliance.hotspot.client import HotspotClient; from appliance.hotspot.protocol import ListClients;"
        "print(len(HotspotClient().ask(ListClients()).online))"
    )
    said = village.hub.inside(
        [
            "sh",
            "-c",
            f'setpriv --reuid {user} --regid nogroup --clear-groups /opt/desahub/bin/python -c "{ask}" 2>&1 || true',
        ]
    )
    assert said.strip().isdecimal() if answered else "may not ask this" in said, said
