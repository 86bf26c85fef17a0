"""Marks: with the step that makes a letter valid or void, and never otherwise."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.core.errors import OperationError
from appliance.core.letter_marks import (
    ANSWER_BYTES_MAX,
    Cursor,
    Found,
    Mark,
    decode_answer,
    digest_of,
    encode_question,
)
from appliance.kiosk.letters import marks, marks_door, tables
from appliance.kiosk.letters.flow import StepRefused
from appliance.kiosk.letters.letter import Letter
from appliance.store import audit
from appliance.store.database import open_store
from appliance.unit.ask import ask
from tests.unit.appliance.kiosk.letters.desks import ALL_KINDS, HEAD, KEY, NIK, OPERATOR, PLAIN, Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def behind(bench: Bench, cursor: Cursor = Cursor(), limit: int = 250) -> Found:  # noqa: B008 - frozen
    with bench.store.reading() as db:
        return marks.behind(db, cursor, limit)


def told(bench: Bench) -> tuple[Mark, ...]:
    return behind(bench).marks


def void(bench: Bench, letter: Letter) -> None:
    bench.desk.void(HEAD, letter.id, letter.version, "salah nama")


def test_a_letter_is_told_of_when_it_is_signed_and_not_before(bench: Bench) -> None:
    letter = bench.approved()
    assert told(bench) == ()
    bench.desk.sign_by_hand(OPERATOR, letter.id, letter.version)
    days = ALL_KINDS[PLAIN].validity_days
    assert letter.number is not None
    expected = Mark(digest_of(letter.token), ALL_KINDS[PLAIN].title, letter.number.date, days, False, False)
    assert told(bench) == (expected,)


def test_an_electronic_signature_is_told_as_one(bench: Bench) -> None:
    letter = bench.approved()
    bench.desk.sign_electronically(HEAD, letter.id, letter.version, b"%PDF-1.7 signed")
    assert [each.is_electronic for each in told(bench)] == [True]


def test_handing_it_over_tells_nothing_new(bench: Bench) -> None:
    letter = bench.signed()
    bench.desk.make_ready(OPERATOR, letter.id, letter.version)
    bench.desk.hand_over(OPERATOR, letter.id, letter.version + 1, "Ni Luh Ayu Contoh")
    assert len(told(bench)) == 1


def test_what_is_void_by_now_is_told_as_void_alone(bench: Bench) -> None:
    first, second = bench.signed(), bench.signed()
    until = behind(bench).until
    void(bench, first)
    assert [(each.digest, each.is_void) for each in told(bench)] == [
        (digest_of(second.token), False), (digest_of(first.token), True),
    ]  # fmt: skip
    assert [(each.digest, each.is_void) for each in behind(bench, until).marks] == [(digest_of(first.token), True)]


def test_a_letter_that_nobody_signed_can_be_void_and_never_valid(bench: Bench) -> None:
    void(bench, bench.approved())
    assert [each.is_void for each in told(bench)] == [True]


def test_a_step_that_is_refused_marks_nothing(bench: Bench) -> None:
    letter = bench.approved()
    with pytest.raises(StepRefused):
        bench.desk.sign_by_hand(OPERATOR, letter.id, letter.version - 1)
    assert told(bench) == ()


def test_a_step_that_is_not_stored_leaves_no_mark(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    letter = bench.approved()

    def fail(*_: object) -> None:
        raise OSError("power cut")

    monkeypatch.setattr(bench.desk, "_write_down", fail)
    with pytest.raises(OSError, match="power cut"):
        bench.desk.sign_by_hand(OPERATOR, letter.id, letter.version)
    assert told(bench) == ()


def test_parts_follow_each_other(bench: Bench) -> None:
    letters = [bench.signed() for _ in range(5)]
    void(bench, letters[4])
    cursor, found = Cursor(), list[Mark]()
    for _ in range(10):
        part = behind(bench, cursor, 2)
        assert len(part.marks) <= 2
        found += part.marks
        cursor = part.until
        if part.is_all:
            break
    assert [each.digest for each in found] == [digest_of(each.token) for each in letters]
    assert behind(bench, cursor) == Found((), cursor, True)


def test_another_book_is_told_from_its_beginning(bench: Bench, tmp_path: Path) -> None:
    for _ in range(2):
        bench.signed()
    until = behind(bench).until
    (tmp_path / "other").mkdir()
    other = Bench(tmp_path / "other")
    for _ in range(3):
        other.signed()
    assert len(behind(other, until).marks) == 3
    assert len(behind(bench, dataclasses.replace(until, sequence=9)).marks) == 2


def test_marks_are_only_added(bench: Bench) -> None:
    bench.signed()
    for statement in ("UPDATE letter_marks SET is_void = 1", "DELETE FROM letter_marks"):
        with pytest.raises(sqlite3.IntegrityError, match="marks are not"), bench.store.transaction() as db:
            db.execute(statement)


def test_letters_of_before_there_were_marks_are_told_of(bench: Bench) -> None:
    signed, voided, _ = bench.signed(), bench.signed(), bench.approved()
    void(bench, voided)
    before = told(bench)
    with bench.store.transaction() as db:
        db.execute("DROP TABLE letter_marks")
        db.execute("DELETE FROM _sqlite_migrations WHERE migration_set = 'letter_marks'")
    bench.store.close()
    bench.store = open_store(bench.store.path, [audit.MIGRATIONS, tables.MIGRATIONS, marks.MIGRATIONS])
    found = told(bench)
    assert sorted(found, key=lambda each: each.digest) == sorted(before, key=lambda each: each.digest)
    assert {each.digest for each in found} == {digest_of(signed.token), digest_of(voided.token)}
    void(bench, signed)
    assert all(each.is_void for each in told(bench))


def test_nothing_personal_and_no_token_stands_in_a_mark(bench: Bench) -> None:
    letter = bench.signed()
    with bench.store.reading() as db:
        text = repr(db.rows("SELECT * FROM letter_marks"))
    for word in (NIK, "Ayu", letter.token, letter.check_code, letter.code, KEY.decode()):
        assert word not in text


@contextlib.contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """As systemd makes it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(16)
        yield listener
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def place(bench: Bench, tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "marks.sock"
    with listening(path) as listener:
        marks_door.answer_forever(listener, bench.store, os.getuid())
        yield path


def test_the_agent_is_answered(bench: Bench, place: Path) -> None:
    letter = bench.signed()
    found = decode_answer(ask(place, encode_question(Cursor()), 10, ANSWER_BYTES_MAX))
    assert [each.digest for each in found.marks] == [digest_of(letter.token)]
    assert found == behind(bench)


@pytest.mark.parametrize("question", [b"{}\n", b"[]\n", b"\xff\n", b"x" * 300, b"x" * 300 + b"\n", b""])
def test_what_cannot_be_read_is_not_answered_and_others_are(bench: Bench, place: Path, question: bytes) -> None:
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as connection:
        connection.settimeout(10)
        connection.connect(str(place))
        connection.sendall(question)
        connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(1) == b""
    assert decode_answer(ask(place, encode_question(Cursor()), 10, ANSWER_BYTES_MAX)).is_all


def test_a_fault_in_between_does_not_end_the_answers(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Short(socket.socket):
        """One accept fails, as where too many files are open."""

        failures = 1

        def accept(self) -> tuple[socket.socket, object]:
            if self.failures:
                self.failures -= 1
                raise OSError(errno.EMFILE, "Too many open files")
            return super().accept()

    monkeypatch.setattr(marks_door, "PAUSE_SECONDS", 0.01)
    path = tmp_path / "short.sock"
    with listening(path) as made, Short(fileno=os.dup(made.fileno())) as short:
        with monkeypatch.context() as broken:
            broken.setattr(marks, "behind", lambda *_: int("no number"))
            marks_door.answer_forever(short, bench.store, os.getuid())
            with pytest.raises((OSError, OperationError)):
                ask(path, encode_question(Cursor()), 10, ANSWER_BYTES_MAX)
        assert decode_answer(ask(path, encode_question(Cursor()), 10, ANSWER_BYTES_MAX)).is_all


def test_nobody_but_the_agent_is_answered(bench: Bench, tmp_path: Path) -> None:
    bench.signed()
    path = tmp_path / "other.sock"
    with listening(path) as listener:
        marks_door.answer_forever(listener, bench.store, os.getuid() + 1)
        with pytest.raises(OSError):
            ask(path, encode_question(Cursor()), 10, ANSWER_BYTES_MAX)


def test_a_letter_that_the_camat_signs_too_is_told_of_when_both_have(bench: Bench) -> None:
    slug = next(slug for slug, kind in ALL_KINDS.items() if kind.countersigned_by_camat and not kind.needs_rt_letter)
    letter = bench.approved(slug)
    bench.desk.sign_by_hand(OPERATOR, letter.id, letter.version)
    assert told(bench) == ()
    assert letter.number is not None
    bench.desk.countersign(OPERATOR, letter.id, letter.version + 1, letter.number.date, "kepala dusun")
    assert [(each.digest, each.is_void) for each in told(bench)] == [(digest_of(letter.token), False)]
