"""How a box proves who it is: a number of ours, signed by the key of its certificate, together with its request."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from noc import enrol
from noc.enrolment.rules import RefusalCode, Refused

NONCE_SECONDS: Final = 120
NONCES_USED_MAX: Final = 100_000
# What a box sends to prove itself; the request is what the proof is for.
PROOF_FIELDS: Final = ("certificate", "request", "nonce", "signature")


class Nonces:
    """Numbers of which each proves one thing once. What is open costs no memory: a nonce vouches for itself."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic, self._key = monotonic, secrets.token_bytes(32)
        self._used: OrderedDict[str, float] = OrderedDict()

    def make(self) -> str:
        """Make one, good for `NONCE_SECONDS`."""
        told = f"{int(self._monotonic()):016x}{secrets.token_hex(8)}"
        return told + self._tag(told)

    def use(self, nonce: str) -> bool:
        """Take one back: True if it was made here, is young, and was not used."""
        told, tag = nonce[:32], nonce[32:]
        if not hmac.compare_digest(tag.encode("utf-8", "replace"), self._tag(told).encode()):
            return False
        now = self._monotonic()
        while self._used and (len(self._used) >= NONCES_USED_MAX or next(iter(self._used.values())) < now):
            self._used.popitem(last=False)
        if nonce in self._used or now - int(told[:16], 16) >= NONCE_SECONDS:
            return False
        self._used[nonce] = now + NONCE_SECONDS
        return True

    def _tag(self, told: str) -> str:
        return hmac.new(self._key, told.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:32]


def proved(
    authority: enrol.Authority, nonces: Nonces, fields: Mapping[str, str], text: Callable[[str, bytes], bytes]
) -> x509.Certificate:
    """Check the `PROOF_FIELDS` and return the certificate whose key is at the other end; it may have ended.

    ``text`` makes of nonce and request what was signed. Raises `Refused`.
    """
    try:
        old = x509.load_pem_x509_certificate(fields["certificate"].encode())
        key = old.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise Refused(RefusalCode.MALFORMED, "the old certificate is none, or it is damaged") from None
    if not (enrol.is_of(authority, old) and _is_client(old) and isinstance(key, ec.EllipticCurvePublicKey)):
        raise Refused(RefusalCode.FOREIGN)
    signed = text(fields["nonce"], fields["request"].encode())
    try:
        key.verify(base64.b64decode(fields["signature"], validate=True), signed, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, binascii.Error, ValueError):
        raise Refused(RefusalCode.PROOF) from None
    # Last, so that only who has a key of ours can use one up.
    if not nonces.use(fields["nonce"]):
        raise Refused(RefusalCode.PROOF)
    return old


def name_of(certificate: x509.Certificate) -> str:
    """The one name of a certificate, "" where it is not one."""
    names = [str(each.value) for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return names[0] if len(names) == 1 else ""


def digest_of(key: ec.EllipticCurvePublicKey) -> str:
    """Digest a public key: SHA-256 of its SubjectPublicKeyInfo, hexadecimal."""
    return hashlib.sha256(
        key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    ).hexdigest()


def fields_of(body: bytes, *names: str) -> dict[str, str]:
    """Read a body of exactly these fields, all plain text. Raises `Refused`."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(RefusalCode.MALFORMED, "the body is no JSON") from None
    if not isinstance(found, dict) or set(found) != set(names):
        raise Refused(RefusalCode.MALFORMED, f"allowed is one object with {', '.join(names)}")
    if not all(isinstance(value, str) and value.isascii() for value in found.values()):
        raise Refused(RefusalCode.MALFORMED, "all values are plain text")
    return found


def _is_client(certificate: x509.Certificate) -> bool:
    """The NOC's own servers have certificates of this authority too, and are no hubs."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return ExtendedKeyUsageOID.CLIENT_AUTH in usage
