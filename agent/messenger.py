"""Carry the NOC's commands to the operator, and its answers back. The agent neither reads nor believes either.

A thread lives only while there is something to carry: a restart that was commanded takes seconds, and the agent's loop
must go on. What could not be carried is forgotten: the NOC asks again, and the operator does nothing twice.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from appliance.core.command_results import ANSWER_LINE_BYTES_MAX, Request, decode_answer, encode_request
from appliance.core.commands import COMMAND_BYTES_MAX
from appliance.core.errors import CommandMalformed
from appliance.unit.ask import ask

SOCKET_PATH: Final = Path("/run/desahub-operator.sock")
# A unit may take 90 s to start anew, with what belongs to it.
ANSWER_SECONDS_MAX: Final = 150.0
WAITING_MAX: Final = 16
_log = logging.getLogger(__name__)


class Messenger:
    """Carries one command after the other. ``wake`` is called (from another thread) when there is something to do."""

    def __init__(
        self, wake: Callable[[], None], socket_path: Path = SOCKET_PATH, timeout_seconds: float = ANSWER_SECONDS_MAX
    ) -> None:
        self._wake, self._path, self._timeout_seconds = wake, socket_path, timeout_seconds
        self._waiting: queue.Queue[Request] = queue.Queue(WAITING_MAX)
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def take(self, payload: bytes, retained: bool) -> None:
        """Keep a message for `turn`; may be called from any thread."""
        if len(payload) > COMMAND_BYTES_MAX:
            _log.warning("a command of %d bytes was dropped: no command has so many", len(payload))
            return
        try:
            self._waiting.put_nowait(Request(payload, retained))
        except queue.Full:
            _log.warning("a command was dropped: %d wait already", WAITING_MAX)
        self._wake()

    def turn(self) -> list[bytes]:
        """Let a thread carry what waits; return answers that came, as they are to travel."""
        if not self._waiting.empty() and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self._carry, name="messenger", daemon=True)
            self._thread.start()
        found = []
        while not self._answers.empty():
            found.append(self._answers.get_nowait())
        return found

    def _carry(self) -> None:
        while True:
            try:
                request = self._waiting.get_nowait()
            except queue.Empty:
                # Whoever put one in meanwhile calls for another turn.
                return
            try:
                line = ask(self._path, encode_request(request), self._timeout_seconds, ANSWER_LINE_BYTES_MAX)
                self._answers.put(decode_answer(line))
            except (OSError, CommandMalformed) as error:
                _log.warning("the operator at %s does not answer: %s", self._path, error)
            self._wake()
