"""A box that is shut down, or loses its power, comes back with who was online, before anybody can join."""

from __future__ import annotations

import re
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from captive_portal.keeper.reconcile import SAME_BYTES
from script.village import cables, hub, plan, power
from script.village import village as running
from script.village.machine import Machine
from script.village.programs import VillageError, wait_until
from script.village.village import Village
from script.village.walk import Walk

pytestmark = [pytest.mark.root, pytest.mark.village, pytest.mark.alone, pytest.mark.timeout(300)]

SERVER = str(Path(__file__).resolve().parents[2] / "script" / "server")
GUEST, STRANGER = 1, 2
QUOTA_MEGABYTES = 100
DOWNLOAD_BYTES = 20_000_000
# What a power cut may give back: the keeper notes once a minute how far it came (ADR 0018).
CHECKPOINT_SECONDS = 60
_UNITS_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1, "ms": 0.001}
_RADIO = "desahub-radio@warga.service"
# The kernel did not boot again, so a unit with a /proc of its own would see the id that it saw before.
_BOOT_ID_FILE = hub.BOOT_ID_FILE
_BOOT_ID = f"""[Service]
BindReadOnlyPaths={_BOOT_ID_FILE}:/proc/sys/kernel/random/boot_id
"""
# In place of hostapd, which has no radio here: what is in force at the moment at which it would begin to send.
_IN_PLACE_OF_HOSTAPD = """[Unit]
ConditionPathExists=

[Service]
ExecStart=
ExecStart=/bin/sh -euc 'nft list set inet desahub admitted >/run/desahub-radio-warga/saw; exec sleep infinity'
"""


@dataclass(frozen=True)
class Left:
    """What the kernel gives one guest still, what was counted, and when it was asked (s, CLOCK_MONOTONIC)."""

    seconds: float
    quota_bytes: int
    used_bytes: int  # since the gate began to count
    asked: float


def _left(village: Village) -> Left:
    listed = village.hub.inside(["nft", "list", "set", "inet", "desahub", "admitted"])
    asked = time.monotonic()
    [expires] = re.findall(r" expires (\S+)", listed)
    parts = re.findall(r"(\d+)(ms|[dhms])", expires)
    seconds = sum(int(number) * _UNITS_SECONDS[unit] for number, unit in parts)
    program = (
        "from appliance.gate.client import GateClient; [one] = GateClient().clients();"
        "print(one.quota_left_bytes, one.sent_bytes + one.received_bytes)"
    )
    quota_bytes, used_bytes = map(int, village.hub.inside(["/opt/desahub/bin/python", "-c", program]).split())
    return Left(seconds, quota_bytes, used_bytes, asked)


def _is_honest(left: Left) -> bool:
    return abs(QUOTA_MEGABYTES * 1_000_000 - left.used_bytes - left.quota_bytes) <= SAME_BYTES


def _sql(village: Village, question: str) -> str:
    program = (
        "import sqlite3, sys; db = sqlite3.connect('file:/var/lib/desahub-portal/grants.db?mode=ro', uri=True);"
        "print(*db.execute(sys.argv[1]).fetchone())"
    )
    return village.hub.inside(["/opt/desahub/bin/python", "-c", program, question]).strip()


def _noted_bytes(village: Village) -> int:
    return int(_sql(village, "SELECT coalesce(max(used_bytes), 0) FROM budgets"))


def _address(village: Village, number: int) -> str:
    said = village.phone(number, "ip", "-4", "-o", "address", "show", "dev", "eth0")
    found = re.search(r"inet ([\d.]+)/", said)
    assert found, said
    return found[1]


def _is_online(village: Village, number: int) -> bool:
    try:
        status, _, body = Walk(village, number).fetch("http://berita.example/", "--max-time", "2")
    except VillageError:
        return False
    return status == 200 and "the internet" in body


@pytest.fixture(scope="module")
def village_of_its_own() -> Iterator[Village]:
    subprocess.run([SERVER, "--stop"], capture_output=True, timeout=120, check=True)
    with running.alone():
        made = Village(plan.phones(2))
        try:
            made.up(print)
            wanted = made.hub.inside(["cat", "/etc/desahub/hub.toml"]).replace(
                'access = ["terms", "voucher"]',
                f'access = ["terms", "voucher"]\nsession_megabytes = {QUOTA_MEGABYTES}',
            )
            made.hub.inside(["sh", "-euc", "cat >/etc/desahub/hub.toml; desahub apply"], text=wanted)
            made.hub.inside(
                ["sh", "-euc", f'mkdir -p "$1/{_RADIO}.d"; cat >"$1/{_RADIO}.d/test.conf"; mkdir -p "$1/$2"; '
                 f'ln -s ../desahub-radio@.service "$1/$2/{_RADIO}"', "sh", "/etc/systemd/system",
                 "desahub.target.wants"], text=_IN_PLACE_OF_HOSTAPD,
            )  # fmt: skip
            made.hub.inside(["sh", "-euc", f"cat >{_BOOT_ID_FILE}"], text=f"{uuid.uuid4()}\n")
            for unit in ("desahub-keeper.service", "desahub-portal.service"):
                folder = f"/etc/systemd/system/{unit}.d"
                made.hub.inside(["sh", "-euc", f"mkdir {folder}; cat >{folder}/test.conf"], text=_BOOT_ID)
            made.hub.inside(["sh", "-euc", "systemctl daemon-reload; systemctl restart desahub-keeper desahub-portal"])
            yield made
        finally:
            made.down()


@pytest.mark.parametrize(
    ("end", "given_back_seconds"), [(power.shut_down, 0), (power.cut, CHECKPOINT_SECONDS)], ids=["shut-down", "cut"]
)
def test_a_guest_is_online_again_with_what_was_left_before_anybody_can_join(
    village_of_its_own: Village, end: Callable[[Machine], None], given_back_seconds: int
) -> None:
    village = village_of_its_own
    guest = Walk(village, GUEST)
    guest.fetch(f"http://{plan.PORTAL_HOST}/keluar", "-X", "POST", "-d", "")
    guest.accept()
    guest.phone(
        "curl", "-sSf", "--max-time", "60", "-o", "/dev/null", "-r", f"0-{DOWNLOAD_BYTES - 1}",
        "http://unduh.example/bytes", timeout_seconds=70,
    )  # fmt: skip
    if given_back_seconds:
        wait_until(lambda: _noted_bytes(village) >= DOWNLOAD_BYTES, "the minute's note", seconds=90, pause_seconds=0.5)
    wait_until(
        lambda: _is_honest(_left(village)), "the quota without what was dropped in the box's own queue", seconds=5
    )
    before = _left(village)
    address = _address(village, GUEST)
    used_bytes = QUOTA_MEGABYTES * 1_000_000 - before.quota_bytes
    assert used_bytes >= DOWNLOAD_BYTES

    end(village.hub)
    ended = time.monotonic()
    was = village.hub.offline(["cat", _BOOT_ID_FILE]).strip()
    power.boot_hub_again(village.hub)
    village.hub.wait_active(*hub.UNITS, _RADIO)

    boot_id = village.hub.inside(["cat", _BOOT_ID_FILE]).strip()
    assert _sql(village, "SELECT boot_id FROM budgets") == boot_id.replace("-", ""), "of this boot"
    assert boot_id != was, "another boot"
    assert address in village.hub.inside(["cat", "/run/desahub-radio-warga/saw"]), "back before the radio sends"
    after = _left(village)
    # Time runs while the box does: from when it was asked to its end, and from the keeper's READY on.
    ready = village.hub.inside(
        ["systemctl", "show", "--value", "-p", "ActiveEnterTimestampMonotonic", "desahub-keeper.service"]
    )
    passed = ended - before.asked + after.asked - int(ready) / 1e6
    lost = before.seconds - passed - after.seconds
    assert -2 - (ended - before.asked) - given_back_seconds <= lost <= 2
    assert abs(before.quota_bytes - after.quota_bytes) <= used_bytes / 100

    cables.plug_in(village.phones)
    wait_until(lambda: _is_online(village, GUEST), "the guest to be online without asking again", seconds=20)
    assert not _is_online(village, STRANGER)
