"""Residents for tools: lists with masked numbers, one, search by what stands in the body, add, change.

Values go by the columns of OpenSID's workbook and in the form that the register keeps. Imports stay on their pages,
where a person reads the report first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from appliance.kiosk.office_api.operations import DONE, Answer, Asked, Operation
from appliance.kiosk.office_api.paging import CURSOR, LIMIT, LIMIT_USUAL, NEXT, Cursor, next_cursor
from appliance.kiosk.office_api.problems import Problem, ProblemError
from appliance.kiosk.office_api.rules import Scope
from appliance.kiosk.office_api.shapes import (
    ID_MAX,
    Fault,
    Named,
    Nullable,
    Record,
    Rows,
    Shape,
    Text,
    Whole,
    record,
)
from appliance.kiosk.office_api.visit import current_visit, look, parts
from appliance.kiosk.residents import nik, person, words
from appliance.kiosk.residents.codes import StatusDasar
from appliance.kiosk.residents.columns import BY_NAME, Column, Kind
from appliance.kiosk.residents.office_pages import EDITABLE, TEXT_LENGTH_MAX
from appliance.kiosk.residents.person import Draft, DraftInvalid, Resident
from appliance.kiosk.residents.register import NikTaken, Outdated, ResidentUnknown
from appliance.kiosk.residents.roll import Found

_EVERYBODY: Final = "semua"
_DUSUN: Final = Text("nama dusun", 1, 50)
_STATUS: Final = Text("biasanya hidup", words=(*(each.value for each in StatusDasar), _EVERYBODY))
_NIK: Final = Text("16 angka", 16, 16, "[0-9]{16}")
_PURPOSE: Final = Text("untuk apa; tercatat di jejak", 5, 120, r"[A-Za-z][ -~]{4,119}")


def _column(column: Column) -> Shape:
    """What a column takes: the form that the register keeps, or "" for blank."""
    blank = "" if column.name in ("nik", "nama") else "|"
    if column.kind in (Kind.NIK, Kind.FAMILY):
        return Text(f"{column.kind.value}, 16 angka", 16 if not blank else 0, 16, f"{blank}[0-9]{{16}}")
    if column.kind is Kind.DATE:
        return Text("tanggal, TTTT-BB-HH", 0, 10, "|[0-9]{4}-[0-9]{2}-[0-9]{2}")
    if column.table is not None:
        said = "; ".join(f"{code} {word}" for code, word in column.table.words.items())
        return Text(f"kode OpenSID: {said}", words=("", *(str(code) for code in column.table.words)))
    if column.kind is Kind.DEGREES:
        return Text("derajat, dengan titik", 0, 24, r"|[+-]?[0-9]{1,3}(?:\.[0-9]{1,18})?")
    return Text("teks", 1 if not blank else 0, column.length_max)


_COLUMNS: Final[Mapping[str, Shape]] = {name: _column(BY_NAME[name]) for name in EDITABLE}
_ADDED: Final = Record(_COLUMNS, frozenset({"nik", "nama"}), "kolom OpenSID; yang tidak disebut kosong")
_CHANGED: Final = Record(_COLUMNS, frozenset(), "kolom OpenSID yang berubah; teks kosong mengosongkan", least=1)

_LINE: Final = record(
    "warga dalam daftar",
    id=Whole("nomor data", 1, ID_MAX),
    name=Text("nama"),
    masked_nik=Text("NIK yang ditutup sebagian"),
    birth_date=Nullable(Text("TTTT-BB-HH")),
    dusun=Text(),
    rw=Text(),
    rt=Text(),
    status=Text(words=tuple(each.value for each in StatusDasar)),
)
_ONE: Final = record(
    "seorang warga",
    id=Whole("nomor data", 1, ID_MAX),
    version=Whole("bertambah dengan setiap perubahan; sama dengan ETag", 1),
    age=Nullable(Whole("tahun")),
    values=Named(Text("bentuk yang disimpan", length_max=20_000), "kolom OpenSID, yang kosong tidak disebut"),
)
_LIST: Final = record("", residents=Rows(_LINE, 100), total=Whole("seluruh daftar"), next=NEXT)
_FILTERS: Final[Mapping[str, Shape]] = {"dusun": _DUSUN, "status": _STATUS, "limit": LIMIT, "cursor": CURSOR}


def residents(asked: Asked) -> Answer:
    """List residents in the order of names."""
    return _listed("", asked.query)


def search(asked: Asked) -> Answer:
    """Find by the beginnings of names, or by a whole NIK or family number."""
    return _listed(asked.body["text"], asked.body)


def by_nik(asked: Asked) -> Answer:
    """Find whose a NIK is."""
    id_ = parts().register.id_of_nik(asked.body["nik"], living_only=False)
    if id_ is None:
        raise ProblemError(Problem.NO_RESIDENT)
    return _shown(_get(id_, "dicari dengan NIK"))


def one(asked: Asked) -> Answer:
    """Tell somebody's record; numbers masked."""
    return _shown(_get(asked.path["resident_id"], "data dibuka"))


def whole(asked: Asked) -> Answer:
    """Tell somebody's record with numbers in full, for a purpose that is written down."""
    return _shown(_get(asked.path["resident_id"], f"nomor lengkap: {asked.body['purpose']}"), is_whole=True)


def add(asked: Asked) -> Answer:
    """Add somebody."""
    draft = _draft(asked.body["values"], is_whole=True)
    try:
        id_ = parts().register.add(current_visit().actor, draft)
    except NikTaken as error:
        raise ProblemError(Problem.NIK_TAKEN, resident_id=error.resident_id) from None
    return Answer({"id": id_, "version": 1}, 1)


def change(asked: Asked) -> Answer:
    """Change the named columns."""
    draft, id_ = _draft(asked.body["values"], is_whole=False), asked.path["resident_id"]
    try:
        found = parts().register.change(current_visit().actor, id_, draft, asked.version)
    except NikTaken as error:
        raise ProblemError(Problem.NIK_TAKEN, resident_id=error.resident_id) from None
    except Outdated:
        raise ProblemError(Problem.VERSION_OLD) from None
    except ResidentUnknown:
        raise ProblemError(Problem.NO_RESIDENT) from None
    return Answer({"id": id_, "version": found.version}, found.version)


def _listed(text: str, asked: Mapping[str, Any]) -> Answer:
    status, cursor = asked.get("status", StatusDasar.HIDUP.value), Cursor.read(asked.get("cursor"))
    page = parts().register.search(
        look("pencarian"),
        text,
        dusun=asked.get("dusun", ""),
        status="" if status == _EVERYBODY else status,
        offset=cursor.offset,
        limit=asked.get("limit", LIMIT_USUAL),
        after=cursor.after,
    )
    is_last = page.offset + len(page.items) >= page.total
    following = next_cursor(Cursor(page.offset), [each.id for each in page.items], is_last=is_last)
    return Answer({"residents": [_line(each) for each in page.items], "total": page.total, "next": following})


def _line(found: Found) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "masked_nik": found.masked_nik,
        "birth_date": found.birth_date.isoformat() if found.birth_date else None,
        "dusun": found.dusun,
        "rw": found.rw,
        "rt": found.rt,
        "status": found.status,
    }


def _get(id_: int, purpose: str) -> Resident:
    found = parts().register.get(look(purpose), id_)
    if found is None:
        raise ProblemError(Problem.NO_RESIDENT)
    return found


def _shown(found: Resident, *, is_whole: bool = False) -> Answer:
    values = {
        name: value if is_whole or not _is_number(name) else nik.mask(value)
        for name, value in person.values_of(found).items()
    }
    age = found.age(parts().register.today())
    return Answer({"id": found.id, "version": found.version, "age": age, "values": values}, found.version)


def _is_number(name: str) -> bool:
    return name in BY_NAME and BY_NAME[name].kind in (Kind.NIK, Kind.FAMILY)


def _draft(values: Mapping[str, str], *, is_whole: bool) -> Draft:
    try:
        return person.draft(values, parts().register.today(), is_whole=is_whole)
    except DraftInvalid as error:
        faults = [Fault(f"values.{name}", words.wrong(wrong)) for name, wrong in error.problems.items()]
        raise ProblemError(Problem.NOT_TAKEN, faults=faults) from None


_AT: Final = "/residents/{resident_id}"
OPERATIONS: Final = (
    Operation(
        name="list_residents",
        path="/residents",
        about="Daftar warga menurut nama, NIK ditutup sebagian.",
        view=residents,
        scope=Scope.RESIDENTS_READ,
        query=_FILTERS,
        answer=_LIST,
    ),
    Operation(
        name="search_residents",
        method="POST",
        path="/residents/search",
        about="Cari warga menurut awal nama, NIK atau nomor KK utuh. Yang dicari ada di isi, tidak di alamat.",
        view=search,
        scope=Scope.RESIDENTS_READ,
        body=Record(
            {"text": Text("awal nama, NIK atau nomor KK", 1, TEXT_LENGTH_MAX), **_FILTERS}, frozenset({"text"})
        ),
        answer=_LIST,
    ),
    Operation(
        name="find_resident_by_nik",
        method="POST",
        path="/residents/by-nik",
        about="Data pemilik sebuah NIK, juga yang meninggal atau pindah.",
        view=by_nik,
        scope=Scope.RESIDENTS_READ,
        body=record("", nik=_NIK),
        answer=_ONE,
        problems=(Problem.NO_RESIDENT,),
    ),
    Operation(
        name="get_resident",
        path=_AT,
        about="Data seorang warga, NIK dan nomor KK ditutup sebagian.",
        view=one,
        scope=Scope.RESIDENTS_READ,
        answer=_ONE,
        problems=(Problem.NO_RESIDENT,),
    ),
    Operation(
        name="get_whole_resident",
        method="POST",
        path=f"{_AT}/full",
        about="Data seorang warga dengan nomor lengkap; tujuannya tercatat di jejak.",
        view=whole,
        scope=Scope.RESIDENTS_READ,
        body=record("", purpose=_PURPOSE),
        answer=_ONE,
        problems=(Problem.NO_RESIDENT,),
    ),
    Operation(
        name="add_resident",
        method="POST",
        path="/residents",
        about="Tambah seorang warga. Impor banyak warga sekaligus tetap di halaman kantor.",
        view=add,
        scope=Scope.RESIDENTS_WRITE,
        body=record("", values=_ADDED),
        answer=DONE,
        deed="resident.added",
        is_new=True,
        problems=(Problem.NOT_TAKEN, Problem.NIK_TAKEN),
    ),
    Operation(
        name="change_resident",
        method="POST",
        path=_AT,
        about="Ubah kolom yang disebut; yang tidak disebut tetap.",
        view=change,
        scope=Scope.RESIDENTS_WRITE,
        body=record("", values=_CHANGED),
        answer=DONE,
        deed="resident.changed",
        problems=(Problem.NOT_TAKEN, Problem.NIK_TAKEN, Problem.NO_RESIDENT),
    ),
)
