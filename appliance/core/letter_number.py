"""How a letter's number is written: the format of ``letters.number_format``, and its placeholders. Pure.

Placeholders are OpenSID's, so that a village keeps the form its letters have had: ``[kode]`` and ``[nomor, 3]`` under
their longer names ``[kode_surat]`` and ``[nomor_surat, 3]`` too. Whatever else stands in brackets is refused.
"""

from __future__ import annotations

import datetime
import re
from typing import Final

LENGTH_MAX: Final = 80
SERIAL_MAX: Final = 999_999
_MONTHS: Final = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
_PLACEHOLDER: Final = re.compile(r"\[([^\[\]]*)\]")
_SERIAL: Final = re.compile(r"nomor(?:_surat)?(?:, ?([1-6]))?")
_CODE: Final = ("kode", "kode_surat")
_WORDS: Final = (*_CODE, "kode_desa", "bulan", "bulan_romawi", "tahun")
ALLOWED: Final = (
    "allowed are [kode], [nomor] or [nomor, 3] (digits), [kode_desa], [bulan], [bulan_romawi], [tahun] with text "
    f"between them, at most {LENGTH_MAX} characters; [nomor] and [tahun] must stand in it once"
)


def is_format(text: str) -> bool:
    """May numbers be written so? Every number of a village must differ from every other."""
    if not 1 <= len(text) <= LENGTH_MAX or not text.isprintable():
        return False
    found = _PLACEHOLDER.findall(text)
    # Code 1 with number 23 and code 12 with number 3 would read alike.
    if "][" in text or any(char in "[]" for char in _PLACEHOLDER.sub("", text)):
        return False
    serials = [one for one in found if _SERIAL.fullmatch(one)]
    others = [one for one in found if not _SERIAL.fullmatch(one)]
    return len(serials) == 1 and others.count("tahun") == 1 and all(one in _WORDS for one in others)


def names_the_kind(text: str) -> bool:
    """Does a number of this format say which kind of letter it is?"""
    return any(one in _CODE for one in _PLACEHOLDER.findall(text))


def write(number_format: str, *, code: str, serial: int, date: datetime.date, area_code: str) -> str:
    """The number as it stands on the letter.

    Args:
        number_format: one that `is_format` allows.
        code: of the letter's kind.
        serial: counted from 1.
        date: of the letter, in the village's own zone.
        area_code: the village's, ``51.03.01.2001``; written without dots, as OpenSID does.
    """
    values = dict.fromkeys(_CODE, code)
    values |= {
        "kode_desa": area_code.replace(".", ""),
        "bulan": f"{date.month:02d}",
        "bulan_romawi": _MONTHS[date.month - 1],
        "tahun": f"{date.year:04d}",
    }

    def put(found: re.Match[str]) -> str:
        as_serial = _SERIAL.fullmatch(found[1])
        return f"{serial:0{int(as_serial[1] or 1)}d}" if as_serial else values[found[1]]

    return _PLACEHOLDER.sub(put, number_format)
