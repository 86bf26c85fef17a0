"""From connections that ended to sealed lines. What fails is logged and said in the records; it never ends."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Final

from appliance.core.clock import Moment
from appliance.core.config import Config
from appliance.core.errors import OperationError
from appliance.records import rules
from appliance.records.conntrack import Ended
from appliance.records.macs import Macs
from appliance.records.shelf import HOUR_MS, Shelf
from appliance.system.neighbours import Neighbour

log = logging.getLogger("desahub.records")
_WAIT_MS: Final = 5_000
_LINES_MAX: Final = 500
_LOOK_MS: Final = 3_000


class Recorder:
    """Collects lines for some seconds, so that a chunk holds many.

    Args:
        config: which networks are residents'.
        shelf: where the sealed files are.
        look_around: reads the neighbour table.
    """

    def __init__(self, config: Config, shelf: Shelf, look_around: Callable[[], Iterable[Neighbour]]) -> None:
        self._config, self._shelf, self._look_around = config, shelf, look_around
        self._macs, self._looked_ms = Macs(), -_LOOK_MS
        self._lines: list[str] = []
        self._waiting_since_ms = 0
        self._dropped_ms: int | None = None

    def take(self, ended: list[Ended], now: Moment, *, lost: bool = False) -> None:
        """Note what ended; ``lost`` says that more did, which nobody heard of."""
        self._see(now)
        if lost:
            log.warning("more connections ended at once than could be recorded; the records say so")
            self._add(rules.gap(now.wall_ms, now.wall_quality), now)
        for one in ended:
            if rules.is_recorded(self._config, one):
                seconds = rules.duration_seconds(one, now.wall_ms)
                mac = self._macs.of(str(one.source), now.boottime_ms - int((seconds or 0) * 1000))
                self._add(rules.line(one, mac, now.wall_ms, now.wall_quality), now)

    def tend(self, now: Moment) -> None:
        """Write what has waited long enough, make it durable, and drop what is old."""
        try:
            if self._lines and (len(self._lines) >= _LINES_MAX or now.boottime_ms - self._waiting_since_ms >= _WAIT_MS):
                self._write(now)
            self._shelf.tend(now)
            if self._dropped_ms is None or now.boottime_ms - self._dropped_ms >= HOUR_MS:
                self._dropped_ms = now.boottime_ms
                for path in self._shelf.drop_old(now):
                    log.info("%s: dropped, its days are over", path.name)
        except OSError as error:
            self._fail(error, now)

    def close(self, now: Moment) -> None:
        """Write everything and end the file."""
        try:
            self._write(now)
            self._shelf.close()
        except OSError as error:
            self._fail(error, now)

    def _see(self, now: Moment) -> None:
        if now.boottime_ms - self._looked_ms >= _LOOK_MS:
            self._looked_ms = now.boottime_ms
            try:
                self._macs.see(self._look_around(), now.boottime_ms)
            except OperationError as error:
                log.error("no new MACs: %s", error)

    def _write(self, now: Moment) -> None:
        if self._lines:
            self._shelf.write("".join(self._lines), now)
            self._lines.clear()

    def _add(self, line: str, now: Moment) -> None:
        if not self._lines:
            self._waiting_since_ms = now.boottime_ms
        self._lines.append(line)

    def _fail(self, error: OSError, now: Moment) -> None:
        # Memory is for the programs that residents use: what cannot be kept is let go, and that is said.
        log.error("records cannot be written: %s; %d are lost", error.strerror or error, len(self._lines))
        self._shelf.abandon()
        self._lines[:] = [rules.gap(now.wall_ms, now.wall_quality)]
        self._waiting_since_ms = now.boottime_ms
