"""Send and take bytes for hubs that measure their line, a few at a time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import ssl
import time
from pathlib import Path
from typing import Final

from appliance.core.speed import BLOCK_BYTES, TRANSFER_BYTES_MAX, TRANSFER_SECONDS, Meter, asked_bytes, heard, say
from noc.enrol import require_hub_name

_log = logging.getLogger(__name__)
TESTS_MAX: Final = 4  # more would measure the NOC's own line
_HANDSHAKE_SECONDS: Final = 20.0
_LINE_SECONDS: Final = 5.0
_SPARE_SECONDS: Final = 10.0


class SpeedServer:
    """Answers until it is closed. ``tests_max`` transfers at once; whoever comes then is told to come later."""

    def __init__(self, tests_max: int = TESTS_MAX, seconds: float = TRANSFER_SECONDS) -> None:
        self._tests_max, self._seconds = tests_max, seconds
        self._measured = set[str]()
        # The same bytes again and again: TLS makes them others on the line, and nothing compresses there.
        self._block = os.urandom(BLOCK_BYTES)

    async def serve(self, host: str | None, port: int, context: ssl.SSLContext) -> asyncio.Server:
        """Listen on every address, or on ``host``."""
        return await asyncio.start_server(
            self._connected, host, port, ssl=context, limit=2 * BLOCK_BYTES, ssl_handshake_timeout=_HANDSHAKE_SECONDS,
            ssl_shutdown_timeout=2,
        )  # fmt: skip

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._converse(reader, writer)
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            _log.info("a test ended early: %s", error)
        finally:
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 3)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name = _name(writer)
        try:
            require_hub_name(name)
            async with asyncio.timeout(_LINE_SECONDS):
                count = asked_bytes(heard(await reader.readline()))
        except Exception as error:  # noqa: BLE001 - whatever it was, it is told and ends this connection alone
            await _answer(writer, {"error": str(error)[:200] or "allowed is a wish within 5 s"})
            return
        # Whoever only connects takes no place, and a hub takes one.
        if name in self._measured or len(self._measured) >= self._tests_max:
            await _answer(writer, {"error": "other hubs are measured now; try again in a minute"})
            return
        self._measured.add(name)
        try:
            async with asyncio.timeout(self._seconds + _SPARE_SECONDS):
                await _answer(writer, {"go": True})
                await (self._upload(reader, writer) if count is None else self._download(writer, count))
        finally:
            self._measured.discard(name)

    async def _download(self, writer: asyncio.StreamWriter, count: int) -> None:
        until = time.monotonic() + self._seconds + _SPARE_SECONDS
        while count > 0 and time.monotonic() < until:
            writer.write(self._block[:count])
            count -= len(self._block[:count])
            await writer.drain()

    async def _upload(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        meter = Meter()
        while size := int.from_bytes(await reader.readexactly(4), "big"):
            if size > BLOCK_BYTES or meter.total + size > TRANSFER_BYTES_MAX:
                raise ValueError("more than a test may send")
            await reader.readexactly(size)
            meter.add(time.monotonic(), size)
        await _answer(writer, {"bytes": meter.total, "kbit": meter.kbit()})


def server_context(folder: Path, revoked: Path) -> ssl.SSLContext:
    """Make the TLS of this server: hubs of the authority alone, without the revoked ones. Raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    context.load_verify_locations(folder / "ca.crt")
    if revoked.exists():
        context.load_verify_locations(revoked)
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    return context


async def _answer(writer: asyncio.StreamWriter, document: dict[str, object]) -> None:
    writer.write(say(document))
    await writer.drain()


def _name(writer: asyncio.StreamWriter) -> str:
    certificate = writer.get_extra_info("peercert") or {}
    for part in certificate.get("subject", ()):
        for key, value in part:
            if key == "commonName":
                return str(value)
    return ""
