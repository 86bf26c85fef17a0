"""HTTPS, as little of it as enrolment needs: five paths, short bodies, and no patience with whoever is slow.

A connection has a deadline for its handshake and one for each request; there are bounds for connections, in all and for
each address, for the head and for the body. The desk works in one thread, so that answers come in order and a crowd
waits instead of multiplying.

Source: RFC 9112 (HTTP/1.1), of which only requests with Content-Length are taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import ssl
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from appliance.core.enrolment import AUTHORITY_PATH, BODY_BYTES_MAX, CLAIM_PATH, NONCE_PATH, PORTAL_PATH, RENEW_PATH
from noc.enrolment.desk import EnrolmentDesk
from noc.enrolment.portal_desk import PortalDesk
from noc.enrolment.rules import RefusalCode, Refused

_log = logging.getLogger(__name__)
HEAD_BYTES_MAX: Final = 8 * 1024
REQUESTS_MAX: Final = 8  # on one connection
_REQUEST_LINE: Final = re.compile(rb"(GET|POST) (/[!-~]{0,200}) HTTP/1\.[01]")
_LENGTH: Final = re.compile(rb"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how many. A provider may put a whole district behind one address."""

    seconds: float = 20.0
    connections: int = 512
    connections_of_address: int = 128


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, content type and body."""

    status: int
    kind: str
    body: bytes


class Malformed(Exception):  # noqa: N818 - reads as the sentence it is where it is caught
    """What came is no request of ours; the connection ends with ``status``."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(HTTPStatus(status).phrase)


class Server:
    """Answers until it is closed. Made by `serve`."""

    def __init__(self, desk: EnrolmentDesk, portal_desk: PortalDesk, limits: Limits) -> None:
        self._desk, self._portal_desk, self._limits = desk, portal_desk, limits
        self._open: Counter[str] = Counter()
        self._thread = ThreadPoolExecutor(1, "desk")

    async def serve(self, host: str | None, port: int, context: ssl.SSLContext) -> asyncio.Server:
        """Listen on every address, or on ``host``."""
        return await asyncio.start_server(
            self._connected, host, port, ssl=context, limit=HEAD_BYTES_MAX, backlog=512,
            ssl_handshake_timeout=self._limits.seconds, ssl_shutdown_timeout=2,
        )  # fmt: skip

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        address = str(peer[0]) if peer else ""
        is_full = (
            self._open.total() >= self._limits.connections or self._open[address] >= self._limits.connections_of_address
        )
        self._open[address] += 1
        try:
            async with asyncio.timeout(self._limits.seconds * (1 if is_full else REQUESTS_MAX)):
                if is_full:
                    await _say(writer, _problem(HTTPStatus.SERVICE_UNAVAILABLE, RefusalCode.BUSY), is_last=True)
                else:
                    await self._converse(reader, writer, address)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever it was went away, or took too long
        finally:
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]
            writer.transport.abort() if writer.transport.is_closing() else writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 3)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str) -> None:
        for count in range(1, REQUESTS_MAX + 1):
            try:
                async with asyncio.timeout(self._limits.seconds):
                    method, path, body, wants_more = await _read(reader)
                    answer = await self._answer(method, path, body, address)
            except Malformed as error:
                answer, wants_more = _problem(error.status, RefusalCode.MALFORMED), False
            is_last = not wants_more or count == REQUESTS_MAX
            await _say(writer, answer, is_last=is_last)
            if is_last:
                return

    async def _answer(self, method: str, path: str, body: bytes, address: str) -> Answer:
        works: dict[tuple[str, str], Callable[[], Answer]] = {
            ("GET", AUTHORITY_PATH): lambda: Answer(200, "application/x-pem-file", self._desk.authority_pem),
            ("GET", NONCE_PATH): lambda: _json(200, self._desk.nonce()),
            ("POST", CLAIM_PATH): lambda: _certificate(self._desk.claim(body, address)),
            ("POST", RENEW_PATH): lambda: _certificate(self._desk.renew(body, address)),
            ("POST", PORTAL_PATH): lambda: _json(200, self._portal_desk.ask(body, address)),
        }
        if (method, path) not in works:
            is_known = any(path == known for _, known in works)
            return _problem(HTTPStatus.METHOD_NOT_ALLOWED if is_known else HTTPStatus.NOT_FOUND, RefusalCode.MALFORMED)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, works[method, path])
        except Refused as refused:
            _log.info("%s from %s: refused: %s", path, address, refused.code)
            return _json(refused.status, {"error": str(refused.code), "message": str(refused)})
        except Exception:  # noqa: BLE001 - a request that nobody thought of must not end the service for the others
            _log.exception("%s from %s", path, address)
            return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, RefusalCode.BUSY)


async def _read(reader: asyncio.StreamReader) -> tuple[str, str, bytes, bool]:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise Malformed(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE) from None
    line, *fields = head[:-4].split(b"\r\n")
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        raise Malformed(HTTPStatus.BAD_REQUEST)
    headers: dict[bytes, bytes] = {}
    for field in fields:
        name, colon, value = field.partition(b":")
        if not colon or name.lower() in headers:
            raise Malformed(HTTPStatus.BAD_REQUEST)
        headers[name.lower()] = value.strip()
    if b"transfer-encoding" in headers:
        raise Malformed(HTTPStatus.LENGTH_REQUIRED)
    length = headers.get(b"content-length", b"0")
    if not _LENGTH.fullmatch(length):
        raise Malformed(HTTPStatus.BAD_REQUEST)
    if int(length) > BODY_BYTES_MAX:
        raise Malformed(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    body = await reader.readexactly(int(length))
    wants_more = headers.get(b"connection", b"").lower() != b"close"
    return match[1].decode(), match[2].decode(), body, wants_more


async def _say(writer: asyncio.StreamWriter, answer: Answer, *, is_last: bool) -> None:
    writer.write(
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n"
        f"Content-Type: {answer.kind}\r\nContent-Length: {len(answer.body)}\r\nCache-Control: no-store\r\n"
        f"Connection: {'close' if is_last else 'keep-alive'}\r\n\r\n".encode("ascii")
        + answer.body
    )
    await writer.drain()


def _certificate(pem: bytes) -> Answer:
    return _json(200, {"certificate": pem.decode("ascii")})


def _problem(status: int, code: RefusalCode) -> Answer:
    return _json(status, {"error": str(code), "message": HTTPStatus(status).phrase})


def _json(status: int, content: dict[str, str]) -> Answer:
    return Answer(status, "application/json", json.dumps(content).encode())
