"""Commit what several threads wait for together: one fsync for all of them.

An SD card takes 20 ms and more to make a commit durable. Threads that come while one commits wait their turn together
and are all answered by the next commit. Nobody is told that it is done before the commit has returned.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from appliance.core.together import Entered, Together
from appliance.store.database import Database, Store, translated

T = TypeVar("T")


class _Step(Generic[T]):
    """One step, and what became of it."""

    def __init__(self, step: Callable[[Database], T]) -> None:
        self.step = step
        self.result: T | None = None
        self.error: Exception | None = None


class GroupCommit:
    """Writes to one store for many threads. A fork must not happen while a step runs.

    Args:
        store: what is written to.
        steps_max: how many steps one commit may hold, so that nobody waits for an endless one.
        aside: entered while a thread waits for the disk, see `appliance.unit.turns.Turns.aside`.
        gathered: waits for others' steps before a commit begins, see `Together`.
    """

    def __init__(
        self,
        store: Store,
        steps_max: int = 64,
        aside: Entered = contextlib.nullcontext,
        gathered: Entered = contextlib.nullcontext,
    ) -> None:
        self.store = store
        self._together = Together[_Step[Any]](self._write, steps_max, aside, gathered)

    @property
    def waiting_count(self) -> int:
        """How many steps wait for the next commit."""
        return self._together.waiting_count

    @property
    def is_writing(self) -> bool:
        """Does a thread write just now?"""
        return self._together.is_working

    def run(self, step: Callable[[Database], T]) -> T:
        """Run ``step`` within a transaction, and return what it returns once that is durable.

        A step that raises is undone alone; others of the same commit stand.

        Raises:
            StoreError: nothing was stored; as `Store.transaction`.
            Exception: what ``step`` raised.
        """
        mine = _Step(step)
        try:
            self._together.run(mine)
        except Exception:
            if mine.error is None:
                raise
        if mine.error is not None:
            with translated(self.store.path):
                raise mine.error
        return mine.result  # type: ignore[return-value]  # what the step returned, None where that is its type

    def _write(self, group: Sequence[_Step[Any]]) -> None:
        with self.store.transaction() as db:
            for one in group:
                _run_alone(db, one)


def _run_alone(db: Database, one: _Step[Any]) -> None:
    """Run one step so that it alone is undone when it raises."""
    db.execute("SAVEPOINT step")
    try:
        one.result = one.step(db)
    except Exception as error:  # it is raised again, in the thread whose step it was
        one.error = error
        if not db.in_transaction:
            raise  # on a full or failing disk SQLite undoes all of it by itself (lang_transaction.html)
        db.execute("ROLLBACK TO step")
    db.execute("RELEASE step")
