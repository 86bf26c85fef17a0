"""Who may be online, until when, how much and how fast."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.clock import WallQuality
from appliance.core.config.networks import Access, Network, NetworkKind
from appliance.core.config.village import Timezone
from appliance.gate.protocol import Client, Limits, Quota
from captive_portal import local_time
from captive_portal.now import Now
from captive_portal.rules import (
    MEGABYTE,
    NOTHING_KNOWN,
    Block,
    Budget,
    Decision,
    Device,
    End,
    Grant,
    Known,
    Offer,
    Policy,
    Verdict,
    decide,
    left_of_quota,
    remaining_seconds,
    standing,
)

BOOT = "a" * 32
MAC = "02:00:00:00:00:01"
CLIENT = Client("10.20.0.2", MAC)
DEVICE = Device("10.20.0.2", MAC, MAC)
# Thursday 1970-01-01 at 12:00 in WIB.
NOON = 5 * 3_600
NOW = Now(BOOT, 1_000, NOON, WallQuality.NTP)
BLOCK = Block(MAC, None, "operator", "why", 0)


def _network(**values: Any) -> Network:
    return Network("warga", NetworkKind.RESIDENT, "br-warga", "10.20.0.1/24", "warga", **values)


def _policy(**values: Any) -> Policy:
    return Policy((_network(**values),), frozenset({"biasa", "cepat"}), Timezone.WIB)


def _grant(*, lease: int = 600, quota: int | None = None, used: int = 0, way: Access = Access.TERMS) -> Grant:
    return Grant(CLIENT, Budget(7, lease, BOOT, 1_000, 1_000, quota, used), 3, "warga", way, 0)


@pytest.mark.parametrize("address", ["10.20.0.2", "10.20.0.254"])
def test_a_resident_with_a_mac_is_admitted(address: str) -> None:
    decision = decide(_policy(), Device(address, MAC, MAC), NOW)
    assert (decision.verdict, decision.client, decision.network) == (Verdict.ADMIT, Client(address, MAC), "warga")
    assert (decision.lease_seconds, decision.ends_boot_seconds, decision.left_bytes) == (14_400, 15_400, None)
    assert decision.offer == Offer(Access.TERMS, 14_400)


@pytest.mark.parametrize(
    "address", ["", "10.20.0.1", "10.20.0.0", "10.20.0.255", "10.21.0.5", "127.0.0.1", "::1", "10.20.0.07", "x"]
)
def test_who_is_in_no_resident_network_is_not(address: str) -> None:
    assert decide(_policy(), Device(address, MAC, MAC), NOW) == Decision(Verdict.NOT_A_RESIDENT)


@pytest.mark.parametrize(
    ("mac", "leased_mac", "verdict"),
    [(None, MAC, Verdict.NO_MAC), (MAC, None, Verdict.NO_LEASE), (MAC, "02:00:00:00:00:02", Verdict.NO_LEASE)],
)
def test_an_address_that_was_not_given_to_this_device_admits_it_nowhere(
    mac: str | None, leased_mac: str | None, verdict: Verdict
) -> None:
    assert decide(_policy(), Device("10.20.0.2", mac, leased_mac), NOW) == Decision(verdict)


@pytest.mark.parametrize(
    ("network", "known", "offer", "verdict"),
    [
        ({}, Known(block=BLOCK), None, Verdict.BLOCKED),
        ({"access": (Access.VOUCHER,)}, NOTHING_KNOWN, None, Verdict.WAY_NOT_OFFERED),
        ({}, NOTHING_KNOWN, Offer(Access.VOUCHER, 60), Verdict.WAY_NOT_OFFERED),
        ({"access": (Access.VOUCHER,)}, NOTHING_KNOWN, Offer(Access.VOUCHER, 0), Verdict.USED_UP),
        ({"access": (Access.VOUCHER,)}, NOTHING_KNOWN, Offer(Access.VOUCHER, 60, 0), Verdict.USED_UP),
        ({"access": (Access.VOUCHER,)}, NOTHING_KNOWN, Offer(Access.VOUCHER, 60, 1), Verdict.ADMIT),
        ({"daily_seconds": 600}, Known(599), None, Verdict.ADMIT),
        ({"daily_seconds": 600}, Known(600), None, Verdict.DAILY_TIME_USED),
        ({"daily_megabytes": 5}, Known(0, 5 * MEGABYTE - 1), None, Verdict.ADMIT),
        ({"daily_megabytes": 5}, Known(0, 5 * MEGABYTE), None, Verdict.DAILY_DATA_USED),
        ({"daily_megabytes": 5, "session_megabytes": 1}, Known(0, 9 * MEGABYTE), None, Verdict.DAILY_DATA_USED),
        ({"open_hours": ("thu 12:00-13:00",)}, NOTHING_KNOWN, None, Verdict.ADMIT),
        ({"open_hours": ("thu 11:00-12:00",)}, NOTHING_KNOWN, None, Verdict.CLOSED),
        ({"open_hours": ("thu 11:00-12:00",)}, Known(block=BLOCK), None, Verdict.BLOCKED),
    ],
)
def test_the_verdict(network: dict[str, Any], known: Known, offer: Offer | None, verdict: Verdict) -> None:
    decision = decide(_policy(**network), DEVICE, NOW, known, offer)
    assert decision.verdict is verdict
    assert (decision.client == CLIENT) is (verdict is Verdict.ADMIT)


def test_what_is_closed_says_when_it_opens_and_a_lease_ends_when_it_closes() -> None:
    policy = _policy(open_hours=("thu 13:00-14:00",))
    assert decide(policy, DEVICE, NOW).opens_in_seconds == 3_600
    late = dataclasses.replace(NOW, wall_seconds=NOON + 3_600 + 1_830)
    assert decide(policy, DEVICE, late).lease_seconds == 1_770


def test_a_box_that_does_not_know_the_hour_is_open() -> None:
    unknown = dataclasses.replace(NOW, wall_quality=WallQuality.UNKNOWN)
    decision = decide(_policy(open_hours=("thu 11:00-12:00",)), DEVICE, unknown)
    assert (decision.verdict, decision.lease_seconds) == (Verdict.ADMIT, 14_400)


def test_vouchers_are_not_bound_by_the_day() -> None:
    policy = _policy(access=(Access.TERMS, Access.VOUCHER), daily_seconds=60, daily_megabytes=1)
    decision = decide(policy, DEVICE, NOW, Known(9_999, 9 * MEGABYTE), Offer(Access.VOUCHER, 7_200, 5 * MEGABYTE))
    assert (decision.lease_seconds, decision.left_bytes) == (7_200, 5 * MEGABYTE)


def test_the_share_of_tomorrow_follows_that_of_today() -> None:
    policy = _policy(daily_seconds=3_600, session_seconds=86_400)
    late = dataclasses.replace(NOW, wall_seconds=NOON + 12 * 3_600 - 600)
    assert decide(policy, DEVICE, late).lease_seconds == 600 + 3_600
    assert decide(policy, DEVICE, late, Known(3_300)).lease_seconds == 300


@pytest.mark.parametrize(
    ("network", "grant", "known", "idle", "end"),
    [
        ({}, _grant(), NOTHING_KNOWN, 9_999, None),
        ({"idle_seconds": 300}, _grant(), NOTHING_KNOWN, 299, None),
        ({"idle_seconds": 300}, _grant(), NOTHING_KNOWN, 300, End.IDLE),
        ({}, _grant(lease=0), NOTHING_KNOWN, 0, End.TIME),
        ({}, _grant(quota=100, used=100), NOTHING_KNOWN, 0, End.DATA),
        ({"daily_seconds": 60}, _grant(), Known(60), 0, End.DAILY_TIME),
        ({"daily_seconds": 60}, _grant(way=Access.VOUCHER), Known(60), 0, None),
        ({"daily_megabytes": 1}, _grant(), Known(0, MEGABYTE), 0, End.DAILY_DATA),
        ({"open_hours": ("thu 11:00-12:00",)}, _grant(way=Access.VOUCHER), NOTHING_KNOWN, 0, End.CLOSED),
        ({}, _grant(), Known(block=BLOCK), 0, End.BLOCKED),
    ],
)
def test_how_a_grant_ends(network: dict[str, Any], grant: Grant, known: Known, idle: int, end: End | None) -> None:
    found = standing(_policy(**network), grant, known, NOW, idle)
    assert found.end is end
    assert (found.seconds == 0 and found.limits == Limits()) is (end is not None)


def test_a_network_that_is_gone_ends_its_grants() -> None:
    assert standing(Policy(()), _grant(), NOTHING_KNOWN, NOW).end is End.NETWORK


@pytest.mark.parametrize(
    ("own", "networks", "speed"),
    [("", "", ""), ("", "biasa", "biasa"), ("cepat", "biasa", "cepat"), ("gone", "biasa", "biasa")],
)
def test_a_vouchers_speed_goes_before_the_networks_and_one_that_is_gone_is_none(
    own: str, networks: str, speed: str
) -> None:
    grant = dataclasses.replace(_grant(quota=5_000, used=1_000), speed=own)
    found = standing(_policy(speed=networks), grant, NOTHING_KNOWN, NOW)
    assert found.limits == Limits(speed, Quota(7, 4_000))


@pytest.mark.parametrize(
    ("boot_id", "boot_seconds", "left"),
    [
        (BOOT, 1_000, 600),
        (BOOT, 1_250, 350),
        (BOOT, 1_600, 0),
        (BOOT, 9_999, 0),
        (BOOT, 5, 600),  # a clock that cannot be: never more than the lease
        ("b" * 32, 5, 400),
        ("b" * 32, 99_999, 400),
    ],
)
def test_what_is_left(boot_id: str, boot_seconds: int, left: int) -> None:
    assert remaining_seconds(Budget(1, 600, BOOT, 1_000, 1_200), Now(boot_id, boot_seconds, 0)) == left


networks = st.builds(
    _network,
    access=st.sampled_from([(Access.TERMS,), (Access.VOUCHER,), (Access.TERMS, Access.VOUCHER)]),
    session_seconds=st.integers(60, 2_592_000),
    idle_seconds=st.sampled_from([0, 120, 3_600]),
    daily_seconds=st.sampled_from([0, 60, 7_200, 86_400]),
    session_megabytes=st.sampled_from([0, 1, 500]),
    daily_megabytes=st.sampled_from([0, 1, 2_000]),
    open_hours=st.sampled_from([(), ("mon-sun 05:00-23:00",), ("mon-sun 22:00-05:00",), ("sat 08:00-12:00",)]),
)
moments = st.builds(
    Now, st.just(BOOT), st.integers(0, 10**9), st.integers(0, 4 * 10**9), st.sampled_from(list(WallQuality))
)
uses = st.builds(Known, st.integers(0, 10**6), st.integers(0, 10**12))
budgets = st.builds(
    Budget,
    st.just(7),
    st.integers(0, 5_000_000),
    st.sampled_from([BOOT, "b" * 32]),
    st.integers(0, 10**9),
    st.integers(0, 10**9),
    st.none() | st.integers(0, 10**13),
    st.integers(0, 10**13),
)


@given(networks, moments, uses, budgets, st.sampled_from(list(Access)), st.integers(0, 10**6))
def test_nobody_gets_beyond_any_limit(
    network: Network, now: Now, known: Known, budget: Budget, way: Access, idle: int
) -> None:
    policy = Policy((network,), frozenset(), Timezone.WIT)
    grant = Grant(CLIENT, budget, 3, "warga", way, 0)
    found = standing(policy, grant, known, now, idle)
    left = left_of_quota(budget)
    assert 0 <= found.seconds <= remaining_seconds(budget, now) <= budget.lease_seconds
    assert (found.seconds == 0) is (found.end is not None)
    if found.end is not None:
        return
    is_open = local_time.seconds_open(network.open_hours, now, policy.timezone)
    assert is_open is None or found.seconds <= is_open
    assert not network.idle_seconds or idle < network.idle_seconds
    quota = found.limits.quota
    assert left is None or (quota is not None and 0 < quota.left_bytes <= left)
    if way is Access.TERMS and network.daily_megabytes:
        assert quota is not None and quota.left_bytes <= network.daily_megabytes * MEGABYTE - known.bytes_today
    if way is Access.TERMS and 0 < network.daily_seconds < 86_400:
        left_today, today = (
            network.daily_seconds - known.seconds_today,
            local_time.seconds_left_today(now, Timezone.WIT),
        )
        assert left_today > 0
        assert found.seconds <= (left_today if left_today < today else today + network.daily_seconds)


@given(networks, moments, uses, budgets, st.integers(0, 10**5), st.integers(0, 10**9), st.integers(0, 10**5))
def test_time_and_use_never_give_anything_back_within_a_day(
    network: Network, now: Now, known: Known, budget: Budget, later: int, more_bytes: int, more_seconds: int
) -> None:
    policy = Policy((dataclasses.replace(network, open_hours=()),), frozenset(), Timezone.WIB)
    grant = Grant(CLIENT, budget, 3, "warga", Access.TERMS, 0)
    later = min(later, local_time.seconds_left_today(now, policy.timezone) - 1)
    then = dataclasses.replace(now, boot_seconds=now.boot_seconds + later, wall_seconds=now.wall_seconds + later)
    before = standing(policy, grant, known, now)
    worse = dataclasses.replace(
        known, bytes_today=known.bytes_today + more_bytes, seconds_today=known.seconds_today + later + more_seconds
    )
    after = standing(policy, grant, worse, then)
    assert after.seconds <= before.seconds
    old, new = before.limits.quota, after.limits.quota
    assert old is None or new is None or new.left_bytes <= old.left_bytes
    assert before.end is None or after.end is not None


@given(networks, moments, uses)
def test_who_is_admitted_stands_and_who_is_not_would_not(network: Network, now: Now, known: Known) -> None:
    policy = Policy((network,), frozenset(), Timezone.WITA)
    decision = decide(policy, DEVICE, now, known)
    if decision.verdict is not Verdict.ADMIT:
        assert decision.client is None and decision.lease_seconds == 0
        return
    assert decision.offer is not None
    budget = Budget(7, decision.offer.lease_seconds, BOOT, now.boot_seconds, 0, decision.offer.quota_bytes, 0)
    found = standing(policy, Grant(CLIENT, budget, 3, "warga", Access.TERMS, 0), known, now)
    assert (found.seconds, found.end) == (decision.lease_seconds, None)
    assert (found.limits.quota and found.limits.quota.left_bytes) == decision.left_bytes
