"""The rows of an import that waits: what each says, what is found about it, and what it would leave in the register.

All of it is sealed; what stands in the open counts and sorts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from appliance.kiosk.residents.columns import ValueWrong, Wrong
from appliance.kiosk.residents.importing import Choice, Comparison, Difference, Outcome, compare, merged, remembered
from appliance.kiosk.residents.nik import Oddity
from appliance.kiosk.residents.person import oddities
from appliance.kiosk.residents.register import Safe, new_id
from appliance.kiosk.residents.workbook import Row
from appliance.store.database import Database

_NOBODY: Final = 0


@dataclass(frozen=True, slots=True)
class ReportRow:
    """What is to become of a row, and why."""

    number: int
    outcome: Outcome
    resident_id: int
    values: Mapping[str, str]
    problems: Mapping[str, ValueWrong]
    comparison: Comparison
    oddities: tuple[Oddity, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """What is worked out of a row. ``here`` and ``last`` are of who stands in the register already, None for others."""

    row: Row
    index: bytes
    id: int = _NOBODY
    outcome: Outcome = Outcome.REFUSED
    comparison: Comparison = field(default_factory=Comparison)
    here: Mapping[str, str] | None = None
    last: Mapping[str, str] = field(default_factory=dict)


class Reports:
    """The rows of imports in one database.

    Args:
        safe: seals them.
        area: the first six digits that are usual in NIKs here.
    """

    def __init__(self, safe: Safe, area: str) -> None:
        self.safe, self.area = safe, area

    def take(self, db: Database, import_id: int, row: Row, first_of_nik: dict[bytes, int]) -> None:
        """Compare a row with the register, and keep what comes of it.

        Args:
            db: within a transaction.
            import_id: which import.
            row: as read.
            first_of_nik: the rows of this file by their NIKs, up to here; this one is added.
        """
        problems = dict(row.problems)
        digits = row.values.get("nik", "")
        index = self.safe.nik_index(digits) if digits else b""
        if digits and (first := first_of_nik.setdefault(index, row.number)) != row.number:
            problems["nik"] = ValueWrong(Wrong.TWICE, str(first))
            self._refuse_first(db, import_id, first, row.number)
        if problems:
            self._keep(db, import_id, _Entry(row=Row(row.number, row.values, problems), index=index))
            return
        found = next(iter(db.rows("SELECT id, sealed, imported FROM residents WHERE nik_index = ?", [index])), None)
        if found is None:
            self._keep(db, import_id, _Entry(row=row, index=index, id=new_id(), outcome=Outcome.ADDED))
            return
        here, last = self._known(found)
        compared = compare(here, last, row.values)
        entry = _Entry(
            row=row, index=index, id=found["id"], outcome=compared.outcome, comparison=compared, here=here, last=last
        )
        self._keep(db, import_id, entry)

    def decide(self, db: Database, row: Mapping[str, Any], choices: Mapping[str, Choice]) -> None:
        """Keep decisions on the conflicts of a row, by column."""
        report = self.read(row)
        sql = "SELECT id, sealed, imported FROM residents WHERE id = ?"
        for found in db.rows(sql, [row["resident_id"]]):
            here, last = self._known(found)
            entry = _Entry(
                row=Row(report.number, report.values),
                index=row["nik_index"],
                id=found["id"],
                outcome=Outcome.CONFLICT,
                comparison=report.comparison.decided(choices),
                here=here,
                last=last,
            )
            self._keep(db, row["import_id"], entry)

    def again(self, db: Database, row: Mapping[str, Any], first_of_nik: dict[bytes, int]) -> None:
        """Compare a row anew. A decision holds as long as the register's value over which it was made."""
        old = self.read(row)
        problems = {name: each for name, each in old.problems.items() if each.wrong is not Wrong.TWICE}
        self.take(db, row["import_id"], Row(old.number, old.values, problems), first_of_nik)
        new = one(db, row["import_id"], old.number)
        if new is None or new["outcome"] != Outcome.CONFLICT:
            return
        made = {each.column: each for each in old.comparison.conflicts}
        still = {
            each.column: before.choice
            for each in self.read(new).comparison.conflicts
            if (before := made.get(each.column)) is not None and before.choice and before.here == each.here
        }
        self.decide(db, new, still)

    def read(self, row: Mapping[str, Any]) -> ReportRow:
        """Open a row of the table."""
        found = json.loads(self.safe.vault.open(row["report"], _place(row["import_id"], row["number"])))
        groups = (
            tuple(Difference(d[0], d[1], d[2], d[3], Choice(d[4]) if d[4] else None) for d in group)
            for group in found["compared"]
        )
        return ReportRow(
            row["number"],
            Outcome(row["outcome"]),
            row["resident_id"],
            found["values"],
            {name: ValueWrong(Wrong(wrong), limit) for name, (wrong, limit) in found["problems"].items()},
            Comparison(*groups),
            tuple(Oddity(each) for each in found["odd"]),
        )

    def _known(self, found: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
        """What the register has, and what the last import said."""
        here = self.safe.open(found["id"], found["sealed"])
        return here, self.safe.open(found["id"], found["imported"], "imported") if found["imported"] else {}

    def _refuse_first(self, db: Database, import_id: int, first: int, second: int) -> None:
        """The row that came with this NIK first is refused too: nobody knows which of the two is right."""
        row = one(db, import_id, first)
        if row is None:
            return
        report = self.read(row)
        problems = {"nik": ValueWrong(Wrong.TWICE, str(second)), **report.problems}
        self._keep(db, import_id, _Entry(row=Row(first, report.values, problems), index=row["nik_index"]))

    def _keep(self, db: Database, import_id: int, entry: _Entry) -> None:
        record = dict(entry.row.values) if entry.here is None else merged(entry.here, entry.comparison)
        memory = remembered(entry.last, entry.row.values)
        is_kept = entry.outcome is not Outcome.REFUSED
        odd = oddities(entry.row.values, self.area) if is_kept else ()
        db.execute(
            "INSERT OR REPLACE INTO import_rows (import_id, number, outcome, undecided, has_notes, resident_id,"
            " nik_index, family_index, report, sealed, imported) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                import_id,
                entry.row.number,
                entry.outcome.value,
                entry.comparison.undecided,
                bool(odd),
                entry.id,
                entry.index,
                self.safe.family_index(record.get("no_kk", "")) if is_kept else b"",
                self._seal(import_id, entry, odd),
                self.safe.seal(entry.id, record) if is_kept and record != entry.here else b"",
                self.safe.seal(entry.id, memory, "imported") if is_kept and memory != entry.last else b"",
            ],
        )

    def _seal(self, import_id: int, entry: _Entry, odd: Sequence[Oddity]) -> bytes:
        compared = entry.comparison
        groups = (compared.changes, compared.kept, compared.conflicts)
        text = json.dumps(
            {
                "values": dict(entry.row.values),
                "problems": {name: [each.wrong, each.limit] for name, each in entry.row.problems.items()},
                "compared": [[[d.column, d.here, d.file, d.last, d.choice] for d in group] for group in groups],
                "odd": list(odd),
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )
        return self.safe.vault.seal(text, _place(import_id, entry.row.number))


def one(db: Database, import_id: int, number: int) -> dict[str, Any] | None:
    """A row of the table as it lies there."""
    sql = "SELECT * FROM import_rows WHERE import_id = ? AND number = ?"
    return next(iter(db.rows(sql, [import_id, number])), None)


def _place(import_id: int, number: int) -> str:
    return f"import_rows.report/{import_id}/{number}"
