"""The two keys of vouchers, each in a file of the portal's state folder that only its user reads.

``voucher.key`` is made at first run and never leaves the box. ``district.key`` is the district's, the same on all its
hubs, and brought by a technician; where there is none, no district code is taken.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.core.errors import StoreError
from appliance.faces import secret
from captive_portal.vouchers.codes import KEY_BYTES

LOCAL_NAME: Final = "voucher.key"
DISTRICT_NAME: Final = "district.key"


@dataclass(frozen=True, slots=True)
class VoucherKeys:
    """The local key, and the file in which the district's may be."""

    local: bytes
    district_path: Path

    def district(self) -> bytes | None:
        """The district's key as it is now, None without one. Raises `StoreError`: it is there and cannot be used."""
        try:
            text = self.district_path.read_text("ascii")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise StoreError(f"{self.district_path}: cannot be read: {error}") from None
        return parse_key(text, str(self.district_path))


def open_keys(folder: Path) -> VoucherKeys:
    """Read the keys in the portal's state folder, making the local one at first run. Raises `StoreError`."""
    return VoucherKeys(secret.load_or_make(folder / LOCAL_NAME)[:KEY_BYTES], folder / DISTRICT_NAME)


def parse_key(text: str, where: str) -> bytes:
    """Read a key written as 64 hexadecimal digits. Raises `StoreError`, naming ``where`` but not the text."""
    with contextlib.suppress(ValueError):
        key = bytes.fromhex(text.strip())
        if len(key) == KEY_BYTES:
            return key
    raise StoreError(f"{where}: holds no key; allowed are {2 * KEY_BYTES} hexadecimal digits")


def install_district_key(path: Path, text: str) -> None:
    """Replace the district's key, durably, with mode 0600; "" takes it away. Raises `StoreError`."""
    try:
        if not text:
            path.unlink(missing_ok=True)
        else:
            parse_key(text, "the district's key")
            beside = path.with_name(f"{path.name}.new")
            file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(file, "w", encoding="ascii") as written:
                written.write(f"{text.strip()}\n")
                written.flush()
                os.fsync(file)
            beside.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}; the key was not replaced") from None
