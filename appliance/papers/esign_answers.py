"""What the eSign Client Service of BSrE answers, judged. Pure.

It answers a signature with the PDF, and a refusal with JSON such as ``{"error": "Passphrase anda salah",
"status_code": 2031}``; proxies and servers in front of it answer with pages. Which codes there are is known for a wrong
passphrase and for an unknown user only: for the rest `esign.EsignService` asks how the certificate stands.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from appliance.core.errors import (
    CertificateEnded,
    PassphraseWrong,
    SignatureError,
    SignatureRefused,
    SignerAway,
    SignerUnknown,
)
from appliance.papers.signing import Standing, is_whole_pdf

_PASSPHRASE_CODES: Final = frozenset({2031})
_UNKNOWN_CODES: Final = frozenset({2011, 1110})
_SAID_LENGTH_MAX: Final = 160
_DOCUMENT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")
_STANDINGS: Final = {
    "ISSUE": Standing.USABLE,
    "NOT_REGISTERED": Standing.UNKNOWN,
    "EXPIRED": Standing.ENDED,
    "REVOKE": Standing.ENDED,
    "REVOKED": Standing.ENDED,
    "SUSPEND": Standing.ENDED,
    "SUSPENDED": Standing.ENDED,
    "NEW": Standing.NOT_YET,
    "RENEW": Standing.NOT_YET,
    "NO_CERTIFICATE": Standing.NOT_YET,
    "WAITING_FOR_VERIFICATION": Standing.NOT_YET,
}
_CREDENTIALS: Final = "the service does not take this box's name and password: /etc/desahub/secrets/signature"


@dataclass(frozen=True, slots=True)
class Received:
    """An answer over HTTP."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The signed paper is to be fetched by this id."""

    document_id: str


def signed(received: Received) -> bytes | Elsewhere:
    """The signed PDF, or where it is.

    Raises:
        SignatureError: the kind says what to do. `SignatureRefused` from a refusal in words that are not known here.
    """
    if received.status == 200 and received.body.startswith(b"%PDF-"):
        if not is_whole_pdf(received.body):
            raise SignerAway("the signed paper was cut on its way: try again")
        if b"/ByteRange" not in received.body:
            raise SignatureRefused("the service gave a paper back that holds no signature")
        return received.body
    said = _json(received)
    if (
        received.status == 200
        and isinstance(said.get("id_dokumen"), str)
        and _DOCUMENT_ID.fullmatch(said["id_dokumen"])
    ):
        return Elsewhere(said["id_dokumen"])
    raise refusal(received.status, said)


def standing(received: Received) -> Standing:
    """What it says of an official. Raises `SignatureError`."""
    said = _json(received)
    word = said.get("status")
    if isinstance(word, str) and word.upper() in _STANDINGS:
        return _STANDINGS[word.upper()]
    if _number(said.get("status_code")) in _UNKNOWN_CODES:
        return Standing.UNKNOWN
    raise refusal(received.status, said)


def refusal(status: int, said: dict[str, Any]) -> SignatureError:
    """The error that an answer in JSON stands for."""
    words = next((said[name] for name in ("error", "message") if isinstance(said.get(name), str)), "")
    code = _number(said.get("status_code"))
    if code in _PASSPHRASE_CODES or ("passphrase" in words.lower() and "salah" in words.lower()):
        return PassphraseWrong("the service does not take this passphrase")
    if code in _UNKNOWN_CODES:
        return SignerUnknown("the service knows nobody with this NIK")
    if status in (401, 403):
        return SignatureRefused(_CREDENTIALS)
    if status >= 500 and not words:
        return SignerAway(f"the service has trouble of its own (HTTP {status})")
    return SignatureRefused(f"the service refuses (HTTP {status}, code {code or 'none'}): {_shown(words)}")


def of_standing(found: Standing) -> SignatureError | None:
    """The error that a certificate's standing explains; None where it can be used."""
    match found:
        case Standing.USABLE:
            return None
        case Standing.UNKNOWN:
            return SignerUnknown("the service knows nobody with this NIK")
        case Standing.ENDED:
            return CertificateEnded("the official's certificate is expired, revoked or suspended")
        case Standing.NOT_YET:
            return CertificateEnded("no certificate was issued to this official so far")


def _json(received: Received) -> dict[str, Any]:
    if received.status in (401, 403):
        raise SignatureRefused(_CREDENTIALS)
    try:
        said: Any = json.loads(received.body)
    except (ValueError, RecursionError):
        # A page of a proxy, a captive portal, a server's own trouble: it says nothing of the paper.
        raise SignerAway(f"something else than the service answered (HTTP {received.status}, no JSON)") from None
    if not isinstance(said, dict):
        raise SignerAway(f"the service answered with what is no object (HTTP {received.status})")
    inner = said.get("data")
    return {**said, **inner} if isinstance(inner, dict) else said


def _number(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    return value if isinstance(value, int) else 0


def _shown(words: str) -> str:
    """What may be told and written: printable, short, and without anything that could be a NIK."""
    clean = "".join(each for each in words if each.isprintable())[:_SAID_LENGTH_MAX]
    return re.sub(r"\d{6,}", "…", clean) or "it does not say why"
