"""A kill at each step of the SQLite store's work: all of it or nothing is there, and the same again counts once."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.store import database
from noc.store.contract import Arrivals, AsideKind, Hub, SetAside
from noc.store.sqlite import SqliteNocStore, open_noc_store
from tests.unit.noc.seed import MINUTE_MS, NOW_MS, arrived, batch, born

pytestmark = pytest.mark.timeout(600)  # some sixty stores are killed, opened again and looked into, three times

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
HUBS = ("hub-satu", "hub-dua2")
# The files of both days are there: to make one takes long, and is nothing that this store does by itself.
BEFORE = Arrivals(
    [
        *(batch(*(arrived(hub, minute, 7 * MINUTE_MS) for minute in (1, 2))) for hub in HUBS),
        batch(arrived("hub-dua2", 1_000, DAY_MS)),
    ]
)
# Two days at once, a repeat within, and what is new only in part.
ARRIVALS = Arrivals(
    [
        *(batch(*(arrived(hub, minute, 2 * MINUTE_MS) for minute in (2, 3, 4))) for hub in HUBS),
        batch(arrived("hub-satu", 5, DAY_MS)),
        batch(arrived("hub-satu", 4, 0)),
    ],
    [born("hub-satu", NOW_MS)],
    [SetAside("t", AsideKind.MALFORMED, "why", b"?", NOW_MS)],
)


class Dying(database.Database):
    """A connection of a process that is killed before its n-th statement, whichever file that is for."""

    left = 1 << 30

    def _count(self) -> None:
        Dying.left -= 1
        if Dying.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def execute(self, *given: Any) -> Any:
        self._count()
        return super().execute(*given)

    def executemany(self, *given: Any) -> Any:
        self._count()
        return super().executemany(*given)


def killed_at(folder: Path, steps: int, work: Callable[[SqliteNocStore], object]) -> bool:
    """Do ``work`` in a process that is killed at a step; say whether it was, rather than finish before."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            database.Database = Dying  # type: ignore[misc]
            store = open_noc_store(folder / "noc.db")
            Dying.left = steps
            work(store)
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the work failed by itself"
    return os.WIFSIGNALED(status)


def rows(folder: Path) -> int:
    """How many batches lie in the days' files, counted or not."""
    count = 0
    for path in (folder / "batches").glob("*.db"):
        with contextlib.closing(sqlite3.connect(path)) as db:
            count += db.execute("SELECT count(*) FROM batch").fetchone()[0]
    return count


def project(store: SqliteNocStore) -> None:
    while store.project(2):
        pass


def roll_up(store: SqliteNocStore) -> None:
    while store.roll_up(NOW_MS + 2 * HOUR_MS, 1):
        pass


def all_of(store: SqliteNocStore) -> None:
    store.commit(ARRIVALS)
    project(store)
    roll_up(store)


def seen(store: SqliteNocStore) -> dict[str, object]:
    """Everything that a commit changes."""
    return {
        "records": {hub: [(r.record, r.time_ms) for r in store.records(hub, 0, NOW_MS * 2)] for hub in HUBS},
        "aside": len(store.aside(10)),
        "births": store.births("hub-satu"),
        "state": [each.state for each in store.facts()],
    }


def followed(store: SqliteNocStore) -> tuple[object, ...]:
    """All that follows from what is committed."""
    project(store)
    roll_up(store)
    return seen(store), store.facts(), [store.hours(hub, 0, NOW_MS * 2) for hub in HUBS]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "base"
    folder.mkdir()
    with contextlib.closing(open_noc_store(folder / "noc.db")) as store:
        for hub in HUBS:
            store.add_hub(Hub(hub, hub, "51.03.01.2001"))
        store.commit(BEFORE)
    return folder


def wanted(base: Path, to: Path) -> tuple[dict[str, object], dict[str, object], tuple[object, ...]]:
    """What is to be seen before, after, and after all that follows, where nobody is killed."""
    shutil.copytree(base, to)
    with contextlib.closing(open_noc_store(to / "noc.db")) as store:
        before = seen(store)
        store.commit(ARRIVALS)
        return before, seen(store), followed(store)


def test_a_kill_at_each_step_of_a_commit_leaves_all_or_nothing(base: Path, tmp_path: Path) -> None:
    before, after, end = wanted(base, tmp_path / "wanted")
    results, steps = [], 0
    while True:
        folder = tmp_path / f"killed-{steps}"
        shutil.copytree(base, folder)
        was_killed = killed_at(folder, steps, lambda store: store.commit(ARRIVALS))
        with contextlib.closing(open_noc_store(folder / "noc.db")) as store:
            found = seen(store)
            assert found in (before, after), f"a part of the commit after step {steps}"
            results.append(found == after)
            if not was_killed:
                break
            # The broker, or the hub, sends it again; what a kill left over must not come through.
            if not results[-1]:
                store.commit(ARRIVALS)
            assert followed(store) == end, f"after step {steps}"
        shutil.rmtree(folder)
        steps += 1
    assert steps > 20
    assert results == sorted(results) and results[-1] and not results[-2], "the last statement decides"


def test_other_batches_after_a_kill_take_the_place_of_what_it_left(base: Path, tmp_path: Path) -> None:
    other = Arrivals([batch(arrived("hub-dua2", 9, 0))])
    steps, left_over = 0, 0
    while True:
        folder = tmp_path / f"killed-{steps}"
        shutil.copytree(base, folder)
        was_killed = killed_at(folder, steps, lambda store: store.commit(ARRIVALS))
        if not was_killed:
            break
        with contextlib.closing(open_noc_store(folder / "noc.db")) as store:
            left_over += rows(folder) > 3
            store.commit(other)
            numbers = {hub: [r.record.sequence for r in store.records(hub, 0, NOW_MS * 2)] for hub in HUBS}
            assert numbers == {"hub-satu": [1, 2], "hub-dua2": [1_000, 1, 2, 9]}
        shutil.rmtree(folder)
        steps += 1
    assert left_over, "no kill left anything over: the test shows nothing"


def test_a_kill_at_each_step_of_what_follows_loses_and_doubles_nothing(base: Path, tmp_path: Path) -> None:
    _, _, end = wanted(base, tmp_path / "wanted")
    steps = 0
    while True:
        folder = tmp_path / f"killed-{steps}"
        shutil.copytree(base, folder)
        was_killed = killed_at(folder, steps, all_of)
        with contextlib.closing(open_noc_store(folder / "noc.db")) as store:
            store.commit(ARRIVALS)
            found = followed(store)
            # A commit that was there already was sent again: its aside and its birth came twice, its records did not.
            assert found[0]["records"] == end[0]["records"]  # type: ignore[index]
            assert found[1:] == end[1:], f"after step {steps}"
        shutil.rmtree(folder)
        if not was_killed:
            break
        steps += 1
    assert steps > 40
