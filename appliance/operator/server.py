"""The operator's socket, which systemd made: one asker at a time, the agent alone, and nobody for long.

Source: sd_listen_fds(3), unix(7) for ``SO_PEERCRED``.
"""

from __future__ import annotations

import logging
import os
import select
import socket
import struct
import time
from collections.abc import Collection
from typing import Final

from appliance.core.command_results import REQUEST_LINE_BYTES_MAX, decode_request, encode_answer
from appliance.core.errors import CommandMalformed, OperationError, StoreError
from appliance.operator.service import Operator

log = logging.getLogger("desahub.operator")
IDLE_SECONDS: Final = 20.0
ASKER_SECONDS: Final = 5.0
_FIRST_DESCRIPTOR: Final = 3


def listener_of_systemd() -> socket.socket:
    """Take the one socket that systemd hands over. Raises `OperationError` where it did not."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or os.environ.get("LISTEN_FDS") != "1":
        raise OperationError("systemd hands no socket over; start it with systemctl start desahub-operator.socket")
    return socket.socket(fileno=_FIRST_DESCRIPTOR)


class Server:
    """Answers until nobody has asked for ``idle_seconds``.

    Args:
        listener: the socket that listens.
        operator: who answers.
        allowed: uids whose messages are taken; the kernel says who asks.
        idle_seconds: after this the process is no longer needed.
    """

    def __init__(
        self,
        listener: socket.socket,
        operator: Operator,
        allowed: Collection[int],
        idle_seconds: float = IDLE_SECONDS,
        asker_seconds: float = ASKER_SECONDS,
    ) -> None:
        self._listener, self._operator, self._allowed = listener, operator, frozenset(allowed)
        self._idle_seconds, self._asker_seconds = idle_seconds, asker_seconds

    def serve(self) -> None:
        """Serve; return when it has been quiet."""
        self._listener.setblocking(False)
        while select.select([self._listener], [], [], self._idle_seconds)[0]:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                continue  # who asked has gone
            with connection:
                try:
                    self._answer(connection)
                except (OSError, TimeoutError) as error:
                    log.info("the asker went away: %s", error)
                except StoreError as error:
                    log.error("nothing was done: %s", error)
            self._operator.afterwards()
        self._operator.leave()

    def _answer(self, connection: socket.socket) -> None:
        uid = _peer_uid(connection)
        if uid not in self._allowed:
            log.warning("uid %d may not bring commands; it was not heard", uid)
            return
        line = self._line(connection)
        try:
            request = decode_request(line)
        except CommandMalformed as error:
            log.warning("the agent said what cannot be read: %s", error)
            return
        answer = encode_answer(self._operator.handle(request))
        connection.settimeout(self._asker_seconds)
        connection.sendall(answer)

    def _line(self, connection: socket.socket) -> bytes:
        received = bytearray()
        deadline = time.monotonic() + self._asker_seconds
        while not received.endswith(b"\n"):
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            chunk = connection.recv(REQUEST_LINE_BYTES_MAX)
            received += chunk
            if not chunk or len(received) > REQUEST_LINE_BYTES_MAX:
                raise OSError(f"a request is one line of at most {REQUEST_LINE_BYTES_MAX} bytes")
            if time.monotonic() > deadline:
                raise TimeoutError("a request comes at once")
        return bytes(received)


def _peer_uid(connection: socket.socket) -> int:
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    uid: int = struct.unpack("3i", credentials)[1]
    return uid
