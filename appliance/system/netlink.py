"""Speak netlink to the kernel: messages, attributes, and one socket. Nothing but ``struct`` and ``socket``.

What the messages mean belongs to who sends them: the gate for nf_tables and neighbours, the records for conntrack.

Source: netlink(7), include/uapi/linux/netlink.h, net/netfilter/nfnetlink.c (``nfnetlink_rcv_batch``).
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import threading
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from appliance.core.errors import OperationError

ROUTE: Final = 0  # NETLINK_ROUTE
NETFILTER: Final = 12  # NETLINK_NETFILTER
F_REQUEST: Final = 0x1
F_ACK: Final = 0x4
F_DUMP: Final = 0x300
F_REPLACE: Final = 0x100
F_CREATE: Final = 0x400
_F_DUMP_INTR: Final = 0x10
_NESTED: Final = 0x8000
_KIND: Final = 0x3FFF
_ERROR, _DONE = 2, 3
_HEAD: Final = struct.Struct("=IHHII")
ATTRIBUTE: Final = struct.Struct("=HH")  # length with these four bytes, kind
_ERRNO: Final = struct.Struct("=i")
# NFNL_MSG_BATCH_BEGIN and _END.
_BEGIN, _END = 16, 17
_RECEIVE_BYTES: Final = 262_144
_TIMEOUT: Final = struct.pack("@ll", 5, 0)  # seconds, microseconds
_ATTEMPTS: Final = 10


class NetlinkError(OperationError):
    """The kernel refused a message; ``number`` is its errno."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"the kernel refused: {os.strerror(number)}")


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its kind, flags besides F_REQUEST, and everything after netlink's own header."""

    kind: int
    flags: int
    body: bytes


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded to four bytes."""
    return ATTRIBUTE.pack(4 + len(value), kind) + value + bytes(-len(value) % 4)


def nested(kind: int, *attributes: bytes) -> bytes:
    """An attribute that holds attributes."""
    return attribute(kind | _NESTED, b"".join(attributes))


def text(value: str) -> bytes:
    """A string as the kernel writes it, ended by a zero."""
    return value.encode("ascii") + b"\0"


def attributes(data: bytes, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """Read attributes from ``start`` on; what does not fit its own length ends them."""
    end = len(data)
    while start + 4 <= end:
        length, kind = ATTRIBUTE.unpack_from(data, start)
        if length < 4 or start + length > end:
            return
        yield kind & _KIND, data[start + 4 : start + length]
        start += (length + 3) & ~3


def messages(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Read what one datagram holds: kind, flags, sequence number and body of each message."""
    start = 0
    while start + 16 <= len(data):
        length, kind, flags, sequence, _ = _HEAD.unpack_from(data, start)
        if length < 16 or start + length > len(data):
            return
        yield kind, flags, sequence, data[start + 16 : start + length]
        start += (length + 3) & ~3


class Netlink:
    """One socket to the kernel, of this thread's network namespace; any thread may use it.

    Args:
        family: `ROUTE` or `NETFILTER`.

    Raises:
        OperationError: the kernel gives no socket.
    """

    def __init__(self, family: int) -> None:
        try:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, family)
            # Not Python's own timeout, which would wait where MSG_DONTWAIT says not to.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEOUT)
            self._socket.bind((0, 0))
        except OSError as error:
            raise OperationError(f"the kernel gives no netlink socket: {error}") from None
        # Closed with its last user, who need not know that there is a socket.
        weakref.finalize(self, self._socket.close)
        self._sequence = 0
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def ask(self, message: Message) -> list[bytes]:
        """Send one message and return the bodies of its answers: one, none, or with `F_DUMP` many.

        A dump that a change of the kernel's tables interrupted is made again.

        Raises:
            NetlinkError: the kernel refused.
            OperationError: it does not answer.
        """
        for _ in range(_ATTEMPTS):
            try:
                with self._lock:
                    return self._ask(message)
            except InterruptedError:
                continue
            except OSError as error:
                raise OperationError(f"the kernel does not answer: {error}") from None
        raise OperationError("the kernel's tables change too often to be read")

    def batch(self, subsystem: int, changes: Sequence[Message]) -> None:
        """Make ``changes`` in one transaction of a netfilter subsystem: all or nothing.

        Raises:
            NetlinkError: the kernel refused; nothing was changed.
            OperationError: it does not answer.
        """
        if not changes:
            return
        edge = struct.pack(">BBH", 0, 0, subsystem)
        with self._lock:
            parts = [self._packed(Message(_BEGIN, 0, edge))]
            parts += [self._packed(change) for change in changes[:-1]]
            # The kernel answers while it is being told: what it has to say is there when sending is done.
            parts.append(self._packed(Message(changes[-1].kind, changes[-1].flags | F_ACK, changes[-1].body)))
            last = self._sequence
            parts.append(self._packed(Message(_END, 0, edge)))
            try:
                self._socket.sendall(b"".join(parts))
                self._heed(last)
            except OSError as error:
                raise OperationError(f"the kernel does not answer: {error}") from None

    def _heed(self, last: int) -> None:
        first_error, done = 0, False
        while True:
            try:
                data = self._socket.recv(_RECEIVE_BYTES, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            for kind, _, sequence, body in messages(data):
                if kind == _ERROR:
                    number = -_ERRNO.unpack_from(body)[0]
                    first_error = first_error or number
                    done = done or sequence == last
        if first_error:
            raise NetlinkError(first_error)
        if not done:
            raise TimeoutError("it acknowledged nothing")

    def _packed(self, message: Message) -> bytes:
        self._sequence = (self._sequence + 1) & 0xFFFFFFFF
        head = _HEAD.pack(16 + len(message.body), message.kind, message.flags | F_REQUEST, self._sequence, 0)
        return head + message.body + bytes(-len(message.body) % 4)

    def _ask(self, message: Message) -> list[bytes]:
        dump = message.flags & F_DUMP == F_DUMP
        asked = message if dump else Message(message.kind, message.flags | F_ACK, message.body)
        self._socket.sendall(self._packed(asked))
        found: list[bytes] = []
        interrupted = False
        while True:
            for kind, flags, sequence, body in messages(self._socket.recv(_RECEIVE_BYTES)):
                if sequence != self._sequence:
                    continue  # the rest of an answer that nobody waited for
                interrupted = interrupted or bool(flags & _F_DUMP_INTR)
                if kind in (_ERROR, _DONE):
                    number = -_ERRNO.unpack_from(body)[0] if len(body) >= _ERRNO.size else 0
                    if number in (errno.EINTR, errno.EAGAIN) or (interrupted and not number):
                        raise InterruptedError
                    if number:
                        raise NetlinkError(number)
                    return found
                found.append(body)
