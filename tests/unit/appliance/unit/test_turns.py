"""One thread works at a time; who waits lets others work."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlite_utils

from appliance.store.database import Database, open_store
from appliance.store.group_commit import GroupCommit
from appliance.store.migrations import Migrations
from appliance.unit.turns import Turns

MIGRATIONS = Migrations("test")


@MIGRATIONS()
def m001(db: sqlite_utils.Database) -> None:
    db.execute("CREATE TABLE rows (number INTEGER PRIMARY KEY) STRICT")


def test_nobody_meets_another_in_a_turn() -> None:
    turns, inside, most = Turns(), 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(200):
            with turns:
                inside += 1
                most = max(most, inside)
                inside -= 1

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(work) for _ in range(8)]:
            done.result()
    assert most == 1


def test_others_work_while_one_waits() -> None:
    turns, came = Turns(), threading.Event()

    def other() -> None:
        with turns:
            came.set()

    held = []
    with turns:
        thread = threading.Thread(target=other)
        thread.start()
        with turns.aside():
            held.append(turns.is_mine)
            assert came.wait(10)
        held.append(turns.is_mine)
        thread.join(10)
    assert held == [False, True]


def test_the_turn_comes_back_after_an_error_and_ends_with_it() -> None:
    turns = Turns()
    with pytest.raises(ValueError, match="wrong"), turns:
        with pytest.raises(OSError, match="gone"), turns.aside():
            raise OSError("gone")
        assert turns.is_mine
        raise ValueError("wrong")
    assert not turns.is_mine
    with turns:
        assert turns.is_mine


def test_how_long_one_thread_has_had_its_turn_is_known_to_all() -> None:
    now = [5.0]
    turns = Turns(lambda: now[0])
    assert turns.held_seconds() == 0
    with turns:
        now[0] += 3
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(turns.held_seconds).result() == 3
        with turns.aside():
            now[0] += 3
            assert turns.held_seconds() == 0
        assert turns.held_seconds() == 0, "a turn of its own"
    assert turns.held_seconds() == 0


def test_aside_without_a_turn_takes_none() -> None:
    turns = Turns()
    with turns.aside():
        assert not turns.is_mine
    assert not turns.is_mine
    with turns, ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: turns.is_mine).result() is False, "another thread's turn is not mine"


def test_a_commit_waits_for_those_who_are_at_work(tmp_path: Path) -> None:
    """Else the first of a crowd would commit alone, while the others are just about to bring theirs."""
    turns, writers = Turns(), list[int]()
    store = open_store(tmp_path / "x.db", [MIGRATIONS])
    commits = GroupCommit(store, aside=turns.aside, gathered=lambda: turns)

    def step(db: Database) -> None:
        writers.append(threading.get_ident())
        db.execute("INSERT INTO rows DEFAULT VALUES")

    with turns, ThreadPoolExecutor(1) as pool:
        first = pool.submit(commits.run, step)
        deadline = time.monotonic() + 10
        while not (commits.is_writing and commits.waiting_count):
            assert time.monotonic() < deadline
        assert not writers
        commits.run(step)
        first.result(10)
    assert len(writers) == 2 and len(set(writers)) == 1, "one of them has written for both"
    store.close()


def test_commits_are_shared_by_those_who_have_turns(tmp_path: Path) -> None:
    """All threads of a crowd can wait for one commit: none of them keeps the turn meanwhile."""
    turns = Turns()
    store = open_store(tmp_path / "x.db", [MIGRATIONS])
    commits = GroupCommit(store, aside=turns.aside)
    together = threading.Barrier(8)

    def step(db: Database) -> None:
        db.execute("INSERT INTO rows DEFAULT VALUES")

    def one() -> None:
        with turns:
            with turns.aside():
                together.wait(10)
            commits.run(step)
            assert turns.is_mine

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(one) for _ in range(8)]:
            done.result()
    with store.reading() as db:
        assert db.execute("SELECT count(*) FROM rows").fetchone() == (8,)
    store.close()
