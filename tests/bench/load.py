"""One load process for many phones: sockets are made inside namespaces with setns and used from here."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path


def socket_in(
    namespace: str, kind: socket.SocketKind = socket.SOCK_STREAM, family: socket.AddressFamily = socket.AF_INET
) -> socket.socket:
    """Make a socket that belongs to a network namespace. Source: setns(2), it acts on the calling thread."""
    made: list[socket.socket | OSError] = []

    def make() -> None:
        try:
            with (Path("/run/netns") / namespace).open("rb") as handle:
                os_setns(handle.fileno())
            made.append(socket.socket(family, kind))
        except OSError as error:
            made.append(error)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    result = made[0]
    if isinstance(result, OSError):
        raise result
    return result


def os_setns(descriptor: int) -> None:
    """Enter a network namespace with this thread."""
    import ctypes

    clone_newnet = 0x40000000
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, clone_newnet) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@contextlib.contextmanager
def connection(namespace: str, address: tuple[str, int], timeout_seconds: float = 5) -> Iterator[socket.socket]:
    """Open a TCP connection from inside a namespace."""
    with socket_in(namespace) as made:
        made.settimeout(timeout_seconds)
        made.connect(address)
        yield made


def ask(made: socket.socket, request: bytes) -> bytes:
    """Send a request and read until the answer's head is complete."""
    made.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        part = made.recv(65_536)
        if not part:
            break
        answer += part
    return answer
