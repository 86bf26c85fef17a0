"""Personal data at rest: sealed columns, and keyed digests by which a sealed value is found again.

The key lies in a file beside the database. A copy of the database alone shows nobody's name; whoever has both reads
all.

Source: NIST SP 800-38D (AES-GCM: 96 random bits of nonce serve 2**32 seals of one key); RFC 2104 (HMAC).
"""

from __future__ import annotations

import hmac
import secrets
from functools import cached_property
from typing import TYPE_CHECKING, Final

from appliance.core.errors import StoreError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
INDEX_BYTES: Final = 16
_NONCE_BYTES: Final = 12


class Vault:
    """Seals text for one place: a table and column, such as ``residents.nik``. Sealed for one it opens nowhere else.

    Args:
        key: 32 random bytes. Keys for sealing and for digests are derived from it.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError(f"a key has at least {KEY_BYTES} bytes, this one {len(key)}")
        self._seal_key = hmac.digest(key, b"vault: seal", "sha256")
        self._index_key = hmac.digest(key, b"vault: index", "sha256")
        self._derive_key = hmac.digest(key, b"vault: derive", "sha256")

    @cached_property
    def _cipher(self) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - takes memory; not all need it

        return AESGCM(self._seal_key)

    def seal(self, text: str, place: str) -> bytes:
        """Seal ``text`` for ``place``; equal texts give different bytes."""
        return self.seal_bytes(text.encode(), place)

    def open(self, sealed: bytes, place: str) -> str:
        """The text that was sealed for ``place``. Raises `StoreError` where key, place or bytes are others."""
        return self.open_bytes(sealed, place).decode()

    def seal_bytes(self, content: bytes, place: str) -> bytes:
        """As `seal`, for content that is no text."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, place.encode())

    def open_bytes(self, sealed: bytes, place: str) -> bytes:
        """As `open`, for content that is no text."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as above

        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.encode())
        except (InvalidTag, ValueError):
            raise StoreError(
                f"{place}: cannot be opened with this key; the key's file and the database belong together"
            ) from None

    def index(self, text: str, place: str) -> bytes:
        """A digest by which equal texts of one place are found; without the key it tells nothing of the text."""
        return hmac.digest(self._index_key, f"{place}\0{text}".encode(), "sha256")[:INDEX_BYTES]

    def derived_key(self, purpose: str) -> bytes:
        """A key of its own for what seals by itself, such as the secrets of second factors."""
        return hmac.digest(self._derive_key, purpose.encode(), "sha256")
