"""What an import would do to one resident: compare the file with the register and with the import before. Pure.

The file and the office may both have changed something since the last import. Where only one of them did, that one
holds; where both did and differ, a person decides. A blank cell says nothing, and erases nothing.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from appliance.kiosk.residents.columns import COLUMNS

# What stands for a blank: who has no status lives here.
_DEFAULTS: Final[Mapping[str, str]] = {"status_dasar": "1"}


class Outcome(enum.StrEnum):
    """What becomes of a row."""

    ADDED = "added"
    CHANGED = "changed"
    CONFLICT = "conflict"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


class Choice(enum.StrEnum):
    """Whose value holds."""

    HERE = "here"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Difference:
    """One column of which register and file say something else; ``last`` is what the import before said."""

    column: str
    here: str
    file: str
    last: str = ""
    choice: Choice | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a row would do to somebody who is in the register.

    ``changes`` come from the file, ``kept`` were changed here and not in the file, ``conflicts`` in both.
    """

    changes: tuple[Difference, ...] = ()
    kept: tuple[Difference, ...] = ()
    conflicts: tuple[Difference, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """What becomes of the row."""
        if self.conflicts:
            return Outcome.CONFLICT
        return Outcome.CHANGED if self.changes else Outcome.UNCHANGED

    @property
    def undecided(self) -> int:
        """How many conflicts wait for a person."""
        return sum(each.choice is None for each in self.conflicts)

    def decided(self, choices: Mapping[str, Choice]) -> Comparison:
        """The same with what was decided by column; others stay as they are."""
        conflicts = tuple(replace(each, choice=choices.get(each.column, each.choice)) for each in self.conflicts)
        return replace(self, conflicts=conflicts)


def compare(here: Mapping[str, str], last: Mapping[str, str], file: Mapping[str, str]) -> Comparison:
    """Compare three records, each a mapping of column to what is kept of it.

    Args:
        here: the register's.
        last: what the import before said; empty where somebody was added by hand.
        file: the row.
    """
    changes, kept, conflicts = [], [], []
    for column in COLUMNS:
        new = file.get(column.name, "")
        blank = _DEFAULTS.get(column.name, "")
        own, before = here.get(column.name, "") or blank, last.get(column.name, "") or blank
        if not new or new == own:
            continue
        found = Difference(column.name, own, new, before)
        if own == before:
            changes.append(found)
        elif new == before:
            kept.append(found)
        else:
            conflicts.append(found)
    return Comparison(tuple(changes), tuple(kept), tuple(conflicts))


def merged(here: Mapping[str, str], comparison: Comparison) -> dict[str, str]:
    """The record after the import. Where nobody has decided yet the register's value holds."""
    taken = [each for each in comparison.conflicts if each.choice is Choice.FILE]
    return {**here, **{each.column: each.file for each in (*comparison.changes, *taken)}}


def remembered(last: Mapping[str, str], file: Mapping[str, str]) -> dict[str, str]:
    """What the next import is compared with: what was decided now is not asked again."""
    return {**last, **{name: value for name, value in file.items() if value}}
