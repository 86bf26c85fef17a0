"""A hub's request for its portal's certificate, and the chain that answers it.

The ACME client reads a request by itself and asks for the names that it finds. So what two readers may read in two ways
is refused: of two requests in one text it takes the last, we the first; names in Microsoft's attribute it does not see.

Source: RFC 2986 (requests), RFC 5280 section 4.2.1.6 (names), RFC 9525 (the common name counts for nothing).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.core.enrolment import PORTAL_NAMES_MAX
from appliance.core.errors import OperationError

_EXTENSION_REQUEST = x509.ObjectIdentifier("1.2.840.113549.1.9.14")
_DAMAGED = (
    ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PortalRequest:
    """What is asked for: host names in the order of the request, and the digest of the key (SHA-256, hexadecimal)."""

    names: tuple[str, ...]
    key: str


@dataclass(frozen=True, slots=True)
class Chain:
    """A certificate that came: until when it holds, in seconds of UTC since 1970, and whose key it has."""

    names: tuple[str, ...]
    key: str
    begins_s: int
    ends_s: int
    serial: int


def read_request(pem: bytes) -> PortalRequest:
    """Read a request.

    Raises:
        OperationError: it is damaged, has another kind of key, no name or too many, or asks for more than names.
    """
    try:
        found = x509.load_pem_x509_csr(pem)
        is_alone = found.public_bytes(serialization.Encoding.PEM).strip() == pem.strip()
        attributes = [each.oid for each in found.attributes]
        key = found.public_key()
        is_signed = found.is_signature_valid
        extensions = list(found.extensions)
        others = [each for each in extensions if not isinstance(each.value, x509.SubjectAlternativeName)]
        alternatives = [each.value for each in extensions if isinstance(each.value, x509.SubjectAlternativeName)]
        names = [str(each.value) if isinstance(each, x509.DNSName) else "" for one in alternatives for each in one]
        subject = [str(each.value) for each in found.subject]
    except _DAMAGED:
        raise OperationError("this is no certificate request, or it is damaged") from None
    if not is_alone:
        raise OperationError("allowed is one request in PEM form, with nothing before or after it")
    if not is_signed:
        raise OperationError("the request is not signed by its own key")
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise OperationError("the request's key is not P-256")
    if attributes != [_EXTENSION_REQUEST] or others or not set(subject) <= set(names):
        raise OperationError("the request asks for more than host names")
    if not 1 <= len(names) <= PORTAL_NAMES_MAX or len(set(names)) != len(names) or not all(names):
        raise OperationError(f"allowed are 1 to {PORTAL_NAMES_MAX} host names, each once")
    return PortalRequest(tuple(names), key_digest(key))


def read_chain(pem: bytes) -> Chain:
    """Read what an authority gave.

    Raises:
        OperationError: it is no chain of certificates.
    """
    try:
        own = x509.load_pem_x509_certificates(pem)[0]
        alternatives = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = tuple(name.lower() for name in alternatives.get_values_for_type(x509.DNSName))
        key = own.public_key()
        digest = key_digest(key) if isinstance(key, ec.EllipticCurvePublicKey) else ""
    except (x509.ExtensionNotFound, *_DAMAGED):
        raise OperationError("what the authority gave is no certificate for host names") from None
    ends = own.not_valid_after_utc
    return Chain(names, digest, int(own.not_valid_before_utc.timestamp()), int(ends.timestamp()), own.serial_number)


def key_digest(key: ec.EllipticCurvePublicKey) -> str:
    """Digest a public key, as `noc.enrolment` does."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()
