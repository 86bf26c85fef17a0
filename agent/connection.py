"""The connection to the NOC on a line that changes: it must not outlive the address from which it was made.

A modem that is plugged in again, or dials again, brings another address. What is then sent from the old one reaches
nobody, and the kernel tries for a quarter of an hour before it says so (tcp_retries2, ip-sysctl); meanwhile each
report looks as if it had left, so MQTT sees no reason to ask.
"""

from __future__ import annotations

import contextlib
import errno
import socket
from typing import Any, Final

# A packet that gets no answer is tried five times in this on a satellite line. A provider that forgot a connection,
# while this box kept its address, is known to have done so a minute after the next report: within the 450 s after
# which the NOC would say that it has no contact.
UNANSWERED_MS_MAX: Final = 60_000


def end_when_unanswered(connection: Any) -> None:
    """Let the kernel end a connection in which nothing was answered for `UNANSWERED_MS_MAX`.

    Source: tcp(7), ``TCP_USER_TIMEOUT``; RFC 5482.
    """
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNANSWERED_MS_MAX)


def is_orphaned(connection: object) -> bool:
    """Tell whether this box reaches the other end, but no longer from the address that ``connection`` was made from.

    While there is no way to the other end nothing is told: the same address may come back, and then the connection
    goes on. Nothing is sent.
    """
    if not isinstance(connection, socket.socket):
        return False
    try:
        own, other = connection.getsockname(), connection.getpeername()
        with socket.socket(connection.family, socket.SOCK_DGRAM) as probe:
            probe.connect(other)  # a datagram socket only looks up the way (connect(2))
            if probe.getsockname()[0] == own[0]:
                return False
        with socket.socket(connection.family, socket.SOCK_DGRAM) as probe:
            probe.bind((own[0], 0, *own[2:]))
    except OSError as error:
        return error.errno == errno.EADDRNOTAVAIL
    return False


def close(connection: object) -> None:
    """Close a connection without a word on it. Only for the thread that reads and writes it."""
    if isinstance(connection, socket.socket):
        with contextlib.suppress(OSError):
            connection.close()
