"""Who answers ARP in another's place takes nobody offline who is admitted, and a pin stays no longer than needed."""

from __future__ import annotations

import dataclasses
import json
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from appliance.core.config import Config
from appliance.gate.kernel import KernelFirewall
from appliance.gate.libnftables import Nftables
from appliance.gate.pins import KernelPins
from appliance.gate.protocol import Client
from appliance.gate.service import PIN_SECONDS, LocalGate
from tests.contract.wires import INTERNET, NEIGHBOUR, PHONE, Village, ip, until, village_on_wires

pytestmark = pytest.mark.root
BRIDGE = "br-warga"


@pytest.fixture
def village(own_network: None) -> Iterator[Village]:
    with village_on_wires() as made:
        yield made


@pytest.fixture
def gate(village: Village, config: Config) -> LocalGate:
    made = LocalGate(KernelFirewall(Nftables()), config, pins=KernelPins())
    made.use(config)
    return made


def neighbours() -> dict[str, tuple[str, list[str]]]:
    """The hub's neighbours: address to MAC and states."""
    listed = subprocess.check_output(["ip", "-j", "-4", "neighbour", "show", "dev", BRIDGE], timeout=10)
    return {one["dst"]: (one.get("lladdr", ""), one["state"]) for one in json.loads(listed)}


def pinned() -> dict[str, str]:
    return {address: mac for address, (mac, states) in neighbours().items() if "PERMANENT" in states}


@contextmanager
def spoofer(village: Village) -> Iterator[None]:
    """The neighbour says, all the time, that the phone's address is its own: as answer, as question, to the box."""
    [bridge] = json.loads(subprocess.check_output(["ip", "-j", "link", "show", BRIDGE], timeout=10))
    mac = bytes.fromhex(NEIGHBOUR.mac.replace(":", ""))
    box = bytes.fromhex(bridge["address"].replace(":", ""))
    phone, hub = socket.inet_aton(PHONE.address), socket.inet_aton("10.20.0.1")
    stop = threading.Event()
    with village.socket_in(village.neighbour, family=socket.AF_PACKET, kind=socket.SOCK_RAW) as wire:
        wire.bind(("eth0", 0x0806))
        frames = [
            box + mac + b"\x08\x06" + struct.pack(">HHBBH", 1, 0x0800, 6, 4, kind) + mac + phone + box + hub
            for kind in (1, 2)
        ]

        def lie() -> None:
            while not stop.wait(0.01):
                for frame in frames:
                    wire.send(frame)

        thread = threading.Thread(target=lie)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(5)


def test_a_spoofer_takes_nobody_offline_who_is_admitted(village: Village, gate: LocalGate) -> None:
    assert village.reaches("10.20.0.1", 80) == "hub"
    with spoofer(village):
        assert until(lambda: neighbours().get(PHONE.address, ("",))[0] == NEIGHBOUR.mac), "the lie is not believed"
        gate.admit(PHONE, 600)
        assert [village.reaches(INTERNET, 443) for _ in range(20)] == ["internet"] * 20
        assert neighbours()[PHONE.address] == (PHONE.mac, ["PERMANENT"])
        gate.revoke(PHONE)
        assert until(lambda: neighbours().get(PHONE.address, ("",))[0] == NEIGHBOUR.mac), "the pin outlives the lease"


def test_pins_go_with_the_lease_and_only_ours(village: Village, gate: LocalGate) -> None:
    ip(f"neighbour replace 10.20.0.77 lladdr 02:00:00:00:00:77 nud permanent dev {BRIDGE}")
    gate.admit(PHONE, 1)
    gate.admit(NEIGHBOUR, 600)
    gate.check()
    assert pinned() == {
        PHONE.address: PHONE.mac,
        NEIGHBOUR.address: NEIGHBOUR.mac,
        "10.20.0.77": "02:00:00:00:00:77",
    }

    def checked() -> bool:
        gate.check()
        return PHONE.address not in pinned()

    assert until(checked)
    assert pinned() == {NEIGHBOUR.address: NEIGHBOUR.mac, "10.20.0.77": "02:00:00:00:00:77"}


def test_what_was_flushed_is_pinned_again_and_a_new_gate_finds_what_the_old_one_pinned(
    village: Village, gate: LocalGate, config: Config
) -> None:
    gate.admit(PHONE, 600)
    # As systemd-networkd does with entries that it does not know, and the kernel with a link that goes down.
    ip(f"neighbour flush dev {BRIDGE} nud permanent")
    assert pinned() == {}
    gate.check()
    assert pinned() == {PHONE.address: PHONE.mac}
    ip(f"link set {BRIDGE} down")
    gate.check()
    ip(f"link set {BRIDGE} up")
    gate.check()
    assert pinned() == {PHONE.address: PHONE.mac}
    second = LocalGate(KernelFirewall(Nftables()), config, pins=KernelPins())
    second.use(config)
    second.revoke(PHONE)
    second.check()
    assert pinned() == {}


def test_an_address_that_another_device_logs_in_with_follows_it(village: Village, gate: LocalGate) -> None:
    newcomer = Client(PHONE.address, NEIGHBOUR.mac)
    gate.admit(PHONE, 600)
    gate.admit(newcomer, 600)
    assert pinned() == {PHONE.address: NEIGHBOUR.mac}
    gate.revoke(PHONE)
    gate.check()
    assert pinned() == {PHONE.address: NEIGHBOUR.mac}
    # dnsmasq writes the entry of whom it gives an address; what is admitted is what counts.
    ip(f"neighbour replace {PHONE.address} lladdr {PHONE.mac} nud reachable dev {BRIDGE}")
    gate.check()
    assert pinned() == {PHONE.address: NEIGHBOUR.mac}


def test_a_device_that_is_long_silent_is_let_go_and_pinned_again_when_it_speaks(
    village: Village, gate: LocalGate
) -> None:
    gate.admit(PHONE, 600)
    seen = f"element inet desahub seen {{ {PHONE.address}"
    left = 90_000 - PIN_SECONDS - 5
    Nftables().run(f"delete {seen} }}\nadd {seen} timeout 90000s expires {left}s }}")
    gate.check()
    assert pinned() == {}
    assert village.reaches(INTERNET, 443) == "internet"
    gate.check()
    assert pinned() == {PHONE.address: PHONE.mac}


def test_a_bridge_that_is_not_there_keeps_nobody_offline(own_network: None, config: Config) -> None:
    gate = LocalGate(KernelFirewall(Nftables()), config, pins=KernelPins())
    gate.use(config)
    gate.admit(PHONE, 600)
    gate.check()
    assert [one.client for one in gate.clients()] == [PHONE]


def test_rules_that_somebody_deletes_are_put_back(village: Village, gate: LocalGate, config: Config) -> None:
    gate.admit(PHONE, 600)
    Nftables().run("delete table inet desahub")
    assert not gate.status().closed_by_default
    gate.check()
    assert gate.status().closed_by_default
    assert village.reaches(INTERNET, 80) == "redirect"
    other = dataclasses.replace(config, uplink=dataclasses.replace(config.uplink, interface="eth9"))
    assert gate.use(other)
    gate.check()
    assert gate.status().closed_by_default
