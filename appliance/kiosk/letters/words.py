"""Numbers, sums and dates in the words of Indonesian letters. Pure.

Source: EYD V (Kepmendikbudristek 0424/I/BS.00.01/2022) for spelling; KBBI for the names of numbers.
"""

from __future__ import annotations

import datetime
from typing import Final

TERBILANG_MAX: Final = 999_999_999_999_999
MONTHS: Final = (
    "Januari", "Februari", "Maret", "April", "Mei", "Juni",
    "Juli", "Agustus", "September", "Oktober", "November", "Desember",
)  # fmt: skip
DAYS: Final = ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu")

_DIGITS: Final = ("", "satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "delapan", "sembilan")
_SCALES: Final = ((10**12, "triliun"), (10**9, "miliar"), (10**6, "juta"), (10**3, "ribu"))
_ROMAN: Final = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")


def terbilang(number: int) -> str:
    """``1001001`` -> ``satu juta seribu satu``.

    Raises:
        ValueError: below 0, or above `TERBILANG_MAX`.
    """
    if not 0 <= number <= TERBILANG_MAX:
        raise ValueError(f"{number}: allowed is 0 to {TERBILANG_MAX}")
    if number == 0:
        return "nol"
    words = []
    for scale, name in _SCALES:
        count, number = divmod(number, scale)
        if count == 1 and name == "ribu":
            words.append("seribu")
        elif count:
            words += [*_below_thousand(count), name]
    return " ".join([*words, *_below_thousand(number)])


def _below_thousand(number: int) -> list[str]:
    hundreds, rest = divmod(number, 100)
    words = ["seratus"] if hundreds == 1 else [_DIGITS[hundreds], "ratus"] if hundreds else []
    tens, ones = divmod(rest, 10)
    if rest == 10:
        return [*words, "sepuluh"]
    if rest == 11:
        return [*words, "sebelas"]
    if tens == 1:
        return [*words, _DIGITS[ones], "belas"]
    if tens:
        words += [_DIGITS[tens], "puluh"]
    return [*words, _DIGITS[ones]] if ones else words


def number(value: int) -> str:
    """``1500000`` -> ``1.500.000``."""
    return f"{value:,}".replace(",", ".")


def rupiah(value: int) -> str:
    """``1500000`` rupiah -> ``Rp1.500.000,00``."""
    return f"Rp{number(value)},00"


def tanggal(day: datetime.date) -> str:
    """``17 Agustus 2026``."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def hari(day: datetime.date) -> str:
    """``Senin``."""
    return DAYS[day.weekday()]


def bulan_romawi(month: int) -> str:
    """``8`` -> ``VIII``. Raises `ValueError` outside 1 to 12."""
    if not 1 <= month <= len(_ROMAN):
        raise ValueError(f"month {month}: allowed is 1 to 12")
    return _ROMAN[month - 1]
