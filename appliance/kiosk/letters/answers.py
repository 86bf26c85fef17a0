"""What is answered to a kind's questions, checked. Pure, but for the language of what is wrong."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from flask_babel import gettext

from appliance.core.errors import DesahubError
from appliance.kiosk.letters import words
from appliance.kiosk.letters.kinds import CHARACTERS_MAX, Field, FieldType, Kind, When

Value = str | int | datetime.date

_USUAL_MAX: Final = {FieldType.TEXT: 120, FieldType.PARAGRAPH: 600, FieldType.LIST: 1200}
_LINES_MAX: Final = 20
_NUMBER_MAX: Final = 999_999_999
_EARLIEST_YEAR: Final = 1900
_AHEAD_YEARS: Final = 10
# Marks that turn the direction of the text around them: a letter would read differently than it is stored.
_TURNING: Final = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Control, private, unassigned, lone surrogates; symbols such as pictures, which no font of a letter has.
_UNPRINTED: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "So"})
_JOINERS: Final = "\u200c\u200d"  # written inside words of some Indonesian scripts


class AnswersInvalid(DesahubError):  # noqa: N818 - reads as the sentence it is where it is caught
    """Answers that cannot be taken. ``problems``: by field, what to do."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__("; ".join(f"{name}: {problem}" for name, problem in self.problems.items()))


@dataclass(frozen=True, slots=True)
class Answers:
    """Checked answers by field: text, whole numbers (rupiah too), or dates. What was left empty is not in it."""

    values: Mapping[str, Value]

    def stored(self) -> dict[str, str | int]:
        """As they are kept, in JSON: dates are written ``2026-08-17``."""
        return {
            name: value.isoformat() if isinstance(value, datetime.date) else value
            for name, value in self.values.items()
        }

    def raw(self) -> dict[str, str]:
        """As they would be typed again, for a form."""
        return {name: str(value) for name, value in self.stored().items()}


NONE: Final = Answers(MappingProxyType({}))


def restore(kind: Kind, stored: Mapping[str, str | int]) -> Answers:
    """Answers from what `Answers.stored` gave. What the kind no longer asks for is left out."""
    values: dict[str, Value] = {}
    for field in kind.fields:
        value = stored.get(field.name)
        if value is None:
            continue
        values[field.name] = datetime.date.fromisoformat(str(value)) if field.type is FieldType.DATE else value
    return Answers(MappingProxyType(values))


def check(kind: Kind, raw: Mapping[str, str], today: datetime.date) -> Answers:
    """Check what was typed.

    Args:
        kind: whose questions.
        raw: by field, as typed; others are left out.
        today: in the village's zone.

    Raises:
        AnswersInvalid: with every field that is wrong.
    """
    values: dict[str, Value] = {}
    problems: dict[str, str] = {}
    for field in kind.fields:
        try:
            value = check_one(field, raw.get(field.name, ""), today)
        except _WrongError as error:
            problems[field.name] = str(error)
        else:
            if value is not None:
                values[field.name] = value
    if problems:
        raise AnswersInvalid(problems)
    return Answers(MappingProxyType(values))


class _WrongError(Exception):
    """A sentence for the person who typed."""


def _choose() -> str:
    return str(gettext("Pilih salah satu."))


def check_one(field: Field, typed: str, today: datetime.date) -> Value | None:
    """One answer; None for one left empty."""
    text = _clean(typed, keep_lines=field.type in (FieldType.PARAGRAPH, FieldType.LIST))
    if not text:
        if field.required:
            raise _WrongError(_choose() if field.type is FieldType.CHOICE else gettext("Isi dulu bagian ini."))
        return None
    if field.type is FieldType.DATE:
        return _date(field, text, today)
    return _READERS[field.type](field, text)


def try_one(field: Field, typed: str, today: datetime.date) -> Value | None:
    """One answer of a form that is not whole yet; None for one that is empty or wrong."""
    try:
        return check_one(field, typed, today)
    except _WrongError:
        return None


def _clean(typed: str, *, keep_lines: bool) -> str:
    if len(typed) > 4 * CHARACTERS_MAX[FieldType.LIST]:
        raise _WrongError(gettext("Terlalu panjang. Tulis lebih singkat."))
    text = unicodedata.normalize("NFC", typed.replace("\r\n", "\n"))
    for char in text:
        if char in "\n\t" or char in _JOINERS:
            continue
        if char in _TURNING or unicodedata.category(char) in _UNPRINTED:
            raise _WrongError(gettext("Ada tanda yang tidak bisa dicetak. Tulis ulang dengan huruf biasa."))
    lines = [" ".join(line.split()) for line in text.split("\n")]
    return "\n".join(line for line in lines if line) if keep_lines else " ".join(line for line in lines if line)


def _text(field: Field, text: str) -> str:
    most = field.max or _USUAL_MAX[field.type]
    if len(text) > most:
        raise _WrongError(
            gettext("Paling panjang %(most)d huruf; ini %(length)d. Tulis lebih singkat.", most=most, length=len(text))
        )
    if text.count("\n") >= _LINES_MAX:
        raise _WrongError(gettext("Paling banyak %(count)d baris.", count=_LINES_MAX))
    return text


def _date(field: Field, text: str, today: datetime.date) -> datetime.date:
    day = read_date(text)
    if day is None or not _EARLIEST_YEAR <= day.year <= today.year + _AHEAD_YEARS:
        raise _WrongError(gettext("Tanggal ini tidak ada. Tulis seperti 17-08-2026: tanggal, bulan, tahun."))
    if field.when is When.PAST and day > today:
        raise _WrongError(gettext("Tanggal ini belum tiba. Periksa tahunnya."))
    if field.when is When.FUTURE and day < today:
        raise _WrongError(gettext("Tanggal ini sudah lewat. Pilih hari ini atau sesudahnya."))
    return day


def read_date(text: str) -> datetime.date | None:
    """``2026-08-17``, as browsers send it, or ``17-08-2026`` with - / . or blanks, as people write it."""
    parts = re.fullmatch(r"(\d{1,4})[-/. ](\d{1,2})[-/. ](\d{1,4})", text, re.ASCII)
    if parts is None:
        return None
    first, month, last = (int(part) for part in parts.groups())
    year, day = (first, last) if len(parts[1]) == 4 else (last, first)
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return None


def _time(_: Field, text: str) -> str:
    parts = re.fullmatch(r"([01]?\d|2[0-3])[:. ]([0-5]\d)", text, re.ASCII)
    if parts is None:
        raise _WrongError(gettext("Jam ini tidak ada. Tulis seperti 08.30, dari 00.00 sampai 23.59."))
    return f"{int(parts[1]):02}.{parts[2]}"


def _number(field: Field, text: str) -> int:
    most = field.max or (words.TERBILANG_MAX if field.type is FieldType.RUPIAH else _NUMBER_MAX)
    digits = re.sub(r"^rp\.?\s*", "", text.lower())
    digits = re.sub(r",(00|-)$", "", digits).removesuffix(",-")
    if not re.fullmatch(r"\d{1,16}|\d{1,3}([. ]\d{3}){1,5}", digits, re.ASCII):
        raise _WrongError(gettext("Tulis dengan angka saja, seperti 1500000 atau 1.500.000."))
    value = int(re.sub(r"[. ]", "", digits))
    if value > most:
        raise _WrongError(gettext("Terlalu besar: paling banyak %(most)s.", most=words.number(most)))
    return value


def _choice(field: Field, text: str) -> str:
    if text not in field.choices:
        raise _WrongError(_choose())
    return text


def _nik(_: Field, text: str) -> str:
    digits = text.replace(" ", "")
    if not re.fullmatch(r"\d{16}", digits, re.ASCII):
        raise _WrongError(
            gettext("NIK terdiri dari 16 angka; ini %(count)d. Lihat KTP atau Kartu Keluarga.", count=len(digits))
        )
    day, month, serial = int(digits[6:8]), int(digits[8:10]), int(digits[12:])
    if not (1 <= day <= 31 or 41 <= day <= 71) or not 1 <= month <= 12 or serial == 0:
        raise _WrongError(gettext("NIK ini tidak mungkin benar. Periksa angkanya satu per satu."))
    return digits


def _phone(_: Field, text: str) -> str:
    digits = re.sub(r"[ ().-]", "", text)
    if not re.fullmatch(r"(\+62|62|0)\d{7,13}", digits, re.ASCII):
        raise _WrongError(gettext("Nomor telepon dimulai dengan 0 atau +62, lalu 7 sampai 13 angka."))
    return digits


_READERS: Final[Mapping[FieldType, Callable[[Field, str], Value]]] = {
    FieldType.TEXT: _text,
    FieldType.PARAGRAPH: _text,
    FieldType.LIST: _text,
    FieldType.TIME: _time,
    FieldType.NUMBER: _number,
    FieldType.RUPIAH: _number,
    FieldType.CHOICE: _choice,
    FieldType.NIK: _nik,
    FieldType.PHONE: _phone,
}


def texts(kind: Kind, answers: Answers, zone: str) -> dict[str, str]:
    """What the answers say on paper, by placeholder, derived ones too. ``zone``: WIB, WITA or WIT."""
    said: dict[str, str] = {}
    for field in kind.fields:
        value = answers.values.get(field.name)
        if value is None:
            continue
        said[field.name] = _said(field, value, zone)
        for name in field.derived:
            said[name] = words.hari(value) if isinstance(value, datetime.date) else words.terbilang(int(value))
    return said


def _said(field: Field, value: Value, zone: str) -> str:
    if isinstance(value, datetime.date):
        return words.tanggal(value)
    if isinstance(value, int):
        return words.rupiah(value) if field.type is FieldType.RUPIAH else words.number(value)
    if field.type is FieldType.TIME:
        return f"{value} {zone}"
    return ", ".join(value.split("\n")) if field.type is FieldType.LIST else " ".join(value.split("\n"))
