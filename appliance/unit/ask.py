"""Ask a server on a local socket: one request and one answer for each connection, each a line.

Apart from `appliance.unit.local_socket`, which serves: who only asks does without asyncio, and its 2 MB.
"""

from __future__ import annotations

import contextlib
import socket
import time
from pathlib import Path
from typing import Final

_CHUNK_BYTES: Final = 65_536
_FULL_QUEUE_SECONDS: Final = 0.005


def ask(path: Path | str, request: bytes, timeout_seconds: float, answer_bytes_max: int) -> bytes:
    """Send one line and return the line that answers it.

    Args:
        path: where the server listens.
        request: one line, with its line feed.
        timeout_seconds: for the whole of the request and its answer.
        answer_bytes_max: a longer answer is none.

    Raises:
        OSError: no server, no answer in time, or one that is too long. `TimeoutError` and `ConnectionError` are such.
    """
    deadline = time.monotonic() + timeout_seconds
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as connection:
        connection.settimeout(timeout_seconds)
        _connect(connection, str(path), deadline)
        connection.sendall(request)
        received = bytearray()
        while not received.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            connection.settimeout(left)
            chunk = connection.recv(_CHUNK_BYTES)
            if not chunk:
                raise ConnectionError("it closed the connection without an answer")
            received += chunk
            if len(received) > answer_bytes_max:
                raise ConnectionError("its answer is too long")
        return bytes(received)


def _connect(connection: socket.socket, path: str, deadline: float) -> None:
    """Connect, and wait where the queue before the server is full: anyone on the box can fill it for a moment.

    With a timeout Python's socket does not block, and the kernel then answers EAGAIN at once (connect(2)).
    """
    while True:
        try:
            connection.connect(path)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise TimeoutError("timed out") from None
            time.sleep(_FULL_QUEUE_SECONDS)
