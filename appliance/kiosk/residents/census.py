"""How many live in the village, by what tells a planner something and nobody's name. Pure."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from appliance.kiosk.residents.codes import Sex, StatusDasar
from appliance.kiosk.residents.person import Resident

# Upper ends of age groups, in years: toddlers, school children, people of working age, the old.
AGE_GROUPS: Final = ((0, 4), (5, 9), (10, 14), (15, 19), (20, 29), (30, 39), (40, 49), (50, 59), (60, 74), (75, 150))


@dataclass(frozen=True, slots=True)
class Part:
    """How many of one kind; ``families`` are counted by their numbers."""

    residents: int
    men: int
    women: int
    families: int


@dataclass(frozen=True, slots=True)
class Counts:
    """The living of the village; ``by_status`` has all records.

    The others are by a name or a code of OpenSID; None stands for what is not known.
    """

    all: Part
    by_dusun: Mapping[str, Part]
    by_age: Mapping[tuple[int, int] | None, Part]
    by_religion: Mapping[int | None, Part]
    by_education: Mapping[int | None, Part]
    by_occupation: Mapping[int | None, Part]
    by_marital_status: Mapping[int | None, Part]
    by_status: Mapping[StatusDasar, int]


class _Tally:
    """Counts one kind while it is gone through."""

    def __init__(self) -> None:
        self.residents = self.men = self.women = 0
        self.families: set[str] = set()

    def take(self, one: Resident) -> None:
        self.residents += 1
        self.men += one.sex is Sex.MALE
        self.women += one.sex is Sex.FEMALE
        if one.no_kk:
            self.families.add(one.no_kk)

    def part(self) -> Part:
        return Part(self.residents, self.men, self.women, len(self.families))


class _Tallies:
    """One way of dividing, with a tally for each value."""

    def __init__(self) -> None:
        self.by_key: dict[Any, _Tally] = {}

    def take(self, key: Any, one: Resident) -> None:
        self.by_key.setdefault(key, _Tally()).take(one)

    def parts(self) -> dict[Any, Part]:
        """The greatest first."""
        ordered = sorted(self.by_key.items(), key=lambda each: (-each[1].residents, str(each[0])))
        return {key: tally.part() for key, tally in ordered}


def count(everybody: Iterable[Resident], today: datetime.date) -> Counts:
    """Count once through."""
    statuses: Counter[StatusDasar] = Counter()
    total, ways = _Tally(), {name: _Tallies() for name in ("dusun", "age", "religion", "education", "work", "marital")}
    for one in everybody:
        statuses[one.status] += 1
        if one.status is not StatusDasar.HIDUP:
            continue
        total.take(one)
        ways["dusun"].take(one.dusun, one)
        ways["age"].take(age_group(one.age(today)), one)
        ways["religion"].take(one.religion, one)
        ways["education"].take(one.education, one)
        ways["work"].take(one.occupation, one)
        ways["marital"].take(one.marital_status, one)
    parts = {name: way.parts() for name, way in ways.items()}
    ages = dict(sorted(parts["age"].items(), key=lambda each: (each[0] is None, each[0] or (0, 0))))
    return Counts(
        total.part(),
        parts["dusun"],
        ages,
        parts["religion"],
        parts["education"],
        parts["work"],
        parts["marital"],
        statuses,
    )


def age_group(years: int | None) -> tuple[int, int] | None:
    """The group of `AGE_GROUPS` that an age belongs to."""
    return next((group for group in AGE_GROUPS if years is not None and group[0] <= years <= group[1]), None)
