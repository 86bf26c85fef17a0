"""The key that signs commands: Ed25519, made once, readable by the one user that signs. Source: RFC 8032, RFC 8410."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.core.commands import seal, to_sign
from appliance.core.errors import OperationError

KEY_NAME: Final = "command.key"


def make() -> bytes:
    """Make a key, as PEM."""
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def read(path: Path) -> Ed25519PrivateKey:
    """Read the key. Raises `OperationError`."""
    try:
        found = serialization.load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise OperationError(f"{path}: {error.strerror}; run this as root, after desahub-noc init") from None
    except (ValueError, TypeError):
        found = None
    if not isinstance(found, Ed25519PrivateKey):
        raise OperationError(f"{path}: this is no Ed25519 key; put it back from the backup")
    return found


def public_pem(key: Ed25519PrivateKey) -> bytes:
    """The public key, as hubs are brought it."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def fingerprint(key: Ed25519PrivateKey) -> str:
    """What ``desahub operator trust`` prints too, for a person to compare."""
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    digits = hashlib.sha256(raw).hexdigest()
    return " ".join(digits[at : at + 4] for at in range(0, 16, 4))


def signer(key: Ed25519PrivateKey) -> Callable[[bytes], bytes]:
    """Make what turns a body into a message that travels."""
    return lambda body: seal(body, key.sign(to_sign(body)))
