"""Claim codes at the NOC: made, shown once, and kept as a digest that takes centuries to turn back."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

from cryptography.hazmat.primitives import serialization

from appliance.core import claim
from noc.enrol import Authority
from noc.enrolment.ledger import Ledger
from noc.enrolment.rules import Claim

# 16 MiB and some 50 ms: for 40 bits that is some 1,700 years of one processor.
_SCRYPT: Final = {"n": 2**14, "r": 8, "p": 1, "dklen": 32, "maxmem": 64 * 1024 * 1024}
_NOBODY: Final = Claim("", bytes(16), bytes(32), 0)


def digest(secret: str, salt: bytes) -> bytes:
    """Digest the secret part of a code."""
    return hashlib.scrypt(secret.encode("ascii", "replace"), salt=salt, **_SCRYPT)


def is_right(found: Claim | None, secret: str) -> bool:
    """Compare in a time that says neither how near a guess was, nor whether the hub has a claim."""
    kept = found or _NOBODY
    return hmac.compare_digest(kept.digest, digest(secret, kept.salt)) and found is not None


def make(ledger: Ledger, authority: Authority, hub_id: str, days: int) -> str:
    """Make a new code for a hub, void any older one, and return it: it is shown this once.

    Raises:
        StoreError: nothing was made.
    """
    code = claim.make(secrets.token_bytes(5), authority.certificate.public_bytes(serialization.Encoding.DER))
    salt = secrets.token_bytes(16)
    made = digest(code.secret, salt)
    with ledger.page() as page:
        page.put_claim(Claim(hub_id, salt, made, page.now_s + days * 86_400))
        page.note(hub_id, "", "claim made")
    return code.text()
