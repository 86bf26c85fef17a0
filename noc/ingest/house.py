"""What one ingest worker does besides: bring facts up, make hours, let old days go. In steps: no hub waits for them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from appliance.core.errors import StoreError
from noc.clock import Clock, boottime_seconds
from noc.ingest import ear
from noc.store.contract import NocStore
from noc.store.kept import DAY_MS

_log = logging.getLogger(__name__)
PROJECT_BATCHES: Final = 200
HOURS: Final = 10
SWEEP_ROWS: Final = 2_000
IDLE_SECONDS: Final = 1.0
# While more comes than can be taken, facts may lag behind, but never stand still.
BUSY_PAUSE_SECONDS: Final = 0.5
HOURS_PAUSE_SECONDS: Final = 30.0
SWEEP_PAUSE_SECONDS: Final = 300.0
TROUBLE_PAUSE_SECONDS: Final = 30.0


class House:
    """The steps of one worker.

    Args:
        store: where batches are.
        keep_days: for how long.
        clock: wall time in seconds.
        monotonic: counts on.
        boottime: counts on also while the machine sleeps; by it a date that somebody set is known.
    """

    def __init__(
        self,
        store: NocStore,
        keep_days: int,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        boottime: Callable[[], float] = boottime_seconds,
    ) -> None:
        self._store = store
        self._keep_days = keep_days
        self._clock = Clock(clock, boottime)
        self._monotonic = monotonic
        self._next_project = self._next_hours = self._next_sweep = self._next_sign = 0.0

    def turn(self, *, is_busy: bool) -> float:
        """Do one step; say for how many seconds nothing is to be done here."""
        try:
            return self._step(is_busy)
        except StoreError as error:
            _log.error("facts and hours were not brought up, and nothing old was deleted: %s", error)
            self._next_project = self._next_hours = self._next_sweep = self._monotonic() + TROUBLE_PAUSE_SECONDS
            return IDLE_SECONDS

    def _step(self, is_busy: bool) -> float:
        now, now_ms = self._monotonic(), self._clock.now_ms()
        if now >= self._next_project:
            taken = self._store.project(PROJECT_BATCHES)
            self._next_project = self._monotonic() + BUSY_PAUSE_SECONDS if is_busy else 0.0
            if taken == PROJECT_BATCHES:
                return 0.0
            if now >= self._next_sign:
                # All that was committed when this step began is in the facts.
                self._store.put_sign(ear.FACTS_SIGN, now_ms)
                self._next_sign = now + ear.EVERY_SECONDS
        if now >= self._next_sweep:
            gone = self._sweep(now_ms)
            self._next_sweep = self._monotonic() + (IDLE_SECONDS if gone >= SWEEP_ROWS else SWEEP_PAUSE_SECONDS)
            return 0.0
        if now >= self._next_hours and not is_busy:
            if self._store.roll_up(now_ms, HOURS) == HOURS:
                return 0.0
            self._next_hours = self._monotonic() + HOURS_PAUSE_SECONDS
        return IDLE_SECONDS

    def _sweep(self, now_ms: int) -> int:
        if self._clock.is_doubtful():
            _log.error(
                "nothing old is deleted: the date was set by more than a day since this process began; if it is right"
                " now, restart this unit"
            )
            return 0
        return self._store.sweep(now_ms - self._keep_days * DAY_MS, SWEEP_ROWS, self._keep_days)
