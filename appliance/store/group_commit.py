"""Commit what several threads wait for together: one fsync for all of them.

An SD card takes 20 ms and more to make a commit durable. Threads that come while one commits wait their turn together
and are all answered by the next commit. There is no thread of its own: whoever finds nobody writing writes for all who
wait. Nobody is told that it is done before the commit has returned.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from appliance.store.database import Database, Store, translated

T = TypeVar("T")
Aside = Callable[[], contextlib.AbstractContextManager[None]]


class _Waiting(Generic[T]):
    """One step, and what became of it."""

    def __init__(self, step: Callable[[Database], T]) -> None:
        self.step = step
        self.result: T | None = None
        self.error: BaseException | None = None
        self.is_done = False


class GroupCommit:
    """Writes to one store for many threads. A fork must not happen while a step runs.

    Args:
        store: what is written to.
        steps_max: how many steps one commit may hold, so that nobody waits for an endless one.
        aside: entered while a thread waits for the disk, see `appliance.unit.turns.Turns.aside`.
    """

    def __init__(self, store: Store, steps_max: int = 64, aside: Aside = contextlib.nullcontext) -> None:
        self.store, self._steps_max, self._aside = store, steps_max, aside
        self._changed = threading.Condition()
        self._waiting: list[_Waiting[Any]] = []
        self._is_writing = False

    @property
    def waiting_count(self) -> int:
        """How many steps wait for the next commit."""
        return len(self._waiting)

    @property
    def is_writing(self) -> bool:
        """Does a thread write just now?"""
        return self._is_writing

    def run(self, step: Callable[[Database], T]) -> T:
        """Run ``step`` within a transaction, and return what it returns once that is durable.

        A step that raises is undone alone; others of the same commit stand.

        Raises:
            StoreError: nothing was stored; as `Store.transaction`.
            Exception: what ``step`` raised.
        """
        mine = _Waiting(step)
        with self._changed:
            self._waiting.append(mine)
        with self._aside():
            while group := self._turn(mine):
                self._write(group)
        if mine.error is not None:
            with translated(self.store.path):
                raise mine.error
        return mine.result  # type: ignore[return-value]  # what the step returned, None where that is its type

    def _turn(self, mine: _Waiting[Any]) -> list[_Waiting[Any]]:
        """Wait until ``mine`` is done (then there is nothing to do), or it is this thread's turn to write for all."""
        with self._changed:
            self._changed.wait_for(lambda: mine.is_done or not self._is_writing)
            if mine.is_done:
                return []
            self._is_writing = True
            group, self._waiting = self._waiting[: self._steps_max], self._waiting[self._steps_max :]
            return group

    def _write(self, group: list[_Waiting[Any]]) -> None:
        try:
            with self.store.transaction() as db:
                for one in group:
                    _run_alone(db, one)
        except BaseException as error:
            for one in group:
                one.error = one.error or error
            if not isinstance(error, Exception):
                raise
        finally:
            with self._changed:
                for one in group:
                    one.is_done = True
                self._is_writing = False
                self._changed.notify_all()


def _run_alone(db: Database, one: _Waiting[Any]) -> None:
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
