"""Cells of a table for spreadsheets: pure."""

from __future__ import annotations

import re
from typing import Final

BYTE_ORDER_MARK: Final = "\ufeff"  # without it Excel takes UTF-8 for another encoding
# A spreadsheet takes a text that begins so for a formula (OWASP, CSV injection).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# The same after what another country's settings take for the end of a cell, whatever quotes and spaces lie between.
_LATER_FORMULA: Final = re.compile(r"(?<=[;,\t|])(?=[\s\"]*[=+\-@\uff1d\uff0b\uff0d\uff20])")
_NO_VERSION: Final = re.compile(r"[^A-Za-z0-9.+~_-]")


def safe(text: str) -> str:
    """Bring a text into one line that no spreadsheet calculates: what looks like a formula gets an apostrophe."""
    is_formula = text.lstrip(" ").startswith(_FORMULA)
    line = " ".join(re.split(r"[\r\n]+", text))
    line = _LATER_FORMULA.sub("'", line)
    return f"'{line}" if is_formula else line


def version(text: str) -> str:
    """Bring the version that a hub says it runs into what versions are made of; anything else becomes ``_``."""
    return safe(_NO_VERSION.sub("_", text))
