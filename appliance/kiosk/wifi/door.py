"""The kiosk's second socket, at which the portal asks about accounts: a few threads beside those of the pages.

Systemd makes the socket for the portal's user alone (``desahub-accounts.socket``); the kernel is asked once more who it
is (``SO_PEERCRED``, unix(7)). Threads and no asyncio: they cost nothing while nobody asks.
"""

from __future__ import annotations

import logging
import socket
import struct
import threading
import time
from collections.abc import Collection
from typing import Final

from appliance.core import faults
from appliance.core.errors import DesahubError
from appliance.wifi.accounts import (
    REQUEST_BYTES_MAX,
    Answer,
    Check,
    Ended,
    Refusal,
    Request,
    ResidentAccounts,
    decode_request,
    encode,
)

ASKER: Final = "desahub-portal"
SOCKET_NAME: Final = "accounts"  # FileDescriptorName= of the socket's unit
# One hashes, and two read. The keeper's question waits its turn behind the few that the portal lets wait here
# (`appliance.wifi.client.WAITING_MAX`); one that comes too late is asked again after some seconds.
THREADS: Final = 3
REQUEST_SECONDS: Final = 2.0
_CHUNK_BYTES: Final = 65_536

log = logging.getLogger("desahub.kiosk")


class Door:
    """Answers at a listening socket.

    Args:
        listener: as systemd made it.
        accounts: answers.
        uids: who may ask.
    """

    def __init__(self, listener: socket.socket, accounts: ResidentAccounts, uids: Collection[int]) -> None:
        self._listener, self._accounts, self._uids = listener, accounts, frozenset(uids)

    def open(self) -> None:
        """Begin to answer, in threads that end with the process; returns at once."""
        self._listener.setblocking(True)
        for number in range(THREADS):
            threading.Thread(target=self._serve, name=f"accounts-{number}", daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError as error:
                if self._listener.fileno() < 0:
                    return  # it was closed
                # Too many files are open.
                log.error("accounts: cannot take a connection: %s", error)
                time.sleep(1.0)
                continue
            with connection:
                try:
                    self._answer(connection)
                except OSError:
                    log.debug("an asker went away before its answer")
                except Exception as error:  # noqa: BLE001 - a fault in one question must take no thread
                    log.error("accounts: a question failed: %s", faults.trace(error))

    def _answer(self, connection: socket.socket) -> None:
        if _peer_uid(connection) not in self._uids:
            return
        line = _read_line(connection)
        try:
            answer = self._decide(decode_request(line))
        except (ValueError, DesahubError) as error:
            answer = Refusal(str(error))
        connection.sendall(encode(answer))

    def _decide(self, request: Request) -> Answer:
        if isinstance(request, Check):
            return self._accounts.check(request.name, request.pin, request.client)
        return Ended(tuple(sorted(self._accounts.ended(frozenset(request.held)), key=lambda one: one.reference)))


def _read_line(connection: socket.socket) -> bytes:
    """Read up to the first line feed. Raises OSError: it did not come in time."""
    deadline = time.monotonic() + REQUEST_SECONDS
    received = bytearray()
    while not received.endswith(b"\n") and len(received) <= REQUEST_BYTES_MAX:
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        chunk = connection.recv(_CHUNK_BYTES)
        if not chunk:
            break
        received += chunk
    connection.settimeout(REQUEST_SECONDS)
    return bytes(received)


def _peer_uid(connection: socket.socket) -> int:
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    uid: int = struct.unpack("3i", credentials)[1]
    return uid
