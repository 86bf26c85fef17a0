"""One file per thing measured: each has ``collect(around) -> samples`` and is found by being here.

A collector returns a map of sample names to numbers, leaves out what the box does not have, and gives None for what it
has but could not tell. It may raise: `measure` then reports ``collector_success.NAME`` 0 and goes on with the next.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.line import Look
from appliance.core.clock import Moment
from appliance.core.config import Config
from appliance.core.report import Number
from appliance.gate.protocol import Gate
from appliance.store.outbox import Waiting
from appliance.system.roots import Roots

_log = logging.getLogger(__name__)
Samples = Mapping[str, Number | None]


@dataclass(frozen=True, slots=True)
class Around:
    """All a collector may look at."""

    config: Config
    roots: Roots
    gate: Gate
    state_directory: Path
    line: Look
    moment: Moment
    boots: int | None
    waiting: Waiting | None


Collector = Callable[[Around], Samples]


def find() -> dict[str, Collector]:
    """Import every collector of this folder, by name."""
    return {
        found.name: importlib.import_module(f"{__name__}.{found.name}").collect
        for found in sorted(pkgutil.iter_modules(__path__), key=lambda each: each.name)
    }


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
        samples[f"collector_duration_seconds.{name}"] = round(seconds() - began, 4)
    return samples
