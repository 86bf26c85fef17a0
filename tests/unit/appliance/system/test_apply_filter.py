"""The filter's units come with the first network that has it, and go with the last."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.config import parse
from appliance.core.errors import OperationError
from appliance.system.apply import apply
from appliance.system.memory import MemoryOperations

GOLDEN = Path(__file__).parents[3] / "golden/rendered"
WITH = (GOLDEN / "filter/hub.toml").read_text(encoding="utf-8")
WITHOUT = WITH.replace("filter = true\n", "").replace(
    'filter_hours = ["mon-sun 05:00-18:00", "sun-thu 18:00-01:30"]\n', ""
)
UNITS = {
    "desahub-filter.service", "desahub-filtered-dns.service", "desahub-filter-update.timer",
    "desahub-filter-update.path",
}  # fmt: skip
RENDERED = Path("/etc/desahub/rendered/filtered-dns.conf")


@pytest.fixture
def machine() -> MemoryOperations:
    made = MemoryOperations()
    apply(parse(WITHOUT), WITHOUT, made)
    return made


def test_without_a_filtered_network_nothing_of_it_is_there(machine: MemoryOperations) -> None:
    assert not UNITS & machine.running
    assert not any(unit in UNITS for _, unit in machine.calls)
    assert RENDERED not in machine.files


def test_the_first_network_brings_all_of_it_and_the_last_takes_it_away(machine: MemoryOperations) -> None:
    apply(parse(WITH), WITH, machine)
    assert machine.running >= UNITS
    assert RENDERED in machine.files
    done = apply(parse(WITHOUT), WITHOUT, machine)
    assert set(done.stopped) == UNITS
    assert not UNITS & machine.running
    assert RENDERED not in machine.files


def test_another_domain_reaches_filter_and_cache_after_the_gate(machine: MemoryOperations) -> None:
    apply(parse(WITH), WITH, machine)
    text = WITH.replace('"judi.example"', '"judi.example", "slot.example"')
    done = apply(parse(text), text, machine)
    assert done.reloaded[-2:] == ("desahub-filter.service", "desahub-filtered-dns.service")
    assert done.reloaded.index("desahub-gate.service") < len(done.reloaded) - 2
    assert apply(parse(text), text, machine).changed == ()


def test_a_failure_takes_it_back(machine: MemoryOperations) -> None:
    machine.refused_reloads = {"desahub-filter-update.path"}
    with pytest.raises(OperationError, match="desahub-filter-update"):
        apply(parse(WITH), WITH, machine)
    assert RENDERED not in machine.files
    assert not {"desahub-filter-update.timer", "desahub-filter-update.path"} & machine.running
