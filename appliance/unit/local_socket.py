"""Serve over a local socket: one request and one answer for each connection, each a line. `appliance.unit.ask` asks.

Anyone on the box may connect; who may ask what is decided by the uid the kernel gives (``SO_PEERCRED``, unix(7)). A
slow or hostile asker costs the others nothing: each connection has its own time, a request has a size, and each uid a
number of connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

from appliance.core.errors import DesahubError, OperationError

log = logging.getLogger("desahub.unit")
_BACKLOG: Final = 512
Request = TypeVar("Request")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a server one connection, and one uid, may take."""

    request_bytes: int = 4_096
    request_seconds: float = 2.0
    answer_seconds: float = 5.0
    connections_per_uid: int = 256
    connections_of_strangers: int = 16


@dataclass(frozen=True, slots=True)
class Dialogue(Generic[Request, Answer]):
    """What is said on a socket.

    Args:
        decode: reads a line; what it cannot read it refuses with a `DesahubError` that says why.
        answer: does what the uid asks. It runs in a thread of its own, and refuses by its answer, not by raising.
        malformed: the answer to what cannot be read, from the reason.
        encode: writes an answer as one line.
    """

    decode: Callable[[bytes], Request]
    answer: Callable[[int, Request], Answer]
    malformed: Callable[[str], Answer]
    encode: Callable[[Answer], bytes]


class LineServer(Generic[Request, Answer]):
    """Answers over a Unix stream socket.

    Args:
        dialogue: what is said; see `Dialogue`.
        known_uids: who has connections of its own; all others are strangers, and share a small number.
        limits: see `Limits`.
    """

    def __init__(
        self, dialogue: Dialogue[Request, Answer], known_uids: Collection[int], limits: Limits | None = None
    ) -> None:
        self._dialogue, self._known, self._limits = dialogue, frozenset(known_uids), limits or Limits()
        self._open: Counter[int | None] = Counter()
        self._writers: set[asyncio.StreamWriter] = set()

    @contextlib.asynccontextmanager
    async def listening(self, path: Path) -> AsyncIterator[None]:
        """Listen on ``path`` (mode 0666) for as long as the block lasts; a socket left by a dead server is replaced.

        Raises:
            OperationError: another server listens there, or the place cannot be used.
        """
        try:
            listener = _listener(path)
        except OSError as error:
            raise OperationError(f"{path}: cannot listen there: {error.strerror or error}") from None
        server = await asyncio.start_unix_server(
            self._serve, sock=listener, limit=self._limits.request_bytes, backlog=_BACKLOG
        )
        try:
            yield
        finally:
            server.close()
            for writer in tuple(self._writers):
                writer.close()
            path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Strangers share one small number: there may be many of them, and they are told the same.
        uid = _peer_uid(writer)
        asker = uid if uid in self._known else None
        most = self._limits.connections_of_strangers if asker is None else self._limits.connections_per_uid
        self._writers.add(writer)
        try:
            if self._open[asker] < most:
                self._open[asker] += 1
                try:
                    await self._answer_one(uid, reader, writer)
                finally:
                    self._open[asker] -= 1
        except (OSError, TimeoutError):
            log.debug("an asker went away before its answer")
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer_one(self, uid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(self._limits.request_seconds):
            reason = ""
            try:
                line = await reader.readuntil(b"\n")
            except asyncio.IncompleteReadError:
                reason = "a request is one line, ended by a line feed"
            except asyncio.LimitOverrunError:
                reason = f"a request has at most {self._limits.request_bytes} bytes"
        if reason:
            answer = self._dialogue.malformed(reason)
        else:
            # In a thread: a long list may need a moment, and others must not wait for it.
            answer = await asyncio.to_thread(self._decide, uid, line)
        async with asyncio.timeout(self._limits.answer_seconds):
            writer.write(self._dialogue.encode(answer))
            await writer.drain()
            writer.write_eof()

    def _decide(self, uid: int, line: bytes) -> Answer:
        try:
            request = self._dialogue.decode(line)
        except DesahubError as error:
            return self._dialogue.malformed(str(error))
        return self._dialogue.answer(uid, request)


def _peer_uid(writer: asyncio.StreamWriter) -> int:
    connection: socket.socket = writer.get_extra_info("socket")
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    uid: int = struct.unpack("3i", credentials)[1]
    return uid


def _listener(path: Path) -> socket.socket:
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
        probe.settimeout(1.0)
        if probe.connect_ex(str(path)) == 0:
            raise OperationError(f"{path}: another server listens there; stop it first")
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(0o666)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
