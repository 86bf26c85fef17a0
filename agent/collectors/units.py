"""How the box's units are: which are not as they should be, and how often systemd started them again."""

from __future__ import annotations

import re
from typing import Final

from agent.collectors import Around, Samples
from agent.seldom import Seldom
from appliance.system import units

SECONDS: Final = 300
# The numbers go over the wire (``unit_state``); active ones are not told.
STATES: Final = {"inactive": 0, "activating": 1, "deactivating": 2, "failed": 3}
OTHER: Final = 4
_LABEL_MAX: Final = 16


def read(_around: Around) -> Samples:
    """Tell the failed, the restarts, and the state of each that should be active. Raises OperationError."""
    found = units.read()
    samples: dict[str, int | None] = {
        "unit_failed_count": sum(1 for unit in found if unit.state == "failed"),
        "unit_restarts": sum(unit.restarts for unit in found),
    }
    for unit in found:
        if unit.is_wanted and unit.state != "active" and (label := _label(unit.name)):
            samples[f"unit_state.{label}"] = STATES.get(unit.state, OTHER)
    return samples


def make() -> Seldom:
    """Begin to ask."""
    return Seldom(SECONDS, read)


def _label(name: str) -> str:
    return re.sub("[^a-z0-9]", "_", name.lower().removeprefix("desahub-")).strip("_")[:_LABEL_MAX]
