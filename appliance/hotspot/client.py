"""Ask the portal's keeper over its Unix socket."""

from __future__ import annotations

from pathlib import Path
from typing import Final, TypeVar

from appliance.core.errors import HotspotRefused, HotspotUnavailable
from appliance.hotspot.protocol import ANSWER_BYTES_MAX, Refusal, Request, answer_type, decode_answer, encode
from appliance.unit.ask import ask

SOCKET_PATH: Final = Path("/run/desahub-keeper/keeper.sock")
TIMEOUT_SECONDS: Final = 5.0
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
        try:
            answer = decode_answer(ask(self._path, encode(request), self._timeout_seconds, ANSWER_BYTES_MAX))
        except HotspotRefused as error:
            raise HotspotUnavailable(f"the keeper at {self._path} answered nonsense: {error}") from None
        except OSError as error:
            raise HotspotUnavailable(f"the keeper at {self._path} does not answer: {error}") from None
        if isinstance(answer, Refusal):
            raise HotspotRefused(answer.code, answer.message)
        if not isinstance(answer, answer_type(request)):
            raise HotspotUnavailable(f"the keeper at {self._path} gave an answer that does not belong to the question")
        return answer
