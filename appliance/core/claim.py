"""The claim code a technician types once: who the box is to the NOC, and which NOC it may believe. Pure.

Twenty-five characters of Crockford's alphabet in five groups: 8 of a secret (40 bits), 16 of the authority's
fingerprint (80 bits of the SHA-256 of its certificate), and one to check. The check is a sum over the field of 32
elements, each character weighted with a power of its generator: any one character mistyped, and any two exchanged, are
noticed.

Source: Crockford, https://www.crockford.com/base32.html; x^5 + x^2 + 1 is primitive over GF(2).
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from appliance.core.errors import OperationError

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SECRET_LENGTH: Final = 8
FINGERPRINT_LENGTH: Final = 16
LENGTH: Final = SECRET_LENGTH + FINGERPRINT_LENGTH + 1
TYPED_LENGTH_MAX: Final = 100
_GROUP: Final = 5
_VALUE: Final = {character: value for value, character in enumerate(ALPHABET)}
_BETWEEN: Final = frozenset(" \t\r\n\u00a0\ufeff-_.\u2010\u2011\u2012\u2013\u2014\u2015\u2212")
_READ_AS: Final = str.maketrans("OIL", "011")


@dataclass(frozen=True, slots=True)
class ClaimCode:
    """The two parts of a code, in Crockford's alphabet."""

    secret: str
    fingerprint: str

    def text(self) -> str:
        """Write it as it is read out and typed: five groups of five."""
        whole = self.secret + self.fingerprint
        whole += ALPHABET[_check(whole)]
        return "-".join(whole[start : start + _GROUP] for start in range(0, LENGTH, _GROUP))

    def names(self, certificate_der: bytes) -> bool:
        """Tell whether this code was made by the authority of this certificate."""
        return hmac.compare_digest(self.fingerprint, fingerprint(certificate_der))


def make(secret_bytes: bytes, certificate_der: bytes) -> ClaimCode:
    """Make a code from five random bytes and the authority's certificate.

    Raises:
        ValueError: there are not five bytes.
    """
    if len(secret_bytes) != SECRET_LENGTH * 5 // 8:
        raise ValueError("a claim code takes five random bytes")
    return ClaimCode(_characters(secret_bytes), fingerprint(certificate_der))


def parse(typed: str) -> ClaimCode:
    """Read what a person typed: case, spaces and hyphens do not matter, O is 0, I and L are 1.

    Raises:
        OperationError: it is no code; the text says what is wrong with it, and does not repeat it.
    """
    if len(typed) > TYPED_LENGTH_MAX:
        raise OperationError(f"this is longer than a claim code, which has {LENGTH} characters")
    found = "".join(c for c in typed if c not in _BETWEEN).upper().translate(_READ_AS)
    if wrong := sorted(set(found) - _VALUE.keys()):
        shown = " ".join(ascii(character) for character in wrong[:3])
        raise OperationError(f"a claim code holds no {shown}; allowed are digits and letters without I, L, O and U")
    if len(found) != LENGTH:
        raise OperationError(f"this has {len(found)} characters; a claim code has {LENGTH}, in five groups of five")
    if _check(found):
        raise OperationError("one character is mistyped, or two are exchanged; compare the claim code group by group")
    return ClaimCode(found[:SECRET_LENGTH], found[SECRET_LENGTH:-1])


def fingerprint(certificate_der: bytes) -> str:
    """Name an authority by the first 80 bits of its certificate's SHA-256."""
    return _characters(hashlib.sha256(certificate_der).digest()[: FINGERPRINT_LENGTH * 5 // 8])


def _characters(content: bytes) -> str:
    number = int.from_bytes(content, "big")
    count = len(content) * 8 // 5
    return "".join(ALPHABET[number >> 5 * place & 31] for place in range(count - 1, -1, -1))


def _check(characters: str) -> int:
    """Sum up with Horner's rule; with the check itself at the end it is 0, without it what the check must be."""
    total = 0
    for character in characters.ljust(LENGTH, "0"):
        total <<= 1
        if total & 32:
            total ^= 0b100101
        total ^= _VALUE[character]
    return total
