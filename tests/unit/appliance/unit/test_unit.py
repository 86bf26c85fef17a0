"""Telling systemd how a program is, and serving on the sockets it gives."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from appliance.core.errors import OperationError
from appliance.unit import serve
from appliance.unit.notify import notify

REPOSITORY = Path(__file__).parents[4]


def test_systemd_is_told_when_it_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "n"))
    notify("READY=1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "n"))
        notify("READY=1")
        assert listener.recv(100) == b"READY=1"


def test_serving_needs_a_socket() -> None:
    with pytest.raises(OperationError, match="no socket to serve on"):
        serve.serve(lambda environ, start: [b""])


APP = """
import os, sys
from appliance.unit.serve import serve
def app(environ, start):
    start("200 OK", [("Content-Type", "text/plain")])
    return [f"{environ['PATH_INFO']} {environ['wsgi.url_scheme']}".encode()]
if sys.argv[1].startswith("unix:"):
    serve(app, sys.argv[1])
else:
    os.dup2(int(sys.argv[1]), 3)
    os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
    serve(app)
"""


@pytest.mark.parametrize("activated", [False, True])
def test_an_application_is_served_on_a_given_socket_or_systemds(tmp_path: Path, activated: bool) -> None:
    path = tmp_path / "app.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        if activated:
            listener.bind(str(path))
            listener.listen()
        argv = [sys.executable, "-c", APP, str(listener.fileno()) if activated else f"unix:{path}"]
        with subprocess.Popen(
            argv, cwd=REPOSITORY, stderr=subprocess.DEVNULL, pass_fds=(listener.fileno(),)
        ) as process:
            try:
                answer = _get(path)
            finally:
                process.terminate()
                process.wait(20)
    assert answer.startswith(b"HTTP/1.0 200 OK")
    assert answer.endswith(b"/halo http")


def _connect(connection: socket.socket, path: Path) -> None:
    connection.settimeout(20)
    deadline = time.monotonic() + 20
    while connection.connect_ex(str(path)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _get(path: Path) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        _connect(connection, path)
        connection.sendall(b"GET /halo HTTP/1.0\r\nX-Forwarded-Proto: https\r\n\r\n")
        received = b""
        while chunk := connection.recv(4096):
            received += chunk
        return received


TURNS = """
import sys, threading
from appliance.unit.serve import serve
from appliance.unit.turns import Turns
turns, together = Turns(), threading.Barrier(2)
def app(environ, start):
    assert turns.is_mine
    with turns.aside():
        together.wait(10)
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"mine" if turns.is_mine else b"lost"]
serve(app, sys.argv[1], threads=3, turns=turns)
"""


HELD = """
import sys
from appliance.unit import serve
from appliance.unit.turns import Turns
serve.WORKER_SECONDS = 3
def app(environ, start):
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"served"]
serve.serve(app, sys.argv[1], threads=3, turns=Turns())
"""


def test_while_one_thread_keeps_the_turn_systemd_hears_nothing(tmp_path: Path) -> None:
    """The main thread goes on, but nobody is served: who stops in the middle of a request holds all others up."""
    path, told = tmp_path / "app.sock", tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(told))
        systemd.settimeout(30)
        argv, environment = [sys.executable, "-c", HELD, f"unix:{path}"], os.environ | {"NOTIFY_SOCKET": str(told)}
        with subprocess.Popen(argv, cwd=REPOSITORY, env=environment) as process:
            try:
                assert systemd.recv(100) == b"READY=1"
                assert _get(path).endswith(b"served")
                with socket.socket(socket.AF_UNIX) as half:
                    _connect(half, path)
                    half.sendall(b"GET /halo HT")
                    _until_silent(systemd)
                    assert process.poll() is None
                systemd.settimeout(30)
                assert systemd.recv(100) == b"WATCHDOG=1", "who went away holds nobody up any more"
            finally:
                process.terminate()
                process.wait(20)


def _until_silent(systemd: socket.socket) -> None:
    """Hear beats, one a second, until there was none for four: the program keeps silent after three."""
    systemd.settimeout(4)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            assert systemd.recv(100) == b"WATCHDOG=1"
        except TimeoutError:
            return
    raise AssertionError("it never fell silent")


def _answer_soon(path: Path) -> bytes:
    """What is answered within a second, b"" where nothing is."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(path))
            connection.sendall(b"GET /halo HTTP/1.0\r\n\r\n")
            received = b""
            while chunk := connection.recv(4096):
                received += chunk
            return received
    except OSError:
        return b""


FORM = """
import sys, threading
from appliance.unit.serve import serve
begun, may_end = threading.Event(), threading.Event()
def app(environ, start):
    start("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/lama":
        begun.set()
        may_end.wait(5)
    elif environ["PATH_INFO"] == "/begun":
        begun.wait(5)
    return [b"x" * 100_000]
serve(app, sys.argv[1], threads=2)
"""


def test_a_form_that_nobody_read_does_not_take_the_answer_back(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    with subprocess.Popen([sys.executable, "-c", FORM, f"unix:{path}"], cwd=REPOSITORY) as process:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                _connect(connection, path)
                connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n" + b"y" * 30_000)
                received = connection.recv(1)
                connection.sendall(b"y" * 30_000)
                connection.shutdown(socket.SHUT_WR)
                while chunk := connection.recv(65_536):
                    received += chunk
        finally:
            process.terminate()
            process.wait(20)
    assert b"Connection: close" in received
    assert received.count(b"x" * 100_000) == 1


def test_who_is_told_to_end_answers_what_has_begun(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    with subprocess.Popen([sys.executable, "-c", FORM, f"unix:{path}"], cwd=REPOSITORY) as process:
        try:
            with socket.socket(socket.AF_UNIX) as slow, socket.socket(socket.AF_UNIX) as other:
                _connect(slow, path)
                slow.sendall(b"GET /lama HTTP/1.0\r\n\r\n")
                _connect(other, path)
                other.sendall(b"GET /begun HTTP/1.0\r\n\r\n")
                assert other.recv(1), "both threads have begun"
                process.terminate()
                received = b""
                while chunk := slow.recv(65_536):
                    received += chunk
            assert process.wait(20) == 0
        finally:
            process.kill()
    assert b" 200 OK" in received and received.endswith(b"x" * 100)


BROKEN = """
import os, sys
from appliance.unit.serve import serve
def app(environ, start):
    start("200 OK", [("Content-Type", "text/plain")])
    yield b"%d" % os.getpid()
    if environ["PATH_INFO"] == "/putus":
        raise ValueError
    if environ["PATH_INFO"] == "/keluar":
        raise GeneratorExit
serve(app, sys.argv[1], threads=1)
"""


def test_what_breaks_off_while_it_is_answered_costs_no_thread(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    with subprocess.Popen([sys.executable, "-c", BROKEN, f"unix:{path}"], cwd=REPOSITORY) as process:
        try:
            before = _get(path)
            with socket.socket(socket.AF_UNIX) as broken:
                _connect(broken, path)
                broken.sendall(b"POST /putus HTTP/1.0\r\nContent-Length: 1\r\n\r\ny")
                while broken.recv(4096):
                    pass
            assert _answer_soon(path).rpartition(b"\n")[2] == before.rpartition(b"\n")[2]
        finally:
            process.terminate()
            process.wait(20)


def test_who_lost_a_thread_ends_so_that_systemd_starts_another(tmp_path: Path) -> None:
    """Its loop would go on beating, and each thread fewer answers fewer; in the end nobody would."""
    path = tmp_path / "app.sock"
    argv = [sys.executable, "-c", BROKEN, f"unix:{path}"]
    with subprocess.Popen(argv, cwd=REPOSITORY, stderr=subprocess.PIPE) as process:
        try:
            assert _get(path)
            with socket.socket(socket.AF_UNIX) as broken:
                _connect(broken, path)
                broken.sendall(b"GET /keluar HTTP/1.0\r\n\r\n")
                _, said = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 1 and b"a thread broke" in said
    assert not path.exists(), "the next one binds it anew"


def test_it_is_one_process(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    with subprocess.Popen([sys.executable, "-c", BROKEN, f"unix:{path}"], cwd=REPOSITORY) as process:
        try:
            assert _get(path).rpartition(b"\n")[2] == str(process.pid).encode()
        finally:
            process.terminate()
            assert process.wait(20) == 0


IDLE = """
import sys
from appliance.unit.serve import serve
def app(environ, start):
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"served"]
serve(app, sys.argv[1], threads=1, idle_seconds=2)
"""


def test_who_is_left_alone_for_long_enough_ends(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    with subprocess.Popen([sys.executable, "-c", IDLE, f"unix:{path}"], cwd=REPOSITORY) as process:
        assert _get(path).endswith(b"served")
        assert process.wait(30) == 0


def test_threads_take_turns_and_a_silent_client_holds_none(tmp_path: Path) -> None:
    """Both are answered only if the second came in while the first stood aside, and the silent one was let wait."""
    path = tmp_path / "app.sock"
    with subprocess.Popen([sys.executable, "-c", TURNS, f"unix:{path}"], cwd=REPOSITORY) as process:
        try:
            with socket.socket(socket.AF_UNIX) as silent, ThreadPoolExecutor(2) as pool:
                _connect(silent, path)
                answers = list(pool.map(_get, [path, path]))
        finally:
            process.terminate()
            process.wait(20)
    assert [answer.rpartition(b"\n")[2] for answer in answers] == [b"mine", b"mine"]
