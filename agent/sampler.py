"""From collectors to records: one measurement, one record, kept before anybody hears of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from agent.collectors import Around, Collector, glance, measure
from agent.line import Event, Line
from appliance.core.clock import Moment
from appliance.core.config import Config
from appliance.core.errors import StoreError
from appliance.core.report import Committed, Number, Record
from appliance.gate.protocol import Gate
from appliance.store.outbox import DurableOutbox, MemoryOutbox, Waiting, open_outbox
from appliance.system.roots import Roots

_log = logging.getLogger(__name__)
MEMORY_RECORDS_MAX = 1_440


class SteadyOutbox:
    """The durable outbox while it works, memory while it does not; says each change once and tries again each time.

    A full, read-only or damaged disk must not silence a box: what happens now is the news its keeper needs.
    """

    def __init__(self, path: Path, capacity_records: int) -> None:
        self._path, self._capacity_records = path, capacity_records
        self._durable: DurableOutbox | None = None
        self._memory = MemoryOutbox(MEMORY_RECORDS_MAX)
        self._said = ""

    def append(self, moment: Moment, samples: Mapping[str, Number | None]) -> Record:
        """Keep a record: durably where that is possible."""
        durable = self._open()
        if durable is not None:
            try:
                return durable.append(moment, samples, above=self._memory.last_sequence(moment.boot_id))
            except StoreError as error:
                self._lost(error)
        return self._memory.append(moment, samples)

    def newest(self, limit: int, without: Collection[tuple[str, int]] = ()) -> list[Record]:
        """List up to ``limit`` waiting records, newest first; those only in memory go before those on disk."""
        found = self._memory.newest(limit, without)
        durable = self._open()
        if durable is not None and len(found) < limit:
            try:
                found += durable.newest(limit - len(found), without)
            except StoreError as error:
                self._lost(error)
        return found

    def release(self, committed: Iterable[Committed]) -> int:
        """Let go of what the NOC has committed."""
        gone = tuple(committed)
        count = self._memory.release(gone)
        durable = self._open()
        if durable is not None:
            try:
                count += durable.release(gone)
            except StoreError as error:
                self._lost(error)
        return count

    def waiting(self) -> Waiting | None:
        """Count what waits and what was dropped, None while the disk does not tell."""
        durable = self._open()
        if durable is None:
            return None
        try:
            found, memory = durable.waiting(), self._memory.waiting()
        except StoreError as error:
            self._lost(error)
            return None
        return Waiting(found.waiting_records + memory.waiting_records, found.dropped_records + memory.dropped_records)

    def boots(self) -> int | None:
        """Count the boots in which this box measured, None while the disk does not tell."""
        durable = self._open()
        try:
            return durable.boots() if durable is not None else None
        except StoreError as error:
            self._lost(error)
            return None

    def _open(self) -> DurableOutbox | None:
        if self._durable is None:
            try:
                self._durable = open_outbox(self._path, self._capacity_records)
            except StoreError as error:
                self._lost(error)
            else:
                if self._said:
                    _log.info("the outbox works again: %s", self._path)
                self._said = ""
        return self._durable

    def _lost(self, error: StoreError) -> None:
        if self._durable is not None:
            self._durable.close()
        self._durable = None
        if str(error) != self._said:
            self._said = str(error)
            _log.error("the outbox does not keep records; they are held in memory and still sent: %s", error)


class Sampler:
    """Makes one record each time it is asked."""

    def __init__(
        self,
        config: Config,
        outbox: SteadyOutbox,
        gate: Gate,
        collectors: Mapping[str, Collector],
        *,
        roots: Roots,
        state_directory: Path,
        line: Line,
        boot_reason: int,
    ) -> None:
        self._config, self._outbox, self._gate, self._collectors = config, outbox, gate, collectors
        self._roots, self._state_directory, self._line = roots, state_directory, line
        self._boot_reason = boot_reason

    def sample(self, moment: Moment) -> Record:
        """Measure everything and keep it."""
        around = Around(
            self._config,
            self._roots,
            self._gate,
            self._state_directory,
            self._line.last,
            moment,
            self._outbox.boots(),
            self._outbox.waiting(),
            self._line.samples(moment),
            self._line.through.clock_offset_ms(moment),
            self._boot_reason,
        )
        return self._outbox.append(moment, measure(self._collectors, around, time.monotonic))

    def glance(self, moment: Moment) -> None:
        """Look in between two records, where a collector does that, and keep what happened."""
        found = glance(self._collectors, self._config, self._roots, moment)
        self.keep([Event(moment, dict(samples)) for samples in found])

    def keep(self, events: Iterable[Event]) -> None:
        """Keep what happened: a record for each."""
        for event in events:
            self._outbox.append(event.moment, event.samples)


def capacity_records(config: Config) -> int:
    """Say how many records ``outbox_days`` are: a count, since the box may not know the date."""
    return max(1, config.agent.outbox_days * 86_400 // config.agent.interval_seconds)
