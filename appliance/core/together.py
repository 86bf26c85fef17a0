"""Do for several threads at once what costs the same for one and for many: a commit, a question to another process.

There is no thread of its own: whoever finds nobody working works for all who wait. Who comes meanwhile is done with the
next group, and nobody is told that it is done before it is.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
Entered = Callable[[], contextlib.AbstractContextManager[None]]


class _Waiting(Generic[T]):
    """What one thread brought, and what became of it."""

    def __init__(self, item: T) -> None:
        self.item = item
        self.error: BaseException | None = None
        self.is_done = False


class Together(Generic[T]):
    """Gathers what threads bring. A fork must not happen while one works.

    Args:
        work: does a group, of one at least. What it raises is raised in each of the group's threads.
        items_max: how many a group may have, so that nobody waits for an endless one.
        aside: entered while a thread waits or works, see `appliance.unit.turns.Turns.aside`.
        gathered: entered before a group is taken, and left at once: it waits until those who are busy just now have
            brought what they will bring. See `appliance.unit.turns.Turns`.
    """

    def __init__(
        self,
        work: Callable[[Sequence[T]], None],
        items_max: int,
        aside: Entered = contextlib.nullcontext,
        gathered: Entered = contextlib.nullcontext,
    ) -> None:
        self._work, self._items_max, self._aside, self._gathered = work, items_max, aside, gathered
        self._changed = threading.Condition()
        self._waiting: list[_Waiting[T]] = []
        self._is_working = False

    @property
    def waiting_count(self) -> int:
        """How many wait for the next group."""
        return len(self._waiting)

    @property
    def is_working(self) -> bool:
        """Does a thread work just now?"""
        return self._is_working

    def run(self, item: T) -> None:
        """Return once a group with ``item`` is done. Raises what `work` raised."""
        mine = _Waiting(item)
        with self._changed:
            self._waiting.append(mine)
        with self._aside():
            while self._is_my_turn(mine):
                self._do_a_group()
        if mine.error is not None:
            raise mine.error

    def _is_my_turn(self, mine: _Waiting[T]) -> bool:
        """Wait until ``mine`` is done, or it is this thread's turn to work for all."""
        with self._changed:
            self._changed.wait_for(lambda: mine.is_done or not self._is_working)
            if not mine.is_done:
                self._is_working = True
            return not mine.is_done

    def _do_a_group(self) -> None:
        group: list[_Waiting[T]] = []
        try:
            try:
                with self._gathered():
                    pass
            finally:
                with self._changed:
                    group, self._waiting = self._waiting[: self._items_max], self._waiting[self._items_max :]
            self._work([one.item for one in group])
        except BaseException as error:
            for one in group:
                one.error = error
            if not isinstance(error, Exception):
                raise
        finally:
            with self._changed:
                for one in group:
                    one.is_done = True
                self._is_working = False
                self._changed.notify_all()
