"""Let one thread work at a time, and others while it waits.

Python runs one thread at a time anyway. Where many of them are ready, each system call of one hands the interpreter to
another and waits to get it back: 250 phones that log in at once cost 480 futex calls each, and a third of the
processor. A thread that holds its turn meets nobody; whoever waits for a disk or another process steps aside.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator


class Turns:
    """One thread's turn after another's. A thread takes a turn with ``with``, and may not take two."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mine = threading.local()

    def __enter__(self) -> None:
        self._lock.acquire()
        self._mine.is_held = True

    def __exit__(self, *_: object) -> None:
        self._mine.is_held = False
        self._lock.release()

    @property
    def is_mine(self) -> bool:
        """Does this thread hold the turn?"""
        return bool(getattr(self._mine, "is_held", False))

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
