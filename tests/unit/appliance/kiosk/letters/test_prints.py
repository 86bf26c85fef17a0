"""Copies of a letter: one for however many presses, a reason for each further one, and what a crash leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.core.errors import PrinterAway
from appliance.kiosk.letters import prints, tables
from appliance.kiosk.letters.letter import Letter
from appliance.kiosk.letters.prints import AGAIN, COPIES_MAX, Copy, Prints, Reason, ReasonNeeded, TooManyCopies
from appliance.papers.printing import Job, JobState
from appliance.papers.twin_printer import TwinPrinter
from appliance.store import audit
from appliance.store.audit import Audit
from appliance.store.database import Store, open_store
from tests.printing import a_pdf
from tests.unit.appliance.kiosk.letters.desks import OPERATOR, OTHER_OPERATOR, Bench

TITLE = "ABCD-1234"


class Room:
    """A ledger, its printer and a letter."""

    def __init__(self, folder: Path) -> None:
        (folder / "desk").mkdir()
        self.letter: Letter = Bench(folder / "desk").approved()
        self.store: Store = open_store(folder / "prints.db", [tables.MIGRATIONS, prints.MIGRATIONS, audit.MIGRATIONS])
        self.audit = Audit(self.store, lambda: 1_790_000_000)
        self.printer = TwinPrinter()
        self.made = 0

    @property
    def prints(self) -> Prints:
        """A ledger as after a restart."""
        return Prints(self.store, self.audit, self.printer)

    def ask(self, reason: str = "") -> Copy:
        return self.prints.ask(OPERATOR, self.letter, TITLE, self._make, reason)

    def _make(self) -> bytes:
        self.made += 1
        return a_pdf(2)

    def done(self) -> list[tuple[str, str]]:
        return [(entry.what, entry.detail) for entry in reversed(self.audit.latest(50))]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path)
    yield made
    made.store.close()


def test_a_first_copy_needs_no_reason_and_is_in_the_audit(room: Room) -> None:
    copy = room.ask()
    assert (copy.number, copy.job.state, copy.by) == (1, JobState.FINISHED, OPERATOR.name)
    assert room.printer.sheets_printed == [f"{TITLE} 1", f"{TITLE} 2"]
    assert room.done() == [("letter.printed", "copy 1: first")]
    subjects = room.audit.latest(1)[0].subjects
    assert set(subjects) == {room.letter.id, room.letter.resident_id}


def test_pressed_again_while_it_runs_it_is_the_same_copy(room: Room) -> None:
    room.printer.sheets = 1
    assert room.ask().job.state is JobState.PRINTING
    for _ in range(3):
        assert room.ask("one_more").number == 1
    room.printer.load(5)
    newest = room.prints.newest(room.letter.id)
    assert newest is not None and newest.job == Job(1, JobState.FINISHED, 2)
    assert room.printer.sheets_printed == [f"{TITLE} 1", f"{TITLE} 2"]
    assert room.made == 1


@pytest.mark.parametrize("reason", ["", "first", "bosan", "'; DROP TABLE letter_prints"])
def test_a_further_copy_needs_a_reason_of_the_list(room: Room, reason: str) -> None:
    room.ask()
    with pytest.raises(ReasonNeeded):
        room.ask(reason)
    assert len(room.printer.sheets_printed) == 2
    assert [copy.number for copy in room.prints.copies(room.letter.id)] == [1]


@pytest.mark.parametrize("reason", AGAIN)
def test_with_a_reason_it_is_printed_again_and_written_down(room: Room, reason: Reason) -> None:
    room.ask()
    assert room.ask(reason.value).number == 2
    assert len(room.printer.sheets_printed) == 4
    assert room.done()[-1] == ("letter.printed_again", f"copy 2: {reason.value}")
    assert [(copy.number, copy.reason) for copy in room.prints.copies(room.letter.id)] == [
        (2, reason),
        (1, Reason.FIRST),
    ]


def test_a_printer_that_does_not_answer_leaves_it_asked_for_and_the_next_press_prints_once(room: Room) -> None:
    room.printer.answers = False
    with pytest.raises(PrinterAway):
        room.ask()
    (copy,) = room.prints.copies(room.letter.id)
    assert not copy.was_submitted
    room.printer.answers = True
    assert room.ask().number == 1
    assert len(room.printer.sheets_printed) == 2


def test_a_crash_right_after_submitting_prints_nothing_twice(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Prints, "_submitted", crash)
        with pytest.raises(KeyboardInterrupt):
            room.ask()
    assert not room.prints.copies(room.letter.id)[0].was_submitted
    newest = room.prints.newest(room.letter.id)
    assert newest is not None and newest.was_submitted and newest.job.state is JobState.FINISHED
    with pytest.raises(ReasonNeeded):
        room.ask()
    assert len(room.printer.sheets_printed) == 2


def test_a_printing_system_that_forgot_is_not_asked_to_print_anew(room: Room) -> None:
    room.printer.sheets = 0
    room.ask()
    room.printer.forget()
    room.printer.load(10)
    newest = room.prints.newest(room.letter.id)
    assert newest is not None and newest.job.state is JobState.GONE
    with pytest.raises(ReasonNeeded):
        room.ask()
    assert room.printer.sheets_printed == []
    assert room.ask("stopped").job.state is JobState.FINISHED


def test_how_it_ended_is_kept_when_the_printer_has_forgotten(room: Room) -> None:
    room.printer.sheets = 0
    room.ask()
    room.printer.fail(prints.key(room.letter.id, 1))
    room.prints.newest(room.letter.id)
    room.printer.forget()
    newest = room.prints.newest(room.letter.id)
    assert newest is not None and newest.job.state is JobState.FAILED


def test_a_print_can_be_stopped_by_somebody_else(room: Room) -> None:
    room.printer.sheets = 0
    room.ask()
    room.prints.cancel(OTHER_OPERATOR, room.letter.id)
    room.printer.load(5)
    newest = room.prints.newest(room.letter.id)
    assert newest is not None and newest.job.state is JobState.CANCELLED
    assert room.printer.sheets_printed == []
    assert room.done()[-1] == ("letter.print_stopped", "copy 1")
    before = room.done()
    room.prints.cancel(OPERATOR, room.letter.id)
    room.prints.cancel(OPERATOR, room.letter.id + 1)
    assert room.done() == before


def test_there_is_an_end_to_copies(room: Room) -> None:
    room.ask()
    with room.store.transaction() as db:
        db.execute("UPDATE letter_prints SET copy = ?", [COPIES_MAX])
    with pytest.raises(TooManyCopies):
        room.ask("one_more")
    assert len(room.printer.sheets_printed) == 2


def test_nothing_of_the_letter_is_in_the_ledger(room: Room) -> None:
    room.ask()
    with room.store.reading() as db:
        kept = str([dict(row) for row in db.rows("SELECT * FROM letter_prints", [])])
    assert room.letter.name and room.letter.name not in kept
    assert room.letter.code not in kept
