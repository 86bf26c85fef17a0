"""Cells of a table for spreadsheets: pure."""

from __future__ import annotations

import re
from typing import Final

BYTE_ORDER_MARK: Final = "\ufeff"  # without it Excel takes UTF-8 for another encoding
# A spreadsheet takes a text that begins so for a formula (OWASP, CSV injection).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def safe(text: str) -> str:
    """Bring a text into one line that no spreadsheet calculates: what looks like a formula gets an apostrophe."""
    is_formula = text.lstrip(" ").startswith(_FORMULA)
    line = " ".join(re.split(r"[\r\n]+", text))
    return f"'{line}" if is_formula else line
