"""What kiosk and signer say to each other: one line of JSON each way, checked on both sides. Pure.

A request holds the passphrase, so neither is ever written anywhere; no ``repr`` shows it.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any, Final

from appliance.core.errors import (
    CertificateEnded,
    PassphraseWrong,
    SignatureError,
    SignatureRefused,
    SignerAway,
    SignerUnknown,
)
from appliance.papers.signing import PDF_BYTES_MAX, Standing, check_nik, check_request

# Base64 makes four bytes of three.
LINE_BYTES_MAX: Final = PDF_BYTES_MAX * 4 // 3 + 16_384
# A signature adds a certificate chain and timestamps.
_SIGNED_BYTES_MAX: Final = PDF_BYTES_MAX + 1_000_000
ANSWER_BYTES_MAX: Final = _SIGNED_BYTES_MAX * 4 // 3 + 16_384
_MESSAGE_LENGTH_MAX: Final = 500
_ERRORS: Final[dict[str, type[SignatureError]]] = {
    "away": SignerAway,
    "certificate": CertificateEnded,
    "passphrase": PassphraseWrong,
    "refused": SignatureRefused,
    "unknown": SignerUnknown,
}


@dataclass(frozen=True, slots=True)
class Sign:
    """Sign a PDF."""

    pdf: bytes = field(repr=False)
    nik: str = field(repr=False)
    passphrase: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AskStanding:
    """What does the service say of this official?"""

    nik: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ping:
    """Is the signer there?"""


@dataclass(frozen=True, slots=True)
class Signed:
    """The paper with its signature."""

    pdf: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Stands:
    """The answer to `AskStanding`."""

    standing: Standing


@dataclass(frozen=True, slots=True)
class Here:
    """The answer to `Ping`."""


Request = Sign | AskStanding | Ping
Answer = Signed | Stands | Here | SignatureError


def encode_request(request: Request) -> bytes:
    """One line, with its line feed."""
    match request:
        case Sign(pdf, nik, passphrase):
            said = {"ask": "sign", "pdf": base64.b64encode(pdf).decode("ascii"), "nik": nik, "passphrase": passphrase}
        case AskStanding(nik):
            said = {"ask": "standing", "nik": nik}
        case Ping():
            said = {"ask": "ping"}
    return json.dumps(said).encode("ascii") + b"\n"


def decode_request(line: bytes) -> Request:
    """Read a request. Raises `SignatureRefused`."""
    said = _object(line)
    match said.get("ask"):
        case "sign":
            _exactly(said, "ask", "pdf", "nik", "passphrase")
            request = Sign(_bytes(said["pdf"], PDF_BYTES_MAX), said["nik"], said["passphrase"])
            check_request(request.pdf, request.nik, request.passphrase)
            return request
        case "standing":
            _exactly(said, "ask", "nik")
            check_nik(said["nik"])
            return AskStanding(said["nik"])
        case "ping":
            _exactly(said, "ask")
            return Ping()
        case _:
            raise SignatureRefused("a request asks to sign, for a standing, or for a ping")


def encode_answer(answer: Answer) -> bytes:
    """One line, with its line feed."""
    match answer:
        case Signed(pdf):
            said = {"signed": base64.b64encode(pdf).decode("ascii")}
        case Stands(standing):
            said = {"standing": standing.value}
        case Here():
            said = {"here": ""}
        case SignatureError():
            code = next((code for code, kind in _ERRORS.items() if type(answer) is kind), "refused")
            said = {"error": code, "message": str(answer)[:_MESSAGE_LENGTH_MAX]}
    return json.dumps(said).encode("ascii") + b"\n"


def decode_answer(line: bytes) -> Answer:
    """Read an answer. Raises `SignatureRefused` for what is none."""
    said = _object(line)
    if set(said) == {"error", "message"} and said["error"] in _ERRORS:
        return _ERRORS[said["error"]](said["message"])
    match said:
        case {"signed": data} if len(said) == 1:
            return Signed(_bytes(data, _SIGNED_BYTES_MAX))
        case {"standing": word} if len(said) == 1 and word in list(Standing):
            return Stands(Standing(word))
        case {"here": _} if len(said) == 1:
            return Here()
    raise SignatureRefused("the signer's answer cannot be read")


def _object(line: bytes) -> dict[str, str]:
    try:
        said: Any = json.loads(line)
    except (ValueError, RecursionError):
        raise SignatureRefused("a message is one line of JSON") from None
    if not isinstance(said, dict) or not all(isinstance(value, str) for value in said.values()):
        raise SignatureRefused("a message is a JSON object of texts")
    return said


def _exactly(said: dict[str, str], *names: str) -> None:
    if set(said) != set(names):
        raise SignatureRefused(f"this request takes exactly {', '.join(names)}")


def _bytes(text: str, most: int) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise SignatureRefused("a paper is written in base64") from None
    if len(data) > most:
        raise SignatureRefused(f"a paper has at most {most} bytes")
    return data
