"""The secret that signs a program's cookies, made on the machine that uses it."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import Final

from appliance.core.errors import StoreError

SECRET_BYTES: Final = 32


def load_or_make(path: Path) -> bytes:
    """Read the secret, or make it with mode 0600 at the first start. A half-written one is never seen.

    Raises:
        StoreError: it cannot be read or made, is too short, or others may read it.
    """
    try:
        if not path.exists():
            _make(path)
        mode = path.stat().st_mode & 0o777
        secret = path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from None
    if mode & 0o077 or len(secret) < SECRET_BYTES:
        raise StoreError(
            f"{path}: has mode {mode:04o} and {len(secret)} bytes, allowed are 0600 and at least {SECRET_BYTES}; "
            "delete it and start again, which logs everybody out"
        )
    return secret


def _make(path: Path) -> None:
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, secrets.token_bytes(SECRET_BYTES))
        os.fsync(file)
        # link() fails where another start was first: its secret stays.
        with contextlib.suppress(FileExistsError):
            os.link(beside, path)
    finally:
        os.close(file)
        beside.unlink()
