"""The printer in memory and a real CUPS: the same tests for both."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Protocol

import pytest

from appliance.core.errors import PrinterAway, PrintRefused
from appliance.papers.cups import RAW, CupsPrinter
from appliance.papers.printing import DOCUMENT_BYTES_MAX, Condition, JobState, Printer
from appliance.papers.twin_printer import TwinPrinter
from tests.printing import QUEUE, TICKET_QUEUE, PrivateCups, a_pdf, private_cups, wait_for

TITLE, KEY = "ABCD1234", "letter-9007199254740991-copy-1"


class Hall(Protocol):
    """A printer, and what somebody who stands before it can do and see."""

    printer: Printer

    def load(self, sheets: int) -> None: ...
    def trouble(self, reason: str) -> None: ...
    def break_down(self, key: str) -> None: ...
    def vanish(self) -> None: ...
    def start_anew(self) -> None: ...
    def printed(self) -> list[str]: ...
    def queue_titles(self) -> str: ...


class TwinHall:
    def __init__(self) -> None:
        self.twin = TwinPrinter()
        self.printer: Printer = self.twin

    def load(self, sheets: int) -> None:
        self.twin.sheets = 0
        self.twin.load(sheets)

    def trouble(self, reason: str) -> None:
        self.twin.is_on = not reason.startswith("offline")
        self.twin.attention = reason if self.twin.is_on else ""

    def break_down(self, key: str) -> None:
        self.twin.fail(key)

    def vanish(self) -> None:
        self.twin.answers = False

    def start_anew(self) -> None:
        self.twin.forget()
        self.twin.answers = True

    def printed(self) -> list[str]:
        return self.twin.sheets_printed

    def queue_titles(self) -> str:
        return "\n".join(self.twin.titles)


class CupsHall:
    def __init__(self, cups: PrivateCups) -> None:
        self.cups = cups
        self.printer: Printer = CupsPrinter(QUEUE, socket_path=cups.socket)

    def load(self, sheets: int) -> None:
        self.cups.load(sheets)

    def trouble(self, reason: str) -> None:
        self.cups.trouble(reason)

    def break_down(self, key: str) -> None:
        self.cups.trouble("broken")

    def vanish(self) -> None:
        self.cups.stop()

    def start_anew(self) -> None:
        self.cups.stop()
        self.cups.forget()
        self.cups.start()

    def printed(self) -> list[str]:
        return self.cups.printed()

    def queue_titles(self) -> str:
        files = self.cups.spool.glob("c*")
        return "\n".join(path.read_bytes().decode("ascii", "replace") for path in files)


@pytest.fixture(params=["twin", pytest.param("cups", marks=pytest.mark.root)])
def hall(request: pytest.FixtureRequest) -> Iterator[Hall]:
    if request.param == "twin":
        yield TwinHall()
        return
    with private_cups() as cups:
        yield CupsHall(cups)


def _ends(hall: Hall, key: str, state: JobState) -> None:
    wait_for(lambda: hall.printer.job(key).state is state, lambda: str(hall.printer.job(key)))


def _is(hall: Hall, condition: Condition) -> None:
    # Story 2 of the office: within 5 seconds.
    wait_for(lambda: hall.printer.state().condition is condition, lambda: str(hall.printer.state()), seconds=5.0)


def test_a_letter_is_printed_and_remembered(hall: Hall) -> None:
    assert hall.printer.state().condition is Condition.READY
    assert hall.printer.job(KEY).state is JobState.GONE
    hall.printer.submit(a_pdf(2), TITLE, KEY)
    _ends(hall, KEY, JobState.FINISHED)
    assert hall.printer.job(KEY).pages_done == 2
    assert hall.printed() == [f"{TITLE} 1", f"{TITLE} 2"]
    assert hall.printer.state().condition is Condition.READY


def test_a_key_is_printed_once_however_often_it_is_submitted(hall: Hall) -> None:
    hall.load(1)
    first = hall.printer.submit(a_pdf(2), TITLE, KEY)
    assert hall.printer.submit(a_pdf(2), TITLE, KEY).id == first.id
    hall.load(10)
    _ends(hall, KEY, JobState.FINISHED)
    assert hall.printer.submit(a_pdf(2), TITLE, KEY).state is JobState.FINISHED
    other = hall.printer.submit(a_pdf(1), TITLE, KEY.replace("copy-1", "copy-2"))
    assert other.id != first.id
    _ends(hall, KEY.replace("copy-1", "copy-2"), JobState.FINISHED)
    assert hall.printed() == [f"{TITLE} 1", f"{TITLE} 2", f"{TITLE} 1"]


def test_two_at_once_with_one_key_print_once(hall: Hall) -> None:
    gate = threading.Barrier(4)
    ids = []

    def ask() -> None:
        gate.wait(10)
        ids.append(hall.printer.submit(a_pdf(1), TITLE, KEY).id)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(ids) == 4 and len(set(ids)) == 1
    _ends(hall, KEY, JobState.FINISHED)
    assert hall.printed() == [f"{TITLE} 1"]


def test_paper_out_on_page_two_is_told_and_printing_goes_on_after_the_refill(hall: Hall) -> None:
    hall.load(1)
    hall.printer.submit(a_pdf(2), TITLE, KEY)
    _is(hall, Condition.PAPER_OUT)
    waiting = hall.printer.job(KEY)
    assert (waiting.state, waiting.pages_done) == (JobState.PRINTING, 1)
    assert hall.printed() == [f"{TITLE} 1"]
    hall.load(10)
    _ends(hall, KEY, JobState.FINISHED)
    _is(hall, Condition.READY)
    assert hall.printed() == [f"{TITLE} 1", f"{TITLE} 2"]


def test_a_letter_waits_behind_one_that_waits_for_paper(hall: Hall) -> None:
    hall.load(0)
    hall.printer.submit(a_pdf(1), TITLE, "one")
    _is(hall, Condition.PAPER_OUT)
    assert hall.printer.submit(a_pdf(1), "EFGH5678", "two").state in (JobState.WAITING, JobState.PRINTING)
    hall.load(10)
    _ends(hall, "two", JobState.FINISHED)
    assert hall.printed() == [f"{TITLE} 1", "EFGH5678 1"]


@pytest.mark.parametrize(
    ("reason", "condition"),
    [
        ("media-jam-error", Condition.ATTENTION),
        ("door-open-warning", Condition.ATTENTION),
        ("offline-error", Condition.OFFLINE),
    ],
)
def test_trouble_is_told_and_passes(hall: Hall, reason: str, condition: Condition) -> None:
    hall.trouble(reason)
    hall.printer.submit(a_pdf(1), TITLE, KEY)
    _is(hall, condition)
    assert not hall.printer.job(KEY).state.is_over
    hall.trouble("")
    _ends(hall, KEY, JobState.FINISHED)
    _is(hall, Condition.READY)
    assert hall.printed() == [f"{TITLE} 1"]


def test_a_print_can_be_stopped_and_is_not_begun_anew(hall: Hall) -> None:
    hall.load(0)
    hall.printer.submit(a_pdf(1), TITLE, KEY)
    _is(hall, Condition.PAPER_OUT)
    hall.printer.cancel(KEY)
    _ends(hall, KEY, JobState.CANCELLED)
    hall.load(10)
    assert hall.printer.submit(a_pdf(1), TITLE, KEY).state is JobState.CANCELLED
    hall.printer.cancel(KEY)
    hall.printer.cancel("never-submitted")
    hall.printer.submit(a_pdf(1), "EFGH5678", "another")
    _ends(hall, "another", JobState.FINISHED)
    assert hall.printed() == ["EFGH5678 1"]


def test_a_print_that_failed_is_not_tried_again_by_itself(hall: Hall) -> None:
    hall.load(0)
    hall.printer.submit(a_pdf(1), TITLE, KEY)
    _is(hall, Condition.PAPER_OUT)
    hall.break_down(KEY)
    _ends(hall, KEY, JobState.FAILED)
    hall.trouble("")
    hall.load(10)
    assert hall.printer.submit(a_pdf(1), TITLE, KEY).state is JobState.FAILED
    hall.printer.submit(a_pdf(1), "EFGH5678", "another")
    _ends(hall, "another", JobState.FINISHED)
    assert hall.printed() == ["EFGH5678 1"]


def test_without_a_printing_system_nothing_is_taken(hall: Hall) -> None:
    hall.vanish()
    assert hall.printer.state().condition is Condition.OFFLINE
    for ask in (
        lambda: hall.printer.submit(a_pdf(), TITLE, KEY),
        lambda: hall.printer.job(KEY),
        lambda: hall.printer.cancel(KEY),
    ):
        with pytest.raises(PrinterAway):
            ask()
    hall.start_anew()
    assert hall.printer.submit(a_pdf(), TITLE, KEY).state is not JobState.GONE
    _ends(hall, KEY, JobState.FINISHED)


def test_a_start_anew_forgets_and_its_numbers_are_not_mistaken(hall: Hall) -> None:
    hall.printer.submit(a_pdf(), TITLE, KEY)
    _ends(hall, KEY, JobState.FINISHED)
    hall.start_anew()
    hall.printer.submit(a_pdf(), "EFGH5678", "another")
    assert hall.printer.job(KEY).state is JobState.GONE
    _ends(hall, "another", JobState.FINISHED)


@pytest.mark.parametrize(
    ("document", "title", "key"),
    [
        (b"", TITLE, KEY),
        (b"<html>", TITLE, KEY),
        (b"%PDF-" + b"x" * DOCUMENT_BYTES_MAX, TITLE, KEY),
        (a_pdf(), "I Wayan Sudra", KEY),
        (a_pdf(), "5103010101900001", KEY),
        (a_pdf(), "", KEY),
        (a_pdf(), TITLE, ""),
        (a_pdf(), TITLE, "Letter 1"),
        (a_pdf(), TITLE, "a" * 81),
    ],
)
def test_what_is_no_letter_or_would_tell_a_name_is_refused(hall: Hall, document: bytes, title: str, key: str) -> None:
    with pytest.raises(PrintRefused):
        hall.printer.submit(document, title, key)
    assert hall.printed() == []


def test_the_queue_shows_no_more_than_the_receipt_code(hall: Hall) -> None:
    hall.load(0)
    hall.printer.submit(a_pdf(), TITLE, KEY)
    _is(hall, Condition.PAPER_OUT)
    shown = hall.queue_titles()
    assert TITLE in shown
    assert "9007199254740991" not in shown


@pytest.mark.root
def test_what_was_printed_is_gone_from_the_spool_and_no_log_names_it() -> None:
    with private_cups() as cups:
        printer = CupsPrinter(QUEUE, socket_path=cups.socket)
        planted = b"5103010101900001 I Wayan Sudra"
        cups.load(0)
        printer.submit(a_pdf(1) + planted, TITLE, KEY)
        wait_for(lambda: printer.state().condition is Condition.PAPER_OUT)
        # So that the test can fail: while it waits for paper, it is there.
        assert _holding(cups, planted)
        cups.load(10)
        wait_for(lambda: printer.job(KEY).state is JobState.FINISHED)
        (cups.out / "last").unlink()  # the paper itself
        wait_for(lambda: not _holding(cups, planted))
        cups.load(0)
        printer.submit(a_pdf(1) + planted, TITLE, "stopped")
        wait_for(lambda: printer.job("stopped").state is JobState.PRINTING)
        printer.cancel("stopped")
        wait_for(lambda: not _holding(cups, planted))
        assert TITLE not in (cups.folder / "log").read_text()


def _holding(cups: PrivateCups, planted: bytes) -> list[str]:
    found = []
    for path in cups.folder.rglob("*"):
        try:
            if path.is_file() and planted in path.read_bytes():
                found.append(str(path))
        except FileNotFoundError:
            continue
    return found


@pytest.mark.root
def test_a_process_that_dies_right_after_it_submitted_prints_once() -> None:
    with private_cups() as cups:
        cups.load(0)
        # The first process asked and never read the answer; the second knows nothing of it.
        CupsPrinter(QUEUE, socket_path=cups.socket).submit(a_pdf(2), TITLE, KEY)
        again = CupsPrinter(QUEUE, socket_path=cups.socket).submit(a_pdf(2), TITLE, KEY)
        assert not again.state.is_over
        cups.load(10)
        printer = CupsPrinter(QUEUE, socket_path=cups.socket)
        wait_for(lambda: printer.job(KEY).state is JobState.FINISHED)
        assert cups.printed() == [f"{TITLE} 1", f"{TITLE} 2"]


@pytest.mark.root
def test_a_ticket_reaches_the_receipt_printer_byte_by_byte() -> None:
    with private_cups() as cups:
        printer = CupsPrinter(TICKET_QUEUE, RAW, cups.socket)
        ticket = bytes(range(256)) * 4
        printer.submit(ticket, "A-017", "ticket-17")
        wait_for(lambda: printer.job("ticket-17").state is JobState.FINISHED)
        assert (cups.out / "last").read_bytes() == ticket


@pytest.mark.root
def test_a_queue_that_nobody_made_is_said_so() -> None:
    with private_cups() as cups:
        printer = CupsPrinter("nowhere", socket_path=cups.socket)
        assert "does not exist" in printer.state().message
        with pytest.raises(PrinterAway, match="lpstat"):
            printer.submit(a_pdf(), TITLE, KEY)
