"""From collectors to records: one measurement, one record, kept before anybody hears of it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from agent.collectors import Around, Collector, glance, measure
from agent.line import Event, Line
from agent.steady_outbox import SteadyOutbox
from appliance.core.clock import Moment
from appliance.core.config import Config
from appliance.core.report import Record
from appliance.core.samples import told
from appliance.gate.protocol import Gate
from appliance.system.roots import Roots


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
        measured = measure(self._collectors, around, time.monotonic)
        return self._outbox.append(moment, {name: told(name, value) for name, value in measured.items()})

    def glance(self, moment: Moment) -> None:
        """Look in between two records, where a collector does that, and keep what happened."""
        found = glance(self._collectors, self._config, self._roots, moment)
        self.keep([Event(moment, dict(samples)) for samples in found])

    def keep(self, events: Iterable[Event]) -> None:
        """Keep what happened: a record for each."""
        for event in events:
            self._outbox.append(event.moment, event.samples)
