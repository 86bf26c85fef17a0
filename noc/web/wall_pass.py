"""Who may look at the wall without an account: a screen that an admin let in, and that can be shut out again.

A link opens for a quarter of an hour and leaves a cookie that shows the wall and nothing else. Both are signed with a
key of their own: making that key anew shuts every screen out at once. Nothing is kept about screens.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from itsdangerous import BadSignature, URLSafeSerializer

from appliance.faces.secret import load_or_make

LINK_SECONDS: Final = 900
SCREEN_SECONDS: Final = 400 * 86_400  # browsers keep a cookie no longer (RFC 6265bis)


@dataclass(frozen=True, slots=True)
class Pass:
    """What a screen may see; no areas are the whole country."""

    areas: tuple[str, ...]


class Passes:
    """Makes and reads links and cookies. The key is read each time: another process may have made it anew."""

    def __init__(self, key: Path) -> None:
        self._key = key
        load_or_make(key)

    def link(self, areas: Sequence[str], now: float) -> str:
        """Make what stands in the address of a link."""
        return self._write("link", areas, now + LINK_SECONDS)

    def opened(self, token: str, now: float) -> Pass | None:
        """Read it; None where it is not ours, or too old."""
        return self._read("link", token, now)

    def cookie(self, found: Pass, now: float) -> str:
        """Make what a screen keeps."""
        return self._write("screen", found.areas, now + SCREEN_SECONDS)

    def of_cookie(self, text: str, now: float) -> Pass | None:
        """Read it; None where it is not ours, too old, or every screen was shut out since."""
        return self._read("screen", text, now)

    def shut_out(self) -> None:
        """Make the key anew. Raises `StoreError`."""
        beside = self._key.with_name(f"{self._key.name}.{secrets.token_hex(4)}")
        load_or_make(beside)
        beside.replace(self._key)

    def _signer(self, kind: str) -> URLSafeSerializer:
        return URLSafeSerializer(load_or_make(self._key), salt=f"noc-wall-{kind}")

    def _write(self, kind: str, areas: Sequence[str], until: float) -> str:
        text: str | bytes = self._signer(kind).dumps([*areas, int(until)])
        return text if isinstance(text, str) else text.decode()

    def _read(self, kind: str, text: str, now: float) -> Pass | None:
        try:
            found: Any = self._signer(kind).loads(text)
        except BadSignature:
            return None
        *areas, until = found
        return Pass(tuple(areas)) if until > now else None
