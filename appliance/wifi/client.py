"""Ask the kiosk about accounts over its Unix socket, never for long and never with everybody at once."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Final

from appliance.core.errors import AccountsUnavailable
from appliance.core.together import Entered
from appliance.gate.protocol import Client
from appliance.unit.ask import ask
from appliance.wifi.accounts import (
    ANSWER_BYTES_MAX,
    HELD_MAX,
    TYPED_LENGTH_MAX,
    AccountAnswer,
    AccountOutcome,
    Answer,
    AskEnded,
    Check,
    Ended,
    Holding,
    Refusal,
    Request,
    decode_answer,
    encode,
    is_reference,
)

SOCKET_PATH: Final = Path("/run/desahub-accounts.sock")
# Less than nginx waits for a page of the portal (5 s), more than a small board needs for a few hashes.
TIMEOUT_SECONDS: Final = 4.0
# Each of them is a thread of the portal, which has others to serve; the kiosk hashes one after another.
WAITING_MAX: Final = 6


class AccountsClient:
    """Keeps `appliance.wifi.accounts.ResidentAccounts` by asking the kiosk.

    Args:
        socket_path: where it listens.
        timeout_seconds: for the whole of one request and its answer.
        aside: entered while waiting, so that others may work meanwhile (`appliance.unit.turns`).
        waiting_max: how many may be waiting for it at once; who comes after them is told at once.
    """

    def __init__(
        self,
        socket_path: Path | str = SOCKET_PATH,
        timeout_seconds: float = TIMEOUT_SECONDS,
        aside: Entered = contextlib.nullcontext,
        waiting_max: int = WAITING_MAX,
    ) -> None:
        self._path, self._timeout_seconds, self._aside = str(socket_path), timeout_seconds, aside
        self._places = threading.BoundedSemaphore(waiting_max)

    def check(self, name: str, pin: str, client: Client) -> AccountAnswer:
        """As `ResidentAccounts.check`. What is longer than any name or PIN is cut off."""
        if not self._places.acquire(blocking=False):
            return AccountAnswer(AccountOutcome.BUSY)
        try:
            asked = Check(name[:TYPED_LENGTH_MAX], pin[:TYPED_LENGTH_MAX], client.address, client.mac)
            answer = self._ask(asked)
        finally:
            self._places.release()
        if not isinstance(answer, AccountAnswer) or not _makes_sense(answer):
            raise AccountsUnavailable(_NO_ANSWER.format(self._path))
        return answer

    def ended(self, held: frozenset[Holding]) -> frozenset[Holding]:
        """As `ResidentAccounts.ended`."""
        asked, ended = sorted(held, key=lambda one: (one.reference, one.generation)), frozenset[Holding]()
        for first in range(0, max(1, len(asked)), HELD_MAX):
            answer = self._ask(AskEnded(tuple(asked[first : first + HELD_MAX])))
            if not isinstance(answer, Ended):
                raise AccountsUnavailable(_NO_ANSWER.format(self._path))
            ended |= frozenset(answer.held) & held
        return ended

    def _ask(self, request: Request) -> Answer:
        line = encode(request)
        try:
            with self._aside():
                answer = decode_answer(ask(self._path, line, self._timeout_seconds, ANSWER_BYTES_MAX))
        except ValueError as error:
            raise AccountsUnavailable(f"the kiosk at {self._path} answered nonsense: {error}") from None
        except OSError as error:
            raise AccountsUnavailable(f"the kiosk at {self._path} does not answer: {error}") from None
        if isinstance(answer, Refusal):
            raise AccountsUnavailable(f"the kiosk at {self._path} says no: {answer.message}")
        return answer


def _makes_sense(answer: AccountAnswer) -> bool:
    """Does who is welcome have an account, and nobody else? A reference that names a voucher would end others by it."""
    if answer.outcome is AccountOutcome.WELCOME:
        return answer.holding is not None and is_reference(answer.holding.reference)
    return answer.holding is None and answer.wait_seconds >= 0


_NO_ANSWER: Final = "the kiosk at {} gave an answer that does not belong to the question"
