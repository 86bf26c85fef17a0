"""What went wrong with one hub that nobody thought of: it is left out, and told once; all others go on."""

from __future__ import annotations

import logging
from typing import Final

_log = logging.getLogger(__name__)
TOLD_MAX: Final = 10_000


class Mishaps:
    """The mishaps of one part of the watch.

    Args:
        otherwise: what is not done of a hub that has one.
    """

    def __init__(self, otherwise: str) -> None:
        self._otherwise = otherwise
        self._told: set[str] = set()
        self.count = 0

    def note(self, hub_id: str) -> None:
        """Count the exception that is handled now, and tell it with its trace where it is the hub's first."""
        self.count += 1
        if hub_id not in self._told and len(self._told) < TOLD_MAX:
            self._told.add(hub_id)
            _log.exception("%s: %s; the others go on (mishap %d)", hub_id, self._otherwise, self.count)
