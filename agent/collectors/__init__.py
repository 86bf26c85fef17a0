"""One file per thing measured: each has ``collect(around) -> samples`` and is found by being here.

A collector returns a map of sample names to numbers, leaves out what the box does not have, and gives None for what it
has but could not tell. It may raise: `measure` then reports ``collector_success.NAME`` 0 and goes on with the next.

One that remembers something has ``make()``, which returns such a function, instead. If that has a method
``glance(config, roots, moment)`` as well, it is called every `GLANCE_SECONDS`; what it returns is an event.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.line import Look
from appliance.core.clock import Moment
from appliance.core.config import Config
from appliance.core.report import Number
from appliance.gate.protocol import Gate
from appliance.store.outbox import Waiting
from appliance.system.roots import Roots

_log = logging.getLogger(__name__)
GLANCE_SECONDS: Final = 10
Samples = Mapping[str, Number | None]


@dataclass(frozen=True, slots=True)
class Around:
    """All a collector may look at. ``probed`` is what questions across the line told."""

    config: Config
    roots: Roots
    gate: Gate
    state_directory: Path
    line: Look
    moment: Moment
    boots: int | None
    waiting: Waiting | None
    probed: Samples
    clock_offset_ms: int | None
    boot_reason: int


Collector = Callable[[Around], Samples]
Glance = Callable[[Config, Roots, Moment], Samples]


def find() -> dict[str, Collector]:
    """Import every collector of this folder, by name, and make those that remember something."""
    found: dict[str, Collector] = {}
    for each in sorted(pkgutil.iter_modules(__path__), key=lambda each: each.name):
        module = importlib.import_module(f"{__name__}.{each.name}")
        found[each.name] = module.make() if hasattr(module, "make") else module.collect
    return found


def measure(
    collectors: Mapping[str, Collector], around: Around, seconds: Callable[[], float]
) -> dict[str, Number | None]:
    """Ask every collector; ``seconds`` is a clock for durations. One that fails is reported and stops nobody."""
    samples: dict[str, Number | None] = {}
    for name, collect in collectors.items():
        began = seconds()
        try:
            samples.update(collect(around))
            success = 1
        except Exception as error:  # noqa: BLE001 - whatever a collector meets must not take the others down
            _log.warning("collector %s failed: %s: %s", name, type(error).__name__, error)
            success = 0
        samples[f"collector_success.{name}"] = success
        # To the hundredth: finer, each record would carry noise over a line that is paid for by the byte.
        samples[f"collector_duration_seconds.{name}"] = round(seconds() - began, 2)
    return samples


def glance(collectors: Mapping[str, Collector], config: Config, roots: Roots, moment: Moment) -> list[Samples]:
    """Let those look that look often, and return the events. One that fails says so when it is asked for samples."""
    events: list[Samples] = []
    for name, collector in collectors.items():
        look: Glance | None = getattr(collector, "glance", None)
        if look is None:
            continue
        try:
            event = look(config, roots, moment)
        except Exception as error:  # noqa: BLE001 - as in `measure`
            _log.info("collector %s saw nothing in between: %s: %s", name, type(error).__name__, error)
            continue
        if event:
            events.append(event)
    return events
