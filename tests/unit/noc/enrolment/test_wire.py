"""The service on a real socket: what is no request of ours, what is too much, and who is slow."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from noc.enrolment.wire import Limits
from tests.unit.noc.enrolment.asking import Noc, new_key, request
from tests.unit.noc.enrolment.serving import server_identity, serving

SECONDS = 1.0


@pytest.fixture
def noc(tmp_path: Path) -> Noc:
    return Noc(tmp_path)


@pytest.fixture
def port(noc: Noc, tmp_path: Path) -> Iterator[int]:
    identity = server_identity(noc, tmp_path / "server", "localhost")
    with serving(noc, identity, Limits(SECONDS, connections=6, connections_of_address=4)) as found:
        yield found


@pytest.fixture
def context(noc: Noc) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=noc.authority.certificate_pem.decode())


def connect(port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    raw = socket.create_connection(("127.0.0.1", port), timeout=10)
    return context.wrap_socket(raw, server_hostname="localhost")


def said(connection: ssl.SSLSocket) -> bytes:
    answer = b""
    try:
        while more := connection.recv(65_536):
            answer += more
    except (ssl.SSLError, ConnectionError):
        pass
    return answer


def ask(port: int, context: ssl.SSLContext, sent: bytes) -> tuple[int, dict[str, str]]:
    with connect(port, context) as connection:
        connection.sendall(sent)
        head, _, body = said(connection).partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body) if b"json" in head else {}


def post(body: bytes, path: bytes = b"/v1/claim", more: bytes = b"") -> bytes:
    return b"POST %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n%b\r\n%b" % (
        path, len(body), more, body,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /v1/authority HTTP/1.1\r\nConnection: close\r\n\r\n", 200),
        (b"GET /v1/nonce HTTP/1.1\r\nConnection: close\r\n\r\n", 200),
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 404),
        (b"GET /../etc/passwd HTTP/1.1\r\nConnection: close\r\n\r\n", 404),
        (b"GET /v1/claim HTTP/1.1\r\nConnection: close\r\n\r\n", 405),
        (b"DELETE /v1/claim HTTP/1.1\r\n\r\n", 400),
        (b"GET http://x/ HTTP/1.1\r\n\r\n", 400),
        (b"GET /v1/nonce HTTP/2\r\n\r\n", 400),
        (b"\x00\x01\r\n\r\n", 400),
        (b"GET /v1/nonce HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"POST /v1/claim HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /v1/claim HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST /v1/claim HTTP/1.1\r\nContent-Length: 16385\r\n\r\n", 413),
        (b"POST /v1/claim HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n", 413),
        (b"POST /v1/claim HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (b"GET /v1/nonce HTTP/1.1\r\nX: " + b"x" * 9_000 + b"\r\n\r\n", 431),
        (post(b"{"), 400),
        (post(b"[" * 16_000), 400),
        (post(b"{}", b"/v1/renew"), 400),
    ],
)
def test_each_request_gets_its_answer(port: int, context: ssl.SSLContext, sent: bytes, status: int) -> None:
    found, content = ask(port, context, sent)
    assert found == status
    assert found == 200 or content["error"] == "malformed"
    assert "Traceback" not in str(content)


def test_slow_and_silent_clients_are_let_go_and_others_served_meanwhile(port: int, context: ssl.SSLContext) -> None:
    began = time.monotonic()
    silent = socket.create_connection(("127.0.0.1", port), timeout=10)  # not even a handshake
    slow = connect(port, context)
    slow.sendall(b"GET /v1/nonce HTT")
    unfinished = connect(port, context)
    unfinished.sendall(b"POST /v1/claim HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
    assert ask(port, context, b"GET /v1/nonce HTTP/1.1\r\nConnection: close\r\n\r\n")[0] == 200
    with silent, slow, unfinished:
        assert silent.recv(1) == b""
        assert said(slow) == b""
        assert said(unfinished) == b""
    assert time.monotonic() - began < SECONDS * 8


def test_one_address_has_its_share_of_connections(port: int, context: ssl.SSLContext) -> None:
    nonce = b"GET /v1/nonce HTTP/1.1\r\n\r\n"
    held = [connect(port, context) for _ in range(4)]
    for connection in held:
        connection.sendall(nonce)
        assert connection.recv(20).startswith(b"HTTP/1.1 200")
    assert ask(port, context, nonce)[0] == 503
    for connection in held:
        connection.close()


def test_a_database_that_cannot_be_written_is_said_and_nothing_is_given(
    noc: Noc, port: int, context: ssl.SSLContext
) -> None:
    code = noc.code("hub-satu")
    body = json.dumps({"hub": "hub-satu", "code": code, "request": request("hub-satu", new_key())}).encode()
    ledger = noc.folder / "enrolment.db"
    away = ledger.rename(noc.folder / "away.db")
    status, content = ask(port, context, post(body))
    assert (status, content["error"]) == (503, "busy")
    away.rename(ledger)
    assert ask(port, context, post(body))[0] == 200
