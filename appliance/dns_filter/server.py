"""Answer DNS on loopback, over UDP and TCP: block, lead to safe search, or pass on."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final, cast

from appliance.core.dns_block import BLOCK_ADDRESS
from appliance.dns_filter import message
from appliance.dns_filter.index import EMPTY, Index
from appliance.dns_filter.message import Code, Malformed, Query, Type
from appliance.dns_filter.policy import Policy, Verdict
from appliance.dns_filter.safe_search import SAFE_HOSTS
from appliance.dns_filter.upstream import Upstream

log = logging.getLogger("desahub.filter")
_BLOCK: Final = ipaddress.IPv4Address(BLOCK_ADDRESS).packed
_DATAGRAM_BYTES_MAX: Final = 4096
_UNDER_WAY_MAX: Final = 1_000  # each holds a socket; dnsmasq in front asks as many at most (dns-forward-max)
_CONNECTIONS_MAX: Final = 64
_CONNECTION_SECONDS: Final = 10.0
_RECEIVE_BYTES: Final = 1 << 20  # what waits while an index is swapped

Ask = Callable[[Query, bytes], Awaitable[bytes]]


@dataclass(slots=True)
class Filter:
    """What holds now. `policy`, `index` and `upstream` are replaced whole while questions are under way."""

    policy: Policy
    upstream: Upstream
    index: Index = EMPTY

    async def answer(self, wire: bytes, ask: Ask) -> bytes | None:
        """The answer to one message; None for what is no query at all.

        Args:
            wire: the message.
            ask: passes a question on, over the way it came.
        """
        try:
            query = message.parse_query(wire)
        except Malformed:
            return _refusal(wire)
        if not query.is_internet:
            return message.respond(query, Code.REFUSED)
        verdict = self.policy.decide(query, self.index)
        if verdict is Verdict.DENY:
            return message.nothing(query, Code.NO_SUCH_NAME)
        if verdict is Verdict.BLOCK:
            return message.address(query, _BLOCK) if query.type in (Type.A, Type.ANY) else message.nothing(query)
        if verdict is Verdict.SAFE:
            return await _safe(query, ask)
        return await ask(query, message.clamp(wire, query))

    async def answer_datagram(self, wire: bytes) -> bytes | None:
        """See `answer`."""
        return await self.answer(wire, self.upstream.udp)

    async def answer_stream(self, wire: bytes) -> bytes | None:
        """See `answer`."""
        return await self.answer(wire, self.upstream.tcp)


async def _safe(query: Query, ask: Ask) -> bytes:
    if query.type not in (Type.A, Type.AAAA):
        return message.nothing(query)  # an HTTPS record would lead to the address of the unsafe host
    host = SAFE_HOSTS[query.name]
    wire = message.ask(query.id, host, query.type)
    answer = await ask(message.parse_query(wire), wire)
    if message.code(answer) != Code.NO_ERROR:
        return message.respond(query, Code.SERVER_FAILURE)
    return message.alias(query, host, message.records(answer, query.type)[:8])


def _refusal(wire: bytes) -> bytes | None:
    """Say that a query is wrong; nothing to an answer or to noise, so that two servers never talk in circles."""
    if len(wire) < 12 or wire[2] & 0x80:
        return None
    flags = 0x8000 | (wire[2] & 0x79) << 8 | Code.FORMAT_ERROR
    return wire[:2] + flags.to_bytes(2, "big") + bytes(8)


class Datagrams(asyncio.DatagramProtocol):
    """Takes datagrams and answers each in a task of its own. Beyond the limit they are dropped: the asker repeats."""

    def __init__(self, filter_: Filter) -> None:
        self._filter = filter_
        self._tasks: set[asyncio.Task[None]] = set()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go out."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Begin to answer."""
        if len(self._tasks) >= _UNDER_WAY_MAX or len(data) > _DATAGRAM_BYTES_MAX:
            return
        task = asyncio.get_running_loop().create_task(self._answer(data, addr))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, data: bytes, address: tuple[str, int]) -> None:
        answer = await self._filter.answer_datagram(data)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, address)

    async def drain(self) -> None:
        """Wait for what is under way."""
        if self._tasks:
            await asyncio.wait(self._tasks)


class Streams:
    """Answers over TCP, two bytes of length before each message (RFC 1035, 4.2.2)."""

    def __init__(self, filter_: Filter) -> None:
        self._filter, self._open = filter_, 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer until the asker closes, is silent for long, or there are too many of them."""
        self._open += 1
        try:
            if self._open <= _CONNECTIONS_MAX:
                async with asyncio.timeout(_CONNECTION_SECONDS):
                    while await self._answer_one(reader, writer):
                        pass
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            log.debug("an asker went away")
        finally:
            self._open -= 1
            writer.close()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        wire = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
        answer = await self._filter.answer_stream(wire)
        if answer is None:
            return False
        writer.write(len(answer).to_bytes(2, "big") + answer)
        await writer.drain()
        return True


@contextlib.asynccontextmanager
async def listening(filter_: Filter, address: str, port: int) -> AsyncIterator[None]:
    """Answer on ``address`` for as long as the block lasts; what is under way at its end is still answered.

    Raises:
        OSError: the port is taken.
    """
    loop = asyncio.get_running_loop()
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
    try:
        datagrams.bind((address, port))
        transport, protocol = await loop.create_datagram_endpoint(lambda: Datagrams(filter_), sock=datagrams)
    except OSError:
        datagrams.close()
        raise
    server = await asyncio.start_server(Streams(filter_).serve, address, port, limit=65_535, backlog=64)
    try:
        yield
    finally:
        server.close()
        await protocol.drain()
        transport.close()
