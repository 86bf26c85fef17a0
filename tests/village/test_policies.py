"""Each limit that hub.toml can set, from the technician's edit to what a phone meets."""

from __future__ import annotations

import contextlib
import csv
import datetime
import io
import re
import threading
import time
from collections.abc import Iterator

import pytest

from script.village import plan
from script.village.programs import VillageError, run, wait_until
from script.village.village import Village
from script.village.walk import Walk

pytestmark = [pytest.mark.root, pytest.mark.village, pytest.mark.timeout(400)]

HUB_TOML = "/etc/desahub/hub.toml"
ACCESS = 'access = ["terms", "voucher"]'
PORTAL = f"http://{plan.PORTAL_HOST}"
CUT_SECONDS = 2.0
_WITA = datetime.timezone(datetime.timedelta(hours=8))  # of the village's hub.toml
_LEASE_SCRIPT = plan.REPOSITORY / "script/village/lease.sh"


@contextlib.contextmanager
def _configured(village: Village, options: str, tables: str = "", access: str = ACCESS) -> Iterator[None]:
    """The residents' network with ``options`` besides; afterwards nobody is online and nothing of it is left."""
    before = village.hub.inside(["cat", HUB_TOML])
    assert before.count(ACCESS) == 1
    _everybody_leaves(village)
    _apply(village, before.replace(ACCESS, f"{access}\n{options}") + tables)
    try:
        yield
    finally:
        _everybody_leaves(village)
        _apply(village, before)


def _apply(village: Village, hub_toml: str) -> None:
    village.hub.inside(["sh", "-euc", f"cat >{HUB_TOML}; desahub apply"], text=hub_toml)


def _everybody_leaves(village: Village) -> None:
    for number in (1, 2, 3):
        _post(village, number, "/keluar")
    # What they used today is another test's.
    forget = (
        "import sqlite3; db = sqlite3.connect('/var/lib/desahub-portal/grants.db', timeout=10);"
        "[db.execute('DELETE FROM ' + name) for name in ('daily_use', 'attempts')]; db.commit()"
    )
    village.hub.inside(["/opt/desahub/bin/python", "-c", forget])


def _post(village: Village, number: int, path: str, **fields: str) -> tuple[int, str]:
    data = [word for name, value in fields.items() for word in ("--data-urlencode", f"{name}={value}")] or ["-d", ""]
    status, _, body = Walk(village, number).fetch(f"{PORTAL}{path}", "-X", "POST", *data)
    return status, body


def _is_online(village: Village, number: int) -> bool:
    try:
        status, _, body = Walk(village, number).fetch("http://berita.example/", "--max-time", "1")
    except VillageError:
        return False
    return status == 200 and "the internet: berita.example" in body


def _end_of_a_download(village: Village, number: int, longest_seconds: int) -> float:
    """When nothing more came of a slow download, by the clock that all namespaces share (s, CLOCK_MONOTONIC)."""
    program = f"""
import socket, time
began = last = time.monotonic()
made = socket.create_connection(("{plan.WEB_ADDRESS}", 80), 5)
made.sendall(b"GET /bytes HTTP/1.1\\r\\nHost: unduh.example\\r\\n\\r\\n")
made.settimeout(4)
try:
    while time.monotonic() - began < {longest_seconds} and made.recv(4096):
        last = time.monotonic()
        time.sleep(0.05)
except OSError:
    pass
print(last)
"""
    return float(village.phone(number, "/usr/bin/python3", "-c", program, timeout_seconds=longest_seconds + 30))


def _voucher(village: Village, *options: str) -> str:
    printed = village.hub.inside(
        ["desahub", "voucher", "make", "Uji", "--count", "1", "--minutes", "60", "--csv", *options]
    )
    [row] = csv.DictReader(io.StringIO(printed))
    return row["code"]


def test_a_session_ends_by_itself_and_the_days_time_ends_the_day(village: Village) -> None:
    with _configured(village, "session_seconds = 60\ndaily_seconds = 80"):
        asked = time.monotonic()
        Walk(village, 1).accept()
        accepted = time.monotonic()
        ended = _end_of_a_download(village, 1, 90)
        assert asked + 60 - CUT_SECONDS <= ended <= accepted + 60 + CUT_SECONDS, "a running download is cut"
        assert not _is_online(village, 1)
        asked = time.monotonic()
        Walk(village, 1).accept()
        accepted = time.monotonic()
        assert asked + 15 < _end_of_a_download(village, 1, 60) <= accepted + 20 + CUT_SECONDS
        wait_until(lambda: not _is_online(village, 1), "the end of the day's time", seconds=5)
        status, body = _post(village, 1, "/sambung")
        assert status != 303
        assert "hari ini" in body
        assert not _is_online(village, 1)
        Walk(village, 2).accept()
        assert _is_online(village, 2), "one device's day is not another's"


def _passed(village: Village, number: int) -> int:
    """Ask for a file of 10 MB until nothing more comes: how many bytes went over the phone's cable meanwhile."""
    before = _on_the_cable(village, number)
    village.phone(
        number, "sh", "-c",
        "curl -s --speed-limit 1000 --speed-time 2 --max-time 30 -r 0-9999999 -o /dev/null "
        "http://unduh.example/bytes; true",
    )  # fmt: skip
    return _on_the_cable(village, number) - before


def _on_the_cable(village: Village, number: int) -> int:
    folder = "/sys/class/net/eth0/statistics"
    return sum(map(int, village.phone(number, "cat", f"{folder}/rx_bytes", f"{folder}/tx_bytes").split()))


@pytest.fixture
def true_packets(village: Village) -> Iterator[None]:
    """Packets as a modem brings them: the cable else carries parcels of 64 kB, and a queue drops whole ones."""
    cable = ["ip", "-n", plan.NET, "link", "set", "hub0", "gso_max_segs"]
    run([*cable, "1"])
    yield
    run([*cable, "65535"])


@pytest.mark.usefixtures("true_packets")
def test_the_data_of_a_session_and_of_a_day_end_in_the_kernel(village: Village) -> None:
    with _configured(village, "session_megabytes = 3\ndaily_megabytes = 5"):
        Walk(village, 1).accept()
        # What the box's own queue drops has been counted before it; the cable counts Ethernet's heads.
        assert 2_400_000 < _passed(village, 1) <= 3_100_000
        assert not _is_online(village, 1)
        wait_until(lambda: _post(village, 1, "/sambung")[0] == 303, "the session's end to be noted", seconds=5)
        assert 1_500_000 < _passed(village, 1) <= 2_100_000
        assert not _is_online(village, 1)
        status, body = _post(village, 1, "/sambung")
        assert status != 303
        assert "hari ini" in body
        Walk(village, 2).accept()
        assert _is_online(village, 2)


def test_a_walled_garden_of_names_is_open_before_login_and_nothing_else_is(village: Village) -> None:
    before = village.hub.inside(["cat", HUB_TOML])
    _everybody_leaves(village)
    walk = Walk(village, 1)
    try:
        _apply(village, f'{before}\n[portal]\nwalled_garden = ["bansos.example"]\n')
        for name in ("bansos.example", "www.bansos.example"):
            assert walk.fetch(f"http://{name}/")[::2] == (200, f"the internet: {name}\n")
        # In the village all names have one address, which is what the firewall opens; another stays shut.
        assert walk.fetch(f"http://{plan.SAFE_SEARCH_ADDRESS}/")[0] == 302
        refused = f'{before}\n[portal]\nwalled_garden = ["captive.apple.com"]\n'
        check = "cat >/tmp/garden.toml; desahub check-config /tmp/garden.toml 2>&1; true"
        said = village.hub.inside(["sh", "-c", check], text=refused)
        assert "captive.apple.com" in said
        assert "no login window" in said
    finally:
        _apply(village, before)


SPEEDS = """
[[speeds]]
name = "lambat"
title = "Lambat"
download_kbit = 2000
upload_kbit = 1000

[[speeds]]
name = "cepat"
title = "Cepat"
download_kbit = 8000
upload_kbit = 4000
"""


def _mbit(village: Village, number: int, seconds: int = 5) -> float:
    said = village.phone(
        number, "sh", "-c",
        f"curl -s --max-time {seconds} -o /dev/null -w '%{{size_download}}' http://unduh.example/bytes; true",
    )  # fmt: skip
    return int(said) * 8 / seconds / 1e6


def test_the_networks_speed_holds_and_a_vouchers_own_goes_before_it(village: Village) -> None:
    with _configured(village, 'speed = "lambat"', SPEEDS):
        Walk(village, 1).accept()
        code = _voucher(village, "--speed", "cepat")
        assert _post(village, 2, "/voucher", kode=code)[0] == 303
        # What a program gets is less than what the line carries: heads take 5 %.
        assert 1.7 < _mbit(village, 1) < 2.1
        assert 6.8 < _mbit(village, 2) < 8.4
        status, _, body = Walk(village, 2).fetch(f"{PORTAL}/status")
        assert status == 200
        assert "Cepat" in body
    Walk(village, 1).accept()
    assert _mbit(village, 1, 2) > 20, "without a class the line is free"


def _hours(*, hold_now: bool) -> str:
    now = datetime.datetime.now(_WITA)
    ends = [f"{now + datetime.timedelta(hours=hours):%H:%M}" for hours in (-1, 1)]
    first, last = ends if hold_now else reversed(ends)
    return f'open_hours = ["mon-sun {first}-{last}"]'


@pytest.fixture
def true_time(village: Village) -> Iterator[None]:
    """A box that believes its clock, as systemd-timesyncd lets it once a time server has answered."""
    file = "/run/systemd/timesync/synchronized"
    village.hub.inside(["sh", "-euc", f"mkdir -p $(dirname {file}); touch {file}"])
    yield
    village.hub.inside(["rm", file])


@pytest.mark.usefixtures("true_time")
def test_opening_hours_bound_a_session_and_shut_out_after_them(village: Village) -> None:
    with _configured(village, _hours(hold_now=True)):
        Walk(village, 1).accept()
        assert _is_online(village, 1)
        shown = village.hub.inside(["nft", "list", "set", "inet", "desahub", "admitted"])
        assert "timeout 4h" not in shown, "no longer than the network is open"
        closed = village.hub.inside(["cat", HUB_TOML]).replace(_hours(hold_now=True), _hours(hold_now=False))
        assert _hours(hold_now=False) in closed
        _apply(village, closed)
        wait_until(lambda: not _is_online(village, 1), "closing time to hold", seconds=5)
        status, body = _post(village, 1, "/sambung")
        assert status != 303
        assert re.search(r"\d\d[.:]\d\d", body), "it says when it opens"
        assert Walk(village, 1).fetch(f"http://{plan.KIOSK_HOST}/")[0] == 200, "the village's own pages never close"


@contextlib.contextmanager
def _another_mac(village: Village, number: int, mac: str) -> Iterator[None]:
    """The phone joins again as another device, as phones with a random MAC do."""
    own = village.phones[number - 1]
    try:
        _join(village, number, mac)
        yield
    finally:
        _join(village, number, own.mac)


def _join(village: Village, number: int, mac: str) -> None:
    namespace = village.phones[number - 1].namespace
    for command in ("set eth0 down", f"set eth0 address {mac}", "set eth0 up"):
        run(["ip", "-n", namespace, "link", *command.split()])
    village.phone(
        number, "env", f"NAMESPACE={namespace}", "busybox", "udhcpc", "-f", "-q", "-n", "-i", "eth0", "-t", "10",
        "-T", "1", "-s", str(_LEASE_SCRIPT),
    )  # fmt: skip


def test_who_is_silent_connects_again_and_a_new_mac_gets_its_voucher_again(village: Village) -> None:
    with _configured(village, "idle_seconds = 120"):
        code = _voucher(village, "--devices", "1")
        Walk(village, 1).accept()
        Walk(village, 2).accept()
        assert _post(village, 3, "/voucher", kode=code)[0] == 303
        assert _is_online(village, 3)
        began = time.monotonic()
        with _another_mac(village, 3, "06:de:5a:00:00:99"):
            assert not _is_online(village, 3), "a new device is not the old one"
            over = threading.Event()
            heard: list[bool] = []
            busy = threading.Thread(target=_stay_busy, args=(village, 1, over, heard))
            busy.start()
            try:
                # The place in the voucher is free as soon as its device was silent so long, and not before.
                wait_until(
                    lambda: _post(village, 3, "/voucher", kode=code)[0] == 303, "the voucher's place",
                    seconds=140, pause_seconds=10,
                )  # fmt: skip
                assert time.monotonic() - began > 110
                assert _is_online(village, 3)
                remaining = 126 - (time.monotonic() - began)
                over.wait(max(0.0, remaining))
                assert not _is_online(village, 2), "who was silent for 120 s is out"
                assert _is_online(village, 1), "who was not is in"
            finally:
                over.set()
                busy.join()
            assert heard
            assert all(heard)


def _stay_busy(village: Village, number: int, over: threading.Event, heard: list[bool]) -> None:
    while not over.wait(15):
        heard.append(_is_online(village, number))
