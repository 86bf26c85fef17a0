"""One neighbour asked of the kernel is what its list says of it, whatever becomes of the entry."""

from __future__ import annotations

import os

import pytest

from appliance.core.errors import OperationError
from appliance.system import neighbours
from appliance.system.neighbours import KernelNeighbours
from appliance.system.netlink import Netlink
from tests.contract.wires import ip

pytestmark = pytest.mark.root
BRIDGE, OTHER, ADDRESS, MAC = "br-warga", "br-kantor", "10.20.0.50", "02:00:00:00:00:01"


@pytest.fixture
def bridges(own_network: None) -> None:
    for name in (BRIDGE, OTHER):
        ip(f"link add {name} type bridge")
        ip(f"link set {name} up")


def _listed(address: str, interface: str) -> str | None:
    """What /proc/net/arp says; a thread's own network is in its own folder."""
    with open("/proc/thread-self/net/arp", encoding="ascii") as file:  # noqa: PTH123 - a thread's own view
        found = neighbours.parse(file.read())
    return next((one.mac for one in found if (one.address, one.interface) == (address, interface)), None)


@pytest.mark.parametrize(
    ("state", "mac"),
    [
        ("permanent", MAC), ("reachable", MAC), ("stale", MAC), ("delay", MAC), ("probe", MAC),
        ("noarp", None), ("incomplete", None), ("failed", None),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("bridges")
def test_only_who_answered_counts(state: str, mac: str | None) -> None:
    ip(f"neighbour add {ADDRESS} lladdr {MAC} nud {state} dev {BRIDGE}")
    found = KernelNeighbours().mac_of(ADDRESS, BRIDGE)
    assert found == _listed(ADDRESS, BRIDGE) == mac


@pytest.mark.usefixtures("bridges")
def test_nobody_and_another_interface_are_nobody() -> None:
    ip(f"neighbour add {ADDRESS} lladdr {MAC} nud permanent dev {BRIDGE}")
    asked = KernelNeighbours()
    assert asked.mac_of("10.20.0.51", BRIDGE) is None
    assert asked.mac_of(ADDRESS, OTHER) is None
    assert asked.mac_of(ADDRESS, "br-hilang") is None
    assert asked.mac_of(ADDRESS, BRIDGE) == MAC, "and the answers belong to their questions"


@pytest.mark.usefixtures("bridges")
def test_a_device_that_takes_an_address_over_is_seen_at_once() -> None:
    asked, thief = KernelNeighbours(), "02:00:00:00:00:99"
    ip(f"neighbour add {ADDRESS} lladdr {MAC} nud reachable dev {BRIDGE}")
    assert asked.mac_of(ADDRESS, BRIDGE) == MAC
    ip(f"neighbour replace {ADDRESS} lladdr {thief} nud reachable dev {BRIDGE}")
    assert asked.mac_of(ADDRESS, BRIDGE) == thief


def test_no_socket_is_made_before_a_question_so_that_a_forked_worker_has_its_own() -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - numbers, no files
    asked = KernelNeighbours()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    assert asked.mac_of(ADDRESS, "lo") is None
    assert len(os.listdir("/proc/self/fd")) > before  # noqa: PTH208


def test_a_kernel_that_does_not_answer_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object) -> list[bytes]:
        raise OperationError("the kernel does not answer: timed out")

    monkeypatch.setattr(Netlink, "ask", silent)
    with pytest.raises(OperationError, match="does not answer"):
        KernelNeighbours().mac_of(ADDRESS, "lo")
