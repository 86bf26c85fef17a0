"""Sampling goes on whatever happens: to a collector, to the disk."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from agent import collectors
from agent.collectors import Around, Samples, find, measure
from appliance.core.clock import Moment, WallQuality
from appliance.core.samples import is_sample_name
from tests.unit.agent.around import make_around

BOOT = "aa" * 16


def moment(boottime_ms: int) -> Moment:
    return Moment(BOOT, boottime_ms, 0, WallQuality.UNKNOWN)


def test_a_new_collector_is_one_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wind.py").write_text("def collect(around):\n    return {'wind_metres_per_second': 3.5}\n")
    monkeypatch.setattr(collectors, "__path__", [*collectors.__path__, str(tmp_path)])
    found = find()
    assert {"uptime", "interfaces", "uplink", "clients", "load", "memory", "disk", "temperature", "wind"} <= set(found)
    assert measure({"wind": found["wind"]}, make_around(tmp_path), lambda: 0.0)["wind_metres_per_second"] == 3.5


def test_a_failing_collector_is_reported_and_stops_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: Around) -> Samples:
        raise ZeroDivisionError("the sensor is gone")

    ticks = itertools.count(0.0, 0.25)
    samples = measure({"broken": broken, "fine": lambda _: {"a": 1}}, make_around(tmp_path), lambda: next(ticks))
    assert samples == {
        "collector_success.broken": 0,
        "collector_duration_seconds.broken": 0.25,
        "a": 1,
        "collector_success.fine": 1,
        "collector_duration_seconds.fine": 0.25,
    }
    assert "the sensor is gone" in caplog.text


def test_every_sample_may_travel(tmp_path: Path) -> None:
    samples = measure(find(), make_around(tmp_path), lambda: 0.0)
    assert [name for name in samples if not is_sample_name(name)] == []
    assert {name: value for name, value in samples.items() if name.startswith("collector_success") and not value} == {}


def test_the_page_on_the_wire_names_every_sample(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs/wire.md").read_text()
    samples = measure(find(), make_around(tmp_path), lambda: 0.0)
    assert sorted({name.split(".")[0] for name in samples if f"`{name.split('.')[0]}`" not in page}) == []
