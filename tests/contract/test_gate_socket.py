"""The client against the daemon over a real socket; bad askers; and what stays when the daemon dies."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.core.errors import GateRefused, GateUnavailable
from appliance.gate.client import GateClient
from appliance.gate.protocol import REQUEST_BYTES_MAX, AskStatus, Client, RefusalCode, encode
from appliance.unit.turns import Turns

REPOSITORY = Path(__file__).parents[2]
PHONE = Client("10.20.0.50", "02:00:00:00:00:01")
ME = os.getuid()


@contextmanager
def daemon(folder: Path, config: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A gate process and its socket, once it listens."""
    path = folder / "gate.sock"
    argv = [sys.executable, "-m", "appliance.gate", "--config", str(config), "--socket", str(path), *options]
    with subprocess.Popen(argv, cwd=REPOSITORY, text=True, stderr=subprocess.PIPE) as process:
        try:
            wait_for(lambda: process.poll() is not None or answers(path))
            assert process.poll() is None, process.stderr and process.stderr.read()
            yield process, path
        finally:
            process.kill()


def wait_for(holds: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold in time"
        time.sleep(0.02)


def answers(path: Path) -> bool:
    try:
        GateClient(path).status()
    except GateRefused:
        return True
    except GateUnavailable:
        return False
    return True


@pytest.fixture
def gate(tmp_path: Path, hub_toml: Path) -> Iterator[Path]:
    """The socket of a gate with the firewall in memory, where this user is the portal."""
    with daemon(tmp_path, hub_toml, "--twin", "--allow-uid", f"{ME}=portal") as (_, path):
        yield path


def said(path: Path, message: bytes, *, end: bool = True) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(path))
        try:
            connection.sendall(message)
            if end:
                connection.shutdown(socket.SHUT_WR)
        except BrokenPipeError:
            pass  # the gate had read enough; its answer is there all the same
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except ConnectionResetError:
            pass  # it closed with bytes of ours unread
        return received


def test_admit_list_revoke(gate: Path) -> None:
    client = GateClient(gate)
    client.admit(PHONE, 60)
    assert [one.client for one in client.clients()] == [PHONE]
    client.revoke(PHONE)
    assert client.clients() == ()
    assert client.status().closed_by_default


def test_threads_that_admit_at_once_share_requests_and_each_is_answered_for_itself(gate: Path) -> None:
    """The last of two for one address holds, and who is no resident is told so alone."""
    turns = Turns()
    client = GateClient(gate, aside=turns.aside, gathered=lambda: turns)
    residents = [Client(f"10.20.0.{number}", f"02:00:00:00:00:{number:02x}") for number in range(10, 50)]
    asked = [*residents, *(Client(one.address, "02:00:00:00:01:00") for one in residents[:3])]
    strangers = [Client(f"192.0.2.{number}", PHONE.mac) for number in range(1, 4)]

    def admit(one: Client) -> str:
        with turns:
            try:
                client.admit(one, 60)
            except GateRefused as error:
                return error.code
        return ""

    with ThreadPoolExecutor(len(asked) + len(strangers)) as pool:
        said = list(pool.map(admit, [*asked, *strangers]))
    assert said == [""] * len(asked) + [RefusalCode.NOT_A_RESIDENT] * len(strangers)
    inside = {one.client for one in client.clients()}
    assert {one.address for one in inside} == {one.address for one in residents}
    assert inside <= set(asked)


def test_a_refusal_arrives_as_one(gate: Path) -> None:
    with pytest.raises(GateRefused) as refusal:
        GateClient(gate).admit(Client("10.30.0.9", PHONE.mac), 60)
    assert refusal.value.code == RefusalCode.NOT_A_RESIDENT


@pytest.mark.parametrize("role", ["kiosk", "agent"])
def test_kiosk_and_agent_may_only_ask_how_it_is(tmp_path: Path, hub_toml: Path, role: str) -> None:
    with daemon(tmp_path, hub_toml, "--twin", "--allow-uid", f"{ME}={role}") as (_, path):
        client = GateClient(path)
        assert client.status().admitted_count == 0
        for ask in (lambda: client.admit(PHONE, 60), lambda: client.revoke(PHONE), client.clients):
            with pytest.raises(GateRefused) as refusal:
                ask()
            assert refusal.value.code == RefusalCode.NOT_ALLOWED


@pytest.mark.root
def test_another_uid_may_ask_nothing(gate: Path, tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    script = (
        "import socket,sys\ns=socket.socket(socket.AF_UNIX);s.connect(sys.argv[1]);s.sendall(sys.argv[2].encode());"
        "print(s.recv(9999).decode())"
    )
    request = encode(AskStatus()).decode()
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3", "-c", script,
         str(gate), request],
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["code"] == "not_allowed"


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\n", b"{}\n", b"null\n", b"\xff\xfe\x00\n", b"GET / HTTP/1.1\r\n\r\n", b"[" * 3000 + b"\n",
        b'{"type":"admit"}\n', b'{"type":"admit","client":{"address":"10.20.0.5","mac":"02:00:00:00:00:01"},'
        b'"lease_seconds":1e9,"limits":{"speed":"","quota":null}}\n',
        b'{"type":"admit","client":"10.20.0.5 } ; flush ruleset","lease_seconds":9,'
        b'"limits":{"speed":"","quota":null}}\n',
        b'{"type":["admit"]}\n', b'{"type":"ask_status"}', b"",
        b'{"type":"admit","client":{"address":"10.20.0.5","mac":"02:00:00:00:00:01 }\\nflush ruleset"},'
        b'"lease_seconds":9,"limits":{"speed":"","quota":null}}\n',
        b'{"type":"admit","client":{"address":"10.20.0.5","mac":"02:00:00:00:00:01"},"lease_seconds":9,'
        b'"limits":{"speed":"x } ; flush ruleset","quota":null}}\n',
        b'{"type":"admit","client":{"address":"10.20.0.5","mac":"02:00:00:00:00:01"},"lease_seconds":9,'
        b'"limits":{"speed":"","quota":{"id":0,"left_bytes":-1}}}\n',
    ],
)  # fmt: skip
def test_nonsense_is_refused_and_harms_nobody(gate: Path, nonsense: bytes) -> None:
    answer = json.loads(said(gate, nonsense))
    assert (answer["type"], answer["code"]) == ("refusal", "malformed")
    assert GateClient(gate).status().closed_by_default


def test_too_long_a_request_is_cut_off(gate: Path) -> None:
    for size in (REQUEST_BYTES_MAX + 1, 1_000_000):
        answer = said(gate, b"x" * size + b"\n")
        assert answer == b"" or json.loads(answer)["code"] == "malformed"
    assert GateClient(gate).clients() == ()


def test_askers_who_never_finish_do_not_hold_up_others(gate: Path) -> None:
    idle = [socket.socket(socket.AF_UNIX) for _ in range(100)]
    try:
        for number, connection in enumerate(idle):
            connection.settimeout(10)
            connection.connect(str(gate))
            connection.sendall(b'{"type":"adm'[: number % 12])
        GateClient(gate).admit(PHONE, 60)
        assert not select.select(idle[-1:], [], [], 0)[0], "it was heard while they were waited for"
        # And they are shown the door.
        assert idle[-1].recv(10) == b""
    finally:
        for connection in idle:
            connection.close()


def test_two_hundred_at_once(gate: Path) -> None:
    clients = [Client(f"10.20.{i // 100 + 1}.{i % 100 + 1}", f"02:00:00:00:00:{i:02x}") for i in range(200)]
    with ThreadPoolExecutor(200) as pool:
        list(pool.map(lambda one: GateClient(gate).admit(one, 600), clients))
    assert {one.client for one in GateClient(gate).clients()} == set(clients)


def test_no_gate_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(GateUnavailable, match=r"gate\.sock does not answer"):
        GateClient(tmp_path / "gate.sock").status()


def test_a_silent_or_mad_gate_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "gate.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        with pytest.raises(GateUnavailable):
            GateClient(path, timeout_seconds=0.2).status()
        listener.accept()[0].close()
        for answer in (b"nonsense\n", b'{"type":"done"}\n', b""):
            with ThreadPoolExecutor(1) as pool:
                asked = pool.submit(GateClient(path, timeout_seconds=5).status)
                connection, _ = listener.accept()
                with connection:
                    connection.recv(4096)
                    connection.sendall(answer)
                with pytest.raises(GateUnavailable):
                    asked.result(timeout=10)


def test_who_waits_for_a_silent_gate_behind_others_waits_no_longer(tmp_path: Path) -> None:
    """Three groups, one after another: each thread's time began when it came."""
    path, turns = tmp_path / "gate.sock", Turns()
    client = GateClient(path, timeout_seconds=2, aside=turns.aside, gathered=lambda: turns)

    def seconds(number: int) -> float:
        began = time.monotonic()
        with turns, pytest.raises(GateUnavailable):
            client.admit(Client(f"10.20.0.{number}", PHONE.mac), 60)
        return time.monotonic() - began

    with socket.socket(socket.AF_UNIX) as listener, ThreadPoolExecutor(24) as pool:
        listener.bind(str(path))
        listener.listen()
        assert max(pool.map(seconds, range(1, 25))) < 3.5


def test_a_second_gate_does_not_take_the_place(gate: Path, hub_toml: Path) -> None:
    argv = [sys.executable, "-m", "appliance.gate", "--config", str(hub_toml), "--socket", str(gate), "--twin"]
    done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "another server listens there" in done.stderr
    assert GateClient(gate).status().closed_by_default


def test_a_bad_hub_toml_names_every_problem_and_starts_nothing(tmp_path: Path) -> None:
    config = tmp_path / "hub.toml"
    config.write_text('[hub]\nid = "!"\n[uplink]\ninterface = "ETH 0"\n')
    argv = [sys.executable, "-m", "appliance.gate", "--config", str(config), "--twin", "--socket", str(tmp_path / "s")]
    done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    for path in ("hub.id", "uplink.interface", "village", "networks"):
        assert path in done.stderr
    assert "Traceback" not in done.stderr


def _closed() -> bool:
    listed = subprocess.run(["nft", "list", "table", "inet", "desahub"], capture_output=True, text=True, check=False)
    return "hook forward priority filter; policy drop;" in listed.stdout


@pytest.mark.root
def test_default_deny_outlives_the_gate(own_network: None, tmp_path: Path, hub_toml: Path) -> None:
    config = tmp_path / "hub.toml"
    config.write_text(hub_toml.read_text())
    with daemon(tmp_path, config) as (process, path):
        GateClient(path).admit(PHONE, 600)
        process.kill()
        process.wait(10)
        assert _closed()
    with daemon(tmp_path, config) as (process, path):
        assert [one.client for one in GateClient(path).clients()] == [PHONE]
        fingerprint = GateClient(path).status().ruleset_fingerprint
        said(path, os.urandom(2000))
        config.write_text("nonsense")
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: GateClient(path).status().ruleset_fingerprint == fingerprint)
        assert _closed()
        config.write_text(hub_toml.read_text().replace('"eth0"', '"eth7"'))
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: GateClient(path).status().ruleset_fingerprint != fingerprint)
        assert [one.client for one in GateClient(path).clients()] == [PHONE]
        process.terminate()
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert "nothing was changed" in process.stderr.read()
    assert _closed()


@pytest.mark.root
@pytest.mark.parametrize("signalled", [True, False], ids=["with SIGHUP", "by itself"])
def test_rules_that_somebody_flushes_are_back_within_seconds(
    own_network: None, tmp_path: Path, hub_toml: Path, signalled: bool
) -> None:
    with daemon(tmp_path, hub_toml) as (process, path):
        GateClient(path).admit(PHONE, 600)
        subprocess.run(["nft", "flush", "ruleset"], check=True, timeout=10)
        begun = time.monotonic()
        if signalled:
            process.send_signal(signal.SIGHUP)
        wait_for(_closed)
        assert time.monotonic() - begun < 5
        assert GateClient(path).clients() == (), "nobody is let in by the gate's own memory"
        GateClient(path).admit(PHONE, 600)
        assert [one.client for one in GateClient(path).clients()] == [PHONE]
