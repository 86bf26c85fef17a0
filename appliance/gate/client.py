"""Ask the gate over its Unix socket."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeVar

from appliance.core.errors import GateRefused, GateUnavailable
from appliance.core.together import Entered, Together
from appliance.gate.protocol import (
    ADMITS_MAX,
    ANSWER_BYTES_MAX,
    UNLIMITED,
    Admissions,
    Admit,
    AdmitAll,
    Admitted,
    Answer,
    AskClient,
    AskStatus,
    Client,
    Clients,
    ClientState,
    Done,
    GateStatus,
    Limits,
    ListClients,
    Refusal,
    Request,
    Revoke,
    decode_answer,
    encode,
)
from appliance.unit.ask import ask

SOCKET_PATH: Final = Path("/run/desahub-gate/gate.sock")
TIMEOUT_SECONDS: Final = 5.0
# What a gate that answers needs at most, for who has waited for others' admissions nearly as long as it may.
_LAST_SECONDS: Final = 0.5
T = TypeVar("T")


class _Admission:
    """What one thread asks for, and what became of it."""

    def __init__(self, request: Admit, until: float) -> None:
        self.request, self.until = request, until
        self.refusal: Refusal | None = None


class GateClient:
    """Keeps `protocol.Gate` by asking the daemon. Each request is one connection; admissions of threads share one.

    Args:
        socket_path: where the gate listens.
        timeout_seconds: for the whole of one request and its answer, and for what an admission waits before that.
        aside: entered while a thread waits for the answer, see `appliance.unit.turns.Turns.aside`.
        gathered: waits for others' admissions before the gate is asked, see `Together`.
    """

    def __init__(
        self,
        socket_path: Path | str = SOCKET_PATH,
        timeout_seconds: float = TIMEOUT_SECONDS,
        aside: Entered = contextlib.nullcontext,
        gathered: Entered = contextlib.nullcontext,
    ) -> None:
        self._path, self._timeout_seconds, self._aside = str(socket_path), timeout_seconds, aside
        self._admissions = Together[_Admission](self._admit_all, ADMITS_MAX, aside, gathered)

    def admit(self, client: Client, lease_seconds: int, limits: Limits = UNLIMITED) -> None:
        """Let ``client`` through for ``lease_seconds``. Raises `GateRefused` or `GateUnavailable`."""
        mine = _Admission(Admit(client, lease_seconds, limits), time.monotonic() + self._timeout_seconds)
        self._admissions.run(mine)
        if mine.refusal is not None:
            raise GateRefused(mine.refusal.code, mine.refusal.message)

    def _admit_all(self, group: Sequence[_Admission]) -> None:
        # Within one request each has another address; of two for the same the later one holds.
        while group:
            first = {one.request.client.address: one for one in reversed(group)}
            asked = list(first.values())
            seconds = max(_LAST_SECONDS, min(one.until for one in asked) - time.monotonic())
            refusals = self._expect(AdmitAll(tuple(one.request for one in asked)), Admissions, seconds).refusals
            if len(refusals) != len(asked):
                raise GateUnavailable(f"the gate at {self._path} answered for others than it was asked for")
            for one, refusal in zip(asked, refusals, strict=True):
                one.refusal = refusal
            group = [one for one in group if first[one.request.client.address] is not one]

    def revoke(self, client: Client) -> None:
        """Shut ``client`` out. Raises `GateRefused` or `GateUnavailable`."""
        self._expect(Revoke(client), Done)

    def clients(self) -> tuple[Admitted, ...]:
        """Who is let through. Raises `GateRefused` or `GateUnavailable`."""
        return self._expect(ListClients(), Clients).admitted

    def admitted(self, client: Client) -> Admitted | None:
        """What is left of one client's lease, None when it has none. Raises `GateRefused` or `GateUnavailable`."""
        return self._expect(AskClient(client), ClientState).found

    def status(self) -> GateStatus:
        """How the gate is. Raises `GateRefused` or `GateUnavailable`."""
        return self._expect(AskStatus(), GateStatus)

    def _expect(self, request: Request, kind: type[T], seconds: float | None = None) -> T:
        answer = self.ask(request, seconds)
        if not isinstance(answer, kind):
            raise GateUnavailable(f"the gate at {self._path} gave an answer that does not belong to the question")
        return answer

    def ask(self, request: Request, seconds: float | None = None) -> Answer:
        """Send one request and return its answer; a refusal is raised. ``seconds``: instead of ``timeout_seconds``.

        Raises:
            GateRefused: the gate says no.
            GateUnavailable: no gate, no answer in time, or one that cannot be read.
        """
        try:
            with self._aside():
                line = ask(self._path, encode(request), seconds or self._timeout_seconds, ANSWER_BYTES_MAX)
            answer = decode_answer(line)
        except GateRefused as error:
            raise GateUnavailable(f"the gate at {self._path} answered nonsense: {error}") from None
        except OSError as error:
            raise GateUnavailable(f"the gate at {self._path} does not answer: {error}") from None
        if isinstance(answer, Refusal):
            raise GateRefused(answer.code, answer.message)
        return answer
