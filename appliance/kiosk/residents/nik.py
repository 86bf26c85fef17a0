"""NIK, the number of a resident: PPKKCC (area), DDMMYY (birth, the day + 40 for women), and a serial. Pure.

There is no check digit. What is certainly wrong is refused, each mistake by its own name; what may be right though it
looks odd is a warning: an area's number stays valid after the area was split.

Source: UU 24/2013 article 13; PP 40/2019 article 36; Permendagri 72/2022 and its annex of area codes.
"""

from __future__ import annotations

import datetime
import enum
import re
from dataclasses import dataclass
from typing import Final

from appliance.kiosk.residents.codes import Sex

LENGTH: Final = 16
_WOMAN_DAYS: Final = 40
# 54 was Timor Timur: people born there carry it. 91 to 96 are Papua's six.
PROVINCES: Final = frozenset(
    f"{each:02}"
    for each in (*range(11, 22), *range(31, 37), *range(51, 55), *range(61, 66), *range(71, 77), 81, 82, *range(91, 98))
)
# What people and programs put between the digits, and what they cannot see.
_BETWEEN: Final = re.compile(r"[\s.\-_\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+")
# "5,10301E+15": a spreadsheet has made a number of it, and the last digits are gone.
_SCIENTIFIC: Final = re.compile(r"[0-9]([.,][0-9]*)?[eE]\+?[0-9]{1,2}", re.ASCII)
_WITH_FRACTION: Final = re.compile(r"[0-9]{12,}[.,]0+", re.ASCII)
_DIGITS: Final = re.compile(r"[0-9]+", re.ASCII)


class Mistake(enum.StrEnum):
    """Why a text is no NIK."""

    EMPTY = "empty"
    ZERO = "zero"  # OpenSID writes 0 for who has none yet
    SPREADSHEET = "spreadsheet"
    LETTERS = "letters"
    LENGTH = "length"
    AREA = "area"
    DATE = "date"
    SERIAL = "serial"


class Oddity(enum.StrEnum):
    """What is odd about a NIK, and may be right."""

    AREA = "area"  # issued elsewhere, or before the area was split
    SEX = "sex"
    BIRTH_DATE = "birth_date"


class NikInvalid(ValueError):  # noqa: N818 - reads as the sentence it is
    """A text that is no NIK; the number itself is not in the message."""

    def __init__(self, mistake: Mistake, found: int = 0) -> None:
        self.mistake, self.found = mistake, found
        super().__init__(f"no NIK: {mistake.value}" + (f" ({found} digits, not {LENGTH})" if found else ""))


@dataclass(frozen=True, slots=True)
class Nik:
    """A NIK and what it says. ``year`` has two digits: the number does not tell the century."""

    text: str
    area: str
    sex: Sex
    day: int
    month: int
    year: int
    serial: str
    oddities: tuple[Oddity, ...] = ()

    def is_born_on(self, date: datetime.date) -> bool:
        """Does the date agree with the number?"""
        return (date.day, date.month, date.year % 100) == (self.day, self.month, self.year)


def parse(text: str, *, area: str = "", sex: Sex | None = None, birth_date: datetime.date | None = None) -> Nik:
    """Read a NIK as people type it, with spaces, dots or hyphens.

    Args:
        text: as typed.
        area: the first six digits that are usual here; others are odd.
        sex: what else is known of the person; a number that says otherwise is odd.
        birth_date: likewise.

    Raises:
        NikInvalid: it is none.
    """
    digits = digits_of(text)
    if digits[:2] not in PROVINCES or digits[2:4] == "00" or digits[4:6] == "00":
        raise NikInvalid(Mistake.AREA)
    day, month, year = int(digits[6:8]), int(digits[8:10]), int(digits[10:12])
    is_woman = day > _WOMAN_DAYS
    day -= _WOMAN_DAYS if is_woman else 0
    if not _is_date(day, month, year):
        raise NikInvalid(Mistake.DATE)
    if digits[12:] == "0000":
        raise NikInvalid(Mistake.SERIAL)
    found = Nik(digits, digits[:6], Sex.FEMALE if is_woman else Sex.MALE, day, month, year, digits[12:])
    odd = (
        (Oddity.AREA, bool(area) and found.area != area),
        (Oddity.SEX, sex is not None and found.sex is not sex),
        (Oddity.BIRTH_DATE, birth_date is not None and not found.is_born_on(birth_date)),
    )
    oddities = tuple(oddity for oddity, is_so in odd if is_so)
    return Nik(found.text, found.area, found.sex, day, month, year, found.serial, oddities)


def digits_of(text: str) -> str:
    """The 16 digits of a NIK or of a family's number; what they say is not looked at. Raises `NikInvalid`."""
    if len(text) > 200:
        raise NikInvalid(Mistake.LENGTH)
    bare = _BETWEEN.sub("", text.strip().removeprefix("'"))
    if not bare:
        raise NikInvalid(Mistake.EMPTY)
    if not bare.strip("0"):
        raise NikInvalid(Mistake.ZERO)
    if _SCIENTIFIC.fullmatch(text.strip()) or _WITH_FRACTION.fullmatch(text.strip()):
        raise NikInvalid(Mistake.SPREADSHEET)
    if not _DIGITS.fullmatch(bare):
        raise NikInvalid(Mistake.LETTERS)
    if len(bare) != LENGTH:
        raise NikInvalid(Mistake.LENGTH, len(bare))
    return bare


def mask(text: str) -> str:
    """``5103010101010001`` -> ``5103********0001``; of anything else nothing is shown."""
    return f"{text[:4]}********{text[-4:]}" if len(text) == LENGTH else "*" * LENGTH


def _is_date(day: int, month: int, year: int) -> bool:
    # The century is unknown: 29 February counts wherever one of the two years had it.
    for century in (1900, 2000):
        try:
            datetime.date(century + year, month, day)
        except ValueError:
            continue
        return True
    return False
