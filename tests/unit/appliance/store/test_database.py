"""One way to open a database: durable, one writer at a time, honest when it cannot store."""

import multiprocessing
import os
import sqlite3
import threading
from pathlib import Path

import pytest
import sqlite_utils

from appliance.core.errors import StoreError, StoreFull, StoreTooNew
from appliance.store import database
from appliance.store.database import open_reading, open_store
from appliance.store.migrations import Migrations


def _migrations(*names: str) -> Migrations:
    made = Migrations("notes")

    def step(name: str) -> None:
        @made(name=name)
        def _(db: sqlite_utils.Database) -> None:
            db.table(name).create({"id": int, "text": str}, pk="id")

    for name in names:
        step(name)
    return made


ONE = _migrations("notes")


def test_every_connection_is_durable_and_checks_foreign_keys(tmp_path: Path) -> None:
    store = open_store(tmp_path / "a.db", [ONE])
    found: list[tuple[object, ...]] = []

    def look() -> None:
        with store.reading() as db:
            pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            found.append(tuple(db.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    look()
    assert found == [("wal", 2, 1, 5000)] * 2
    store.close()


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    store = open_store(tmp_path / "a.db", [ONE])
    with pytest.raises(ZeroDivisionError), store.transaction() as db:
        db.execute("INSERT INTO notes (text) VALUES ('lost')")
        raise ZeroDivisionError
    with store.transaction() as db:
        db.execute("INSERT INTO notes (text) VALUES ('kept')")
    store.close()
    with open_store(tmp_path / "a.db", [ONE]).reading() as db:
        assert db.rows("SELECT text FROM notes") == [{"text": "kept"}]


def test_read_then_write_loses_nothing_between_threads(tmp_path: Path) -> None:
    store = open_store(tmp_path / "a.db", [ONE])
    with store.transaction() as db:
        db.execute("INSERT INTO notes VALUES (1, '0')")

    def add() -> None:
        for _ in range(25):
            with store.transaction() as db:
                ((count,),) = db.execute("SELECT text FROM notes")
                db.execute("UPDATE notes SET text = ?", [str(int(count) + 1)])

    threads = [threading.Thread(target=add) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    with store.reading() as db:
        assert db.rows("SELECT text FROM notes") == [{"text": "100"}]


def _open(path: Path) -> None:
    open_store(path, [_migrations("notes", "more")]).close()


def test_programs_that_start_together_migrate_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=open_store, args=(tmp_path / "a.db", [])) for _ in range(2)]
    for each in processes:
        each.start()
    threads = [threading.Thread(target=_open, args=(tmp_path / "a.db",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for each in processes:
        each.join(60)
    assert [each.exitcode for each in processes] == [0, 0]
    with open_store(tmp_path / "a.db", [_migrations("notes", "more")]).reading() as db:
        assert db.execute("SELECT count(*) FROM _sqlite_migrations").fetchone() == (2,)


def test_a_database_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    open_store(tmp_path / "a.db", [_migrations("notes", "more")]).close()
    for opener in (open_store, open_reading):
        with pytest.raises(StoreTooNew, match="more of notes"):
            opener(tmp_path / "a.db", [ONE])


def test_a_failed_migration_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    broken = _migrations("notes")

    @broken()
    def fails(db: sqlite_utils.Database) -> None:
        db.table("half").create({"id": int})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        open_store(tmp_path / "a.db", [broken])
    with open_store(tmp_path / "a.db", []).reading() as db:
        assert db.rows("SELECT name FROM sqlite_master") == []


def test_a_full_disk_is_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(tmp_path / "a.db", [ONE])
    monkeypatch.setattr(database, "FREE_BYTES_MIN", 1 << 62)
    with pytest.raises(StoreFull, match="disk is full"), store.transaction():
        pass
    with pytest.raises(StoreFull):
        open_store(tmp_path / "b.db", [ONE])
    assert not (tmp_path / "b.db").exists()
    with store.reading() as db:
        assert db.rows("SELECT * FROM notes") == []


def test_a_database_that_cannot_grow_is_full(tmp_path: Path) -> None:
    store = open_store(tmp_path / "a.db", [ONE])
    with store.transaction() as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreFull, match="nothing was stored"), store.transaction() as db:
        db.execute("INSERT INTO notes (text) VALUES (?)", ["x" * 100_000])
    with store.reading() as db:
        assert db.rows("SELECT * FROM notes") == []


def test_a_mistake_in_sql_is_not_called_a_full_disk(tmp_path: Path) -> None:
    store = open_store(tmp_path / "a.db", [ONE])
    with pytest.raises(sqlite3.OperationalError, match="no such table"), store.reading() as db:
        db.execute("SELECT * FROM missing")


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"hello, this is not SQLite" * 100)
    with pytest.raises(StoreError, match="cannot be used as a database"):
        open_store(tmp_path / "a.db", [ONE])


def test_a_missing_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="must exist"):
        open_store(tmp_path / "none" / "a.db", [ONE])


def test_the_unit_decides_who_may_read(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        store = open_store(tmp_path / "a.db", [ONE])
        with store.transaction() as db:
            db.execute("INSERT INTO notes (text) VALUES ('one')")
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"a.db": 0o640, "a.db-wal": 0o640, "a.db-shm": 0o640}
    store.close()


def test_a_reader_sees_what_the_writer_committed_and_writes_nothing(tmp_path: Path) -> None:
    store = open_store(tmp_path / "a.db", [ONE])
    reader = open_reading(tmp_path / "a.db", [ONE])
    with store.transaction() as db:
        db.execute("INSERT INTO notes (text) VALUES ('new')")
    with reader.reading() as db:
        assert len(db.rows("SELECT * FROM notes")) == 1
    with pytest.raises(StoreFull, match="read-only"), reader.transaction() as db:
        db.execute("INSERT INTO notes (text) VALUES ('no')")


def test_a_reader_waits_for_its_writer(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="start the program that writes it"):
        open_reading(tmp_path / "a.db", [ONE])
    writer = open_store(tmp_path / "a.db", [ONE])
    with pytest.raises(StoreError, match="waits for more"):
        open_reading(tmp_path / "a.db", [_migrations("notes", "more")])
    writer.close()


def test_another_writer_too_long_is_an_error_that_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_SECONDS", 0.05)
    store, other = open_store(tmp_path / "a.db", [ONE]), open_store(tmp_path / "a.db", [ONE])
    with store.transaction(), pytest.raises(StoreError, match="another program"), other.transaction():
        pass


def test_opening_leaves_no_connection_that_a_fork_could_carry(tmp_path: Path) -> None:
    store = open_store(tmp_path / "a.db", [ONE])
    assert not store._opened
    assert [path.name for path in tmp_path.iterdir()] == ["a.db"], "the last connection takes -wal and -shm away"


def test_a_forked_worker_uses_a_connection_of_its_own(tmp_path: Path) -> None:
    store = open_store(tmp_path / "a.db", [ONE])
    with store.reading() as db:
        before = db
    store._local.place = (-1, *store._local.place[1:])  # as a forked child finds it
    with store.reading() as db:
        assert db is not before
    store.close()


def test_closing_waits_for_the_transactions_of_other_threads(tmp_path: Path) -> None:
    """SQLite's memory that goes from under a thread ends the whole program."""
    store = open_store(tmp_path / "a.db", [ONE])
    within, go_on = threading.Event(), threading.Event()
    failures: list[BaseException] = []

    def write() -> None:
        try:
            with store.transaction() as db:
                within.set()
                assert go_on.wait(30)
                for number in range(100):
                    db.execute("INSERT INTO notes (text) VALUES (?)", [str(number)])
        except BaseException as error:  # noqa: BLE001 - told below
            failures.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    assert within.wait(30)
    closer = threading.Thread(target=store.close)
    closer.start()
    closer.join(0.2)
    assert closer.is_alive(), "it waits"
    go_on.set()
    for thread in (writer, closer):
        thread.join(30)
    assert failures == []
    with store.reading() as db:
        assert db.execute("SELECT count(*) FROM notes").fetchone() == (100,)
    store.close()
