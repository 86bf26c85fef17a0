"""A corpus of hostile requests and packets: no 5xx, nothing reflected, no process lost, nobody else affected."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest

from script.village import plan
from script.village.programs import run, wait_until
from script.village.village import Village
from script.village.walk import Walk
from tests.bench import load
from tests.village import hostile

pytestmark = [pytest.mark.root, pytest.mark.village]

HOSTILE, NEIGHBOUR = 3, 2
# Where the requests go: the host they name and the address they are sent to.
TARGETS = {
    "portal": (plan.PORTAL_HOST, (plan.HUB_ADDRESS, 80)),
    "kiosk": (plan.KIOSK_HOST, (plan.HUB_ADDRESS, 80)),
    "redirect": ("connectivitycheck.gstatic.com", (plan.WEB_ADDRESS, 80)),
}
_UNITS = ("desahub-gate", "desahub-portal", "desahub-keeper", "desahub-kiosk", "desahub-web", "desahub-dns")


def test_the_corpus_is_large_enough() -> None:
    assert len(hostile.requests("a.example")) + len(hostile.dhcp()) + len(hostile.dns()) >= 200


@pytest.fixture
def survives(village: Village) -> Iterator[None]:
    """Afterwards every process is the one it was, and another phone goes online and leaves as ever."""
    before = _processes(village)
    # What it posted in an earlier test may have let it in.
    Walk(village, HOSTILE).fetch(f"http://{plan.PORTAL_HOST}/keluar", "-X", "POST", "-d", "")
    yield
    assert _processes(village) == before
    walk = Walk(village, NEIGHBOUR)
    walk.portal_page()
    walk.accept()
    walk.fetch(f"http://{plan.PORTAL_HOST}/keluar", "-X", "POST", "-d", "")


def _processes(village: Village) -> dict[str, str]:
    ask = ["systemctl", "show", "--property=MainPID,NRestarts", "--value"]
    return {unit: village.hub.inside([*ask, unit]) for unit in _UNITS}


@pytest.mark.usefixtures("survives")
@pytest.mark.parametrize("target", TARGETS)
def test_no_request_gets_a_fault_or_its_own_words_back(target: str) -> None:
    host, address = TARGETS[target]
    faults = []
    for name, request in hostile.requests(host).items():
        answer = _exchange(address, request)
        status = re.match(rb"HTTP/1\.[01] (\d{3}) ", answer)
        if status is not None and status[1].startswith(b"5"):
            faults.append(f"{name}: {answer[:200]!r}")
        if hostile.SCRIPT.encode() in answer or f"onerror={hostile.MARK}".encode() in answer.replace(b"&", b""):
            faults.append(f"{name}: its words came back")
        head = answer.partition(b"\r\n\r\n")[0]
        if hostile.MARK.encode() in head and b"set-cookie" in head.lower():
            faults.append(f"{name}: it set a header")
        if b"Traceback" in answer or b"evil.example" in head:
            faults.append(f"{name}: {head!r}")
    assert faults == []


def _exchange(address: tuple[str, int], request: bytes) -> bytes:
    """Send it and read until the other side ends or is silent; being hung up on is an answer too."""
    answer = b""
    with (
        contextlib.suppress(ConnectionError, TimeoutError),
        load.connection(f"desa-phone-{HOSTILE}", address, timeout_seconds=0.4) as made,
    ):
        with contextlib.suppress(ConnectionError, TimeoutError):
            made.sendall(request)
        # Half closed: what waits for more of a request learns that none comes.
        with contextlib.suppress(OSError):
            made.shutdown(socket.SHUT_WR)
        while part := made.recv(65_536):
            answer += part
    return answer


@pytest.mark.usefixtures("survives")
@pytest.mark.parametrize("port", [67, 53])
def test_no_datagram_ends_the_servers(village: Village, port: int) -> None:
    for packet in (hostile.dhcp() if port == 67 else hostile.dns()).values():
        with load.socket_in(f"desa-phone-{HOSTILE}", socket.SOCK_DGRAM) as made:
            made.sendto(packet, (plan.HUB_ADDRESS, port))
    said = village.phone(NEIGHBOUR, "busybox", "nslookup", plan.PORTAL_HOST)
    assert plan.HUB_ADDRESS in said


@pytest.mark.usefixtures("survives")
def test_slow_clients_keep_nobody_waiting() -> None:
    """A hundred connections that never finish their requests, sent a byte at a time; a neighbour asks meanwhile."""
    over = threading.Event()
    slow = [load.socket_in(f"desa-phone-{HOSTILE}") for _ in range(100)]
    try:
        for made in slow:
            made.settimeout(5)
            with contextlib.suppress(OSError):
                made.connect((plan.HUB_ADDRESS, 80))
        dripping = threading.Thread(target=_drip, args=(slow, over))
        dripping.start()
        try:
            for _ in range(10):
                started = time.monotonic()
                with load.connection(f"desa-phone-{NEIGHBOUR}", (plan.HUB_ADDRESS, 80)) as made:
                    head = f"Host: {plan.PORTAL_HOST}\r\nConnection: close\r\n\r\n"
                    answer = load.ask(made, f"GET / HTTP/1.1\r\n{head}".encode())
                assert answer.startswith(b"HTTP/1.1 200 ")
                # The slow ones have their places until the box closes them, 10 s after their last word at the soonest.
                assert time.monotonic() - started < 5
        finally:
            over.set()
            dripping.join()
    finally:
        for made in slow:
            made.close()


def _drip(slow: list[socket.socket], over: threading.Event) -> None:
    request = f"POST /sambung HTTP/1.1\r\nHost: {plan.PORTAL_HOST}\r\nContent-Length: 400\r\n\r\n".encode()
    for byte in request:
        for made in slow:
            with contextlib.suppress(OSError):
                made.send(bytes([byte]))
        if over.wait(0.05):
            return


@pytest.mark.usefixtures("survives")
def test_a_flood_of_connections_is_bounded_by_device() -> None:
    """More open connections than one device may have: the last ones are refused, not the neighbour's."""
    open_ones = []
    try:
        for _ in range(60):
            made = load.socket_in(f"desa-phone-{HOSTILE}")
            made.settimeout(2)
            made.connect((plan.HUB_ADDRESS, 80))
            made.sendall(f"POST /sambung HTTP/1.1\r\nHost: {plan.PORTAL_HOST}\r\nContent-Length: 9\r\n\r\n".encode())
            open_ones.append(made)
        statuses = set()
        for made in open_ones[30:]:
            with contextlib.suppress(TimeoutError, ConnectionError):
                statuses.add(made.recv(100)[9:12])
        assert b"429" in statuses
        assert statuses <= {b"429", b"400", b"408", b""}
    finally:
        for made in open_ones:
            made.close()


def test_names_of_devices_are_text_of_strangers(village: Village) -> None:
    """A name is kept for the office as far as it is one, and leads nobody astray."""
    for name in (f"<b>{hostile.MARK}", "HP-Bu-Ketut", "masuk"):
        run(["ip", "netns", "exec", f"desa-phone-{HOSTILE}", "busybox", "udhcpc", "-i", "eth0", "-n", "-q", "-f", "-s",
             "/bin/true", "-x", f"hostname:{name}"], timeout_seconds=30)  # fmt: skip
        if name.startswith("<"):
            assert re.fullmatch(r"\*|[A-Za-z0-9-]+", _name_in_leases(village))
        else:
            wait_until(partial(_has_name, village, name), f"the name {name} in the leases")
        assert _asked(village, name.lstrip("<")) in ("", plan.HUB_ADDRESS)
    assert plan.HUB_ADDRESS in _asked(village, plan.PORTAL_HOST)


@pytest.mark.usefixtures("survives")
def test_who_says_anothers_identifier_is_not_given_its_address(village: Village) -> None:
    """A DHCP client identifier is what a device says of itself (RFC 2132 section 9.14)."""
    victim = village.phones[NEIGHBOUR - 1].mac
    identifier = "0x3d:01" + victim.replace(":", "")
    run(["ip", "netns", "exec", f"desa-phone-{HOSTILE}", "busybox", "udhcpc", "-i", "eth0", "-n", "-q", "-f", "-s",
         "/bin/true", "-C", "-x", identifier, "-r", _address_of(village, victim)], timeout_seconds=30)  # fmt: skip
    assert _address_of(village, victim)
    assert _address_of(village, victim) != _address_of(village, village.phones[HOSTILE - 1].mac)


def _address_of(village: Village, mac: str) -> str:
    lines = [line.split() for line in village.hub.inside(["cat", "/var/lib/desahub-dns/leases"]).splitlines()]
    return next((line[2] for line in lines if line[1] == mac), "")


def _has_name(village: Village, name: str) -> bool:
    return _name_in_leases(village) == name


def _name_in_leases(village: Village) -> str:
    mac = village.phones[HOSTILE - 1].mac
    lines = [line.split() for line in village.hub.inside(["cat", "/var/lib/desahub-dns/leases"]).splitlines()]
    assert all(len(line) == 5 for line in lines)
    return next((line[3] for line in lines if line[1] == mac), "")


def _asked(village: Village, name: str) -> str:
    """The address that a neighbour is given for a name; empty where there is none."""
    said = village.phone(NEIGHBOUR, "sh", "-c", f"busybox nslookup '{name}' 2>/dev/null | tail -n +3; true")
    found = re.search(r"Address[^:]*: ?([\d.]+)", said)
    return found[1] if found else ""


def test_buttons_pressed_without_end_are_refused_and_nobody_else_is(village: Village) -> None:
    """Each form costs the box a write: one device gets a minute's worth at once, then one a second."""
    head = f"POST /keluar HTTP/1.1\r\nHost: {plan.PORTAL_HOST}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    def press() -> bytes:
        with load.connection(f"desa-phone-{HOSTILE}", (plan.HUB_ADDRESS, 80)) as made:
            return load.ask(made, head.encode())[9:12]

    # Earlier tests have pressed too; what is refused costs nothing of what comes back each second.
    wait_until(lambda: press() == b"303", "room for another form", seconds=30)
    statuses: list[bytes] = []
    began = time.monotonic()
    # What the limit allows by now, and a third more.
    while len(statuses) < 80 + 1.2 * (time.monotonic() - began):
        statuses.append(press())
    assert b"429" in statuses
    walk = Walk(village, NEIGHBOUR)
    walk.accept()
    walk.fetch(f"http://{plan.PORTAL_HOST}/keluar", "-X", "POST", "-d", "")


def test_names_before_login_are_enough_for_the_portal_and_too_few_for_a_tunnel(village: Village) -> None:
    phone = Walk(village, HOSTILE)
    phone.fetch(f"http://{plan.PORTAL_HOST}/keluar", "-X", "POST", "-d", "")
    question = bytes.fromhex("123401000001000000000000") + b"\x01a\x05warga\x07example\x00\x00\x01\x00\x01"
    with load.socket_in(f"desa-phone-{HOSTILE}", socket.SOCK_DGRAM) as made:
        made.settimeout(0.5)
        made.connect((plan.HUB_ADDRESS, 53))
        began = time.monotonic()
        for _ in range(600):
            made.send(question)
            time.sleep(0.002)  # a tunnel's pace: all at once would overflow the sockets and prove nothing
        allowed = 200 + 10 * (time.monotonic() - began)
        answers = 0
        with contextlib.suppress(TimeoutError):
            while made.recv(1_500):
                answers += 1
    assert 50 <= answers <= 1.2 * allowed
