"""A box's one conversation with the NOC's enrolment service, HTTPS with an authority of the NOC's own.

Which NOC it may believe is decided here, not by the system's list of authorities: by the fingerprint in a claim code,
or by the ``ca.crt`` that is installed. Nothing is sent before that but the question for the authority's certificate.

A box may not know the date. Then the NOC's certificates are judged at a moment within their own life: what matters is
who signed them. With a clock that a time server set they are judged at the present moment.

Source: RFC 9110 (HTTP), RFC 5280 section 6 (validation, by cryptography.x509.verification), RFC 6125 (host names).
"""

from __future__ import annotations

import datetime
import http.client
import ipaddress
import json
import socket
import ssl
from types import TracebackType
from typing import Any, Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import verification

from appliance.core.claim import ClaimCode
from appliance.core.clock import Moment, WallQuality
from appliance.core.config.reporting import Noc
from appliance.core.enrolment import AUTHORITY_PATH, BODY_BYTES_MAX
from appliance.core.errors import OperationError

SECONDS: Final = 20.0
_DIFFERENT: Final = (
    "the NOC at {} is not the one this claim code was made by: its authority has another fingerprint. Compare noc.host "
    "in hub.toml with what the NOC says; if it is right, somebody stands in between"
)


class Unreachable(OperationError):  # noqa: N818 - reads as the sentence it is where it is caught
    """Nobody answers there, or not in time; later it may be otherwise."""


class Refused(OperationError):  # noqa: N818
    """The NOC answered, and says no. ``code`` is one of docs/wire.md's."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class EnrolmentLink:
    """One connection; used in a ``with``. First `trust_code` or `trust_authority`, then `ask`.

    Raises:
        Unreachable: from ``with`` and `ask`.
    """

    def __init__(self, noc: Noc, moment: Moment) -> None:
        self.name = f"{noc.host}:{noc.enrolment_port}"
        self._host, self._moment, self._is_trusted = noc.host, moment, False
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # Judged by `_trust`, which knows about boxes without a date.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self._http = http.client.HTTPSConnection(noc.host, noc.enrolment_port, timeout=SECONDS, context=context)
        # One that closed is not opened again behind our back: the next server would be another, and unjudged.
        self._http.auto_open = 0

    def __enter__(self) -> Self:
        try:
            self._http.connect()
        except (OSError, ValueError) as error:
            raise Unreachable(f"the NOC at {self.name} cannot be reached: {_reason(error)}") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def trust_code(self, code: ClaimCode) -> bytes:
        """Fetch the authority's certificate and hold it against the claim code; return it as PEM.

        Raises:
            OperationError: it is another authority's, or the server is not this authority's.
        """
        status, pem = self._exchange("GET", AUTHORITY_PATH, b"")
        if status != http.client.OK:
            raise OperationError(
                f"{self.name} is no enrolment service: it answered {status}; is noc.enrolment_port right?"
            )
        authority = _certificate(pem, self.name)
        if not code.names(authority.public_bytes(serialization.Encoding.DER)):
            raise OperationError(_DIFFERENT.format(self.name))
        self._trust(authority)
        return pem

    def trust_authority(self, authority_pem: bytes) -> None:
        """Believe a server of this authority.

        Raises:
            OperationError: the server is not this authority's.
        """
        self._trust(_certificate(authority_pem, "ca.crt"))

    def ask(self, method: str, path: str, content: dict[str, str] | None = None) -> dict[str, str]:
        """Ask for something and return the answer's fields.

        Raises:
            Refused: the NOC says no.
            OperationError: the answer is none.
        """
        if not self._is_trusted:
            raise AssertionError("nothing is asked of a server before it is known who it is")
        body = b"" if content is None else json.dumps(content).encode()
        status, said = self._exchange(method, path, body)
        fields = _fields(said)
        if status == http.client.OK:
            return fields
        raise Refused(fields.get("error", ""), f"the NOC says no: {_shown(fields.get('message', f'status {status}'))}")

    def _exchange(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        try:
            self._http.request(method, path, body or None, {"Content-Type": "application/json"} if body else {})
            answer = self._http.getresponse()
            said = answer.read(BODY_BYTES_MAX + 1)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unreachable(f"the NOC at {self.name} did not answer to the end: {_reason(error)}") from None
        if len(said) > BODY_BYTES_MAX:
            raise OperationError(f"{self.name} is no enrolment service: its answer is too long")
        return answer.status, said

    def _trust(self, authority: x509.Certificate) -> None:
        connection = self._http.sock
        shown = connection.getpeercert(binary_form=True) if isinstance(connection, ssl.SSLSocket) else None
        if shown is None:
            raise Unreachable(f"the NOC at {self.name} closed the connection")
        try:
            server = x509.load_der_x509_certificate(shown)
            verifier = (
                verification.PolicyBuilder()
                .store(verification.Store([authority]))
                .time(judged_at(self._moment, authority, server))
                .build_server_verifier(_subject(self._host))
            )
            verifier.verify(server, [])
        except (verification.VerificationError, ValueError) as error:
            raise OperationError(
                f"the server at {self.name} is not the NOC's, or not for this name ({_shown(str(error))}); nothing was "
                "sent"
            ) from None
        self._is_trusted = True


def judged_at(moment: Moment, *certificates: x509.Certificate) -> datetime.datetime:
    """Say at which moment certificates are judged: now, if a time server says so, or the nearest within their life."""
    now = datetime.datetime.fromtimestamp(min(moment.wall_ms / 1000, 253_402_300_799), datetime.UTC)
    if moment.wall_quality is WallQuality.NTP:
        return now
    begin = max(each.not_valid_before_utc for each in certificates)
    end = min(each.not_valid_after_utc for each in certificates)
    return max(begin, min(now, end))


def _subject(host: str) -> x509.DNSName | x509.IPAddress:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _certificate(pem: bytes, where: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise OperationError(f"{where}: what should be the NOC's authority is no certificate") from None


def _fields(said: bytes) -> dict[str, str]:
    try:
        found: Any = json.loads(said)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {str(name): value for name, value in found.items() if isinstance(value, str)}


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, socket.gaierror):
        return "its name is not found"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _shown(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)[:300]
