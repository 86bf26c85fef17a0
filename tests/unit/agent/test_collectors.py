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
    disk,
    interfaces,
    load,
    memory,
    outbox,
    temperature,
    uplink,
    uplink_link,
    uptime,
)
from agent.line import UNKNOWN, Look
from tests.unit.agent.around import make_around


@pytest.fixture
def around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Around:
    made = make_around(tmp_path)
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(made.roots.proc))
    return made


def test_figures_of_the_machine(around: Around) -> None:
    assert uptime.collect(around) == {"uptime_seconds": 90.5, "boots": 3}
    assert clients.collect(around) == {"clients_online": 2, "gate_closed_by_default": 1}
    assert outbox.collect(around) == {"outbox_waiting_records": 4, "outbox_dropped_records": 1}


def test_counters_by_role_and_none_for_what_is_missing(around: Around) -> None:
    assert interfaces.collect(around) == {
        "interface_received_bytes.uplink": 5_000_000,
        "interface_sent_bytes.uplink": 700_000,
        "interface_received_bytes.net_warga": 42,
        "interface_sent_bytes.net_warga": 77,
    }
    (around.roots.proc / "net/dev").write_text("one\ntwo\n")
    assert set(interfaces.collect(around).values()) == {None}


def test_figures_of_this_very_machine_are_plausible(tmp_path: Path) -> None:
    around = make_around(tmp_path)
    found = memory.collect(around)
    total, available, own = (found[f"{name}_bytes"] for name in ("memory_total", "memory_available", "agent_memory"))
    assert total and available and own
    assert 0 < own < available < total
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
    assert uplink.collect(around) == {"uplink_up": 1, "uplink_round_trip_seconds": 0.05}
    cut = dataclasses.replace(around, line=Look(False, None))
    assert uplink.collect(cut) == {"uplink_up": 0, "uplink_round_trip_seconds": None}
    silent = dataclasses.replace(around, line=UNKNOWN)
    assert uplink.collect(silent) == {"uplink_up": None, "uplink_round_trip_seconds": None}
