"""Ask the uplink's DNS servers: one after the other until one answers, and believe only what answers the question.

Each question goes out from a socket of its own, connected to the server, with a port that the kernel picks at random
and a random id (RFC 5452).
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from appliance.dns_filter import message
from appliance.dns_filter.message import Code, Query

_ANSWER_BYTES_MAX: Final = 65_535
_TRY_ANOTHER: Final = (Code.SERVER_FAILURE, Code.REFUSED, Code.NOT_IMPLEMENTED)
_ROUNDS: Final = 2

Transport = Callable[[tuple[str, int], Query, bytes], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one server may take, and all of them together, in seconds. Phones ask again after 5.

    dnsmasq asks a second time where the first answer is a failure, so that a phone hears of it after twice the total.
    """

    udp_seconds: float = 1.5
    tcp_seconds: float = 3.0
    total_seconds: float = 4.0


class Upstream:
    """The servers of ``uplink.dns_servers``. One that is silent or fails is asked last from then on.

    Args:
        servers: addresses and ports, in the order of preference.
        patience: see `Patience`.
    """

    def __init__(self, servers: Sequence[tuple[str, int]], patience: Patience | None = None) -> None:
        self._servers, self._patience = list(servers), patience or Patience()

    async def udp(self, query: Query, wire: bytes) -> bytes:
        """The answer to ``wire``, with the query's own id; a truncated one is given as it is."""
        return await self._ask(query, wire, self._udp)

    async def tcp(self, query: Query, wire: bytes) -> bytes:
        """The whole answer to ``wire``, with the query's own id."""
        return await self._ask(query, wire, self._tcp)

    async def _ask(self, query: Query, wire: bytes, transport: Transport) -> bytes:
        failure = message.respond(query, Code.SERVER_FAILURE)
        order = list(self._servers)
        deadline = time.monotonic() + self._patience.total_seconds
        for server in order * _ROUNDS:
            if time.monotonic() >= deadline:
                break
            id_ = secrets.randbits(16)
            try:
                answer = await transport(server, query, message.with_id(wire, id_))
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                self._ask_last(server)
                continue
            answer = message.with_id(answer, query.id)
            if message.code(answer) not in _TRY_ANOTHER:
                return answer
            failure = answer
            if server == order[-1]:
                break  # all of them have said it: asking again is no use
        return failure

    def _ask_last(self, server: tuple[str, int]) -> None:
        self._servers.sort(key=lambda one: one == server)

    async def _udp(self, server: tuple[str, int], query: Query, wire: bytes) -> bytes:
        loop, id_ = asyncio.get_running_loop(), int.from_bytes(wire[:2], "big")
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as connection:
            connection.setblocking(False)
            connection.connect(server)
            async with asyncio.timeout(self._patience.udp_seconds):
                await loop.sock_sendall(connection, wire)
                while True:
                    answer = await loop.sock_recv(connection, _ANSWER_BYTES_MAX)
                    # Whatever else comes is a mistake or a forgery; the true answer may still be on its way.
                    if message.answers_to(query, id_, answer):
                        return answer

    async def _tcp(self, server: tuple[str, int], query: Query, wire: bytes) -> bytes:
        async with asyncio.timeout(self._patience.tcp_seconds):
            reader, writer = await asyncio.open_connection(*server)
            try:
                writer.write(len(wire).to_bytes(2, "big") + wire)
                await writer.drain()
                answer = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
            finally:
                writer.close()
        if not message.answers_to(query, int.from_bytes(wire[:2], "big"), answer):
            raise OSError("the server answered something else")
        return answer
