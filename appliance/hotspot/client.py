"""Ask the portal's keeper over its Unix socket."""

from __future__ import annotations

import contextlib
import socket
import time
from pathlib import Path
from typing import Final, TypeVar

from appliance.core.errors import HotspotRefused, HotspotUnavailable
from appliance.hotspot.protocol import ANSWER_BYTES_MAX, Refusal, Request, answer_type, decode_answer, encode

SOCKET_PATH: Final = Path("/run/desahub-keeper/keeper.sock")
TIMEOUT_SECONDS: Final = 5.0
_CHUNK_BYTES: Final = 65_536
A = TypeVar("A")


class HotspotClient:
    """Keeps `protocol.Hotspot` by asking the keeper. Each request is one connection, so threads need no lock.

    Args:
        socket_path: where the keeper listens.
        timeout_seconds: for the whole of one request and its answer.
    """

    def __init__(self, socket_path: Path | str = SOCKET_PATH, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._path, self._timeout_seconds = str(socket_path), timeout_seconds

    def ask(self, request: Request[A]) -> A:
        """Send one request and return its answer; a refusal is raised.

        Raises:
            HotspotRefused: the keeper says no.
            HotspotUnavailable: no keeper, no answer in time, or one that cannot be read.
        """
        deadline = time.monotonic() + self._timeout_seconds
        try:
            with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as connection:
                connection.settimeout(self._timeout_seconds)
                connection.connect(self._path)
                connection.sendall(encode(request))
                answer = decode_answer(_line(connection, deadline))
        except HotspotRefused as error:
            raise HotspotUnavailable(f"the keeper at {self._path} answered nonsense: {error}") from None
        except OSError as error:
            raise HotspotUnavailable(f"the keeper at {self._path} does not answer: {error}") from None
        if isinstance(answer, Refusal):
            raise HotspotRefused(answer.code, answer.message)
        if not isinstance(answer, answer_type(request)):
            raise HotspotUnavailable(f"the keeper at {self._path} gave an answer that does not belong to the question")
        return answer


def _line(connection: socket.socket, deadline: float) -> bytes:
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
        if len(received) > ANSWER_BYTES_MAX:
            raise ConnectionError("its answer is too long")
    return bytes(received)
