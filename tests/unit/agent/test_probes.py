"""Questions that cross the line, asked of real servers on this machine: true ones, dead ones and liars."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import probe_messages as messages
from agent import probes, round_trip
from agent.probes import RealQuestions, Verdict
from appliance.core.probes import PROBES
from appliance.system import tcp_info

HOST = "connectivitycheck.gstatic.com"
PROBE = next(probe for probe in PROBES if probe.host == HOST)
PAGE = next(probe for probe in PROBES if probe.host == "network-test.debian.org")


@contextlib.contextmanager
def web(answer: bytes, *, holds: bool = False) -> Iterator[tuple[int, list[bytes]]]:
    """A server that says one thing to whoever asks; with ``holds`` it then says no more and does not hang up."""
    asked: list[bytes] = []
    over = threading.Event()

    def serve() -> None:
        connection, _ = server.accept()
        with connection, contextlib.suppress(OSError):
            asked.append(connection.recv(2_000))
            connection.sendall(answer)
            if holds:
                over.wait(20)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1], asked
        over.set()
        thread.join(20)


@contextlib.contextmanager
def names(answer: Callable[[bytes], list[bytes]]) -> Iterator[int]:
    """A name server that answers a question with some packets."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def serve() -> None:
            asked, where = server.recvfrom(2_000)
            for each in answer(asked):
                server.sendto(each, where)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join(20)


def answered(query: bytes, address: str = "203.0.113.9", *, flags: int = 0x8180) -> bytes:
    record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + socket.inet_aton(address)
    alias = b"\xc0\x0c" + struct.pack("!HHIH", 5, 1, 60, 2) + b"\xc0\x0c"
    return query[:2] + struct.pack("!HHHHH", flags, 1, 2, 0, 0) + query[12:] + alias + record


def test_a_connection_that_opens_is_timed_and_ends_with_one_packet() -> None:
    questions = RealQuestions(lambda: 0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.3)
        opened = questions.connect(f"127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(TimeoutError):  # the reset came before the connection was the server's to accept
            server.accept()
    assert opened.seconds is not None
    assert 0 < opened.seconds < 1
    # Three packets: SYN and its answer of 60 bytes each, and a reset of 52.
    assert opened.line_bytes == 172


def test_a_connection_that_is_refused_or_has_no_way_is_no_proof() -> None:
    assert RealQuestions(lambda: 0).connect("127.0.0.1:1").seconds is None
    nowhere = RealQuestions(lambda: 0).connect("255.255.255.255:9")
    assert (nowhere.seconds, nowhere.line_bytes) == (None, 0)


def test_a_name_is_told_and_timed() -> None:
    with names(lambda query: [answered(query)]) as port:
        named = RealQuestions(lambda: 0, name_port=port).name(["127.0.0.1"], HOST)
    assert (named.verdict, named.address) == (Verdict.TRUE, "203.0.113.9")
    assert named.seconds is not None
    query = len(messages.name_query(1, HOST))
    assert named.line_bytes == query + (query + 12 + 4 + 12 + 2) + 2 * 28


def test_strays_are_passed_over_and_the_answer_taken() -> None:
    def answer(query: bytes) -> list[bytes]:
        other = bytes((query[0] ^ 1,)) + query[1:]
        return [b"", b"junk", query, answered(other, "192.0.2.66"), answered(query)]

    with names(answer) as port:
        named = RealQuestions(lambda: 0, name_port=port).name(["127.0.0.1"], HOST)
    assert named.address == "203.0.113.9"


def test_a_server_that_is_silent_or_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "NAME_TIMEOUT_SECONDS", 0.2)
    with names(lambda _: []) as port:
        named = RealQuestions(lambda: 0, name_port=port).name(["127.0.0.1"], HOST)
    assert (named.verdict, named.address, named.seconds) == (Verdict.SILENT, None, None)
    with names(lambda query: [answered(query, flags=0x8185)]) as port:
        assert RealQuestions(lambda: 0, name_port=port).name(["127.0.0.1"], HOST).verdict is Verdict.OTHER
    assert RealQuestions(lambda: 0, name_port=1).name(["255.255.255.255"], HOST).verdict is Verdict.SILENT


def test_the_true_page_is_known_and_dates_the_clock() -> None:
    answer = b"HTTP/1.1 204 No Content\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"
    with web(answer, holds=True) as (port, asked):
        page = RealQuestions(lambda: 7_000, web_port=port).page("127.0.0.1", PROBE)
    assert page.verdict is Verdict.TRUE
    assert page.seconds is not None
    assert page.seconds < 1, "a whole answer is not waited for any longer"
    assert page.clock_base_ms == 784_111_777_500 - 7_000
    assert asked[0].startswith(b"GET /generate_204 HTTP/1.1\r\nHost: connectivitycheck.gstatic.com\r\n")
    # Four packets of the connection, two with something in them, and acknowledgements.
    assert 400 < page.line_bytes < 900


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nlogin",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000,
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x00\xff" * 400,
        b"HTTP/1.1 999 \r\n\r\n",
    ],
)
def test_whatever_else_answers_is_somebody_else(answer: bytes) -> None:
    with web(answer) as (port, _):
        page = RealQuestions(lambda: 0, web_port=port).page("127.0.0.1", PROBE)
    assert (page.verdict, page.seconds, page.clock_base_ms) == (Verdict.OTHER, None, None)
    assert page.line_bytes <= probes.WEB_BYTES_MAX or len(answer) > 10_000


def test_a_page_with_a_body_is_compared() -> None:
    body = b"NetworkManager is online\n"
    with web(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body) as (port, _):
        assert RealQuestions(lambda: 0, web_port=port).page("127.0.0.1", PAGE).verdict is Verdict.TRUE


def test_one_who_takes_the_question_and_is_silent_is_waited_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "WEB_TIMEOUT_SECONDS", 0.3)
    with web(b"", holds=True) as (port, _):
        began = time.monotonic()
        page = RealQuestions(lambda: 0, web_port=port).page("127.0.0.1", PROBE)
    assert page.verdict is Verdict.SILENT
    assert time.monotonic() - began < 3
    assert RealQuestions(lambda: 0, web_port=1).page("127.0.0.1", PROBE).verdict is Verdict.SILENT


@given(st.binary(max_size=600), st.integers(0, 65_535))
def test_no_packet_harms_the_reader_of_names(junk: bytes, identity: int) -> None:
    query = messages.name_query(identity, HOST)
    for message in (junk, query[:2] + junk, query[:2] + struct.pack("!HHHHH", 0x8180, 1, 9, 0, 0) + query[12:] + junk):
        try:
            address = messages.name_answer(message, identity, HOST)
        except ValueError:
            continue
        assert socket.inet_aton(address)


@given(st.binary(max_size=600) | st.builds(lambda tail: b"HTTP/1.1 204 \r\n" + tail, st.binary(max_size=200)))
def test_no_answer_harms_the_reader_of_pages(raw: bytes) -> None:
    messages.is_whole(raw)
    found = messages.read_page(raw)
    if found is not None:
        messages.parse_date(found.date)
        found.is_of(PROBE)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777_000),
        ("Sun, 06 Nov 1994 08:49:60 GMT", 784_111_799_000),
        ("Sunday, 06-Nov-94 08:49:37 GMT", None),
        ("Sun, 31 Feb 1994 08:49:37 GMT", None),
        ("Sun, 06 Nop 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 0000 08:49:37 GMT", None),
        ("", None),
    ],
)
def test_dates(text: str, milliseconds: int | None) -> None:
    assert messages.parse_date(text) == milliseconds


def test_a_connection_tells_its_round_trip_for_nothing() -> None:
    assert round_trip.of(None) is None
    assert round_trip.nobody() is None
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(("127.0.0.1", server.getsockname()[1])) as connection,
        server.accept()[0] as accepted,
    ):
        accepted.sendall(b"x" * 1_000)
        assert len(connection.recv(1_000, socket.MSG_WAITALL)) == 1_000
        found = round_trip.of(connection)
        told = tcp_info.of(connection)
    assert found is not None
    assert 0 < found.seconds < 1
    assert found.heard_seconds_ago < 1
    assert told.line_bytes > 1_000 + 3 * 52
    assert round_trip.of(connection) is None, "it is closed"
    with pytest.raises(ValueError, match="104 bytes"):
        tcp_info.parse(bytes(104))
