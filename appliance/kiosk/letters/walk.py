"""The walk through a kind's questions, one a page: which come, in which order, and what is known already. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from appliance.kiosk.letters.kinds import Category, Field, FieldType, Kind
from appliance.kiosk.residents.person import Resident, whole_address, words

# Fields of kinds that the register answers by itself. What it knows is not asked; the check page shows it.
_KNOWN: Final = ("nik_ayah", "nik_ibu", "pekerjaan_sekarang")
# What it only lets one suppose stands in the field, to be sent on with one touch or changed.
_SUPPOSED: Final = ("alamat_domisili", "alamat_usaha", "alamat_ayah", "alamat_ibu")


@dataclass(frozen=True, slots=True)
class Group:
    """Kinds of one category, in the order of their titles."""

    category: Category
    kinds: tuple[Kind, ...]


def grouped(kinds: Mapping[str, Kind]) -> tuple[Group, ...]:
    """All kinds, by category in the order of `Category`."""
    order = list(Category)
    found = sorted(kinds.values(), key=lambda kind: (order.index(kind.category), kind.title, kind.slug))
    return tuple(
        Group(category, tuple(members)) for category, members in groupby(found, key=lambda kind: kind.category)
    )


def known(kind: Kind, resident: Resident) -> dict[str, str]:
    """Answers that the register has."""
    found = {
        "nik_ayah": resident.father_nik,
        "nik_ibu": resident.mother_nik,
        "pekerjaan_sekarang": words(resident, "occupation"),
    }
    return {one.name: found[one.name] for one in kind.fields if one.name in _KNOWN and found[one.name]}


def supposed(kind: Kind, resident: Resident) -> dict[str, str]:
    """Answers that the register lets one suppose."""
    address = whole_address(resident)
    return {one.name: address for one in kind.fields if one.name in _SUPPOSED and address}


def steps(kind: Kind, from_register: frozenset[str] = frozenset()) -> tuple[Field, ...]:
    """The questions of the walk: what must be answered and is not known. The others are offered on the check page."""
    return tuple(one for one in kind.fields if one.required and one.name not in from_register)


def first_open(kind: Kind, answers: Mapping[str, str]) -> Field | None:
    """The first question that must be answered and is not; None when the form can be checked."""
    return next((one for one in kind.fields if one.required and not answers.get(one.name)), None)


def before(walk: tuple[Field, ...], name: str) -> Field | None:
    """The question before the one of this name; None at the beginning, and for one that is not in the walk."""
    names = [one.name for one in walk]
    place = names.index(name) if name in names else 0
    return walk[place - 1] if place > 0 else None


def typed(field: Field, sent: Mapping[str, str]) -> str:
    """What was filled in: a date comes in three parts, everything else by the name ``jawaban``."""
    if field.type is not FieldType.DATE:
        return sent.get("jawaban", "")
    parts = [sent.get(name, "").strip() for name in ("hari", "bulan", "tahun")]
    return "-".join(parts) if any(parts) else ""


def date_parts(answer: str) -> tuple[str, str, str]:
    """A date that was typed, for the three parts of its question."""
    parts = answer.split("-")
    if len(parts) != 3:
        return "", "", ""
    return (parts[2], parts[1], parts[0]) if len(parts[0]) == 4 else (parts[0], parts[1], parts[2])
