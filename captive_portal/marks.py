"""A mark in each form that only our own page could have given to this very device.

There is no cookie that a token could be compared with: login windows keep none. But the portal knows by itself who
asks. The mark is an HMAC over the device's address and MAC, so that it is worth nothing in another device's hand, and a
page of another site cannot read ours to learn it. It is asked for only where the browser's own word about the sender
(``Sec-Fetch-Site``, ``Origin``) says nothing: with ``Origin: null``. See docs/adr/0022.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

from appliance.gate.protocol import Client

FIELD: Final = "csrf_token"
_KEY_BYTES: Final = 32
_MARK_BYTES: Final = 16


class Marks:
    """Makes marks and knows them again, as long as the process lives; a page of before is loaded anew."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = secrets.token_bytes(_KEY_BYTES) if key is None else key

    def of(self, client: Client) -> str:
        """The mark of one device: 32 hexadecimal digits."""
        text = f"{client.address} {client.mac}".encode("ascii")
        return hmac.digest(self._key, text, hashlib.sha256)[:_MARK_BYTES].hex()

    def holds(self, client: Client, sent: str) -> bool:
        """Is ``sent`` the mark of this device? Takes the same time for any text."""
        return hmac.compare_digest(self.of(client).encode(), sent.encode("utf-8", "replace"))
