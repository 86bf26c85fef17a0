"""Who waits for a commit at the same moment shares it, and is told only after it."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlite_utils

from appliance.core.errors import StoreError, StoreFull
from appliance.store.database import Database, Store, open_store
from appliance.store.group_commit import GroupCommit
from appliance.store.migrations import Migrations

MIGRATIONS = Migrations("test")


@MIGRATIONS()
def m001(db: sqlite_utils.Database) -> None:
    db.execute("CREATE TABLE rows (number INTEGER PRIMARY KEY) STRICT")


class Slow(Store):
    """A store whose commits take as long as on an SD card, and are counted; `holds` keeps the next one waiting."""

    commits = 0
    seconds = 0.0
    fails = False
    holds: threading.Event | None = None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Database]:
        with super().transaction() as db:
            yield db
            if self.holds is not None:
                assert self.holds.wait(10)
            time.sleep(self.seconds)
            if self.fails:
                raise StoreFull("the disk is full")
            self.commits += 1


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Slow]:
    open_store(tmp_path / "test.db", [MIGRATIONS]).close()
    made = Slow(tmp_path / "test.db")
    yield made
    made.close()


def _insert(number: int) -> Callable[[Database], int]:
    def step(db: Database) -> int:
        db.execute("INSERT INTO rows (number) VALUES (?)", (number,))
        return number

    return step


def _numbers(store: Store) -> list[int]:
    with store.reading() as db:
        return [number for (number,) in db.execute("SELECT number FROM rows ORDER BY number")]


def _while_one_writes(store: Slow, commits: GroupCommit, *steps: Callable[[Database], int]) -> list[object]:
    """Let ``steps`` gather behind a first commit; return what became of each."""
    store.holds = threading.Event()

    def run(step: Callable[[Database], int]) -> object:
        try:
            return commits.run(step)
        except (StoreError, ZeroDivisionError) as error:
            return error

    with ThreadPoolExecutor(len(steps) + 1) as pool:
        first = pool.submit(run, _insert(-1))
        _until(lambda: commits.waiting_count == 0 and commits.is_writing)
        rest = [pool.submit(run, step) for step in steps]
        _until(lambda: commits.waiting_count == len(steps))
        store.holds.set()
        return [one.result(10) for one in (first, *rest)]


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_one_alone_is_durable_when_it_returns(store: Slow, tmp_path: Path) -> None:
    assert GroupCommit(store).run(_insert(7)) == 7
    other = Store(tmp_path / "test.db")
    assert _numbers(other) == [7] and store.commits == 1
    other.close()


def test_250_at_once_with_20_ms_a_commit_take_few_commits(store: Slow) -> None:
    store.seconds = 0.020
    commits = GroupCommit(store)
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:  # as many threads as the portal has
        assert list(pool.map(lambda number: commits.run(_insert(number)), range(250))) == list(range(250))
    took = time.monotonic() - began
    assert _numbers(store) == list(range(250))
    assert store.commits <= 64, f"{store.commits} commits"
    assert took < 3, f"{took:.2f} s"


def test_what_gathers_while_one_commits_is_one_commit(store: Slow) -> None:
    commits = GroupCommit(store)
    assert _while_one_writes(store, commits, *map(_insert, range(20))) == [-1, *range(20)]
    assert store.commits == 2


def test_a_group_has_an_end(store: Slow) -> None:
    commits = GroupCommit(store, steps_max=5)
    assert _while_one_writes(store, commits, *map(_insert, range(12))) == [-1, *range(12)]
    assert store.commits == 4


def test_a_step_that_fails_is_undone_alone(store: Slow) -> None:
    def fail(db: Database) -> int:
        db.execute("INSERT INTO rows (number) VALUES (99)")
        return 1 // 0

    commits = GroupCommit(store)
    found = _while_one_writes(store, commits, _insert(1), fail, _insert(2))
    assert isinstance(found[2], ZeroDivisionError) and found[1] == 1 and found[3] == 2
    assert _numbers(store) == [-1, 1, 2]


def test_when_the_commit_fails_nobody_is_told_that_it_is_done(store: Slow) -> None:
    store.fails = True
    commits = GroupCommit(store)
    found = _while_one_writes(store, commits, _insert(1), _insert(2))
    assert all(isinstance(one, StoreFull) for one in found)
    assert _numbers(store) == []
    store.fails, store.holds = False, None
    assert commits.run(_insert(3)) == 3


def test_another_writer_of_the_file_waits_for_the_first(store: Slow, tmp_path: Path) -> None:
    other = GroupCommit(Store(tmp_path / "test.db"))
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(commits.run, _insert(number)) for number in range(100) for commits in [other]]
        mine = GroupCommit(store)
        assert [mine.run(_insert(number)) for number in range(100, 200)] == list(range(100, 200))
        assert [job.result(10) for job in jobs] == list(range(100))
    assert _numbers(store) == list(range(200))
    other.store.close()


def test_a_disk_that_fills_within_a_step_is_named_to_all_who_share_the_commit(store: Slow) -> None:
    """SQLite then undoes the whole transaction by itself, and what it says of savepoints helps nobody."""
    commits = GroupCommit(store)

    def fill(db: Database) -> None:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count={pages + 1}")
        try:
            for number in range(1_000, 9_000):
                db.execute("INSERT INTO rows (number) VALUES (?)", (number,))
        finally:
            db.execute("PRAGMA max_page_count=100000")

    store.holds = threading.Event()
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(commits.run, _insert(1))
        _until(lambda: commits.is_writing)
        others = [pool.submit(commits.run, step) for step in (_insert(2), fill)]
        _until(lambda: commits.waiting_count == 2)
        store.holds.set()
        assert first.result(10) == 1
        for other in others:
            assert isinstance(other.exception(10), StoreFull)
    assert _numbers(store) == [1]
