"""What a PIN may be. Pure."""

from __future__ import annotations

import datetime
import enum
import itertools
import re
import secrets
from typing import Final

PIN_LENGTH: Final = 6
NIK_LENGTH: Final = 16
_FOUND_FIRST: Final = frozenset(
    # What people draw on a keypad, and what lists of stolen PINs begin with.
    ("147258", "258369", "159357", "159753", "357159", "147369", "123321", "112233", "332211", "121314", "142536")
)
_BETWEEN: Final = re.compile(r"[\s.\-]+")


class PinProblem(enum.StrEnum):
    """Why a new PIN is not taken."""

    FORM = "form"
    REPEATED = "repeated"
    SEQUENCE = "sequence"
    COMMON = "common"
    BIRTH_DATE = "birth_date"
    IN_NIK = "in_nik"
    DIFFERENT = "different"  # the second is not the first
    UNCHANGED = "unchanged"
    OLD_WRONG = "old_wrong"


def digits_of(text: str) -> str:
    """What was typed without what people put between digits."""
    return _BETWEEN.sub("", text[:64])


def is_nik(text: str) -> bool:
    """Has a text the form of a NIK? Whether anybody has it is another question."""
    return re.fullmatch(r"[0-9]{16}", text) is not None


def is_pin(text: str) -> bool:
    """Has a text the form of a PIN?"""
    return re.fullmatch(r"[0-9]{6}", text) is not None


def weaknesses(pin: str, birth_date: datetime.date | None, nik: str) -> tuple[PinProblem, ...]:
    """All that makes a PIN easy to guess, for who knows its owner or nothing at all; () when it is taken.

    Args:
        pin: six digits.
        birth_date: of its owner, None where nobody knows.
        nik: of its owner: the digits that many know, among them the day of birth.
    """
    checks = (
        (PinProblem.FORM, not is_pin(pin)),
        (PinProblem.REPEATED, _repeats(pin)),
        (PinProblem.SEQUENCE, _is_sequence(pin)),
        (PinProblem.COMMON, pin in _FOUND_FIRST),
        (PinProblem.BIRTH_DATE, birth_date is not None and pin in _dates(birth_date)),
        (PinProblem.IN_NIK, bool(pin) and pin in nik),
    )
    return tuple(problem for problem, holds in checks if holds)


def make_pin(birth_date: datetime.date | None, nik: str) -> str:
    """A PIN for the slip from the office, which nobody could have guessed."""
    while True:
        pin = "".join(secrets.choice("0123456789") for _ in range(PIN_LENGTH))
        if not weaknesses(pin, birth_date, nik):
            return pin


def _repeats(pin: str) -> bool:
    # 111111, 121212, 123123, and 115111: not more than two digits in all.
    return len(set(pin)) <= 2 or pin[:3] == pin[3:]


def _is_sequence(pin: str) -> bool:
    # 123456, 654321, 246802, and over the end of the keypad: 890123.
    steps = {(int(after) - int(before)) % 10 for before, after in itertools.pairwise(pin)} if is_pin(pin) else set()
    return len(steps) == 1 and bool(steps & {1, 2, 8, 9})


def _dates(date: datetime.date) -> frozenset[str]:
    forms = ("%d%m%y", "%y%m%d", "%m%d%y", "%y%d%m", "%d%m%Y", "%Y%m%d", "%m%Y", "%Y%m")
    written = [date.strftime(form) for form in forms]
    return frozenset(
        text[start : start + PIN_LENGTH] for text in written for start in range(len(text) - PIN_LENGTH + 1)
    )
