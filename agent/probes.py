"""Questions that cross the line, each with what it cost: a TCP connection, a name, a page over HTTP.

Nothing that answers is believed further than it is read: an answer is bounded in size and time, and what is not the
answer that was asked for is said to be something else.
"""

from __future__ import annotations

import enum
import secrets
import socket
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from agent import probe_messages as messages
from appliance.core.probes import Probe
from appliance.system import tcp_info

CONNECT_TIMEOUT_SECONDS: Final = 3.0
NAME_TIMEOUT_SECONDS: Final = 2.0
WEB_TIMEOUT_SECONDS: Final = 6.0
# What a question costs at the most, with one lost packet sent again; see `Budget`.
CONNECT_BYTES_MAX: Final = 300
NAME_BYTES_MAX: Final = 700
WEB_BYTES_MAX: Final = 4_000
_WEB_ANSWER_BYTES_MAX: Final = 2_048
_SYN_BYTES: Final = 60
_RESET_BYTES: Final = 52
_IP_AND_UDP_BYTES: Final = 28
# Ends a connection with one packet, RST, instead of three: nothing was sent that could be lost (SO_LINGER, socket(7)).
_NO_LINGER: Final = struct.pack("ii", 1, 0)


class Verdict(enum.Enum):
    """What came back."""

    TRUE = "true"  # the answer that was asked for
    OTHER = "other"  # something else answered
    SILENT = "silent"  # nothing, in time


@dataclass(frozen=True, slots=True)
class Opened:
    """A TCP connection that opened, in ``seconds``, or did not: None."""

    seconds: float | None
    line_bytes: int


@dataclass(frozen=True, slots=True)
class Named:
    """What a name server said: how long it took, and the name's first IPv4 address where the answer has one."""

    verdict: Verdict
    seconds: float | None
    address: str | None
    line_bytes: int


@dataclass(frozen=True, slots=True)
class Page:
    """What was answered over HTTP, and how long it took.

    ``clock_base_ms`` is the wall time at which this box booted, in ms since 1970, by the page's ``Date``: 500 ms off at
    the most, besides the way here.
    """

    verdict: Verdict
    seconds: float | None
    clock_base_ms: int | None
    line_bytes: int


class Questions(Protocol):
    """What the line can be asked: the seam, which tests fill with a line of their own."""

    def connect(self, target: str) -> Opened: ...

    def name(self, servers: Sequence[str], host: str) -> Named: ...

    def page(self, address: str, probe: Probe) -> Page: ...


class RealQuestions:
    """Asks over the box's own line. The two ports are others in tests alone."""

    def __init__(self, boottime_ms: Callable[[], int], name_port: int = 53, web_port: int = 80) -> None:
        self._boottime_ms, self._name_port, self._web_port = boottime_ms, name_port, web_port

    def connect(self, target: str) -> Opened:
        """Open a connection to ``address:port``, and end it with one packet."""
        address, _, port = target.rpartition(":")
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
            connection.settimeout(CONNECT_TIMEOUT_SECONDS)
            # The reset that ends the connection carries the acknowledgement as well: a packet less (tcp(7)).
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 1)
            began = time.monotonic()
            try:
                connection.connect((address, int(port)))
                took = time.monotonic() - began
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
                told = tcp_info.of(connection)
            except (ConnectionRefusedError, TimeoutError):
                # Whoever refuses is there, but it may be the provider's own box: no proof either.
                return Opened(None, 2 * _SYN_BYTES)
            except (OSError, ValueError):
                return Opened(None, 0)  # no route: nothing left the box
        return Opened(round(told.round_trip_seconds or took, 6), told.line_bytes + _RESET_BYTES)

    def name(self, servers: Sequence[str], host: str) -> Named:
        """Ask one server after the other for the IPv4 address of ``host``."""
        spent, verdict = 0, Verdict.SILENT
        for server in servers:
            asked = self._name(server, host)
            spent += asked.line_bytes
            if asked.verdict is Verdict.TRUE:
                return Named(Verdict.TRUE, asked.seconds, asked.address, spent)
            verdict = asked.verdict if asked.verdict is Verdict.OTHER else verdict
        return Named(verdict, None, None, spent)

    def _name(self, server: str, host: str) -> Named:
        identity = secrets.randbits(16)
        query = messages.name_query(identity, host)
        spent, verdict = 0, Verdict.SILENT
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
            began = time.monotonic()
            try:
                connection.connect((server, self._name_port))
                spent += connection.send(query) + _IP_AND_UDP_BYTES
                while (left := NAME_TIMEOUT_SECONDS - (time.monotonic() - began)) > 0:
                    connection.settimeout(left)
                    answer = connection.recv(1_500)
                    spent += len(answer) + _IP_AND_UDP_BYTES
                    try:
                        address = messages.name_answer(answer, identity, host)
                    except messages.StrayAnswerError:
                        continue
                    except ValueError:
                        verdict = Verdict.OTHER
                        continue
                    return Named(Verdict.TRUE, time.monotonic() - began, address, spent)
            except OSError:
                pass  # nobody answered, or nothing left the box
        return Named(verdict, None, None, spent)

    def page(self, address: str, probe: Probe) -> Page:
        """Ask a system's question of ``address``, as that system would."""
        began = time.monotonic()
        raw, spent = self._fetch(address, messages.page_request(probe), began)
        took = time.monotonic() - began
        if not raw:
            return Page(Verdict.SILENT, None, None, spent)
        answer = messages.read_page(raw)
        if answer is None or not answer.is_of(probe):
            return Page(Verdict.OTHER, None, None, spent)
        return Page(Verdict.TRUE, took, self._clock_base_ms(answer.date), spent)

    def _fetch(self, address: str, request: bytes, began: float) -> tuple[bytes, int]:
        raw, spent, is_open = b"", 0, False
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
            connection.settimeout(CONNECT_TIMEOUT_SECONDS)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 1)
            # Keeps the window small: of somebody else's long page no more comes over the line than is read.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WEB_ANSWER_BYTES_MAX)
            try:
                spent = 2 * _SYN_BYTES
                connection.connect((address, self._web_port))
                is_open = True
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
                connection.sendall(request)
                while len(raw) < _WEB_ANSWER_BYTES_MAX and not messages.is_whole(raw):
                    left = WEB_TIMEOUT_SECONDS - (time.monotonic() - began)
                    if left <= 0:
                        break
                    connection.settimeout(left)
                    more = connection.recv(_WEB_ANSWER_BYTES_MAX)
                    if not more:
                        break
                    raw += more
            except OSError:
                pass  # what came until then is judged
            try:
                spent = tcp_info.of(connection).line_bytes + _RESET_BYTES if is_open else spent
            except (OSError, ValueError):
                spent = WEB_BYTES_MAX  # the kernel does not tell: the most it may be
        return raw, spent

    def _clock_base_ms(self, date: str) -> int | None:
        told_ms = messages.parse_date(date)
        # A Date has whole seconds: half of one is its middle.
        return None if told_ms is None else told_ms + 500 - self._boottime_ms()
