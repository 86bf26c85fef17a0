"""What the standing screen promises. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# Somebody who walked away must not leave their papers to the next in the queue.
IDLE_SECONDS: Final = 60
# Enough to read one sentence and press one button.
WARN_SECONDS: Final = 20
# A bell that nobody answered on the same day is not rung any more.
CALL_SECONDS: Final = 4 * 3600


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody at the screen rang for an officer.

    Args:
        id: of the entry.
        called_at: Unix seconds.
        where: the page that was open, by its path; it carries no personal data.
    """

    id: int
    called_at: int
    where: str


def safe_path(text: str) -> str:
    """A path on this very host to go back to, or the front page where ``text`` is none.

    >>> safe_path("/surat/usaha")
    '/surat/usaha'
    >>> safe_path("//elsewhere.example")
    '/'
    """
    is_path = text.startswith("/") and not text.startswith(("//", "/\\")) and len(text) <= 200
    return text if is_path and text.isascii() and text.isprintable() and not set(text) & set("?#\\ ") else "/"
