"""The kernel's firewall and its twin keep the same promises."""

from __future__ import annotations

import dataclasses
import errno
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from appliance.core.config import Config
from appliance.core.config.uplink import Speed
from appliance.core.errors import GateRefused, OperationError
from appliance.gate.elements import Element, Elements
from appliance.gate.firewall import Firewall
from appliance.gate.kernel import KernelFirewall
from appliance.gate.libnftables import Nftables
from appliance.gate.protocol import Admit, Admitted, Client, Limits, Quota, RefusalCode, Revoke
from appliance.gate.quotas import address_key
from appliance.gate.service import LocalGate
from appliance.gate.twin import TwinFirewall
from appliance.network import nftables
from appliance.system.netlink import NetlinkError
from tests.contract.wires import until

PHONE = Client("10.20.0.50", "02:00:00:00:00:01")
OTHER = Client("10.20.0.51", "02:00:00:00:00:02")


@dataclass
class Case:
    """One firewall under test, and how its time passes and its traffic is counted."""

    gate: LocalGate
    firewall: Firewall
    config: Config
    pass_seconds: Callable[[float], None]
    count: Callable[[Client, int, int], None]


@pytest.fixture
def config(config: Config) -> Config:
    """The village's configuration, with a class of speed."""
    return dataclasses.replace(config, speeds=(Speed("biasa", "Biasa", 4_000, 1_000),))


def _twin(config: Config) -> Case:
    now = [1000.0]
    firewall = TwinFirewall(lambda: now[0], clients_max=3)

    def pass_seconds(seconds: float) -> None:
        now[0] += seconds

    def count(client: Client, sent: int, received: int) -> None:
        firewall.count(client, sent, received)

    return Case(LocalGate(firewall, config), firewall, config, pass_seconds, count)


def _kernel(config: Config, monkeypatch: pytest.MonkeyPatch) -> Case:
    monkeypatch.setattr(nftables, "CLIENTS_MAX", 3)
    context = Nftables()

    def count(client: Client, sent: int, received: int) -> None:
        """What packets leave behind: counters, when the device was seen, and what its quota has left."""
        for name, key, size in (
            ("inet desahub admitted", f"{client.address} . {client.mac}", sent),
            ("bridge desahub received", client.address, received),
        ):
            element = f"element {name} {{ {key}"
            context.run(f"delete {element} }}\nadd {element} counter packets 1 bytes {size} timeout 90s expires 80s }}")
        _use_up(context, client, sent + received)
        seen = f"element inet desahub seen {{ {client.address} }}"
        context.run(f"delete {seen}\nadd {seen}")

    firewall = KernelFirewall(context)
    return Case(LocalGate(firewall, config), firewall, config, time.sleep, count)


def _use_up(context: Nftables, client: Client, count: int) -> None:
    """Say that ``count`` bytes of the client's quota are used, for all who share it."""
    elements = Elements()
    shared = {element.key: element.object for element in elements.all("quota_of")}
    name = shared.get(address_key(client.address))
    if name is None:
        return
    quota = elements.quota(name)
    assert quota is not None
    entries = ", ".join(f"{socket.inet_ntoa(key)}" for key, other in shared.items() if other == name)
    back = ", ".join(f'{socket.inet_ntoa(key)} : "{name}"' for key, other in shared.items() if other == name)
    context.run(
        f"delete element inet desahub quota_of {{ {entries} }}\ndelete quota inet desahub {name}\n"
        f"add quota inet desahub {name} {{ over {quota.limit_bytes} bytes used {quota.used_bytes + count} bytes }}\n"
        f"add element inet desahub quota_of {{ {back} }}"
    )


@pytest.fixture(params=["twin", pytest.param("kernel", marks=pytest.mark.root)])
def case(request: pytest.FixtureRequest, config: Config, monkeypatch: pytest.MonkeyPatch) -> Case:
    if request.param == "kernel":
        request.getfixturevalue("own_network")
        made = _kernel(config, monkeypatch)
    else:
        made = _twin(config)
    assert made.gate.use(config)
    return made


def _by_client(case: Case) -> dict[Client, Admitted]:
    return {one.client: one for one in case.gate.clients()}


def test_a_loaded_firewall_is_closed_and_carries_its_fingerprint(case: Case) -> None:
    status = case.gate.status()
    assert status.closed_by_default
    assert status.admitted_count == 0
    assert status.ruleset_fingerprint == nftables.fingerprint(case.config)


def test_the_same_rules_are_left_alone(case: Case) -> None:
    assert not case.gate.use(case.config)


def test_admitted_is_listed_with_its_time(case: Case) -> None:
    case.gate.admit(PHONE, 3600)
    [one] = case.gate.clients()
    assert (one.client, one.sent_bytes, one.received_bytes) == (PHONE, 0, 0)
    assert 3590 <= one.remaining_seconds <= 3600


def test_renewing_keeps_the_counters_and_starts_the_time_anew(case: Case) -> None:
    case.gate.admit(PHONE, 100)
    case.count(PHONE, 7000, 9000)
    case.gate.admit(PHONE, 3600)
    [one] = case.gate.clients()
    assert (one.sent_bytes, one.received_bytes) == (7000, 9000)
    assert one.remaining_seconds > 3500


def test_revoking_is_at_once_and_may_be_repeated(case: Case) -> None:
    case.gate.admit(PHONE, 100)
    case.gate.admit(OTHER, 100)
    case.gate.revoke(PHONE)
    case.gate.revoke(PHONE)
    assert list(_by_client(case)) == [OTHER]


def test_an_address_given_to_another_device_shuts_the_first_out(case: Case) -> None:
    newcomer = dataclasses.replace(PHONE, mac="02:00:00:00:00:99")
    case.gate.admit(PHONE, 100)
    case.count(PHONE, 7000, 9000)
    case.gate.admit(newcomer, 200)
    [one] = case.gate.clients()
    assert (one.client, one.sent_bytes, one.received_bytes) == (newcomer, 0, 0)
    case.gate.revoke(PHONE)
    assert list(_by_client(case)) == [newcomer]


def test_a_lease_runs_out_and_can_be_given_again(case: Case) -> None:
    case.gate.admit(PHONE, 1)
    case.pass_seconds(1.1)
    assert case.gate.clients() == ()
    case.gate.admit(PHONE, 50)
    assert _by_client(case)[PHONE].remaining_seconds > 40


@pytest.mark.parametrize("lease_seconds", [50, 3_700, 90_061, 2_592_000])
def test_one_client_is_told_without_the_others(case: Case, lease_seconds: int) -> None:
    assert case.gate.admitted(PHONE) is None
    case.gate.admit(PHONE, lease_seconds)
    case.gate.admit(OTHER, 100)
    one = case.gate.admitted(PHONE)
    assert one is not None and lease_seconds - 5 <= one.remaining_seconds <= lease_seconds
    assert case.gate.admitted(dataclasses.replace(PHONE, mac=OTHER.mac)) is None
    case.count(PHONE, 7000, 9000)
    now = case.gate.admitted(PHONE)
    assert now is not None and (now.sent_bytes, now.received_bytes) == (7000, 9000)
    case.gate.revoke(PHONE)
    assert case.gate.admitted(PHONE) is None


def test_a_full_house_refuses_and_changes_nothing_but_still_renews(case: Case) -> None:
    for number in range(3):
        case.gate.admit(Client(f"10.20.1.{number + 1}", "02:00:00:00:00:01"), 100)
    before = set(_by_client(case))
    with pytest.raises(GateRefused) as refusal:
        case.gate.admit(PHONE, 100)
    assert refusal.value.code == RefusalCode.FULL
    assert set(_by_client(case)) == before
    case.gate.admit(Client("10.20.1.1", "02:00:00:00:00:01"), 500)
    assert set(_by_client(case)) == before


@pytest.mark.parametrize(
    "address", ["10.20.0.1", "10.20.0.0", "10.20.15.255", "10.30.0.5", "192.0.2.10", "8.8.8.8", "127.0.0.1"]
)
def test_only_residents_addresses_are_admitted(case: Case, address: str) -> None:
    with pytest.raises(GateRefused) as refusal:
        case.gate.admit(Client(address, PHONE.mac), 100)
    assert refusal.value.code == RefusalCode.NOT_A_RESIDENT
    assert case.gate.clients() == ()


def test_new_rules_keep_who_is_online_with_time_and_counters(case: Case) -> None:
    case.gate.admit(PHONE, 100)
    case.count(PHONE, 7000, 9000)
    uplink = dataclasses.replace(case.config.uplink, interface="eth9")
    assert case.gate.use(dataclasses.replace(case.config, uplink=uplink))
    [one] = case.gate.clients()
    assert (one.client, one.sent_bytes, one.received_bytes) == (PHONE, 7000, 9000)
    assert 60 <= one.remaining_seconds <= 100
    assert case.gate.status().closed_by_default


def test_devices_of_a_network_that_is_gone_are_shut_out(case: Case) -> None:
    case.gate.admit(PHONE, 100)
    residents, office = case.config.networks
    moved = dataclasses.replace(residents, address="10.40.0.1/24")
    case.gate.use(dataclasses.replace(case.config, networks=(moved, office)))
    assert case.gate.clients() == ()


def test_of_several_admitted_at_once_only_who_finds_no_room_is_refused(case: Case) -> None:
    case.gate.admit(PHONE, 60)
    many = [Client(f"10.20.0.{number}", f"02:00:00:00:00:{number:02x}") for number in range(60, 63)]
    found = case.gate.admit_all([Admit(PHONE, 90), *(Admit(one, 60) for one in many)])
    assert [one and one.code for one in found] == [None, None, None, RefusalCode.FULL]
    assert {one.client for one in case.firewall.clients()} == {PHONE, *many[:2]}
    status = case.gate.status()
    assert (status.let_in_count, status.refused_count) == (3, 1)


def test_several_changes_are_one(case: Case) -> None:
    case.gate.admit(PHONE, 100)
    case.firewall.change([Revoke(PHONE), Admit(OTHER, 100)])
    assert list(_by_client(case)) == [OTHER]
    with pytest.raises(ValueError, match="twice"):
        case.firewall.change([Admit(PHONE, 100), Revoke(PHONE)])


def _limits(speed: str = "", quota_id: int = 7, left_bytes: int | None = None) -> Limits:
    return Limits(speed, None if left_bytes is None else Quota(quota_id, left_bytes))


def _left(case: Case, client: Client) -> int | None:
    one, listed = case.gate.admitted(client), _by_client(case)[client]
    assert one is not None
    assert one.quota_left_bytes == listed.quota_left_bytes
    return one.quota_left_bytes


def test_a_speed_is_one_of_hub_toml_and_is_told(case: Case) -> None:
    case.gate.admit(PHONE, 100, _limits("biasa"))
    case.gate.admit(OTHER, 100)
    assert {client: one.speed for client, one in _by_client(case).items()} == {PHONE: "biasa", OTHER: ""}
    with pytest.raises(GateRefused, match="allowed: biasa") as refusal:
        case.gate.admit(PHONE, 100, _limits("kilat"))
    assert refusal.value.code == RefusalCode.UNKNOWN_SPEED
    one = case.gate.admitted(PHONE)
    assert one is not None and one.speed == "biasa"
    case.gate.admit(PHONE, 100)
    assert _by_client(case)[PHONE].speed == ""


def test_a_quota_is_used_up_in_both_directions_by_all_who_share_it(case: Case) -> None:
    case.gate.admit(PHONE, 100, _limits(left_bytes=10_000))
    case.gate.admit(OTHER, 100, _limits(left_bytes=10_000))
    assert (_left(case, PHONE), _left(case, OTHER)) == (10_000, 10_000)
    case.count(PHONE, 1_000, 2_000)
    case.count(OTHER, 500, 0)
    assert (_left(case, PHONE), _left(case, OTHER)) == (6_500, 6_500)
    case.count(OTHER, 0, 6_500)
    assert _left(case, PHONE) == 0
    assert case.gate.admitted(PHONE) is not None, "over quota the lease goes on"


def test_a_renewal_sets_quota_and_speed_to_what_is_given(case: Case) -> None:
    case.gate.admit(PHONE, 100, _limits("biasa", 7, 5_000))
    case.gate.admit(OTHER, 100, _limits("", 7, 5_000))
    case.count(PHONE, 5_000, 0)
    case.gate.admit(PHONE, 100, _limits("biasa", 7, 9_000))
    assert (_left(case, PHONE), _left(case, OTHER)) == (9_000, 9_000)
    case.gate.admit(PHONE, 100, _limits("", 8, 0))
    assert (_left(case, PHONE), _left(case, OTHER)) == (0, 9_000)
    case.gate.admit(PHONE, 100)
    assert (_left(case, PHONE), _left(case, OTHER)) == (None, 9_000)
    assert _by_client(case)[PHONE].sent_bytes == 5_000


def test_a_quota_that_nobody_uses_is_gone(case: Case) -> None:
    case.gate.admit(PHONE, 100, _limits(left_bytes=5_000))
    case.count(PHONE, 1_000, 0)
    case.gate.revoke(PHONE)
    case.gate.admit(PHONE, 1, _limits(left_bytes=3_000))
    assert _left(case, PHONE) == 3_000
    case.pass_seconds(3.5)
    assert case.gate.clients() == ()
    case.gate.admit(PHONE, 100)
    assert _left(case, PHONE) is None


def test_an_address_takes_no_quota_over_from_who_had_it_before(case: Case) -> None:
    newcomer = dataclasses.replace(PHONE, mac="02:00:00:00:00:99")
    case.gate.admit(PHONE, 100, _limits("biasa", left_bytes=0))
    case.gate.admit(newcomer, 100)
    one = case.gate.admitted(newcomer)
    assert one is not None and (one.quota_left_bytes, one.speed) == (None, "")
    case.gate.admit(newcomer, 100, _limits(left_bytes=900))
    case.gate.revoke(PHONE)
    assert _left(case, newcomer) == 900


def test_a_silent_device_is_told_from_a_busy_one_and_renewing_is_no_sign_of_life(case: Case) -> None:
    case.gate.admit(PHONE, 100)
    case.gate.admit(OTHER, 100)
    case.pass_seconds(2.1)
    case.gate.admit(PHONE, 100)
    case.count(OTHER, 10, 10)
    listed = _by_client(case)
    assert listed[OTHER].idle_seconds == 0
    assert listed[PHONE].idle_seconds == 2
    one = case.gate.admitted(PHONE)
    assert one is not None and one.idle_seconds == 2
    case.gate.revoke(PHONE)
    case.gate.admit(PHONE, 100)
    assert _by_client(case)[PHONE].idle_seconds == 0


def test_new_rules_keep_quota_speed_and_silence(case: Case) -> None:
    case.gate.admit(PHONE, 100, _limits("biasa", left_bytes=10_000))
    case.gate.admit(OTHER, 100, _limits(left_bytes=10_000))
    case.count(PHONE, 3_000, 1_000)
    case.pass_seconds(1.1)
    uplink = dataclasses.replace(case.config.uplink, interface="eth9")
    assert case.gate.use(dataclasses.replace(case.config, uplink=uplink))
    assert (_left(case, PHONE), _left(case, OTHER)) == (6_000, 6_000)
    listed = _by_client(case)
    assert listed[OTHER].idle_seconds >= 1
    case.count(PHONE, 100, 0)
    assert _left(case, OTHER) == 5_900


def test_whose_class_is_gone_has_its_fair_share(case: Case) -> None:
    case.gate.admit(PHONE, 100, _limits("biasa"))
    case.gate.use(dataclasses.replace(case.config, speeds=()))
    assert _by_client(case)[PHONE].speed == ""
    one = case.gate.admitted(PHONE)
    assert one is not None and one.speed == ""


class Grudging(Elements):
    """A kernel that fails to list one set, for another reason than that it is not there."""

    def __init__(self, silent: str) -> None:
        super().__init__()
        self._silent = silent

    def all(self, name: str) -> list[Element]:
        if name == self._silent:
            raise NetlinkError(errno.EBUSY)
        return super().all(name)

    def table_comment(self) -> str | None:
        if not self._silent:
            raise NetlinkError(errno.EBUSY)
        return super().table_comment()


@pytest.mark.root
@pytest.mark.parametrize("silent", ["admitted", "admitted_return", "received", "seen", "quota_of", ""])
def test_a_firewall_that_cannot_be_read_is_not_taken_for_an_empty_one(
    own_network: None, config: Config, silent: str
) -> None:
    gate = LocalGate(KernelFirewall(Nftables()), config)
    gate.use(config)
    gate.admit(PHONE, 100)
    grudging = KernelFirewall(Nftables(), Grudging(silent))
    changed = nftables.render(config) + "\n# changed"
    with pytest.raises(OperationError, match="busy"):
        grudging.load(changed, "0" * 64)
    assert [one.client for one in gate.clients()] == [PHONE], "a failed look must not cost residents their lease"


def test_a_reload_waits_for_an_admission_that_has_begun(config: Config) -> None:
    begun, go_on = threading.Event(), threading.Event()

    class Slow(TwinFirewall):
        def change(self, requests: Sequence[Admit | Revoke]) -> None:
            begun.set()
            assert go_on.wait(10)
            super().change(requests)

    gate = LocalGate(Slow(), config)
    gate.use(config)
    residents, office = config.networks
    other = dataclasses.replace(config, networks=(dataclasses.replace(residents, address="10.40.0.1/24"), office))
    threads = [threading.Thread(target=gate.admit, args=(PHONE, 100))]
    threads[0].start()
    assert begun.wait(10)
    threads.append(threading.Thread(target=gate.use, args=(other,)))
    threads[1].start()
    threads[1].join(0.2)
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert gate.clients() == ()


@pytest.fixture
def kernel(own_network: None) -> KernelFirewall:
    return KernelFirewall(Nftables())


@pytest.mark.root
def test_without_a_table_nothing_is_closed_and_nothing_admitted(kernel: KernelFirewall, config: Config) -> None:
    gate = LocalGate(kernel, config)
    assert not kernel.is_closed()
    assert kernel.fingerprint() == ""
    with pytest.raises(GateRefused) as refusal:
        gate.admit(PHONE, 100)
    assert refusal.value.code == RefusalCode.FAILED


@pytest.mark.root
def test_refused_rules_leave_the_old_ones(kernel: KernelFirewall, config: Config) -> None:
    gate = LocalGate(kernel, config)
    gate.use(config)
    gate.admit(PHONE, 100)
    with pytest.raises(OperationError, match="refused"):
        kernel.load("table inet desahub\ndelete table inet desahub\nnonsense", "0" * 64)
    assert gate.status().closed_by_default
    assert [one.client for one in gate.clients()] == [PHONE]


@pytest.mark.root
def test_all_sets_hold_the_same_clients_for_the_same_time(kernel: KernelFirewall, config: Config) -> None:
    gate = LocalGate(kernel, config)
    gate.use(config)
    gate.admit(PHONE, 100)
    gate.admit(PHONE, 200)
    counted = "counter packets 0 bytes 0 "
    for family, name, counter in (
        ("inet", "admitted", counted), ("inet", "admitted_return", ""), ("bridge", "received", counted),
    ):  # fmt: skip
        argv = ["nft", "list", "set", family, "desahub", name]
        listed = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        left = re.search(rf"10\.20\.0\.50\S* .*{counter}timeout 3m20s expires (3m20s|3m1[5-9]s)", listed)
        assert left, listed


@pytest.mark.root
def test_nothing_of_a_quota_stays_in_the_kernel_without_a_client(kernel: KernelFirewall, config: Config) -> None:
    gate = LocalGate(kernel, config)
    gate.use(config)
    gate.admit(PHONE, 1, Limits("", Quota(5, 100)))
    gate.admit(OTHER, 100, Limits("", Quota(5, 100)))
    elements = Elements()

    def left() -> list[bytes]:
        gate.clients()  # tidies up what has run out
        return [element.key for element in elements.all("quota_of")]

    assert until(lambda: left() == [address_key(OTHER.address)])
    assert [one.client for one in gate.clients()] == [OTHER]
    assert [quota.name for quota in elements.quotas()] == ["q5"]
    # What a gate that was killed left behind is tidied up by the next.
    Nftables().run("add quota inet desahub q99 { over 5 bytes }")
    second = LocalGate(KernelFirewall(Nftables()), config)
    second.use(config)
    second.revoke(OTHER)
    assert (elements.quotas(), elements.all("quota_of")) == ([], [])


@pytest.mark.root
def test_a_gate_that_lost_its_table_puts_it_back(kernel: KernelFirewall, config: Config) -> None:
    gate = LocalGate(kernel, config)
    gate.use(config)
    gate.admit(PHONE, 100, Limits("", Quota(5, 100)))
    Nftables().run("delete table inet desahub")
    with pytest.raises(GateRefused):
        gate.admit(PHONE, 100)
    assert gate.use(config)
    assert gate.status().closed_by_default
    gate.admit(PHONE, 100, Limits("", Quota(5, 100)))
    assert [one.quota_left_bytes for one in gate.clients()] == [100]


@pytest.mark.root
def test_a_second_gate_knows_whom_the_first_admitted(kernel: KernelFirewall, config: Config) -> None:
    gate = LocalGate(kernel, config)
    gate.use(config)
    gate.admit(PHONE, 100)
    second = LocalGate(KernelFirewall(Nftables()), config)
    assert not second.use(config)
    second.admit(PHONE, 3000)
    [one] = second.clients()
    assert one.remaining_seconds > 2000
    second.revoke(PHONE)
    assert second.clients() == ()


@pytest.mark.root
def test_counts_that_somebody_takes_away_come_back_with_who_is_admitted(kernel: KernelFirewall, config: Config) -> None:
    gate = LocalGate(kernel, config)
    gate.use(config)
    gate.admit(PHONE, 100)
    subprocess.run(["nft", "delete", "table", "bridge", "desahub"], check=True)
    assert kernel.fingerprint() == "", "half a ruleset is none"
    gate.use(config)
    argv = ["nft", "list", "set", "bridge", "desahub", "received"]
    assert PHONE.address in subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    gate.admit(PHONE, 200)
    assert [one.client for one in gate.clients()] == [PHONE]
