"""Ask the box's own signer over its Unix socket."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from appliance.core.errors import SignatureError, SignatureRefused, SignerAway
from appliance.papers.signing import SignerState, Standing, check_nik, check_request
from appliance.papers.signing_wire import (
    ANSWER_BYTES_MAX,
    Answer,
    AskStanding,
    Here,
    Ping,
    Request,
    Sign,
    Signed,
    Stands,
    decode_answer,
    encode_request,
)
from appliance.unit.ask import ask

SOCKET_PATH: Final = Path("/run/desahub-signer/signer.sock")
# More than signature.answer_seconds may be, less than nginx waits for the kiosk.
SIGN_SECONDS: Final = 25.0
_PING_SECONDS: Final = 1.0


class SignerClient:
    """Keeps `appliance.papers.signing.Signer` by asking ``desahub-signer``, which alone reaches the service."""

    def __init__(self, socket_path: Path | str = SOCKET_PATH, timeout_seconds: float = SIGN_SECONDS) -> None:
        self._path, self._timeout_seconds = str(socket_path), timeout_seconds

    def sign(self, pdf: bytes, nik_of_official: str, passphrase: str) -> bytes:
        """As `appliance.papers.signing.Signer.sign`."""
        check_request(pdf, nik_of_official, passphrase)
        answer = self._ask(Sign(pdf, nik_of_official, passphrase), self._timeout_seconds)
        if not isinstance(answer, Signed):
            raise SignerAway("the signer gave an answer that does not belong to the question")
        return answer.pdf

    def standing(self, nik_of_official: str) -> Standing:
        """As `appliance.papers.signing.Signer.standing`."""
        check_nik(nik_of_official)
        answer = self._ask(AskStanding(nik_of_official), self._timeout_seconds)
        if not isinstance(answer, Stands):
            raise SignerAway("the signer gave an answer that does not belong to the question")
        return answer.standing

    def state(self) -> SignerState:
        """As `appliance.papers.signing.Signer.state`."""
        try:
            here = isinstance(self._ask(Ping(), _PING_SECONDS), Here)
        except SignatureError as error:
            return SignerState(is_configured=True, is_reachable=False, message=str(error))
        return SignerState(is_configured=True, is_reachable=here)

    def _ask(self, request: Request, timeout_seconds: float) -> Answer:
        line = encode_request(request)
        try:
            answer = decode_answer(ask(self._path, line, timeout_seconds, ANSWER_BYTES_MAX))
        except SignatureRefused as error:
            raise SignerAway(f"the signer at {self._path}: {error}") from None
        except OSError as error:
            raise SignerAway(f"the signer at {self._path} does not answer: {error}") from None
        if isinstance(answer, SignatureError):
            raise answer
        return answer
