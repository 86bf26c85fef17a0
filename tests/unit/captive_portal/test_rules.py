"""Who may be online, and until when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.config import Network, NetworkKind
from appliance.gate.protocol import Client
from captive_portal.rules import Device, Grant, Now, Policy, Verdict, decide, remaining_seconds

POLICY = Policy(
    tuple(
        Network(name, NetworkKind.RESIDENT, f"br-{name}", address, name)
        for name, address in (("warga", "10.20.0.1/24"), ("balai", "10.30.0.1/24"))
    )
)
MAC = "02:00:00:00:00:01"
NOW = Now("a" * 32, 1_000, 0)


@pytest.mark.parametrize("address", ["10.20.0.2", "10.20.0.254", "10.30.0.9"])
def test_a_resident_with_a_mac_is_admitted(address: str) -> None:
    decision = decide(POLICY, Device(address, MAC, MAC), NOW)
    assert decision.verdict is Verdict.ADMIT
    assert decision.client == Client(address, MAC)
    assert (decision.lease_seconds, decision.ends_boot_seconds) == (14_400, 15_400)


@pytest.mark.parametrize(
    "address", ["", "10.20.0.1", "10.20.0.0", "10.20.0.255", "10.21.0.5", "127.0.0.1", "::1", "10.20.0.07", "x"]
)
def test_who_is_in_no_resident_network_is_not(address: str) -> None:
    assert decide(POLICY, Device(address, MAC, MAC), NOW).verdict is Verdict.NOT_A_RESIDENT


def test_without_a_mac_nobody_is_admitted() -> None:
    decision = decide(POLICY, Device("10.20.0.2", None, MAC), NOW)
    assert (decision.verdict, decision.client, decision.lease_seconds) == (Verdict.NO_MAC, None, 0)


@pytest.mark.parametrize("leased_mac", [None, "02:00:00:00:00:02"])
def test_an_address_that_was_not_given_to_this_device_admits_it_nowhere(leased_mac: str | None) -> None:
    decision = decide(POLICY, Device("10.20.0.2", MAC, leased_mac), NOW)
    assert (decision.verdict, decision.client) == (Verdict.NO_LEASE, None)


@pytest.mark.parametrize(
    ("boot_id", "boot_seconds", "left"),
    [
        ("a" * 32, 1_000, 600),
        ("a" * 32, 1_250, 350),
        ("a" * 32, 1_600, 0),
        ("a" * 32, 9_999, 0),
        ("a" * 32, 5, 600),  # a clock that cannot be: never more than the lease
        ("b" * 32, 5, 400),
        ("b" * 32, 99_999, 400),
    ],
)
def test_what_is_left(boot_id: str, boot_seconds: int, left: int) -> None:
    grant = Grant(Client("10.20.0.2", MAC), 600, "a" * 32, 1_000, 400, 0)
    assert remaining_seconds(grant, Now(boot_id, boot_seconds, 0)) == left


@given(st.integers(1, 10**6), st.integers(0, 10**9), st.integers(-(10**7), 10**7), st.integers(0, 10**9), st.booleans())
def test_what_is_left_stays_within_the_lease(lease: int, begun: int, noted: int, now: int, same_boot: bool) -> None:
    grant = Grant(Client("10.20.0.2", MAC), lease, "a" * 32, begun, noted, 0)
    assert 0 <= remaining_seconds(grant, Now("a" * 32 if same_boot else "b" * 32, now, 0)) <= lease
