"""The kernel's queues: what the shaper writes is taken, and what it asks is answered."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import pytest

from appliance.core.config import Config
from appliance.core.config.uplink import Shaper, Speed
from appliance.core.errors import OperationError
from appliance.network import shaper
from appliance.network.shaper import HANDLE, Leaf
from appliance.system import queues
from appliance.system.netlink import ROUTE, Netlink
from appliance.system.roots import Roots

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("own_network")]


def ip(*argv: str) -> None:
    subprocess.run(["ip", *argv], check=True)


def tc(*argv: str) -> str:
    return subprocess.run(["tc", *argv], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def shaped(config: Config) -> Config:
    speeds = (Speed("biasa", "Biasa", 4_000, 1_000), Speed("pelan", "Pelan", 64, 64))
    for interface in (network.interface for network in config.networks):
        ip("link", "add", interface, "type", "bridge")
    ip("link", "add", config.uplink.interface, "type", "veth", "peer", "name", "provider")
    line = dataclasses.replace(config.uplink, shaper=Shaper.HTB)
    return dataclasses.replace(config, uplink=line, speeds=speeds)


def test_the_kernel_takes_all_lines_again_and_again_and_more_after_them(shaped: Config) -> None:
    ready = {pool.speed: 4 for pool in shaper.pools(shaped)}
    for interface in shaper.interfaces(shaped):
        for _ in range(3):
            queues.batch(shaper.whole(shaped, interface, Leaf.BFIFO, ready))
        queues.batch(shaper.more(shaped, interface, Leaf.BFIFO, "pelan", range(4, 8)))
        found = queues.root(Netlink(ROUTE), interface)
        assert found is not None
        assert (found.kind, found.handle) == ("htb", HANDLE)
    classes = tc("class", "show", "dev", shaped.uplink.interface)
    # The root, the box's own, those by address, and the slots.
    assert len(classes.splitlines()) == 2 + shaper.SHARED_COUNT + 3 * 4 + 4


def test_what_is_in_the_way_is_replaced(shaped: Config) -> None:
    interface = shaped.uplink.interface
    tc("qdisc", "add", "dev", interface, "root", "handle", "1:", "htb")
    queues.batch(shaper.whole(shaped, interface, Leaf.BFIFO, {}))
    found = queues.root(Netlink(ROUTE), interface)
    assert found is not None
    assert found.handle == HANDLE


def test_no_interface_no_queue_and_a_new_one_are_told_apart(shaped: Config) -> None:
    netlink = Netlink(ROUTE)
    interface = shaped.uplink.interface
    assert queues.root(netlink, "nothing0") is None
    before = queues.root(netlink, interface)
    assert before is not None
    assert before.handle == 0
    ip("link", "delete", interface)
    assert queues.root(netlink, interface) is None
    ip("link", "add", interface, "type", "veth", "peer", "name", "provider")
    after = queues.root(netlink, interface)
    assert after is not None
    assert after.index != before.index


def test_a_line_that_the_kernel_refuses_is_told_with_its_reason(shaped: Config) -> None:
    with pytest.raises(OperationError, match="nonsense0"):
        queues.batch(f"qdisc add dev {shaped.uplink.interface} root bfifo\nqdisc add dev nonsense0 root bfifo\n")
    queues.batch("")


def test_the_kernel_is_asked_for_kinds_without_a_trace() -> None:
    assert queues.has("htb")
    assert not queues.has("nosuchqdisc")
    assert "htb" not in tc("qdisc", "show", "dev", "lo")


def test_receive_offload_is_switched_off_once(shaped: Config) -> None:
    bridge = shaped.networks[0].interface
    assert queues.keep_packets_apart(bridge), "a bridge has it switched on from the beginning"
    assert not queues.keep_packets_apart(bridge)
    assert not queues.keep_packets_apart("nothing0")


def test_what_hangs_on_a_bridge_is_found(tmp_path: Path) -> None:
    for name in ("wlan0", "ap-warga"):
        (tmp_path / "sys/class/net/br-warga/brif" / name).mkdir(parents=True)
    assert queues.ports("br-warga", Roots.under(tmp_path)) == ("ap-warga", "wlan0")
    assert queues.ports("eth0", Roots.under(tmp_path)) == ()


def test_what_the_kernel_has_is_known_again(shaped: Config) -> None:
    ready = {pool.speed: 4 for pool in shaper.pools(shaped)}
    netlink = Netlink(ROUTE)
    for interface in shaper.interfaces(shaped):
        assert queues.classes(netlink, interface, HANDLE) == frozenset()
        queues.batch(shaper.whole(shaped, interface, Leaf.BFIFO, ready))
        found = queues.root(netlink, interface)
        assert found is not None
        assert found.stamp == shaper.stamp(shaped, interface, Leaf.BFIFO)
        slots = shaper.slots_of(shaped, interface, queues.classes(netlink, interface, HANDLE))
        assert slots == (ready if shaper.has_slots(shaped, interface) else {})
    assert queues.classes(netlink, "nothing0", HANDLE) == frozenset()


def test_what_passed_an_interface_is_read_and_a_bound_keeps_what_is_there(shaped: Config) -> None:
    netlink, bridge, root = Netlink(ROUTE), shaped.networks[0].interface, HANDLE << 16 | shaper.ROOT
    assert queues.passed_bytes(netlink, "nothing0", root) is None
    assert queues.passed_bytes(netlink, bridge, root) is None
    queues.batch(shaper.whole(shaped, bridge, Leaf.BFIFO, {pool.speed: 2 for pool in shaper.pools(shaped)}))
    assert queues.passed_bytes(netlink, bridge, root) == 0
    leaves = tc("qdisc", "show", "dev", bridge)
    queues.batch(shaper.bound(bridge, 777))
    assert "ceil 777Kbit" in tc("class", "show", "dev", bridge, "classid", shaper.class_text(shaper.ROOT))
    assert tc("qdisc", "show", "dev", bridge) == leaves
    found = queues.root(netlink, bridge)
    assert found is not None
    assert found.stamp == shaper.stamp(shaped, bridge, Leaf.BFIFO), "a bound is no other configuration"
