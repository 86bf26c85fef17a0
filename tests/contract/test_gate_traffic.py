"""The rendered rules on real packets: a phone, the hub, and an internet, each in a network of its own."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.core.config import Config
from appliance.gate.kernel import KernelFirewall
from appliance.gate.libnftables import Nftables
from appliance.gate.service import LocalGate
from tests.contract.wires import GARDEN, INTERNET, PHONE, Village, ip, until, village_on_wires

pytestmark = pytest.mark.root


@pytest.fixture
def village(own_network: None) -> Iterator[Village]:
    with village_on_wires() as made:
        yield made


@pytest.fixture
def gate(village: Village, config: Config) -> LocalGate:
    made = LocalGate(KernelFirewall(Nftables()), config)
    made.use(config)
    return made


def test_before_login_only_the_redirect_names_and_the_garden(village: Village, gate: LocalGate) -> None:
    assert village.reaches(INTERNET, 443) == "TimeoutError"
    assert village.reaches(INTERNET, 80) == "redirect"
    assert village.reaches("10.30.0.1", 80) == "redirect"
    assert village.reaches("10.20.0.1", 80) == "hub"
    assert village.reaches(INTERNET, 53) == "names"
    assert village.reaches(GARDEN, 443) == "internet"


def test_admitted_passes_is_counted_and_revoking_cuts_a_running_connection(village: Village, gate: LocalGate) -> None:
    gate.admit(PHONE, 600)
    assert village.reaches(INTERNET, 80) == "internet"
    with village.socket_in(village.phone) as connection:
        connection.connect((INTERNET, 443))
        assert connection.recv(100) == b"internet"
        for _ in range(50):
            connection.sendall(b"x" * 1000)
            got = 0
            while got < 1000:
                got += len(connection.recv(65536))
        [one] = gate.clients()
        assert 50_000 < one.sent_bytes < 65_000
        assert 50_000 < one.received_bytes < 65_000
        assert village.reaches("10.20.0.1", 80) == "hub"
        [later] = gate.clients()
        assert (later.sent_bytes, later.received_bytes) == (one.sent_bytes, one.received_bytes), "the box's own is free"
        gate.revoke(PHONE)
        connection.sendall(b"y")
        with pytest.raises(TimeoutError):
            connection.recv(10)
    assert village.reaches(INTERNET, 80) == "redirect"


def test_another_mac_or_a_foreign_address_gets_nothing(village: Village, gate: LocalGate) -> None:
    gate.admit(PHONE, 600)
    ip("link set eth0 address 02:00:00:00:00:77", village.phone)
    ip("neighbour flush dev br-warga")
    assert village.reaches(INTERNET, 443) == "TimeoutError"
    ip(f"link set eth0 address {PHONE.mac}", village.phone)
    ip("neighbour flush dev br-warga")
    assert until(lambda: village.reaches(INTERNET, 443) == "internet")
    ip("address add 10.30.0.9/24 dev eth0", village.phone)
    with village.socket_in(village.phone) as connection:
        connection.bind(("10.30.0.9", 0))
        with pytest.raises(TimeoutError):
            connection.connect((INTERNET, 443))


def test_the_internet_cannot_open_anything(village: Village, gate: LocalGate) -> None:
    gate.admit(PHONE, 600)
    ip("route add 10.20.0.0/20 via 192.0.2.10", village.internet)
    for address, port in (("192.0.2.10", 80), ("192.0.2.10", 53), (PHONE.address, 443), ("10.20.0.1", 80)):
        with village.socket_in(village.internet) as connection, pytest.raises(TimeoutError):
            connection.connect((address, port))


class Wire:
    """The phone's cable, to send any frame."""

    def __init__(self, village: Village) -> None:
        self._socket = village.socket_in(village.phone, family=socket.AF_PACKET, kind=socket.SOCK_RAW)
        self._socket.bind(("eth0", 0x0800))
        [bridge] = json.loads(subprocess.check_output(["ip", "-j", "link", "show", "br-warga"]))
        self._head = bytes.fromhex(bridge["address"].replace(":", "") + PHONE.mac.replace(":", "")) + b"\x08\x00"

    def send(self, source: str, protocol: int, payload: bytes) -> None:
        """One packet to the box; ``payload`` begins with UDP's or TCP's header and has no checksum yet."""
        addresses = socket.inet_aton(source) + socket.inet_aton("10.20.0.1")
        at = {6: 16, 17: 6}[protocol]
        total = _checksum(addresses + struct.pack(">HH", protocol, len(payload)) + payload)
        payload = payload[:at] + struct.pack(">H", total) + payload[at + 2 :]
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0) + addresses
        head = head[:10] + struct.pack(">H", _checksum(head)) + head[12:]
        self._socket.send(self._head + head + payload)

    def close(self) -> None:
        self._socket.close()


def _checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def _sources(count: int) -> list[str]:
    return [f"10.20.{8 + number // 250}.{1 + number % 250}" for number in range(count)]


def _allowed(burst: int, began: float) -> float:
    """What a limit of 50 a second lets through since then, and a fifth more."""
    return 1.2 * (burst + 50 * (time.monotonic() - began))


def _remembered() -> int:
    return int(Path("/proc/sys/net/netfilter/nf_conntrack_count").read_text())


@pytest.mark.parametrize("flags", [0x02, 0x10], ids=["syn", "ack"])
def test_one_phone_with_invented_addresses_does_not_fill_conntrack(
    village: Village, gate: LocalGate, flags: int
) -> None:
    began = time.monotonic()
    with contextlib.closing(Wire(village)) as wire:
        for number, source in enumerate(_sources(1_500)):
            wire.send(source, 6, struct.pack(">HHIIBBHHH", 2_000 + number, 80, 7, 9, 0x50, flags, 1_000, 0, 0))
    assert _remembered() < _allowed(250, began)


def test_names_are_limited_for_each_device_whatever_address_it_invents(village: Village, gate: LocalGate) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as names, contextlib.closing(Wire(village)) as wire:
        names.bind(("10.20.0.1", 53))
        names.setblocking(False)
        got, began = 0, time.monotonic()
        for source in _sources(1_500):
            wire.send(source, 17, struct.pack(">HHHH", 4_000, 53, 12, 0) + b"name")
            with contextlib.suppress(BlockingIOError):
                while names.recv(100):
                    got += 1
    assert 150 <= got < _allowed(200, began)


def test_residents_have_no_ipv6_to_the_box(village: Village, gate: LocalGate) -> None:
    ip("address add fd00::1/64 dev br-warga nodad")
    ip("address add fd00::2/64 dev eth0 nodad", village.phone)
    with village.socket_in(village.phone, family=socket.AF_INET6) as connection, socket.socket(socket.AF_INET6) as box:
        box.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        box.bind(("fd00::1", 80))
        box.listen()
        with pytest.raises(OSError):
            connection.connect(("fd00::1", 80))
