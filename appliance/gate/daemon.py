"""The gate's socket: one request and one answer for each connection.

Anyone on the box may connect; who may ask what is decided by the uid the kernel gives. A slow or hostile asker costs
the others nothing: each connection has its own time, a request has a size, and each uid a number of connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from appliance.core.errors import GateRefused, OperationError
from appliance.gate import service
from appliance.gate.permissions import Role, may_ask
from appliance.gate.protocol import REQUEST_BYTES_MAX, Answer, Refusal, RefusalCode, decode_request, encode

log = logging.getLogger("desahub.gate")
_BACKLOG = 512


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the gate one connection, and one uid, may take."""

    request_seconds: float = 2.0
    answer_seconds: float = 5.0
    connections_per_uid: int = 256
    connections_of_strangers: int = 16


class Daemon:
    """Answers over a Unix socket for a `service.LocalGate`.

    Args:
        gate: does what is asked.
        roles: which uid is who.
        limits: see `Limits`.
    """

    def __init__(self, gate: service.LocalGate, roles: Mapping[int, Role], limits: Limits | None = None) -> None:
        self._gate, self._roles, self._limits = gate, dict(roles), limits or Limits()
        self._open: Counter[int | None] = Counter()

    @contextlib.asynccontextmanager
    async def listening(self, path: Path) -> AsyncIterator[None]:
        """Listen on ``path`` (mode 0666) for as long as the block lasts; a socket left by a dead gate is replaced.

        Raises:
            OperationError: another gate listens there, or the place cannot be used.
        """
        try:
            listener = _listener(path)
        except OSError as error:
            raise OperationError(f"{path}: cannot listen there: {error.strerror or error}") from None
        server = await asyncio.start_unix_server(self._serve, sock=listener, limit=REQUEST_BYTES_MAX, backlog=_BACKLOG)
        try:
            yield
        finally:
            server.close()
            path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Strangers share one small number: there may be many of them, and they are told the same.
        uid = _peer_uid(writer)
        asker = uid if uid in self._roles else None
        most = self._limits.connections_of_strangers if asker is None else self._limits.connections_per_uid
        try:
            if self._open[asker] < most:
                self._open[asker] += 1
                try:
                    await self._answer_one(self._roles.get(uid), reader, writer)
                finally:
                    self._open[asker] -= 1
        except (OSError, TimeoutError):
            log.debug("an asker went away before its answer")
        finally:
            writer.close()

    async def _answer_one(self, role: Role | None, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(self._limits.request_seconds):
            answer: Answer | None = None
            try:
                line = await reader.readuntil(b"\n")
            except asyncio.IncompleteReadError:
                answer = Refusal(RefusalCode.MALFORMED, "a request is one line, ended by a line feed")
            except asyncio.LimitOverrunError:
                answer = Refusal(RefusalCode.MALFORMED, f"a request has at most {REQUEST_BYTES_MAX} bytes")
        if answer is None:
            # In a thread: the kernel may need a moment for a long list, and others must not wait for it.
            answer = await asyncio.to_thread(self._decide, role, line)
        async with asyncio.timeout(self._limits.answer_seconds):
            writer.write(encode(answer))
            await writer.drain()
            writer.write_eof()

    def _decide(self, role: Role | None, line: bytes) -> Answer:
        try:
            request = decode_request(line)
        except GateRefused as error:
            return Refusal(RefusalCode.MALFORMED, str(error))
        if not may_ask(role, request):
            return Refusal(RefusalCode.NOT_ALLOWED, "this user may not ask this of the gate")
        return service.answer(self._gate, request)


def _peer_uid(writer: asyncio.StreamWriter) -> int:
    connection: socket.socket = writer.get_extra_info("socket")
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    uid: int = struct.unpack("3i", credentials)[1]
    return uid


def _listener(path: Path) -> socket.socket:
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
        probe.settimeout(1.0)
        if probe.connect_ex(str(path)) == 0:
            raise OperationError(f"{path}: another gate listens there; stop it first")
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
