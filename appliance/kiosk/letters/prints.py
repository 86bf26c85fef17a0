"""Which copies of a letter were printed, by whom and why again. The printer knows a copy by its key: it prints it once.

What is asked for is written down before it is submitted, and that it was submitted after: whoever finds a copy asked
for and not submitted submits it again, which prints nothing twice (`appliance.papers.printing`). A copy that was
submitted and that the printing system knows no more is over: a person looks at the paper and decides.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from appliance.kiosk.actors import Actor
from appliance.kiosk.letters.letter import Letter
from appliance.papers.printing import Job, JobState, Printer
from appliance.store.audit import Audit
from appliance.store.database import Database, Store
from appliance.store.migrations import Migrations

if TYPE_CHECKING:
    import sqlite_utils

MIGRATIONS: Final = Migrations("letter_prints")
COPIES_MAX: Final = 50


@MIGRATIONS()
def m001_prints(db: sqlite_utils.Database) -> None:
    """One row for each copy. ``ended`` is a `JobState` that is over, or ""."""
    db.executescript(
        """
        CREATE TABLE letter_prints (
            letter_id INTEGER NOT NULL,
            copy INTEGER NOT NULL CHECK (copy > 0),
            asked_seconds INTEGER NOT NULL,
            actor_name TEXT NOT NULL,
            reason TEXT NOT NULL,
            was_submitted INTEGER NOT NULL DEFAULT 0,
            ended TEXT NOT NULL DEFAULT '',
            PRIMARY KEY (letter_id, copy)
        ) STRICT, WITHOUT ROWID;
        """
    )


class Reason(enum.StrEnum):
    """Why a letter is printed again. Chosen and not typed, so that no name gets into the audit."""

    FIRST = "first"
    SPOILT = "spoilt"  # jammed, smeared, cut off
    STOPPED = "stopped"  # the print before ended without a paper
    LOST = "lost"
    ONE_MORE = "one_more"


AGAIN: Final = tuple(reason for reason in Reason if reason is not Reason.FIRST)


class ReasonNeeded(Exception):  # noqa: N818 - reads as the sentence it is where it is caught
    """A further copy is printed for a reason, and none of the list was given. Nothing was printed."""


class TooManyCopies(Exception):  # noqa: N818
    """A letter has `COPIES_MAX` copies."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of a letter. ``job`` is how it stands with its print; WAITING where it was not submitted so far."""

    number: int
    asked_seconds: int
    by: str
    reason: Reason
    was_submitted: bool
    job: Job


class Prints:
    """The copies in one store, which was opened with `MIGRATIONS`, and the printer that prints them."""

    def __init__(self, store: Store, audit: Audit, printer: Printer) -> None:
        self._store, self._audit, self._printer = store, audit, printer

    def copies(self, letter_id: int) -> tuple[Copy, ...]:
        """Every copy, the newest first, as it was last known: the printer is not asked."""
        with self._store.reading() as db:
            rows = db.rows("SELECT * FROM letter_prints WHERE letter_id = ? ORDER BY copy DESC", [letter_id])
        return tuple(_copy(row) for row in rows)

    def newest(self, letter_id: int) -> Copy | None:
        """The newest copy, as the printer says it stands; None where nothing was printed.

        Raises:
            PrinterAway: the printer does not answer; `copies` tells what was known last.
        """
        found = next(iter(self.copies(letter_id)), None)
        if found is None or found.job.state.is_over:
            return found
        job = self._printer.job(key(letter_id, found.number))
        if not found.was_submitted and job.state is JobState.GONE:
            return found
        # One that was not written down as submitted, and is there: the process died in between.
        if job.state.is_over or not found.was_submitted:
            self._submitted(letter_id, found.number, job)
        return Copy(found.number, found.asked_seconds, found.by, found.reason, True, job)

    def ask(self, actor: Actor, letter: Letter, title: str, make: Callable[[], bytes], reason: str = "") -> Copy:
        """Have a copy printed: the one that is under way, or a new one.

        Args:
            actor: who asks.
            letter: which letter.
            title: what stands in the printer's queue, the receipt's code.
            make: gives the PDF.
            reason: a `Reason` of `AGAIN`, needed where there is a copy whose print is over.

        Raises:
            ReasonNeeded: a print is over and no reason was given.
            PrinterAway: it is asked for and not printed; ask again.
            PrintRefused: the paper is not taken.
        """
        self.newest(letter.id)
        copy = self._begin(actor, letter, reason)
        if copy.was_submitted:
            return copy
        job = self._printer.submit(make(), title, key(letter.id, copy.number))
        self._submitted(letter.id, copy.number, job)
        return Copy(copy.number, copy.asked_seconds, copy.by, copy.reason, True, job)

    def cancel(self, actor: Actor, letter_id: int) -> None:
        """Stop the newest copy, where it is not over. Raises `PrinterAway`."""
        found = self.newest(letter_id)
        if found is None or found.job.state.is_over:
            return
        self._printer.cancel(key(letter_id, found.number))
        with self._store.transaction() as db:
            if not found.was_submitted:
                self._end(db, letter_id, found.number, JobState.CANCELLED)
            self._note(db, actor, "letter.print_stopped", [letter_id], f"copy {found.number}")

    def _begin(self, actor: Actor, letter: Letter, reason: str) -> Copy:
        with self._store.transaction() as db:
            rows = db.rows("SELECT * FROM letter_prints WHERE letter_id = ? ORDER BY copy DESC LIMIT 1", [letter.id])
            if rows and not rows[0]["ended"]:
                return _copy(rows[0])
            if rows and reason not in AGAIN:
                raise ReasonNeeded
            copy = rows[0]["copy"] + 1 if rows else 1
            if copy > COPIES_MAX:
                raise TooManyCopies
            why = Reason(reason) if rows else Reason.FIRST
            now = int(self._audit.clock())
            db.execute(
                "INSERT INTO letter_prints (letter_id, copy, asked_seconds, actor_name, reason) VALUES (?, ?, ?, ?, ?)",
                [letter.id, copy, now, actor.name, why.value],
            )
            subjects = [letter.id, *([letter.resident_id] if letter.resident_id is not None else [])]
            what = "letter.printed" if copy == 1 else "letter.printed_again"
            self._note(db, actor, what, subjects, f"copy {copy}: {why.value}")
        return Copy(copy, now, actor.name, why, False, Job(0, JobState.WAITING))

    def _note(self, db: Database, actor: Actor, what: str, subjects: list[int], detail: str) -> None:
        self._audit.note_in(db, actor.name, actor.role, what, subjects, detail=detail)

    def _submitted(self, letter_id: int, copy: int, job: Job) -> None:
        with self._store.transaction() as db:
            db.execute("UPDATE letter_prints SET was_submitted = 1 WHERE letter_id = ? AND copy = ?", [letter_id, copy])
            if job.state.is_over:
                self._end(db, letter_id, copy, job.state)

    @staticmethod
    def _end(db: Database, letter_id: int, copy: int, state: JobState) -> None:
        db.execute(
            "UPDATE letter_prints SET ended = ? WHERE letter_id = ? AND copy = ? AND ended = ''",
            [state.value, letter_id, copy],
        )


def key(letter_id: int, copy: int) -> str:
    """By what the printer knows a copy."""
    return f"letter-{letter_id}-copy-{copy}"


def _copy(row: dict[str, Any]) -> Copy:
    state = JobState(row["ended"]) if row["ended"] else JobState.WAITING
    return Copy(
        row["copy"],
        row["asked_seconds"],
        row["actor_name"],
        Reason(row["reason"]),
        bool(row["was_submitted"]),
        Job(0, state),
    )
