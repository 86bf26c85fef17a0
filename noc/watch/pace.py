"""What is done now and then: not more often than asked, and never for more than a hundredth of the time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Final

SHARE_MAX: Final = 0.01


class Pace:
    """The pace of one thing.

    Args:
        every_seconds: how often at most.
        monotonic: seconds that count on.
    """

    def __init__(self, every_seconds: float, monotonic: Callable[[], float]) -> None:
        self._every_seconds, self._monotonic = every_seconds, monotonic
        self._next = 0.0

    @contextlib.contextmanager
    def due(self) -> Iterator[bool]:
        """Say whether it is time; what is done within the block is what it costs. What fails is due again at once."""
        began = self._monotonic()
        is_due = began >= self._next
        yield is_due
        if is_due:
            cost_seconds = self._monotonic() - began
            self._next = began + max(self._every_seconds, cost_seconds / SHARE_MAX)
