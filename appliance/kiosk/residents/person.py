"""A resident, typed; what the register keeps as text, and the words in which a letter speaks of somebody. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from appliance.kiosk.residents import codes, nik
from appliance.kiosk.residents.codes import STATUS_OF_CODE, Sex, StatusDasar, Table
from appliance.kiosk.residents.columns import BY_NAME, COLUMNS, REQUIRED, ValueWrong, Wrong, read

MONTHS: Final = (
    "Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober", "November",
    "Desember",
)  # fmt: skip
# Since when the status holds, and what the office wrote about it: ours, not in OpenSID's workbook.
STATUS_DATE: Final = "status_tanggal"
STATUS_NOTE: Final = "status_catatan"
STATUS_NOTE_LENGTH_MAX: Final = 200

# Field of a resident <- column of the workbook.
_TEXTS: Final = {
    "nik": "nik", "no_kk": "no_kk", "name": "nama", "birth_place": "tempatlahir", "father_nik": "ayah_nik",
    "father_name": "nama_ayah", "mother_nik": "ibu_nik", "mother_name": "nama_ibu", "address": "alamat",
    "dusun": "dusun", "rw": "rw", "rt": "rt",
}  # fmt: skip
_CODES: Final = {
    "religion": "agama_id", "education": "pendidikan_kk_id", "current_education": "pendidikan_sedang_id",
    "occupation": "pekerjaan_id", "marital_status": "status_kawin", "family_role": "kk_level",
    "citizenship": "warganegara_id", "blood_type": "golongan_darah_id",
}  # fmt: skip
_TYPED: Final = frozenset({*_TEXTS.values(), *_CODES.values(), "sex", "tanggallahir", "status_dasar"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """Somebody in the register.

    ``id`` is random and says nothing; it stands in addresses. ``version`` grows with each change. ``more`` has the
    columns of the workbook that no field stands for, and since when and why the status holds.
    """

    id: int
    version: int = 1
    nik: str
    name: str
    no_kk: str = ""
    sex: Sex | None = None
    birth_place: str = ""
    birth_date: datetime.date | None = None
    religion: int | None = None
    education: int | None = None
    current_education: int | None = None
    occupation: int | None = None
    marital_status: int | None = None
    family_role: int | None = None
    citizenship: int | None = None
    blood_type: int | None = None
    father_nik: str = ""
    father_name: str = ""
    mother_nik: str = ""
    mother_name: str = ""
    address: str = ""
    dusun: str = ""
    rw: str = ""
    rt: str = ""
    status: StatusDasar = StatusDasar.HIDUP
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_head(self) -> bool:
        """Is this the head of a family?"""
        return self.family_role == codes.HEAD_OF_FAMILY

    def age(self, today: datetime.date) -> int | None:
        """Whole years on a day; None where the birth is unknown or still to come."""
        if self.birth_date is None or self.birth_date > today:
            return None
        before = (today.month, today.day) < (self.birth_date.month, self.birth_date.day)
        return today.year - self.birth_date.year - before


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to stand in the register of somebody. Made by `draft`.

    ``names`` are the columns that it speaks of, ``values`` what they hold in the form that is kept, blanks left out.
    """

    values: Mapping[str, str]
    names: frozenset[str]


class DraftInvalid(ValueError):  # noqa: N818
    """What was filled in cannot be kept: each wrong field with its reason."""

    def __init__(self, problems: Mapping[str, ValueWrong]) -> None:
        self.problems = problems
        super().__init__(", ".join(f"{name}: {wrong}" for name, wrong in problems.items()))


def draft(raw: Mapping[str, str], today: datetime.date, *, is_whole: bool = True) -> Draft:
    """Check what was filled in, by the names of the workbook's columns; what is missing there stays blank.

    Args:
        raw: column and text.
        today: births are not later.
        is_whole: somebody new; else a change, which need not name what everybody must have.

    Raises:
        DraftInvalid: something in it is wrong, all of it at once.
        KeyError: there is no such column.
    """
    values: dict[str, str] = {}
    problems: dict[str, ValueWrong] = {}
    for name, text in raw.items():
        column = BY_NAME[name]
        try:
            if value := read(column, text, today):
                values[name] = value
        except ValueWrong as wrong:
            problems[name] = wrong
    for name in REQUIRED:
        if name not in values and name not in problems and (is_whole or name in raw):
            problems[name] = ValueWrong(Wrong.REQUIRED)
    if problems:
        raise DraftInvalid(problems)
    return Draft(MappingProxyType(values), frozenset(raw))


def resident(id_: int, version: int, values: Mapping[str, str]) -> Resident:
    """Read what the register keeps."""
    return Resident(
        id=id_,
        version=version,
        **{name: values.get(column, "") for name, column in _TEXTS.items()},  # type: ignore[arg-type] # all are texts
        **{name: _number(values.get(column, "")) for name, column in _CODES.items()},  # type: ignore[arg-type]
        sex={"1": Sex.MALE, "2": Sex.FEMALE}.get(values.get("sex", "")),
        birth_date=_date(values.get("tanggallahir", "")),
        status=STATUS_OF_CODE.get(int(values.get("status_dasar") or 1), StatusDasar.HIDUP),
        more=MappingProxyType({name: value for name, value in values.items() if name not in _TYPED}),
    )


def values_of(one: Resident) -> dict[str, str]:
    """The opposite of `resident`: columns with what they hold, without blanks."""
    made = {column: str(getattr(one, name)) for name, column in _TEXTS.items()}
    made |= {column: _written(getattr(one, name)) for name, column in _CODES.items()}
    made["sex"] = _written(one.sex.code if one.sex else None)
    made["tanggallahir"] = one.birth_date.isoformat() if one.birth_date else ""
    made["status_dasar"] = str(one.status.code)
    made |= one.more
    return {name: value for name, value in made.items() if value}


def oddities(values: Mapping[str, str], area: str = "") -> tuple[nik.Oddity, ...]:
    """What in a record does not fit its own NIK, and may be right all the same."""
    one = resident(0, 0, values)
    try:
        return nik.parse(one.nik, area=area, sex=one.sex, birth_date=one.birth_date).oddities
    except nik.NikInvalid:
        return ()


_WORDS: Final[Mapping[str, Table]] = {
    **{name: table for name, column in _CODES.items() if (table := BY_NAME[column].table) is not None},
    **{column.name: column.table for column in COLUMNS if column.table is not None},
}


def words(one: Resident, name: str) -> str:
    """The Indonesian word of a code, by the field's name or the column's; "" where it is blank."""
    if name in ("sex", "status", "status_dasar"):
        code = one.status.code if name != "sex" else one.sex.code if one.sex else None
        table = codes.SEX if name == "sex" else codes.STATUS
    else:
        table = _WORDS[name]
        code = getattr(one, name) if name in _CODES else _number(values_of(one).get(name, ""))
    return "" if code is None else table.words.get(code, "")


def long_date(date: datetime.date | None) -> str:
    """``1990-08-17`` -> ``17 Agustus 1990``."""
    return f"{date.day} {MONTHS[date.month - 1]} {date.year}" if date else ""


def whole_address(one: Resident) -> str:
    """``Jalan Melati 3, RT 001/RW 002, Dusun Krajan``, without what is blank."""
    area = "/".join(f"{word} {value}" for word, value in (("RT", one.rt), ("RW", one.rw)) if value)
    has_kind = one.dusun.casefold().startswith(("dusun ", "banjar ", "lingkungan ", "jorong ", "kampung "))
    dusun = one.dusun if has_kind or not one.dusun else f"Dusun {one.dusun}"
    return ", ".join(part for part in (one.address, area, dusun) if part)


def facts(one: Resident, today: datetime.date | None = None) -> dict[str, str]:
    """All that a letter may say of somebody, in words; "" where it is not known, the age also without a day."""
    age = one.age(today) if today is not None else None
    return {
        "nama": one.name,
        "nik": one.nik,
        "no_kk": one.no_kk,
        "tempat_lahir": one.birth_place,
        "tanggal_lahir": long_date(one.birth_date),
        "umur": "" if age is None else str(age),
        "jenis_kelamin": words(one, "sex"),
        "agama": words(one, "religion"),
        "pekerjaan": words(one, "occupation"),
        "status_kawin": words(one, "marital_status"),
        "kewarganegaraan": words(one, "citizenship"),
        "pendidikan": words(one, "education"),
        "alamat": one.address,
        "dusun": one.dusun,
        "rt": one.rt,
        "rw": one.rw,
        "alamat_lengkap": whole_address(one),
        "nama_ayah": one.father_name,
        "nama_ibu": one.mother_name,
        "golongan_darah": words(one, "blood_type"),
        "hubungan_keluarga": words(one, "family_role"),
    }


def _number(text: str) -> int | None:
    return int(text) if text else None


def _date(text: str) -> datetime.date | None:
    return datetime.date.fromisoformat(text) if text else None


def _written(value: int | None) -> str:
    return "" if value is None else str(value)
