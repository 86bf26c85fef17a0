"""How much of a hub's nonsense is read: pure. What is beyond it is counted and let go unread.

To find out that a payload is of no use costs as much as to read a good one, or, for one that is made to grow, more. A
hub that sends nothing else must not cost the others their turn. It is told nothing, so that what was good comes again.
"""

from __future__ import annotations

from typing import Final

MINUTE_SECONDS: Final = 60.0
BAD_PER_MINUTE_MAX: Final = 60


class Brake:
    """Counts what was of no use, by hub, from minute to minute."""

    def __init__(self) -> None:
        self._bad: dict[str, int] = {}
        self._began = 0.0

    def begin(self, now_seconds: float) -> None:
        """Forget what was counted more than a minute ago."""
        if not 0 <= now_seconds - self._began < MINUTE_SECONDS:
            self._bad.clear()
            self._began = now_seconds

    def bad(self, hub_id: str) -> None:
        """Count a payload of no use."""
        self._bad[hub_id] = self._bad.get(hub_id, 0) + 1

    def holds(self, hub_id: str) -> bool:
        """Say whether this minute's measure is full."""
        return self._bad.get(hub_id, 0) >= BAD_PER_MINUTE_MAX
