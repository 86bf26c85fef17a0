"""What each collector reads from a machine made of a folder."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import shutil
import socket
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
from appliance.core import probe_names
from appliance.core.clock import Moment, WallQuality
from appliance.system.uplink_state import judge
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


def test_an_answer_is_proof_and_silence_is_not(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        target = f"127.0.0.1:{server.getsockname()[1]}"
        seconds = uplink.round_trip_seconds(["127.0.0.1:1", target])
    assert seconds is not None
    assert 0 <= seconds < 1
    assert uplink.round_trip_seconds(["127.0.0.1:1"], 0.5) is None
    around = make_around(tmp_path)
    assert uplink.collect(around) == {"uplink_up": 0, "uplink_round_trip_seconds": None}
    assert json.loads((tmp_path / "uplink.json").read_text())["up"] is False


def test_the_probes_lead_to_this_box_while_no_target_answers(around: Around, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    path = around.names_directory / "probes"
    uplink.collect(around)
    written = path.stat()
    assert path.read_text() == probe_names.text(around.config)
    assert written.st_mode & 0o777 == 0o644
    uplink.collect(around)
    assert path.stat().st_ino == written.st_ino, "dnsmasq is told of changes only"
    path.write_text("of another configuration")
    uplink.collect(around)
    assert path.read_text() == probe_names.text(around.config)
    with socket.create_server(("127.0.0.1", 0)) as server:
        targets = (f"127.0.0.1:{server.getsockname()[1]}",)
        agent = dataclasses.replace(around.config.agent, targets=targets)
        online = dataclasses.replace(around, config=dataclasses.replace(around.config, agent=agent))
        assert uplink.collect(online)["uplink_up"] == 1
        assert uplink.collect(online)["uplink_up"] == 1
    assert list(around.names_directory.iterdir()) == []
    assert caplog.text.count("the line is up") == 1


def test_a_folder_that_cannot_be_written_takes_no_measurement_away(
    around: Around, caplog: pytest.LogCaptureFixture
) -> None:
    around.names_directory.rmdir()
    assert uplink.collect(around)["uplink_up"] == 0
    assert "phones may not find the portal" in caplog.text


def test_since_stays_while_the_state_stays(tmp_path: Path) -> None:
    path = tmp_path / "uplink.json"

    def write(is_up: bool, boottime_ms: int) -> str | None:
        uplink.write_state(
            path, is_up, Moment("ab" * 16, boottime_ms, 1_780_000_000_000 + boottime_ms, WallQuality.NTP)
        )
        state = judge(path.read_text(), boottime_ms)
        assert (state.up, state.checked_boottime_ms) == (is_up, boottime_ms)
        return state.since_wall

    first = write(True, 60_000)
    assert write(True, 120_000) == first
    down = write(False, 180_000)
    assert down != first
    # After a silence nobody knows what lay between, and after a reboot the file is of another boot.
    assert write(False, 999_000) != down
    assert write(False, 5_000) not in (first, down)
    assert path.stat().st_mode & 0o777 == 0o644
    assert [each.name for each in tmp_path.iterdir()] == ["uplink.json"]
