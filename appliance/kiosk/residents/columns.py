"""The 43 columns of OpenSID's workbook: what each may hold, and how a text becomes the one form that is kept. Pure.

A resident is kept as a mapping of column to text in that form: numbers of codes, dates as YYYY-MM-DD, 16 digits, or
words without invisible characters. Nothing is kept for a blank.

Source: OpenSID, the format of its import of residents (Impor Penduduk), release 2026.
"""

from __future__ import annotations

import datetime
import enum
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from appliance.kiosk.residents import codes, nik
from appliance.kiosk.residents.codes import Table

CELL_LENGTH_MAX: Final = 20_000  # a longer one is not even looked at
_FIRST_YEAR, _LAST_YEAR = 1850, 2150
# Written by other programs where there is nothing.
_BLANK: Final = frozenset({"", "-", "--", "0000-00-00", "00-00-0000", "00/00/0000", "null", "NULL"})
# Joiners belong to Javanese, Balinese and Arabic spelling; all other invisible marks only hide or turn round.
_JOINERS: Final = frozenset("\u200c\u200d")
# A text cell that a spreadsheet would take for a formula has one apostrophe put before it (see `workbook`).
_ESCAPED: Final = re.compile(r"'(?=['=+\-@\t\r0-9])")


class Kind(enum.StrEnum):
    """What a column holds."""

    TEXT = "text"
    CODE = "code"
    DATE = "date"
    NIK = "nik"
    FAMILY = "family"
    AREA = "area"  # the number of an RT or RW
    DEGREES = "degrees"


class Wrong(enum.StrEnum):
    """Why a cell is not taken."""

    TOO_LONG = "too_long"
    UNREADABLE = "unreadable"
    UNKNOWN_CODE = "unknown_code"
    NO_DATE = "no_date"
    DATE_OUT_OF_RANGE = "date_out_of_range"
    IN_FUTURE = "in_future"
    NO_NUMBER = "no_number"
    REQUIRED = "required"
    FORMULA = "formula"
    ERROR_VALUE = "error_value"
    SPREADSHEET_DATE = "spreadsheet_date"  # or another kind of cell than the column has
    # As in `nik.Mistake`
    NIK_EMPTY = "nik_empty"
    NIK_ZERO = "nik_zero"
    NIK_SPREADSHEET = "nik_spreadsheet"
    NIK_LETTERS = "nik_letters"
    NIK_LENGTH = "nik_length"
    NIK_AREA = "nik_area"
    NIK_DATE = "nik_date"
    NIK_SERIAL = "nik_serial"
    # Of a row among others
    TWICE = "twice"
    TAKEN = "taken"


class ValueWrong(ValueError):  # noqa: N818
    """A text that its column cannot hold. The text is not in the message: it may be personal."""

    def __init__(self, wrong: Wrong, limit: str = "") -> None:
        self.wrong, self.limit = wrong, limit
        super().__init__(f"{wrong.value}{f' ({limit})' if limit else ''}")


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``length_max`` counts characters of a text."""

    name: str
    kind: Kind = Kind.TEXT
    table: Table | None = None
    length_max: int = 100


def _code(name: str, table: Table) -> Column:
    return Column(name, Kind.CODE, table)


COLUMNS: Final = (
    Column("alamat", length_max=200),
    Column("dusun", length_max=50),
    Column("rw", Kind.AREA, length_max=10),
    Column("rt", Kind.AREA, length_max=10),
    Column("nama"),
    Column("no_kk", Kind.FAMILY),
    Column("nik", Kind.NIK),
    _code("sex", codes.SEX),
    Column("tempatlahir"),
    Column("tanggallahir", Kind.DATE),
    _code("agama_id", codes.RELIGION),
    _code("pendidikan_kk_id", codes.EDUCATION),
    _code("pendidikan_sedang_id", codes.CURRENT_EDUCATION),
    _code("pekerjaan_id", codes.OCCUPATION),
    _code("status_kawin", codes.MARITAL_STATUS),
    _code("kk_level", codes.FAMILY_ROLE),
    _code("warganegara_id", codes.CITIZENSHIP),
    Column("ayah_nik", Kind.NIK),
    Column("nama_ayah"),
    Column("ibu_nik", Kind.NIK),
    Column("nama_ibu"),
    _code("golongan_darah_id", codes.BLOOD_TYPE),
    Column("akta_lahir", length_max=60),
    Column("dokumen_pasport", length_max=60),
    Column("tanggal_akhir_paspor", Kind.DATE),
    Column("dokumen_kitas", length_max=60),
    Column("akta_perkawinan", length_max=60),
    Column("tanggalperkawinan", Kind.DATE),
    Column("akta_perceraian", length_max=60),
    Column("tanggalperceraian", Kind.DATE),
    _code("cacat_id", codes.DISABILITY),
    _code("cara_kb_id", codes.BIRTH_CONTROL),
    _code("hamil", codes.PREGNANT),
    _code("ktp_el", codes.CARD),
    _code("status_rekam", codes.CARD_STATE),
    Column("alamat_sekarang", length_max=200),
    _code("status_dasar", codes.STATUS),
    Column("suku", length_max=60),
    Column("tag_id_card", length_max=60),
    _code("id_asuransi", codes.INSURANCE),
    Column("no_asuransi", length_max=60),
    Column("lat", Kind.DEGREES),
    Column("lng", Kind.DEGREES),
)
BY_NAME: Final = {column.name: column for column in COLUMNS}
REQUIRED: Final = ("nik", "nama")
# Other numbers than that of the person: what they say of birth and area is not looked into.
_OTHERS_NIK: Final = frozenset({"ayah_nik", "ibu_nik"})
_PAST: Final = frozenset({"tanggallahir", "tanggalperkawinan", "tanggalperceraian"})


def read(column: Column, text: str, today: datetime.date) -> str:
    """Bring a cell into the form that is kept; "" for a blank one.

    Raises:
        ValueWrong: the column cannot hold it.
    """
    plain = clean(text)
    if plain in _BLANK:
        return ""
    if column.kind in (Kind.TEXT, Kind.AREA):
        return _read_text(column, plain)
    if column.kind is Kind.CODE:
        return _read_code(column, plain)
    if column.kind is Kind.DATE:
        return _read_date(plain, today if column.name in _PAST else None)
    if column.kind is Kind.DEGREES:
        return _read_degrees(plain, 90 if column.name == "lat" else 180)
    return _read_number(column, plain)


def clean(text: str) -> str:
    """One line without marks that nobody sees. Raises `ValueWrong` where something in it is no character to print."""
    if len(text) > CELL_LENGTH_MAX:
        raise ValueWrong(Wrong.TOO_LONG, str(CELL_LENGTH_MAX))
    if text.isascii() and text.isprintable():
        plain = " ".join(text.split())
    else:
        plain = " ".join("".join(map(_shown, unicodedata.normalize("NFC", text))).split())
    return plain[1:] if plain.startswith("'") and _ESCAPED.match(plain) else plain


def _shown(character: str) -> str:
    if character.isspace():
        return " "
    category = unicodedata.category(character)
    if category == "Cf":
        return character if character in _JOINERS else ""
    if category in ("Cc", "Cs", "Co", "Cn"):
        raise ValueWrong(Wrong.UNREADABLE)
    return character


def _read_text(column: Column, plain: str) -> str:
    if len(plain) > column.length_max:
        raise ValueWrong(Wrong.TOO_LONG, str(column.length_max))
    if column.kind is Kind.AREA and re.fullmatch(r"[0-9]{1,3}", plain, re.ASCII):
        return plain.zfill(3) if int(plain) else ""
    return plain


def _read_code(column: Column, plain: str) -> str:
    if plain == "0":
        return "2" if column.name == "hamil" else ""  # older releases wrote 0 for nothing, and for not pregnant
    code = column.table.code_of(plain) if column.table is not None else None
    if code is None:
        raise ValueWrong(Wrong.UNKNOWN_CODE)
    return str(code)


def _read_date(plain: str, latest: datetime.date | None) -> str:
    found = re.fullmatch(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?:[ T]00:00:00)?", plain, re.ASCII)
    other = re.fullmatch(r"([0-9]{1,2})[-/. ]([0-9]{1,2})[-/. ]([0-9]{4})", plain, re.ASCII)
    if found:
        year, month, day = map(int, found.groups())
    elif other:
        day, month, year = map(int, other.groups())
    else:
        raise ValueWrong(Wrong.NO_DATE)
    try:
        date = datetime.date(year, month, day)
    except ValueError:
        raise ValueWrong(Wrong.NO_DATE) from None
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise ValueWrong(Wrong.DATE_OUT_OF_RANGE)
    if latest is not None and date > latest:
        raise ValueWrong(Wrong.IN_FUTURE)
    return date.isoformat()


def _read_number(column: Column, plain: str) -> str:
    try:
        if column.kind is Kind.FAMILY or column.name in _OTHERS_NIK:
            return nik.digits_of(plain)
        return nik.parse(plain).text
    except nik.NikInvalid as error:
        # Nobody has to have a family's number, or parents who are known.
        if column.name != "nik" and error.mistake in (nik.Mistake.EMPTY, nik.Mistake.ZERO):
            return ""
        raise ValueWrong(Wrong(f"nik_{error.mistake}"), str(error.found or "")) from None


def _read_degrees(plain: str, most: int) -> str:
    text = plain.replace(",", ".")
    if not re.fullmatch(r"[+-]?[0-9]{1,3}(\.[0-9]{1,20})?", text, re.ASCII) or abs(float(text)) > most:
        raise ValueWrong(Wrong.NO_NUMBER, f"-{most} … {most}")
    return text
