"""What a hub and the NOC's enrolment service say to each other, for both sides. Pure; docs/wire.md describes it.

HTTPS, one short JSON object each way. ``claim`` exchanges a claim code for the first certificate, ``renew`` an old
certificate, however long ago it ended, for a new one. A box proves that the old one is its own by signing a number that
the NOC chose, together with its request, so that nobody can say it again. ``portal`` asks, with the same proof, for the
portal's certificate, which a public authority gives and the NOC obtains.
"""

from __future__ import annotations

import enum
import hashlib
from typing import Final

AUTHORITY_PATH: Final = "/v1/authority"
NONCE_PATH: Final = "/v1/nonce"
CLAIM_PATH: Final = "/v1/claim"
RENEW_PATH: Final = "/v1/renew"
PORTAL_PATH: Final = "/v1/portal"
BODY_BYTES_MAX: Final = 16 * 1024
PORT: Final = 8443
# A box asks for a new certificate when a third of the old one's life is left, or a little before.
RENEW_AT: Final = 1 / 3
SPREAD: Final = 1 / 18
# The portal's name and a few that stand beside it in one certificate.
PORTAL_NAMES_MAX: Final = 5
# Of whoever asks in vain for the portal's certificate: what becomes another only with a new key.
KEY_REUSED: Final = "key_reused"
# The NOC does not give this name to this hub.
NAME_REFUSED: Final = "name_refused"


class PortalState(enum.StrEnum):
    """What became of a request for the portal's certificate."""

    WAITING = "waiting"
    DONE = "done"


def renewal_text(nonce: str, request_pem: bytes) -> bytes:
    """Write what the old key signs (ECDSA with SHA-256) to prove that it asks, now, for this very request."""
    return b"desahub renew 1\n" + nonce.encode("ascii", "replace") + b"\n" + hashlib.sha256(request_pem).digest()


def portal_text(nonce: str, request_pem: bytes) -> bytes:
    """Write what a box's key signs (as for a renewal) to prove that it asks for the portal's certificate."""
    return b"desahub portal 1\n" + nonce.encode("ascii", "replace") + b"\n" + hashlib.sha256(request_pem).digest()


def renewal_due_s(begin_s: int, end_s: int, serial: int) -> int:
    """Say from when on a certificate is renewed, in seconds of UTC since 1970.

    A third of its life before its end, and by up to an eighteenth earlier, by its serial number: hubs that were
    enrolled in one week come back on different days.
    """
    life = max(0, end_s - begin_s)
    fraction = int.from_bytes(hashlib.sha256(str(serial).encode()).digest()[:4], "big") / 2**32
    return int(end_s - life * (RENEW_AT + SPREAD * fraction))
