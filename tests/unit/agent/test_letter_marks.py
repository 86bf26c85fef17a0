"""Marks of letters on their way: what is sent when, and what is sent again."""

from __future__ import annotations

import dataclasses
import datetime
import errno
from collections.abc import Iterable
from pathlib import Path

import pytest

from agent.in_flight import NOBODY_LISTENS, SOON_MS
from agent.letter_marks import ASK_EVERY_MS, RECEIPT_TIMEOUT_MS, REFUSED_MS, LetterMarks, ask_kiosk
from agent.pace import Bucket
from appliance.core.errors import OperationError
from appliance.core.letter_marks import Cursor, Found, Mark, digest_of, next_chain
from appliance.core.letter_marks_wire import Receipt, decode_marks, encode_receipt, receipt_key

EPOCH, OTHER = "cd" * 16, "ef" * 16


class Book:
    """The kiosk's book of marks."""

    def __init__(self, at_once: int = 2) -> None:
        self.rows: list[tuple[Cursor, Mark]] = []
        self.at_once, self.asked = at_once, 0
        self.trouble: OSError | OperationError | None = None

    def add(self, *tokens: str, **changes: object) -> None:
        for token in tokens:
            last = self.rows[-1][0] if self.rows else Cursor()
            mark = Mark(digest_of(token), "Surat Keterangan Usaha", datetime.date(2026, 8, 17), None, False, False)
            mark = dataclasses.replace(mark, **changes)  # type: ignore[arg-type] # each test says what it changes
            self.rows.append((Cursor(last.sequence + 1, next_chain(last.chain, mark)), mark))

    def behind(self, cursor: Cursor) -> Found:
        self.asked += 1
        if self.trouble is not None:
            raise self.trouble
        places = [place for place, _ in self.rows]
        begin = places.index(cursor) + 1 if cursor in places else 0
        part = self.rows[begin : begin + self.at_once]
        is_all = len(part) < self.at_once
        return Found(tuple(mark for _, mark in part), part[-1][0] if part else cursor, is_all)


class Way:
    """The agent's side, on a clock that the test turns, and what went over its connection."""

    def __init__(self, folder: Path, book: Book) -> None:
        self.folder, self.book, self.now_ms = folder, book, 1_000
        self.sent: list[bytes] = []
        self.room = Bucket(1e9)
        self.start()

    def start(self) -> None:
        """As a process that begins: what it did not keep it does not know."""
        self.marks = LetterMarks(self.folder / "letter-marks.json", self.book.behind)
        self.marks.begin()

    def turn(self, after_ms: int = 0) -> list[list[bytes]]:
        """Turn the clock, then say which letters are told of."""
        self.now_ms += after_ms
        before = len(self.sent)
        self.marks.turn(self.now_ms, self.room, self.publish)
        return [[each.digest for each in decode_marks(payload)] for payload in self.sent[before:]]

    def publish(self, payload: bytes) -> int:
        self.sent.append(payload)
        return len(self.sent)

    def receipt(self, payload: bytes | None = None, epoch: str = EPOCH) -> None:
        payload = self.sent[-1] if payload is None else payload
        self.marks.received(encode_receipt(Receipt(epoch, receipt_key(payload))), self.now_ms)


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def way(tmp_path: Path, book: Book) -> Way:
    return Way(tmp_path, book)


def digests(tokens: Iterable[str]) -> list[bytes]:
    return [digest_of(token) for token in tokens]


def test_one_message_follows_the_receipt_of_the_other(way: Way, book: Book) -> None:
    book.add(*"abc")
    assert way.turn() == [digests("ab")]
    assert way.turn(ASK_EVERY_MS) == []
    way.receipt()
    assert way.turn() == [digests("c")]
    way.receipt()
    assert way.turn() == []
    book.add("d")
    assert way.turn(ASK_EVERY_MS - 1) == []
    assert way.turn(1) == [digests("d")]


def test_without_a_receipt_it_is_sent_again(way: Way, book: Book) -> None:
    book.add("a")
    assert way.turn() == [digests("a")]
    assert way.turn(RECEIPT_TIMEOUT_MS - 1) == []
    assert way.turn(1) == [digests("a")]


def test_a_new_connection_begins_anew(way: Way, book: Book) -> None:
    book.add("a")
    way.turn()
    way.marks.begin()
    assert way.turn() == [digests("a")]
    way.receipt(way.sent[0])
    assert way.turn(ASK_EVERY_MS) == []


def test_what_is_acknowledged_is_kept_over_a_restart(way: Way, book: Book) -> None:
    book.add(*"ab")
    way.turn()
    way.start()
    assert way.turn() == [digests("ab")]
    way.receipt()
    book.add("c")
    way.start()
    assert way.turn() == [digests("c")]


def test_another_store_is_told_of_every_letter(way: Way, book: Book) -> None:
    book.add(*"abc")
    for _ in range(2):
        way.turn()
        way.receipt()
    book.add("d")
    assert way.turn(ASK_EVERY_MS) == [digests("d")]
    way.receipt(epoch=OTHER)
    assert way.turn() == [digests("ab")]
    way.receipt(epoch=OTHER)
    assert way.turn() == [digests("cd")]


def test_a_reports_acknowledgement_tells_of_another_store_too(way: Way, book: Book) -> None:
    book.add("a")
    way.turn()
    assert not way.marks.heard_epoch(EPOCH), "nothing was acknowledged yet"
    way.receipt()
    assert not way.marks.heard_epoch(EPOCH)
    assert way.marks.heard_epoch(OTHER)
    assert way.turn() == [digests("a")]


def test_another_book_is_told_as_a_whole(way: Way, book: Book) -> None:
    book.add(*"ab")
    way.turn()
    way.receipt()
    book.rows.clear()
    book.add(*"xyz")
    assert way.turn(ASK_EVERY_MS) == [digests("xy")]


def test_a_receipt_that_nobody_waits_for_changes_nothing(way: Way, book: Book) -> None:
    way.marks.received(encode_receipt(Receipt(EPOCH, "00" * 8)), 0)
    way.marks.received(b"DH\x01\x07nonsense", 0)
    book.add("a")
    assert way.turn() == [digests("a")]
    way.marks.received(encode_receipt(Receipt(EPOCH, "00" * 8)), 0)
    way.start()
    assert way.turn() == [digests("a")]


def test_what_nobody_heard_goes_again_soon_and_what_is_refused_seldom(way: Way, book: Book) -> None:
    book.add("a")
    way.turn()
    way.marks.answered(1, NOBODY_LISTENS, way.now_ms)
    assert (way.turn(SOON_MS - 1), way.turn(1)) == ([], [digests("a")])
    way.marks.answered(1, NOBODY_LISTENS, way.now_ms)
    assert way.turn(SOON_MS) == [], "another message's answer"
    way.marks.answered(2, 135, way.now_ms)
    assert (way.turn(REFUSED_MS - 1), way.turn(1)) == ([], [digests("a")])
    way.marks.answered(3, 0, way.now_ms)
    way.receipt()


def test_it_keeps_to_the_room_of_the_backlog(way: Way, book: Book) -> None:
    book.add("a")
    way.room = Bucket(10.0)
    way.room.take(120)
    assert way.turn() == []
    assert way.marks.due_ms() >= way.now_ms + 9_000
    assert way.turn(way.marks.due_ms() - way.now_ms) == [digests("a")]


@pytest.mark.parametrize("trouble", [OSError(errno.ENOENT, "gone"), OperationError("nonsense")])
def test_a_kiosk_that_does_not_answer_is_asked_again(
    way: Way, book: Book, trouble: OSError | OperationError, caplog: pytest.LogCaptureFixture
) -> None:
    book.add("a")
    book.trouble = trouble
    assert way.turn() == way.turn(ASK_EVERY_MS) == []
    assert len(caplog.messages) == 1
    book.trouble = None
    assert way.turn(ASK_EVERY_MS) == [digests("a")]


def test_one_that_cannot_travel_holds_up_no_other(way: Way, book: Book, caplog: pytest.LogCaptureFixture) -> None:
    book.at_once = 3
    book.add("a", "b", title="dua\nbaris")
    book.add("c")
    assert way.turn() == [digests("c")]
    way.receipt()
    book.add("d", "e", "f", valid_days=0)
    book.add("g")
    assert way.turn(ASK_EVERY_MS) == []
    assert way.turn(ASK_EVERY_MS) == [digests("g")]
    assert sum("cannot be sent" in each for each in caplog.messages) == 5


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"epoch": 7, "sequence": 1, "chain": ""}', "\xff", "null"])
def test_a_cursor_that_cannot_be_read_is_the_beginning(way: Way, book: Book, text: str) -> None:
    book.add("a")
    way.turn()
    way.receipt()
    (way.folder / "letter-marks.json").write_text(text, "latin-1")
    way.start()
    assert way.turn() == [digests("a")]


def test_a_disk_that_takes_nothing_stops_no_letter(way: Way, book: Book, tmp_path: Path) -> None:
    (tmp_path / "letter-marks.json").mkdir()
    (tmp_path / "letter-marks.json/x").touch()
    way.start()
    book.add(*"ab")
    way.turn()
    way.receipt()
    book.add("c")
    assert way.turn() == [digests("c")]


def test_without_a_kiosk_there_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        ask_kiosk(Cursor(), tmp_path / "nobody.sock")
