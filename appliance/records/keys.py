"""The pair of keys: the public one on the box, the private one anywhere else."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from appliance.core.errors import OperationError


def make() -> tuple[bytes, bytes]:
    """A new private key and its public key, both in PEM (PKCS #8, SubjectPublicKeyInfo; RFC 8410)."""
    key = X25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private, public


def public(text: bytes, name: str) -> X25519PublicKey:
    """Read a public key. Raises `OperationError`, which names ``name``."""
    try:
        found = serialization.load_pem_public_key(text)
    except (ValueError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, X25519PublicKey):
        raise OperationError(f"{name}: is no public key for records; desahub records keygen makes one")
    return found


def private(text: bytes, name: str) -> X25519PrivateKey:
    """Read a private key. Raises `OperationError`, which names ``name``."""
    try:
        found = serialization.load_pem_private_key(text, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, X25519PrivateKey):
        raise OperationError(f"{name}: is no private key for records; it was made by desahub records keygen")
    return found
