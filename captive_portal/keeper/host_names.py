"""What devices call themselves over DHCP: hostile text. Pure."""

from __future__ import annotations

import unicodedata
from typing import Final

LENGTH_MAX: Final = 64


def clean(text: str) -> str:
    """At most `LENGTH_MAX` printable characters on one line; whatever else is left out.

    Marks that stack upon a letter and signs that turn the direction of writing go too: a name must not spill over the
    row of another one, nor turn it around. Pages escape what they show all the same.
    """
    kept = (
        character
        for character in text[: 4 * LENGTH_MAX]
        if character.isprintable() and unicodedata.category(character)[0] not in "MC" and character != "\ufffd"
    )
    return "".join(kept).strip()[:LENGTH_MAX].rstrip()
