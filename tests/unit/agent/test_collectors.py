"""What each collector reads from a machine made of a folder."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections import namedtuple
from pathlib import Path

import netifaces
import psutil
import pytest

from agent.collectors import (
    Around,
    clients,
    clock,
    configuration,
    disk,
    load,
    memory,
    outbox,
    probes,
    temperature,
    uplink,
    uplink_link,
    uptime,
)
from agent.line import UNKNOWN, Look, UplinkState
from appliance.gate.protocol import GateStatus
from appliance.system.roots import REAL
from tests.unit.agent.around import QuietGate, later, make_around


@pytest.fixture
def around(tmp_path: Path) -> Around:
    return make_around(tmp_path)


def test_figures_of_the_machine(around: Around) -> None:
    assert uptime.collect(around) == {"uptime_seconds": 90, "boots": 3, "boot_reason": 1}
    told = {"clients_online": 2, "gate_closed_by_default": 1, "logins": 7, "refusals": 1}
    assert clients.make()(around) == told
    assert clock.collect(around) == {"clock_offset_ms": -250}
    assert probes.collect(around) == around.probed
    assert outbox.collect(around) == {
        "outbox_waiting_records": 4,
        "outbox_dropped_records": 1,
        "outbox_thinned_records": 0,
    }


def test_logins_go_on_when_the_gate_is_started_again(around: Around, monkeypatch: pytest.MonkeyPatch) -> None:
    collect = clients.make()
    assert collect(around)["logins"] == 7
    monkeypatch.setattr(QuietGate, "status", lambda _: GateStatus(True, 2, "x", let_in_count=2, refused_count=0))
    assert collect(later(around, 60)) == {
        "clients_online": 2, "gate_closed_by_default": 1, "logins": 9, "refusals": 1
    }  # fmt: skip


def test_the_configuration_that_was_written_is_the_one_that_runs(around: Around) -> None:
    assert configuration.collect(around) == {"configuration_matches": 1}
    written = around.roots.etc / "desahub/hub.toml"
    written.write_text("# changed\n")
    assert configuration.collect(around) == {"configuration_matches": 0}
    written.unlink()
    assert configuration.collect(around) == {"configuration_matches": None}


def test_figures_of_this_very_machine_are_plausible(tmp_path: Path) -> None:
    around = make_around(tmp_path)
    found = memory.collect(around)
    total, available, own = (found[f"{name}_bytes"] for name in ("memory_total", "memory_available", "agent_memory"))
    assert total and available and own
    assert 0 < own < available < total
    around = dataclasses.replace(around, roots=REAL)
    room = disk.collect(around)
    assert room["disk_size_bytes"] == shutil.disk_usage(tmp_path).total
    busy = load.collect(around)
    assert busy["processors"] == os.cpu_count()
    assert abs((busy["load_one_minute"] or 0) - os.getloadavg()[0]) < 2


def test_the_hottest_sensor_counts_and_no_sensor_gives_no_sample(
    around: Around, monkeypatch: pytest.MonkeyPatch
) -> None:
    heat = namedtuple("heat", "current")
    monkeypatch.setattr(psutil, "sensors_temperatures", lambda: {"cpu": [heat(41.0), heat(52.5)], "nvme": [heat(30.0)]})
    assert temperature.collect(around) == {"temperature_celsius": 52.5}
    monkeypatch.setattr(psutil, "sensors_temperatures", dict)
    assert temperature.collect(around) == {}


def test_an_uplink_that_is_not_there_has_nothing(around: Around, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = dataclasses.replace(around.config.uplink, interface="tidak-ada")
    around = dataclasses.replace(around, config=dataclasses.replace(around.config, uplink=missing))
    assert uplink_link.collect(around) == {"uplink_has_link": 0, "uplink_has_address": 0, "uplink_has_gateway": 0}
    loopback = dataclasses.replace(around.config.uplink, interface="lo")
    around = dataclasses.replace(around, config=dataclasses.replace(around.config, uplink=loopback))
    assert uplink_link.collect(around) == {"uplink_has_link": 1, "uplink_has_address": 1, "uplink_has_gateway": 0}
    monkeypatch.setattr(netifaces, "gateways", lambda: {netifaces.AF_INET: [("192.0.2.1", "lo", True)]})
    assert uplink_link.collect(around)["uplink_has_gateway"] == 1


def test_what_the_last_look_at_the_line_found_is_told(around: Around) -> None:
    assert uplink.collect(around) == {"uplink_up": 1, "uplink_state": 5, "uplink_round_trip_seconds": 0.05}
    cut = dataclasses.replace(around, line=Look(False, None, UplinkState.NO_LINK))
    assert uplink.collect(cut) == {"uplink_up": 0, "uplink_state": 0, "uplink_round_trip_seconds": None}
    silent = dataclasses.replace(around, line=UNKNOWN)
    assert set(uplink.collect(silent).values()) == {None}
