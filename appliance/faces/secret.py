"""The secret that signs a program's cookies, made on the machine that uses it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from appliance.store import keys

SECRET_BYTES: Final = keys.KEY_BYTES


def load_or_make(path: Path) -> bytes:
    """Read the secret, or make it with mode 0600 at the first start. Keys that seal data: `appliance.store.keys.load`.

    Raises:
        StoreError: it cannot be read or made, is too short, or others may read it.
    """
    return keys.read_or_make(path, "delete it and start again, which logs everybody out")
