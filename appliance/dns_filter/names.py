"""Domain names as the filter compares them: lower case, ASCII, without the last dot. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Set
from typing import Final

from appliance.core.registries import REGISTRIES

# Underscores stand in names that are asked, and in some that are blocked.
_NAME: Final = re.compile(
    rb"(?=.{4,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
# A whole registry's names are no domain to block: a slip in a list would take every office in the country away.
_REGISTRIES: Final = frozenset(name.encode("ascii") for name in REGISTRIES)


def normalise(text: bytes) -> bytes | None:
    """A name as a list or a person writes it, in the form that is compared; None where it is no domain to block."""
    name = text.strip().lower().rstrip(b".")
    if not name.isascii():
        try:
            name = name.decode("utf-8").encode("idna").lower()
        except UnicodeError:
            return None
    return name if _NAME.fullmatch(name) and name not in _REGISTRIES else None


def hash64(name: bytes) -> int:
    """64 bits that stand for a normalised name.

    Among 3 million, one name in 10^12 that is not listed meets a listed one by chance.
    """
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "little")


def suffixes(name: bytes) -> Iterator[bytes]:
    """The name and every domain above it that has a dot, the longest first."""
    while b"." in name:
        yield name
        name = name.partition(b".")[2]


def is_under(name: bytes, domains: Set[bytes]) -> bool:
    """Is ``name`` one of ``domains`` or below one?"""
    return any(suffix in domains for suffix in suffixes(name))
