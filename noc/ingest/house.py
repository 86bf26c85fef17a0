"""What one ingest worker does besides: bring facts up, make hours, let old days go. In steps: no hub waits for them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from appliance.core.errors import StoreError
from noc.store.contract import NocStore

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
    """The steps of one worker. ``clock`` is wall time in seconds, ``monotonic`` counts on."""

    def __init__(
        self,
        store: NocStore,
        keep_days: int,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._keep_ms = keep_days * 86_400_000
        self._clock = clock
        self._monotonic = monotonic
        self._next_project = self._next_hours = self._next_sweep = 0.0

    def turn(self, *, is_busy: bool) -> float:
        """Do one step; say for how many seconds nothing is to be done here."""
        try:
            return self._step(is_busy)
        except StoreError as error:
            _log.error("facts and hours were not brought up, and nothing old was deleted: %s", error)
            self._next_project = self._next_hours = self._next_sweep = self._monotonic() + TROUBLE_PAUSE_SECONDS
            return IDLE_SECONDS

    def _step(self, is_busy: bool) -> float:
        now, now_ms = self._monotonic(), int(self._clock() * 1000)
        if now >= self._next_project:
            taken = self._store.project(PROJECT_BATCHES)
            self._next_project = self._monotonic() + BUSY_PAUSE_SECONDS if is_busy else 0.0
            if taken == PROJECT_BATCHES:
                return 0.0
        if now >= self._next_sweep:
            gone = self._store.sweep(now_ms - self._keep_ms, SWEEP_ROWS)
            self._next_sweep = self._monotonic() + (IDLE_SECONDS if gone >= SWEEP_ROWS else SWEEP_PAUSE_SECONDS)
            return 0.0
        if now >= self._next_hours and not is_busy:
            if self._store.roll_up(now_ms, HOURS) == HOURS:
                return 0.0
            self._next_hours = self._monotonic() + HOURS_PAUSE_SECONDS
        return IDLE_SECONDS
