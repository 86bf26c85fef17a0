"""How many hours one hub may have made anew in a day.

An hour costs the NOC as much as a dozen batches, and one batch of a hub that lies can name a thousand. What an honest
hub ever needs is far below: its own hours of the day, once for each of its reports, and a month of backlog.
"""

from __future__ import annotations

import logging
from typing import Final

from noc.store.kept import DAY_MS

_log = logging.getLogger(__name__)
HOURS_A_DAY: Final = 3_000


class HourBudget:
    """What each hub has left today, as this process saw it."""

    def __init__(self) -> None:
        self._day = -1
        self._spent: dict[str, int] = {}
        self.refused = 0

    def take(self, hub_id: str, hours: set[int], received_ms: int) -> set[int]:
        """Say which of these hours are made: of too many the latest. The records of all of them are kept anyhow."""
        day = received_ms // DAY_MS
        if day != self._day:
            self._day, self._spent = day, {}
        spent = self._spent.get(hub_id, 0)
        taken = set(sorted(hours, reverse=True)[: max(0, HOURS_A_DAY - spent)])
        self._spent[hub_id] = spent + len(hours)
        self.refused += len(hours) - len(taken)
        if spent <= HOURS_A_DAY < spent + len(hours):
            _log.warning("%s names more than %d hours in a day; the rest has no sums", hub_id, HOURS_A_DAY)
        return taken
