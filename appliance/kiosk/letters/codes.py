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
TOKEN_LENGTH: Final = 22
_TOKEN: Final = re.compile(rf"[A-Za-z0-9_-]{{{TOKEN_LENGTH}}}")
_PRACTICE: Final = "LATIHAN-"
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


def make_practice_token() -> str:
    """A token of the same form that says what it is: wherever it is checked, the answer is that this is no letter."""
    return f"{_PRACTICE}{secrets.token_urlsafe(TOKEN_BYTES)}"[:TOKEN_LENGTH]


def is_practice_token(text: str) -> bool:
    """Was it made for training? A token of a real letter begins so once in 2 ** 48."""
    return is_token(text) and text.startswith(_PRACTICE)


def is_token(text: str) -> bool:
    """Has it the form of a token?"""
    return _TOKEN.fullmatch(text) is not None


def make_id() -> int:
    """A number for addresses: 53 bits, so that every program reads it exactly. It tells nothing and is no secret."""
    return secrets.randbelow(2**53 - 1) + 1
