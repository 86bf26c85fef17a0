"""How much of a hub's nonsense is read, and how many letters it may tell of: pure. What is beyond it is let go.

To find out that a payload is of no use costs as much as to read a good one, or, for one that is made to grow, more. A
hub that sends nothing else must not cost the others their turn. It is told nothing, so that what was good comes again.

A letter is kept for ever, in a row of some 100 bytes. No village signs as many in years as a hub may tell of in a day;
but all that there ever were come at once where a store was made anew.
"""

from __future__ import annotations

from typing import Final

MINUTE_SECONDS: Final = 60.0
BAD_PER_MINUTE_MAX: Final = 60
DAY_SECONDS: Final = 86_400.0
LETTERS_PER_DAY_MAX: Final = 50_000  # of a hub, as one worker saw it; a letter that comes twice counts twice


class Brake:
    """Counts what was of no use, by hub, from minute to minute."""

    def __init__(self) -> None:
        self._bad: dict[str, int] = {}
        self._letters: dict[str, int] = {}
        self._began = self._day_began = 0.0

    def begin(self, now_seconds: float) -> None:
        """Forget what was counted more than a minute ago, and the letters of more than a day ago."""
        if not 0 <= now_seconds - self._day_began < DAY_SECONDS:
            self._letters.clear()
            self._day_began = now_seconds
        if not 0 <= now_seconds - self._began < MINUTE_SECONDS:
            self._bad.clear()
            self._began = now_seconds

    def bad(self, hub_id: str) -> None:
        """Count a payload of no use."""
        self._bad[hub_id] = self._bad.get(hub_id, 0) + 1

    def letters(self, hub_id: str, count: int) -> None:
        """Count letters that were kept."""
        self._letters[hub_id] = self._letters.get(hub_id, 0) + count

    def letters_left(self, hub_id: str) -> int:
        """Say of how many a hub may still tell today."""
        return max(0, LETTERS_PER_DAY_MAX - self._letters.get(hub_id, 0))

    def holds(self, hub_id: str) -> bool:
        """Say whether this minute's measure is full."""
        return self._bad.get(hub_id, 0) >= BAD_PER_MINUTE_MAX
