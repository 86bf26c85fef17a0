"""Ask an eSign Client Service over HTTPS: sign a PDF, and how an official's certificate stands.

Source: Petunjuk Teknis API Esign Client Service (BSrE), service version 1: ``POST /api/sign/pdf`` as
multipart/form-data, ``GET /api/sign/download/ID``, ``GET /api/user/status/NIK``, HTTP basic authentication.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import secrets
import socket
import ssl
import threading
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from appliance.core.errors import SignatureRefused, SignerAway
from appliance.papers import esign_answers
from appliance.papers.esign_answers import Elsewhere, Received
from appliance.papers.signing import Standing, check_nik, check_request

_ANSWER_BYTES_MAX: Final = 6_000_000
_CHUNK_BYTES: Final = 65_536
# The letter shows its own QR and signature block: the service adds nothing that is seen.
_INVISIBLE: Final = "invisible"
_FILE_NAME: Final = "surat.pdf"


@dataclass(frozen=True, slots=True)
class EsignService:
    """One service.

    Args:
        address: ``https://HOST`` or ``https://HOST/PATH``.
        credentials: ``NAME:PASSWORD`` of this box.
        answer_seconds: for one question with its answer, connecting included.
        trust: which certificate authorities are believed.
    """

    address: str
    credentials: str = field(repr=False)
    answer_seconds: float
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)

    def sign(self, pdf: bytes, nik: str, passphrase: str) -> bytes:
        """Sign. Raises as `appliance.papers.signing.Signer.sign`."""
        check_request(pdf, nik, passphrase)
        deadline = time.monotonic() + self.answer_seconds
        body, content_type = _form(pdf, {"nik": nik, "passphrase": passphrase, "tampilan": _INVISIBLE})
        try:
            found = esign_answers.signed(self._ask("POST", "/api/sign/pdf", deadline, body, content_type))
            if isinstance(found, Elsewhere):
                again = self._ask("GET", f"/api/sign/download/{found.document_id}", deadline)
                found = esign_answers.signed(again)
        except SignatureRefused as refused:
            raise self._because(nik, deadline) or refused from None
        if isinstance(found, Elsewhere):
            raise SignatureRefused("the service names a document where it should give one")
        return found

    def standing(self, nik: str) -> Standing:
        """How the certificate of an official stands. Raises `SignatureError`."""
        check_nik(nik)
        return self._standing(nik, time.monotonic() + self.answer_seconds)

    def _standing(self, nik: str, deadline: float) -> Standing:
        return esign_answers.standing(self._ask("GET", f"/api/user/status/{nik}", deadline))

    def _because(self, nik: str, deadline: float) -> Exception | None:
        """Why a refusal whose words say nothing to us: perhaps the certificate."""
        try:
            return esign_answers.of_standing(self._standing(nik, deadline))
        except (SignatureRefused, SignerAway):
            return None

    def _ask(self, method: str, path: str, deadline: float, body: bytes = b"", content_type: str = "") -> Received:
        place = urllib.parse.urlsplit(self.address)
        headers = {
            "Authorization": "Basic " + base64.b64encode(self.credentials.encode("utf-8")).decode("ascii"),
            "Accept": "application/json, application/pdf",
            "Connection": "close",
        }
        if content_type:
            headers["Content-Type"] = content_type
        left = deadline - time.monotonic()
        if left <= 0:
            raise SignerAway("the service took too long")
        connection = http.client.HTTPSConnection(place.hostname or "", place.port, timeout=left, context=self.trust)
        with _telling(place.hostname or ""), contextlib.closing(connection):
            connection.connect()
            with _ended_at(connection.sock, deadline):
                connection.request(method, place.path + path, body or None, headers)
                response = connection.getresponse()
                data = response.read(_ANSWER_BYTES_MAX + 1)
        if len(data) > _ANSWER_BYTES_MAX:
            raise SignatureRefused("the service's answer is too long")
        if response.status // 100 == 3:
            raise SignerAway(f"the address leads elsewhere (HTTP {response.status}): correct [signature] in hub.toml")
        return Received(response.status, data)


@contextlib.contextmanager
def _ended_at(connection: socket.socket, deadline: float) -> Iterator[None]:
    """End the connection when its time is up: a timeout of a socket is for each read, and a drip begins it anew."""

    def end() -> None:
        with contextlib.suppress(OSError):
            # The socket's own: TLS's would take the connection apart under the thread that reads it.
            socket.socket.shutdown(connection, socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, deadline - time.monotonic()), end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextlib.contextmanager
def _telling(host: str) -> Iterator[None]:
    """Faults of the line in words; none of them holds what was sent."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise SignerAway(f"{host}: its certificate is not trusted: {error.verify_message}") from None
    except socket.gaierror:
        raise SignerAway(f"{host}: no such name, or no line to ask for it") from None
    except (OSError, http.client.HTTPException) as error:
        raise SignerAway(f"{host}: no answer: {type(error).__name__}") from None


def _form(pdf: bytes, fields: dict[str, str]) -> tuple[bytes, str]:
    """A form with one file, and its content type. Source: RFC 7578."""
    boundary = secrets.token_hex(16)
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{_FILE_NAME}"\r\n'
        "Content-Type: application/pdf\r\n\r\n"
    )
    parts += [head.encode("ascii"), pdf, f"\r\n--{boundary}--\r\n".encode("ascii")]
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"
