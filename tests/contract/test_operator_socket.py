"""The operator behind its socket: who may bring commands, bad askers, and that it goes when nobody asks."""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.messenger import Messenger
from appliance.core.command_results import REQUEST_LINE_BYTES_MAX, Request, Status, decode_result, encode_request
from appliance.core.errors import OperationError
from appliance.operator import server
from appliance.operator.server import Server
from appliance.unit.ask import ask
from tests.orders import DNS, HUB, Box, a_command

REPOSITORY = Path(__file__).parents[2]
NOBODY = 65_534


class Room:
    """A listening socket, and a thread that serves on it as the process does."""

    def __init__(self, folder: Path) -> None:
        self.path, self.folder = folder / "operator.sock", folder
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(self.path))
        self.path.chmod(0o666)
        self.listener.listen(16)
        self.boxes: queue.Queue[Box] = queue.Queue()
        self.thread: threading.Thread | None = None

    def serve(self, *uids: int, idle_seconds: float = 1.0, asker_seconds: float = 0.5) -> Box:
        def work() -> None:
            # In the thread that serves: a connection of SQLite belongs to one.
            box = Box(self.folder)
            self.boxes.put(box)
            Server(self.listener, box.operator, uids, idle_seconds, asker_seconds).serve()

        self.thread = threading.Thread(target=work)
        self.thread.start()
        return self.boxes.get(timeout=10)

    def end(self) -> None:
        if self.thread is not None:
            self.thread.join(10)
            assert not self.thread.is_alive()
        self.listener.close()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path)
    yield made
    made.end()


def carried(path: Path, payload: bytes) -> bytes:
    """Through the messenger of the agent."""
    woken = threading.Event()
    carrier = Messenger(woken.set, path, timeout_seconds=10)
    carrier.take(payload, False)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if found := carrier.turn():
            return found[0]
        woken.wait(0.05)
    raise AssertionError("no answer")


def test_the_agent_is_heard(room: Room) -> None:
    box = room.serve(os.getuid())
    result = decode_result(carried(room.path, a_command()))
    assert (result.status, box.machine.done) == (Status.DONE, [f"restart {DNS}"])


def test_nobody_else_is_heard_though_the_command_is_good(room: Room) -> None:
    box = room.serve(os.getuid() + 1)
    with pytest.raises(ConnectionError):
        ask(room.path, encode_request(Request(a_command(), retained=False)), 5, 10_000)
    assert (box.machine.done, box.events()) == ([], [])


@pytest.mark.root
def test_the_kernel_says_who_asks(room: Room) -> None:
    box = room.serve(os.getuid())
    code = """
import socket, sys
asker = socket.socket(socket.AF_UNIX)
asker.connect(sys.argv[1])
try:
    asker.sendall(bytes.fromhex(sys.argv[2]))
    sys.exit(len(asker.recv(9)))
except ConnectionError:  # it was cut before all was said
    sys.exit(0)
"""
    line = encode_request(Request(a_command(), retained=False)).hex()
    room.folder.chmod(0o755)
    for parent in room.folder.parents[:2]:
        parent.chmod(0o755)
    done = subprocess.run(
        ["setpriv", f"--reuid={NOBODY}", "--clear-groups", "/usr/bin/python3", "-c", code, str(room.path), line],
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), "something was said to it"
    assert box.machine.done == []


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\n",
        b"{}\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"no line feed",
        b"x" * (REQUEST_LINE_BYTES_MAX + 1),
        b"[" * 5_000,
    ],
    ids=range(7),
)
def test_a_bad_asker_gets_nothing_and_the_next_is_heard(room: Room, said: bytes) -> None:
    room.serve(os.getuid())
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(room.path))
        connection.sendall(said)
        with contextlib.suppress(ConnectionResetError):  # it had read enough
            assert connection.recv(10) == b""
    assert decode_result(carried(room.path, a_command())).status is Status.DONE


def test_an_asker_that_goes_away_is_answered_the_next_time(room: Room) -> None:
    box = room.serve(os.getuid())
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(room.path))
        connection.sendall(encode_request(Request(a_command(), retained=False)))
    assert decode_result(carried(room.path, a_command())).status is Status.DONE
    assert box.machine.done == [f"restart {DNS}"]


def test_it_ends_when_nobody_asks(room: Room) -> None:
    room.serve(os.getuid(), idle_seconds=0.1)
    assert room.thread is not None
    room.thread.join(10)
    assert not room.thread.is_alive()


def test_without_systemds_socket_it_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_PID", "1")
    monkeypatch.setenv("LISTEN_FDS", "1")
    with pytest.raises(OperationError, match=r"operator\.socket"):
        server.listener_of_systemd()


def test_the_process_takes_systemds_socket_and_refuses_who_is_not_the_agent(tmp_path: Path, hub_toml: Path) -> None:
    """With systemd's own program that hands a socket over; what asks is this test, not the agent's user."""
    path = tmp_path / "real.sock"
    argv = ["systemd-socket-activate", "-l", str(path), sys.executable, "-m", "appliance.operator",
            "--config", str(hub_toml), "--key", str(tmp_path / "none.pub"), "--state", str(tmp_path)]  # fmt: skip
    with subprocess.Popen(argv, cwd=REPOSITORY, text=True, stderr=subprocess.PIPE) as process:
        try:
            deadline = time.monotonic() + 10
            while not path.exists():
                assert time.monotonic() < deadline
                time.sleep(0.02)
            with pytest.raises(OSError, match=r"without an answer|reset|pipe"):
                ask(path, encode_request(Request(a_command(), retained=False)), 20, 10_000)
        finally:
            process.kill()
            assert process.stderr is not None
            said = process.stderr.read()
    assert "desahub-agent" in said or f"uid {os.getuid()} may not" in said
    assert HUB not in said
