"""The audit: what was written stays, and a change shows."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.core.errors import StoreFull
from appliance.store import audit
from appliance.store.audit import SUBJECT_MAX, Audit
from appliance.store.database import open_store

NOW = 1_790_000_000


@pytest.fixture
def book(tmp_path: Path) -> Audit:
    made = Audit(open_store(tmp_path / "a.db", [audit.MIGRATIONS]), lambda: NOW)
    made.note("siti", "operator", "resident.seen", [7, 41, 7], detail="surat")
    made.note("budi", "sekretaris", "residents.listed", [41])
    made.note("siti", "operator", "account.log_in")
    return made


def test_it_answers_whose_records_somebody_saw_and_who_saw_one(book: Audit) -> None:
    assert [(each.what, each.subjects) for each in book.by_actor("siti", 10)] == [
        ("account.log_in", ()),
        ("resident.seen", (7, 41)),
    ]
    assert [each.name for each in book.about(41, 10)] == ["budi", "siti"]
    assert [each.name for each in book.about(7, 10)] == ["siti"] and book.about(8, 10) == ()
    assert [each.position for each in book.latest(2)] == [3, 2]
    assert [each.position for each in book.latest(2, before=2)] == [1]
    assert [each.position for each in book.about(41, 10, before=2)] == [1]
    assert book.latest(1)[0].at_seconds == NOW


def test_a_whole_chain_is_whole_and_grows_from_its_end(book: Audit) -> None:
    assert book.verify() is None
    count, link = book.end()
    book.note("siti", "operator", "resident.seen", [7])
    assert book.verify() is None and book.end()[0] == count + 1 and book.end()[1] != link


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ("UPDATE audit_entries SET name = 'budi' WHERE position = 1", 1),
        ("UPDATE audit_entries SET detail = 'x' WHERE position = 2", 2),
        ("UPDATE audit_entries SET at_seconds = at_seconds - 1 WHERE position = 3", 3),
        ("DELETE FROM audit_entries WHERE position = 2", 2),
        ("DELETE FROM audit_entries WHERE position = 3", 3),
        ("DELETE FROM audit_subjects WHERE position = 1 AND subject = 41", 1),
        ("INSERT INTO audit_subjects VALUES (3, 9)", 3),
        ("INSERT INTO audit_subjects VALUES (99, 9)", 4),
        ("INSERT INTO audit_subjects VALUES (0, 9)", 1),
        ("INSERT INTO audit_entries VALUES (4, 0, 'a', 'b', 'c', '', zeroblob(32))", 4),
        ("UPDATE audit_end SET position = 2", 4),
    ],
)
def test_what_was_changed_behind_its_back_shows(book: Audit, tmp_path: Path, change: str, broken: int) -> None:
    with sqlite3.connect(tmp_path / "a.db") as db:
        for (trigger,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {trigger}")
        db.execute(change)
    db.close()
    assert book.verify() == broken


@pytest.mark.parametrize("table", ["audit_entries", "audit_subjects"])
def test_a_program_can_neither_change_nor_delete(book: Audit, table: str) -> None:
    for sql in (f"DELETE FROM {table}", f"UPDATE {table} SET position = position + 10"):
        with pytest.raises(sqlite3.IntegrityError, match="audit entries are not"), book.store.transaction() as db:
            db.execute(sql)
    assert book.verify() is None


def test_what_was_undone_leaves_no_entry(book: Audit) -> None:
    with pytest.raises(ZeroDivisionError), book.store.transaction() as db:
        book.note_in(db, "siti", "operator", "resident.changed", [7])
        raise ZeroDivisionError
    assert book.end()[0] == 3 and book.verify() is None


def test_a_full_disk_is_said_before_anything_is_shown(book: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.store.database.FREE_BYTES_MIN", 1 << 62)
    with pytest.raises(StoreFull):
        book.note("siti", "operator", "resident.seen", [7])


@pytest.mark.parametrize("detail", ["5103010101010001", "NIK 51.0301.010101.0001 dicari", "5103 0101 0101 0001"])
def test_a_number_like_a_nik_is_blotted_out(book: Audit, detail: str) -> None:
    book.note("siti", "operator", "residents.listed", [7], detail=detail)
    assert "0101" not in book.latest(1)[0].detail and "[…]" in book.latest(1)[0].detail


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(st.text(max_size=400), st.lists(st.integers(1, SUBJECT_MAX), max_size=5), st.text(max_size=40))
def test_any_text_is_one_line_and_the_chain_stays_whole(
    book: Audit, detail: str, subjects: list[int], name: str
) -> None:
    book.note(name, "operator", "resident.seen", subjects, detail=detail)
    entry = book.latest(1)[0]
    assert entry.detail.isprintable() and len(entry.detail) <= 200 and entry.subjects == tuple(sorted(set(subjects)))
    assert book.verify() is None


@pytest.mark.parametrize("subject", [0, -1, SUBJECT_MAX + 1, 5103010101010001 * 10])
def test_a_subject_out_of_bounds_is_a_mistake_of_the_program(book: Audit, subject: int) -> None:
    with pytest.raises(ValueError, match="whole number"):
        book.note("siti", "operator", "resident.seen", [7, subject])


@pytest.mark.parametrize("what", ["", "Resident Seen", "x" * 49, "a\n"])
def test_a_deed_is_a_word_for_programs(book: Audit, what: str) -> None:
    with pytest.raises(ValueError, match="small letters"):
        book.note("siti", "operator", what)
