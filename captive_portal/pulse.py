"""Does the gate answer? A page that wants to know no more than that need not ask each time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from appliance.core.errors import GateError
from appliance.gate.protocol import Client, Gate

FRESH_SECONDS: Final = 2.0


class Pulse:
    """Asks the gate again once the last answer is `FRESH_SECONDS` old; a silence is never remembered.

    Args:
        gate: is asked about a client.
        clock: seconds that only go forward.
    """

    def __init__(self, gate: Gate, clock: Callable[[], float] = time.monotonic) -> None:
        self._gate, self._clock = gate, clock
        self._answered: float | None = None

    def is_silent(self, client: Client) -> bool:
        """Did the gate not answer just now?"""
        now = self._clock()
        if self._answered is not None and 0 <= now - self._answered < FRESH_SECONDS:
            return False
        try:
            self._gate.admitted(client)
        except GateError:
            self._answered = None
            return True
        self._answered = now
        return False
