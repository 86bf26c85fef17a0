"""The NOC's public key for commands: brought by a technician, believed only where root alone could write it.

Source: RFC 8032 (Ed25519), RFC 8410 (its key in PEM).
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from appliance.core.commands import Sealed, to_sign
from appliance.core.errors import OperationError
from appliance.system.files import write_durably

KEY_PATH: Final = Path("/etc/desahub/noc-command.pub")
_BYTES_MAX: Final = 4_096


def read_key(path: Path) -> Ed25519PublicKey | None:
    """Read the key; None where there is none: this hub then takes no commands.

    Raises:
        OperationError: the file is no such key, or somebody besides root and this user could have written it.
    """
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            content = file.read(_BYTES_MAX)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OperationError(f"{path}: {error.strerror}") from None
    if not stat.S_ISREG(found.st_mode) or found.st_uid not in (0, os.geteuid()) or found.st_mode & 0o022:
        raise OperationError(f"{path}: others than root can write it, so it is not believed; bring the key again")
    return _parse(content, str(path))


def install_key(path: Path, content: bytes) -> str:
    """Put the NOC's public key in its place; return its fingerprint, to be compared. Raises `OperationError`."""
    key = _parse(content, "the key that was brought")
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    write_durably(path, pem.decode("ascii"))
    return fingerprint(key)


def fingerprint(key: Ed25519PublicKey) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the key, in groups of four."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    digits = hashlib.sha256(raw).hexdigest()
    return " ".join(digits[at : at + 4] for at in range(0, 16, 4))


def holds(key: Ed25519PublicKey, sealed: Sealed) -> bool:
    """Tell whether the NOC signed this body, as a command."""
    try:
        key.verify(sealed.signature, to_sign(sealed.body))
    except InvalidSignature:
        return False
    return True


def _parse(content: bytes, where: str) -> Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise OperationError(f"{where}: this is no Ed25519 public key in PEM; desahub-noc command key writes one")
    return key
