"""Let one thread work at a time, and others while it waits.

Python runs one thread at a time anyway. Where many of them are ready, each system call of one hands the interpreter to
another and waits to get it back: 250 phones that log in at once cost 480 futex calls each, and a third of the
processor. A thread that holds its turn meets nobody; whoever waits for a disk or another process steps aside.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator


class Turns:
    """One thread's turn after another's. A thread takes a turn with ``with``, and may not take two.

    Args:
        clock: seconds, for durations.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock, self._clock = threading.Lock(), clock
        self._mine = threading.local()
        self._since: float | None = None

    def __enter__(self) -> None:
        self._lock.acquire()
        self._mine.is_held, self._since = True, self._clock()

    def __exit__(self, *_: object) -> None:
        self._mine.is_held, self._since = False, None
        self._lock.release()

    @property
    def is_mine(self) -> bool:
        """Does this thread hold the turn?"""
        return bool(getattr(self._mine, "is_held", False))

    def held_seconds(self) -> float:
        """For how long one thread has had its turn; 0 while nobody has. All others wait for it to end."""
        since = self._since
        return 0.0 if since is None else self._clock() - since

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Let others work for the length of the block, which waits for something; without a turn it changes nothing."""
        if not self.is_mine:
            yield
            return
        self.__exit__()
        try:
            yield
        finally:
            self.__enter__()
