"""What is random about a letter: receipts' codes, tokens, ids. And how a code that somebody typed is read.

Source: Crockford's Base32 (https://www.crockford.com/base32.html): no I, L, O or U; what looks like a digit is read
as one.
"""

from __future__ import annotations

import re
import secrets
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH: Final = 8
TOKEN_BYTES: Final = 16
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22}")
_SLIPS: Final = str.maketrans("OIL", "011")
_CODE: Final = re.compile(f"[{ALPHABET}]{{{CODE_LENGTH}}}")


def make_code() -> str:
    """40 random bits for people to type; whoever guesses is slowed down (`appliance.kiosk.letters.tries`)."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def read_code(typed: str) -> str | None:
    """The code that was meant, or None: blanks and hyphens do not count, nor whether letters are small."""
    if len(typed) > 40:
        return None
    plain = re.sub(r"[\s-]", "", typed).upper().translate(_SLIPS)
    return plain if _CODE.fullmatch(plain) else None


def shown_code(code: str) -> str:
    """``7K2M-9Q4T``: in two parts, as it is printed and read out."""
    return f"{code[:4]}-{code[4:]}"


def make_token() -> str:
    """128 random bits for a QR code."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def is_token(text: str) -> bool:
    """Has it the form of a token?"""
    return _TOKEN.fullmatch(text) is not None


def make_id() -> int:
    """A number for addresses: 53 bits, so that every program reads it exactly. It tells nothing and is no secret."""
    return secrets.randbelow(2**53 - 1) + 1
