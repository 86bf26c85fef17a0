"""Many phones at once from one process: each walks through the login window, then sends until a packet gets outside."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from script.village import plan
from script.village.programs import VillageError
from tests.bench import load, opennds

ECHO_PORT: Final = 9999
ANSWER_BYTES_MAX: Final = 262_144
_SEND_SECONDS: Final = 0.005
_GIVE_UP_SECONDS: Final = 120


@dataclass
class Line:
    """One phone's sockets, made in its namespace before the clock starts."""

    namespace: str
    streams: list[socket.socket]
    datagrams: socket.socket
    came_through: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def of(cls, namespace: str, streams: int) -> Line:
        """Make the sockets that one login needs."""
        made = [load.socket_in(namespace) for _ in range(streams)]
        datagrams = load.socket_in(namespace, socket.SOCK_DGRAM)
        for one in (*made, datagrams):
            one.setblocking(False)
        return cls(namespace, made, datagrams)

    async def connect(self, address: tuple[str, int]) -> socket.socket:
        """Open the next connection."""
        made = self.streams.pop()
        await asyncio.get_running_loop().sock_connect(made, address)
        return made

    async def ask(self, made: socket.socket, request: str, wanted: str) -> str:
        """Send a request and read its answer; ``wanted`` are the statuses that may come, as a regular expression.

        Raises:
            VillageError: another answer came.
        """
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(made, request.encode("ascii"))
        answer = b""
        while not _is_whole(answer):
            part = await loop.sock_recv(made, 65_536)
            if not part:
                break
            answer += part
        text = answer.decode("utf-8", "replace")
        if not re.match(rf"HTTP/1\.[01] {wanted} ", text):
            raise VillageError(f"{self.namespace}: {request.splitlines()[0]!r} was answered {text[:300]!r}")
        return text

    def close(self) -> None:
        """Close what was not used up."""
        for one in (*self.streams, self.datagrams):
            one.close()


def _is_whole(answer: bytes) -> bool:
    head, mark, body = answer.partition(b"\r\n\r\n")
    if not mark:
        return len(answer) > ANSWER_BYTES_MAX
    length = re.search(rb"(?im)^content-length: *(\d+)", head)
    if length is None:
        return body.endswith(b"0\r\n\r\n") or b"chunked" not in head.lower()
    return len(body) >= int(length[1])


async def village_login(line: Line) -> None:
    """Walk as a phone does: the probe, the portal's page, one tap."""
    with await line.connect((plan.WEB_ADDRESS, 80)) as probe:
        head = "Host: connectivitycheck.gstatic.com\r\nUser-Agent: Dalvik\r\nConnection: close\r\n\r\n"
        await line.ask(probe, f"GET /generate_204 HTTP/1.1\r\n{head}", "302")
    head = f"Host: {plan.PORTAL_HOST}\r\nUser-Agent: Dalvik\r\n"
    with await line.connect((plan.HUB_ADDRESS, 80)) as portal:
        await line.ask(portal, f"GET / HTTP/1.1\r\n{head}\r\n", "200")
        await line.ask(portal, f"POST /sambung HTTP/1.1\r\n{head}Content-Length: 0\r\n\r\n", "303")


async def opennds_login(line: Line) -> None:
    """Walk through openNDS' click-to-continue pages."""
    head = f"Host: {opennds.WEB_ADDRESS}\r\nUser-Agent: Dalvik\r\nConnection: close\r\n\r\n"
    with await line.connect((opennds.WEB_ADDRESS, 80)) as probe:
        answer = await line.ask(probe, f"GET /generate_204 HTTP/1.1\r\n{head}", "307")
    found = re.search(r"(?im)^location: http://([\d.]+):(\d+)(\S*)", answer)
    if found is None:
        raise VillageError(f"{line.namespace}: no way to openNDS' page in {answer[:300]!r}")
    for more in ("", "&continue=clicked", "&landing=yes"):
        with await line.connect((found[1], int(found[2]))) as page:
            await line.ask(page, f"GET {found[3]}{more} HTTP/1.1\r\n{head}", "200")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went: seconds from the common start until each phone's packet was seen outside."""

    seconds: tuple[float, ...]

    @property
    def all_online_seconds(self) -> float:
        """Until the last one was online."""
        return max(self.seconds)


def go_online(
    namespaces: Sequence[str],
    net: str,
    address: str,
    login: Callable[[Line], Awaitable[None]],
    *,
    streams: int = 2,
) -> Outcome:
    """Let all phones log in at the same moment.

    Args:
        namespaces: the phones'.
        net: the internet's namespace, where a packet of each must arrive.
        address: the internet's address.
        login: what each phone does.
        streams: how many connections a login takes.
    """
    receiver = load.socket_in(net, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_194_304)
    receiver.bind((address, ECHO_PORT))
    receiver.setblocking(False)
    try:
        return asyncio.run(_all(namespaces, receiver, (address, ECHO_PORT), login, streams))
    finally:
        receiver.close()


async def _all(
    namespaces: Sequence[str],
    receiver: socket.socket,
    outside: tuple[str, int],
    login: Callable[[Line], Awaitable[None]],
    streams: int,
) -> Outcome:
    lines = {name: Line.of(name, streams) for name in namespaces}
    listening = asyncio.create_task(_listen(receiver, lines))
    try:
        for line in lines.values():
            await asyncio.get_running_loop().sock_sendto(line.datagrams, b"too early", outside)
        await asyncio.sleep(0)  # what got through before anybody logged in is found by the listener
        started = time.perf_counter()

        async def walk(line: Line) -> float:
            await login(line)
            came_through = asyncio.create_task(line.came_through.wait())
            while not line.came_through.is_set():
                await asyncio.get_running_loop().sock_sendto(line.datagrams, line.namespace.encode("ascii"), outside)
                await asyncio.wait([came_through], timeout=_SEND_SECONDS)
            return time.perf_counter() - started

        walks = [asyncio.create_task(walk(line)) for line in lines.values()]
        async with asyncio.timeout(_GIVE_UP_SECONDS):
            seconds = await asyncio.gather(*walks)
        if listening.done():
            listening.result()
        return Outcome(tuple(seconds))
    except TimeoutError:
        raise VillageError(f"not all of {len(lines)} phones were online after {_GIVE_UP_SECONDS} s") from None
    finally:
        listening.cancel()
        for line in lines.values():
            line.close()


async def _listen(receiver: socket.socket, lines: dict[str, Line]) -> None:
    while True:
        packet = await asyncio.get_running_loop().sock_recv(receiver, 200)
        if packet == b"too early":
            raise VillageError("a packet passed before its phone had logged in")
        line = lines.get(packet.decode("ascii", "replace"))
        if line is not None:
            line.came_through.set()
