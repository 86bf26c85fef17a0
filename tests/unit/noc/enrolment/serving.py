"""The service itself on loopback, in a thread of the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from noc import enrol
from noc.enrolment.__main__ import server_context
from noc.enrolment.wire import Limits, Server
from tests.unit.noc.enrolment.asking import Noc, new_key


def server_identity(noc: Noc, folder: Path, *hosts: str) -> Path:
    """Make the key and certificate of a server that the NOC vouches for."""
    folder.mkdir()
    key = new_key()
    (folder / "server.key").write_bytes(enrol.private_pem(key))
    (folder / "server.crt").write_bytes(enrol.server_certificate(noc.authority, key.public_key(), hosts))
    return folder


@contextmanager
def serving(noc: Noc, identity: Path, limits: Limits) -> Iterator[int]:
    """Serve the desk of ``noc`` until the block ends; gives the port."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(
        Server(noc.desk, noc.portal_desk, limits).serve("127.0.0.1", 0, server_context(identity))
    )
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    # Who is still in its handshake has no task, and what closes does so in the loop's next turns: what the loop leaves
    # behind nobody closes. Nobody but the loop knows them all.
    transports = getattr(asyncio.get_running_loop(), "_transports", {})
    for _ in range(100):
        left = [each for each in transports.values() if each.get_extra_info("socket").fileno() >= 0]
        if not left:
            break
        for transport in left:
            transport.abort()
        await asyncio.sleep(0.01)
