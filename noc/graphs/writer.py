"""Bring what is committed to the graphs' database: at least once, and never in the way of a commit.

VictoriaMetrics says that it has points before they are on its disk: of 1.79, killed 10 s later, a new series was gone,
killed 20 s later it was there (measured). So a place in the store is kept as reached only `SETTLE_SECONDS` later, and
only if the server has not been started anew meanwhile; else all from the last kept place is sent again. A point that
comes twice has the same time, and one of both is dropped there (``-dedup.minScrapeInterval=1ms``).
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from appliance.core.errors import DesahubError
from noc.graphs.lines import lines
from noc.store.contract import Hub, NocStore, may_be_more

_log = logging.getLogger(__name__)
FOLLOWER: Final = "graphs"
REPORTS: Final = 200
SETTLE_SECONDS: Final = 120.0
IDLE_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 10.0
TELL_SECONDS: Final = 300.0
HUBS_SECONDS: Final = 300.0  # a hub that was renamed has its new name after this


class Database(Protocol):
    """What is asked of the graphs' database."""

    def put(self, written: bytes) -> None: ...

    def started(self) -> str: ...


class Writer:
    """The steps from store to graphs. ``monotonic`` counts on, in seconds."""

    def __init__(self, store: NocStore, database: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._database = database
        self._monotonic = monotonic
        self._run = ""
        self._sent = ""
        self._settling: deque[tuple[float, str]] = deque()
        self._hubs: dict[str, Hub] = {}
        self._next_hubs = self._next_tell = 0.0

    def turn(self) -> float:
        """Do one step; say for how many seconds nothing is to be done."""
        try:
            return self._step()
        except DesahubError as error:
            self._run = ""
            self._tell(error)
            return RETRY_SECONDS

    def _step(self) -> float:
        if not self._run:
            self._begin()
        if self._settling and self._settling[0][0] <= self._monotonic():
            self._settle()
        now = self._monotonic()
        if now >= self._next_hubs:
            self._hubs = {each.hub_id: each for each in self._store.hubs()}
            self._next_hubs = now + HUBS_SECONDS
        mark, reports = self._store.came(self._sent, REPORTS)
        if reports:
            written, lost = lines(reports, self._hubs)
            if lost:
                _log.info("%d records have no date, and no place in the graphs", lost)
            if written:
                self._database.put(written)
        if mark != self._sent:
            self._sent = mark
            self._settling.append((self._monotonic() + SETTLE_SECONDS, mark))
        return 0.0 if may_be_more(reports, REPORTS) else IDLE_SECONDS

    def _begin(self) -> None:
        """Go on from the last place that was kept."""
        self._run = self._database.started()
        self._sent = self._store.mark(FOLLOWER)
        self._settling.clear()
        self._next_tell = 0.0
        if waiting := self._store.waiting(self._sent):
            _log.info("%d reports wait for the graphs", waiting)

    def _settle(self) -> None:
        if self._database.started() != self._run:
            _log.warning("the graphs' database was started anew: what it may have lost is sent again")
            self._begin()
            return
        mark = ""
        while self._settling and self._settling[0][0] <= self._monotonic():
            _, mark = self._settling.popleft()
        self._store.put_mark(FOLLOWER, mark)

    def _tell(self, error: DesahubError) -> None:
        if self._monotonic() < self._next_tell:
            return
        self._next_tell = self._monotonic() + TELL_SECONDS
        try:
            waiting = f"{self._store.waiting(self._sent)} reports wait, as long as the store keeps them"
        except DesahubError:
            waiting = "what waits is not known"
        _log.error("nothing was written to the graphs, %s: %s", waiting, error)
