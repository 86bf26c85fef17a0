"""The broker's door, tried with certificates: who is let in, and whose place is taken.

A client that connects with a name takes the place of the one that is there under it (MQTT 5.0, 3.1.4). So whoever holds
the authority can end one hub's connection at any broker, and disturb no other.

Source: MQTT Version 5.0, sections 3.1, 3.2 and 3.14.
"""

from __future__ import annotations

import socket
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

SECONDS: Final = 5.0
# MQTT 5, clean start, keepalive 5 s, no properties, no client id: the broker takes the certificate's name.
_CONNECT: Final = bytes.fromhex("100d00044d51545405020005000000")
_DISCONNECT: Final = bytes.fromhex("e000")
_CONNACK: Final = 0x20


class Door(Protocol):
    """What `revoking` asks of the broker. Raises OSError when there is none."""

    def lets_in(self, certificate_pem: bytes, key: ec.EllipticCurvePrivateKey) -> bool: ...


@dataclass(frozen=True, slots=True)
class BrokerDoor:
    """The real one: the broker at ``host`` and ``port``, with a certificate of the authority in ``authority_file``."""

    host: str
    port: int
    authority_file: Path

    def lets_in(self, certificate_pem: bytes, key: ec.EllipticCurvePrivateKey) -> bool:
        """Connect, and leave again: True if the broker took this client, False if TLS or MQTT refused it.

        Raises:
            OSError: the broker cannot be reached, or is not the NOC's.
        """
        context = ssl.create_default_context(cafile=str(self.authority_file))
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        # ssl reads certificates from files only.
        with tempfile.NamedTemporaryFile(prefix="door-") as file:
            file.write(certificate_pem + pem)
            file.flush()
            context.load_cert_chain(file.name)
        with (
            socket.create_connection((self.host, self.port), timeout=SECONDS) as raw,
            context.wrap_socket(raw, server_hostname=self.host) as connection,
        ):
            return _is_taken(connection)


def _is_taken(connection: ssl.SSLSocket) -> bool:
    # With TLS 1.3 a client learns only now whether its certificate was taken.
    try:
        connection.sendall(_CONNECT)
        answer = b""
        while len(answer) < 4:
            more = connection.recv(4 - len(answer))
            if not more:
                return False
            answer += more
        if answer[0] != _CONNACK or answer[3] != 0:
            return False
        connection.sendall(_DISCONNECT)
    except (ssl.SSLError, ConnectionError):
        return False
    return True
