"""Imports that wait: a file is read and compared, shown, decided, and then applied as one step, or dropped.

What would become of each resident is worked out and sealed while the report is made. To apply it only moves rows, in
one transaction: all of it is done or nothing. Where somebody changed a resident in between, it is compared anew.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from appliance.kiosk.actors import Actor, Look
from appliance.kiosk.residents import import_reports
from appliance.kiosk.residents.import_reports import ReportRow, Reports
from appliance.kiosk.residents.importing import Choice, Outcome
from appliance.kiosk.residents.register import Page, Register, RegisterError, new_id
from appliance.kiosk.residents.workbook import Header, Row
from appliance.store.database import Database

KEPT_SECONDS: Final = 7 * 86_400  # what nobody applied by then is forgotten
READING_SECONDS_MAX: Final = 3_600
SUMMARIES_MAX: Final = 50
_BATCH_ROWS: Final = 250


class ImportUnknown(RegisterError):  # noqa: N818
    """There is no such import, or it waits no more."""

    def __init__(self) -> None:
        super().__init__("this import was applied, dropped or forgotten; read the file again")


class ImportUndecided(RegisterError):  # noqa: N818
    """Somebody has to decide conflicts first."""

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__(f"{count} conflicts wait for a decision; nothing was changed")


class ImportStale(RegisterError):  # noqa: N818
    """The register was changed since the report was made. It has been made anew."""

    def __init__(self) -> None:
        super().__init__("the register was changed since the report was made; read the new report, then apply it")


@dataclass(frozen=True, slots=True)
class Summary:
    """One import. ``counts`` has each outcome; ``odd`` rows do not fit their NIK, and are taken all the same."""

    id: int
    made_by: str
    made_seconds: int
    is_waiting: bool
    header: Header
    counts: Mapping[Outcome, int]
    undecided: int
    odd: int


class Imports:
    """The imports of one register.

    Args:
        register: which.
        area: the first six digits that are usual in NIKs here, so that others are pointed out.
    """

    def __init__(self, register: Register, area: str = "") -> None:
        self.register, self.store = register, register.store
        self.reports = Reports(register.safe, area)

    def make(self, actor: Actor, header: Header, rows: Iterable[Row]) -> int:
        """Compare a file with the register, and keep the report; nobody's record is touched.

        Raises:
            appliance.core.errors.StoreFull: nothing is kept.
        """
        import_id = new_id()
        now = int(self.register.clock())
        with self.store.transaction() as db:
            _sweep(db, now)
            db.execute(
                "INSERT INTO imports (id, made_by, made_seconds, state, generation, columns, counts)"
                " VALUES (?, ?, ?, 'reading', ?, ?, '{}')",
                [
                    import_id,
                    actor.name,
                    now,
                    self.register.safe.generation(db),
                    json.dumps([header.known, header.others]),
                ],
            )
        try:
            self._take_all(import_id, rows)
            with self.store.transaction() as db:
                _finish(db, import_id)
                self._note(db, actor, "import.read", import_id)
        except BaseException:
            with self.store.transaction() as db:
                db.execute("DELETE FROM imports WHERE id = ?", [import_id])
            raise
        return import_id

    def _take_all(self, import_id: int, rows: Iterable[Row]) -> None:
        first_of_nik: dict[bytes, int] = {}
        waiting = iter(rows)
        # In parts, so that whoever else writes waits for a part and not for the file.
        while batch := list(itertools.islice(waiting, _BATCH_ROWS)):
            with self.store.transaction() as db:
                for row in batch:
                    self.reports.take(db, import_id, row, first_of_nik)

    def summary(self, import_id: int) -> Summary:
        """How much of what. Raises `ImportUnknown`."""
        with self.store.reading() as db:
            row = next(iter(db.rows("SELECT * FROM imports WHERE id = ? AND state != 'reading'", [import_id])), None)
            if row is None:
                raise ImportUnknown
            return _summary(db, row)

    def latest(self) -> tuple[Summary, ...]:
        """The newest imports first."""
        sql = "SELECT * FROM imports WHERE state != 'reading' ORDER BY made_seconds DESC, id LIMIT ?"
        with self.store.reading() as db:
            return tuple(_summary(db, row) for row in db.rows(sql, [SUMMARIES_MAX]))

    def rows(
        self,
        look: Look,
        import_id: int,
        outcome: Outcome | None,
        *,
        odd: bool = False,
        offset: int = 0,
        limit: int = 50,
    ) -> Page[ReportRow]:
        """Part of the report, in the file's order.

        Args:
            look: who reads; whose records are shown is written down.
            import_id: which import.
            outcome: only these; None for all.
            odd: only rows that do not fit their NIK.
            offset: how many to leave out.
            limit: at most so many.
        """
        where = "import_id = ? AND (? = '' OR outcome = ?) AND has_notes >= ?"
        wanted = outcome.value if outcome is not None else ""
        values = [import_id, wanted, wanted, int(odd)]
        with self.store.transaction() as db:
            ((total,),) = db.execute(f"SELECT count(*) FROM import_rows WHERE {where}", values)  # noqa: S608 - a constant
            sql = f"SELECT * FROM import_rows WHERE {where} ORDER BY number LIMIT ? OFFSET ?"  # noqa: S608 - likewise
            found = db.rows(sql, [*values, limit, offset])
            # Those who would be added have their numbers already.
            seen = [row["resident_id"] for row in found if row["outcome"] != Outcome.REFUSED]
            if seen:
                self.register.note(db, look.actor, "import.seen", seen, look.purpose)
        return Page(tuple(map(self.reports.read, found)), total, offset)

    def decide(self, actor: Actor, import_id: int, choices: Mapping[int, Mapping[str, Choice]]) -> None:
        """Write down decisions by row and column; what is not in conflict is passed over. Raises `ImportUnknown`."""
        with self.store.transaction() as db:
            _require_waiting(db, import_id)
            for number, by_column in choices.items():
                row = import_reports.one(db, import_id, number)
                if row is not None and row["outcome"] == Outcome.CONFLICT:
                    self.reports.decide(db, row, by_column)
            self._note(db, actor, "import.decided", import_id)

    def decide_rest(self, actor: Actor, import_id: int, choice: Choice) -> None:
        """Decide all conflicts that still wait in the same way. Raises `ImportUnknown`."""
        sql = "SELECT * FROM import_rows WHERE import_id = ? AND undecided > 0"
        with self.store.transaction() as db:
            _require_waiting(db, import_id)
            for row in db.rows(sql, [import_id]):
                waiting = [each for each in self.reports.read(row).comparison.conflicts if each.choice is None]
                self.reports.decide(db, row, {each.column: choice for each in waiting})
            self._note(db, actor, "import.decided", import_id, choice.value)

    def apply(self, actor: Actor, import_id: int) -> Summary:
        """Do what the report says, all of it or nothing.

        Raises:
            ImportUnknown: it waits no more.
            ImportUndecided: conflicts wait.
            ImportStale: residents were changed since; the report was made anew.
        """
        with self.store.transaction() as db:
            plan = _require_waiting(db, import_id)
            is_stale = _is_stale(db, plan)
            if not is_stale:
                ((undecided,),) = db.execute(
                    "SELECT total(undecided) FROM import_rows WHERE import_id = ?", [import_id]
                )
                if undecided:
                    raise ImportUndecided(int(undecided))
                self._move(db, actor, import_id)
        if is_stale:
            self._again(import_id)
            raise ImportStale
        return self.summary(import_id)

    def drop(self, actor: Actor, import_id: int) -> None:
        """Forget an import that waits. Raises `ImportUnknown`."""
        with self.store.transaction() as db:
            _require_waiting(db, import_id)
            db.execute("DELETE FROM imports WHERE id = ?", [import_id])
            self._note(db, actor, "import.dropped", import_id)

    def _move(self, db: Database, actor: Actor, import_id: int) -> None:
        generation = self.register.safe.next_generation(db)
        written = db.execute(
            "SELECT resident_id FROM import_rows WHERE import_id = ? AND outcome != 'refused' AND length(sealed) > 0",
            [import_id],
        )
        subjects = [id_ for (id_,) in written]
        db.execute(
            "INSERT INTO residents (id, nik_index, family_index, version, generation, sealed, imported)"
            " SELECT resident_id, nik_index, family_index, 1, ?, sealed, imported FROM import_rows"
            " WHERE import_id = ? AND outcome = 'added'",
            [generation, import_id],
        )
        db.execute(
            "UPDATE residents SET version = version + 1, generation = ?, sealed = new.sealed,"
            " family_index = new.family_index FROM import_rows AS new WHERE new.import_id = ?"
            " AND new.resident_id = residents.id AND new.outcome IN ('changed', 'conflict') AND length(new.sealed) > 0",
            [generation, import_id],
        )
        db.execute(
            "UPDATE residents SET imported = new.imported FROM import_rows AS new WHERE new.import_id = ?"
            " AND new.resident_id = residents.id AND length(new.imported) > 0",
            [import_id],
        )
        db.execute("UPDATE imports SET state = 'applied' WHERE id = ?", [import_id])
        db.execute("DELETE FROM import_rows WHERE import_id = ?", [import_id])
        self.register.note(db, actor, "import.applied", subjects, f"import {import_id}")

    def _again(self, import_id: int) -> None:
        """Compare all of it anew, in parts. Where that is cut off the file has to be read again."""
        with self.store.transaction() as db:
            sql = "UPDATE imports SET state = 'reading', generation = ? WHERE id = ?"
            db.execute(sql, [self.register.safe.generation(db), import_id])
        first_of_nik: dict[bytes, int] = {}
        after = 0
        while True:
            with self.store.transaction() as db:
                sql = "SELECT * FROM import_rows WHERE import_id = ? AND number > ? ORDER BY number LIMIT ?"
                batch = db.rows(sql, [import_id, after, _BATCH_ROWS])
                for row in batch:
                    self.reports.again(db, row, first_of_nik)
                if not batch:
                    _finish(db, import_id)
                    return
                after = batch[-1]["number"]

    def _note(self, db: Database, actor: Actor, what: str, import_id: int, detail: str = "") -> None:
        self.register.note(db, actor, what, (), f"import {import_id} {detail}".strip())


def _finish(db: Database, import_id: int) -> None:
    counts = db.execute("SELECT outcome, count(*) FROM import_rows WHERE import_id = ? GROUP BY 1", [import_id])
    db.execute("UPDATE imports SET state = 'waiting', counts = ? WHERE id = ?", [json.dumps(dict(counts)), import_id])


def _require_waiting(db: Database, import_id: int) -> dict[str, Any]:
    row = next(iter(db.rows("SELECT * FROM imports WHERE id = ? AND state = 'waiting'", [import_id])), None)
    if row is None:
        raise ImportUnknown
    return row


def _is_stale(db: Database, plan: Mapping[str, Any]) -> bool:
    """Was somebody of the report changed, or added, or given another NIK, since it was made?"""
    found = db.execute(
        "SELECT EXISTS (SELECT 1 FROM import_rows AS row JOIN residents ON residents.id = row.resident_id"
        "  WHERE row.import_id = :id AND residents.generation > :generation)"
        " OR EXISTS (SELECT 1 FROM import_rows AS row LEFT JOIN residents ON residents.nik_index = row.nik_index"
        "  WHERE row.import_id = :id AND ((row.outcome = 'added' AND residents.id IS NOT NULL)"
        "  OR (row.outcome NOT IN ('added', 'refused') AND residents.id IS NOT row.resident_id)))",
        {"id": plan["id"], "generation": plan["generation"]},
    ).fetchone()
    return bool(found[0])


def _summary(db: Database, row: Mapping[str, Any]) -> Summary:
    known, others = json.loads(row["columns"])
    counts = Counter({Outcome(name): count for name, count in json.loads(row["counts"]).items()})
    sql = "SELECT total(undecided), total(has_notes) FROM import_rows WHERE import_id = ?"
    ((undecided, odd),) = db.execute(sql, [row["id"]])
    return Summary(
        row["id"],
        row["made_by"],
        row["made_seconds"],
        row["state"] == "waiting",
        Header(tuple(known), tuple(others)),
        counts,
        int(undecided),
        int(odd),
    )


def _sweep(db: Database, now: int) -> None:
    """Forget what nobody applied, and what a power cut left half read."""
    db.execute(
        "DELETE FROM imports WHERE (state = 'waiting' AND made_seconds < ?)"
        " OR (state = 'reading' AND made_seconds < ?)",
        [now - KEPT_SECONDS, now - READING_SECONDS_MAX],
    )
    db.execute(
        "DELETE FROM imports WHERE state = 'applied' AND id NOT IN"
        " (SELECT id FROM imports WHERE state = 'applied' ORDER BY made_seconds DESC LIMIT ?)",
        [SUMMARIES_MAX],
    )
