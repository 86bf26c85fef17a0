"""What names and PINs of accounts are: made by the box, easy to copy from a screen, and about nobody. Pure.

Both travel through the residents' open air, where anybody near can read them. So nobody chooses them: a chosen PIN
would be the one of the letters, of the bank card or the year of birth.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Final

PIN_LENGTH: Final = 6
_DIGITS: Final = "0123456789"
# Short, known everywhere in Indonesia, spelled in one way, and no word that anybody would mind to be called by.
WORDS: Final = (
    "anggrek", "apel", "awan", "bakau", "bambu", "bintang", "bulan", "cempaka", "dahlia", "danau", "delima", "duku",
    "elang", "embun", "gunung", "hujan", "jambu", "jati", "jeruk", "kamboja", "kelapa", "kenanga", "kerapu", "kolam",
    "kopi", "laut", "lontar", "madu", "mangga", "mawar", "melati", "merpati", "muara", "nanas", "ombak", "padi",
    "pandan",
    "pantai", "pelangi", "pinus", "rotan", "rusa", "salak", "sawah", "sawo", "senja", "seruni", "sungai", "taman",
    "telaga", "teratai", "terumbu", "tomat", "udang",
)  # fmt: skip
_REFERENCE_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_REFERENCE_LENGTH: Final = 8
_BETWEEN: Final = str.maketrans("", "", " \t\r\n\u00a0-_.\u2010\u2011\u2012\u2013\u2014\u2015\u2212")


@dataclass(frozen=True, slots=True)
class Slip:
    """What a resident takes home: a name and a PIN, each without spaces."""

    name: str
    pin: str = field(repr=False)

    @property
    def name_shown(self) -> str:
        """The name as it is shown, in two parts."""
        word = self.name.rstrip(_DIGITS)
        return f"{word} {self.name[len(word) :]}"

    @property
    def pin_shown(self) -> str:
        """The PIN as it is shown, in two parts."""
        half = len(self.pin) // 2
        return f"{self.pin[:half]} {self.pin[half:]}"


def make_slip() -> Slip:
    """A name and a PIN at random. Names are about 480,000; who makes an account asks again for one that is taken."""
    number = "".join(secrets.choice(_DIGITS[1:]) for _ in range(4))
    pin = "".join(secrets.choice(_DIGITS) for _ in range(PIN_LENGTH))
    # Where all digits are alike people think it is an example.
    return Slip(f"{secrets.choice(WORDS)}{number}", pin) if len(set(pin)) > 2 else make_slip()


def make_reference() -> str:
    """How the history calls an account; says nothing about it."""
    return "A-" + "".join(secrets.choice(_REFERENCE_LETTERS) for _ in range(_REFERENCE_LENGTH))


def normal_name(typed: str) -> str:
    """A name as it is kept: without what people put between its parts, in small letters."""
    return typed.translate(_BETWEEN).casefold()


def normal_pin(typed: str) -> str:
    """A PIN without what people put between its digits."""
    return typed.translate(_BETWEEN)
