"""Messages, permissions, and which addresses are residents': the gate's rules without a socket."""

from __future__ import annotations

import copy
import dataclasses
import ipaddress
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.config import parse
from appliance.core.config.uplink import Speed
from appliance.core.errors import GateRefused
from appliance.gate.__main__ import arguments
from appliance.gate.permissions import MAY_ASK, Role, may_ask, roles_of_users
from appliance.gate.protocol import (
    ADMITS_MAX,
    LEASE_SECONDS_MAX,
    QUOTA_BYTES_MAX,
    QUOTA_ID_MAX,
    REQUEST_BYTES_MAX,
    Admissions,
    Admit,
    AdmitAll,
    Admitted,
    Answer,
    AskClient,
    AskStatus,
    Client,
    Clients,
    ClientState,
    Done,
    GateStatus,
    Limits,
    ListClients,
    Quota,
    Refusal,
    RefusalCode,
    Request,
    Revoke,
    decode_answer,
    decode_request,
    encode,
)
from appliance.gate.service import Residents, answer
from appliance.gate.twin import TwinGate

CONFIG = parse((Path(__file__).parents[3] / "golden/rendered/full/hub.toml").read_text(encoding="utf-8"))
PHONE = Client("10.20.0.50", "02:00:00:00:00:01")

clients = st.builds(
    Client,
    st.integers(0, 2**32 - 1).map(lambda number: str(ipaddress.IPv4Address(number))),
    st.binary(min_size=6, max_size=6).map(lambda octets: octets.hex(":")),
)
quotas = st.builds(Quota, st.integers(1, QUOTA_ID_MAX), st.integers(0, QUOTA_BYTES_MAX))
limits = st.builds(Limits, st.just("") | st.from_regex(r"[a-z][a-z0-9]{0,10}", fullmatch=True), st.none() | quotas)
admits = st.builds(Admit, clients, st.integers(1, LEASE_SECONDS_MAX), limits)
requests = (
    admits
    | st.lists(admits, min_size=1, max_size=4, unique_by=lambda one: one.client.address).map(tuple).map(AdmitAll)
    | st.builds(Revoke, clients)
    | st.just(ListClients())
    | st.builds(AskClient, clients)
    | st.just(AskStatus())
)
counts = st.integers(0, 2**63)
listed = st.builds(Admitted, clients, counts, counts, counts, counts, st.text(), st.none() | counts)
refusals = st.builds(Refusal, st.sampled_from(RefusalCode), st.text())
answers = (
    st.just(Done())
    | st.builds(Admissions, st.lists(st.none() | refusals, max_size=4).map(tuple))
    | st.builds(Clients, st.lists(listed, max_size=4).map(tuple))
    | st.builds(ClientState, st.none() | listed)
    | st.builds(GateStatus, st.booleans(), counts, st.text())
    | refusals
)


@given(requests)
@settings(deadline=None)
def test_requests_come_back_as_they_were(request: Request) -> None:
    line = encode(request)
    assert line.count(b"\n") == 1
    assert decode_request(line) == request


@given(answers)
@settings(deadline=None)
def test_answers_come_back_as_they_were(message: Answer) -> None:
    line = encode(message)
    assert line.count(b"\n") == 1
    assert decode_answer(line) == message


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
FULL_ADMIT = json.loads(encode(Admit(PHONE, 60, Limits("biasa", Quota(7, 1000)))))


@given(st.sampled_from([
    ["lease_seconds"], ["client"], ["client", "mac"], ["client", "address"], ["limits"], ["limits", "speed"],
    ["limits", "quota"], ["limits", "quota", "id"], ["limits", "quota", "left_bytes"], ["limits", "more"], ["type"],
]), anything)  # fmt: skip
@settings(deadline=None)
def test_a_request_with_one_strange_part_is_refused_or_means_what_it_says(path: list[str], part: object) -> None:
    document = copy.deepcopy(FULL_ADMIT)
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = part
    try:
        request = decode_request(json.dumps(document).encode() + b"\n")
    except GateRefused as error:
        assert error.code == RefusalCode.MALFORMED
        return
    assert json.loads(encode(request)) == document


@given(anything)
@settings(deadline=None)
def test_no_answer_does_more_than_be_refused(part: object) -> None:
    for name, key in (("clients", "admitted"), ("client", "found"), ("refusal", "code")):
        try:
            decode_answer(json.dumps({"type": name, key: part, "message": "x"}).encode())
        except GateRefused as error:
            assert error.code == RefusalCode.MALFORMED


@pytest.mark.parametrize(
    "line", [b'{"type":"admit",' * 1_000, b"[" * 100_000, b'{"type":"admit","lease_seconds":1e999}']
)
def test_deep_and_endless_requests_are_refused(line: bytes) -> None:
    with pytest.raises(GateRefused):
        decode_request(line)


@pytest.mark.parametrize("speed", ["Biasa", "a" * 12, "1a", "a b", "a\n", 'x"', None, 5])
def test_a_speed_is_a_short_name(speed: str) -> None:
    with pytest.raises(GateRefused):
        Limits(speed)


@pytest.mark.parametrize(
    ("number", "left_bytes"),
    [(0, 1), (QUOTA_ID_MAX + 1, 1), (True, 1), (1, -1), (1, QUOTA_BYTES_MAX + 1), (1, True), (1, 1.0), ("1", 1)],
)
def test_a_quota_has_bounds(number: int, left_bytes: int) -> None:
    with pytest.raises(GateRefused):
        Quota(number, left_bytes)


def test_the_twin_uses_quotas_up_together_and_knows_speeds() -> None:
    now = [0.0]
    other = Client("10.20.0.51", "02:00:00:00:00:02")
    gate = TwinGate(dataclasses.replace(CONFIG, speeds=(Speed("biasa", "Biasa", 4_000, 1_000),)), lambda: now[0])
    for client in (PHONE, other):
        gate.admit(client, 100, Limits("biasa", Quota(7, 1_000)))
    now[0] = 10.0
    assert gate.firewall.count(PHONE, 400, 500)
    assert not gate.firewall.count(other, 50, 51), "a packet that finds no room is dropped"
    assert not gate.firewall.count(other, 1, 0), "and has used up the rest"
    found = {one.client: one for one in gate.clients()}
    assert found[PHONE] == Admitted(PHONE, 90, 400, 500, 0, "biasa", 0)
    assert found[other] == Admitted(other, 90, 0, 0, 10, "biasa", 0)
    refusal = answer(gate, Admit(PHONE, 5, Limits("kilat")))
    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.UNKNOWN_SPEED


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(line: bytes) -> None:
    with pytest.raises(GateRefused):
        decode_request(line)


@pytest.mark.parametrize(
    ("address", "mac"),
    [
        ("10.20.0.050", PHONE.mac), ("10.20.0.50 }", PHONE.mac), ("::1", PHONE.mac), ("", PHONE.mac),
        ("10.20.0.50", "02:00:00:00:00:0G"), ("10.20.0.50", "02:00:00:00:00:AA"), ("10.20.0.50", "02-00-00-00-00-01"),
        ("10.20.0.50", PHONE.mac + "\n"),
    ],
)  # fmt: skip
def test_a_client_is_canonical_or_none(address: str, mac: str) -> None:
    with pytest.raises(GateRefused):
        Client(address, mac)


@pytest.mark.parametrize("seconds", [0, -1, LEASE_SECONDS_MAX + 1, True, 1.5])
def test_a_lease_has_bounds(seconds: int) -> None:
    with pytest.raises(GateRefused):
        Admit(PHONE, seconds)


def test_only_the_portal_and_root_may_change_anything() -> None:
    changing: list[Request] = [Admit(PHONE, 1), Revoke(PHONE), ListClients(), AskClient(PHONE)]
    for role in (Role.KIOSK, Role.AGENT, None):
        assert not any(may_ask(role, request) for request in changing)
    assert all(may_ask(role, request) for role in (Role.PORTAL, Role.ROOT) for request in changing)
    assert not may_ask(None, AskStatus())
    assert set(MAY_ASK) == set(Role)


def test_root_has_its_role_on_every_machine() -> None:
    assert roles_of_users()[0] is Role.ROOT


def test_uids_are_given_roles_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = arguments().parse_args(["--allow-uid", "1000=portal", "--allow-uid", "7=agent"])
    assert chosen.allow_uid == [(1000, Role.PORTAL), (7, Role.AGENT)]
    for wrong in ("1000", "x=portal", "1=king", "-1=portal"):
        with pytest.raises(SystemExit):
            arguments().parse_args([f"--allow-uid={wrong}"])
        assert "is not UID=ROLE" in capsys.readouterr().err


@given(st.integers(0, 2**32 - 1))
def test_only_a_residents_address_may_be_admitted(number: int) -> None:
    address = ipaddress.IPv4Address(number)
    own = CONFIG.resident_networks[0].interface_address
    outside = {own.ip, own.network.network_address, own.network.broadcast_address}
    assert (Residents(CONFIG).network_of(str(address)) is not None) == (
        address in own.network and address not in outside
    )


def test_the_twin_gate_keeps_the_protocol_and_counts() -> None:
    now = [0.0]
    gate = TwinGate(CONFIG, lambda: now[0])
    assert answer(gate, Admit(PHONE, 100)) == Done()
    assert gate.firewall.count(PHONE, 5, 7)
    assert answer(gate, ListClients()) == Clients((Admitted(PHONE, 100, 5, 7, 0, "", None),))
    assert answer(gate, AskClient(PHONE)) == ClientState(Admitted(PHONE, 100, 5, 7, 0, "", None))
    now[0] = 100.0
    assert answer(gate, AskClient(PHONE)) == ClientState(None)
    assert answer(gate, ListClients()) == Clients(())
    assert not gate.firewall.count(PHONE, 1, 1)
    refusal = answer(gate, Admit(dataclasses.replace(PHONE, address="8.8.8.8"), 5))
    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.NOT_A_RESIDENT


def test_the_gate_counts_who_is_let_in_and_who_is_refused_but_no_renewal() -> None:
    gate = TwinGate(CONFIG, lambda: 0.0)
    for client in (PHONE, PHONE, dataclasses.replace(PHONE, address="8.8.8.8")):
        answer(gate, Admit(client, 100))
    answer(gate, Revoke(PHONE))
    answer(gate, Admit(PHONE, 100))
    status = gate.status()
    assert (status.let_in_count, status.refused_count) == (2, 1)


def _longest(number: int) -> Admit:
    client = Client(f"223.255.255.{100 + number}", PHONE.mac)
    return Admit(client, LEASE_SECONDS_MAX, Limits("a" * 11, Quota(QUOTA_ID_MAX, QUOTA_BYTES_MAX)))


def test_as_many_as_may_be_admitted_at_once_fit_into_a_request() -> None:
    assert len(encode(AdmitAll(tuple(map(_longest, range(ADMITS_MAX)))))) <= REQUEST_BYTES_MAX


@pytest.mark.parametrize(
    "admits",
    [(), tuple(map(_longest, range(ADMITS_MAX + 1))), (Admit(PHONE, 60), Admit(PHONE, 61))],
    ids=["nobody", "too many", "one address twice"],
)
def test_who_is_admitted_at_once_are_some_and_each_has_an_address(admits: tuple[Admit, ...]) -> None:
    with pytest.raises(GateRefused) as refusal:
        AdmitAll(admits)
    assert refusal.value.code == RefusalCode.MALFORMED


def test_of_many_each_is_answered_for_itself() -> None:
    gate = TwinGate(CONFIG)
    stranger, unknown = Client("192.0.2.1", "02:00:00:00:00:02"), Client("10.20.0.51", "02:00:00:00:00:03")
    asked = AdmitAll((Admit(stranger, 60), Admit(PHONE, 60), Admit(unknown, 60, Limits("kilat"))))
    found = answer(gate, asked)
    assert isinstance(found, Admissions)
    assert [one and one.code for one in found.refusals] == [RefusalCode.NOT_A_RESIDENT, None, RefusalCode.UNKNOWN_SPEED]
    assert [one.client for one in gate.clients()] == [PHONE]
    status = gate.status()
    assert (status.let_in_count, status.refused_count) == (1, 2)
