"""What each collector reads from a machine made of a folder."""

from __future__ import annotations

import dataclasses
import json
import shutil
import socket
from pathlib import Path

import pytest

from agent.collectors import clients, disk, find, interfaces, load, memory, outbox, temperature, uplink, uptime
from appliance.core.clock import Moment, WallQuality
from appliance.system.uplink_state import judge
from tests.unit.agent.around import make_around


def test_figures_of_the_machine(tmp_path: Path) -> None:
    around = make_around(tmp_path)
    assert uptime.collect(around) == {"uptime_seconds": 90.5, "boots": 3}
    assert load.collect(around)["load_one_minute"] == 0.52
    assert memory.collect(around) == {
        "memory_total_bytes": 1_024_000, "memory_available_bytes": 614_400, "agent_memory_bytes": 716_800,
    }  # fmt: skip
    assert temperature.collect(around) == {"temperature_celsius": 52.5}
    assert clients.collect(around) == {"clients_online": 2, "gate_closed_by_default": 1}
    assert outbox.collect(around) == {"outbox_waiting_records": 4, "outbox_dropped_records": 1}
    assert set(disk.collect(around)) == {"disk_size_bytes", "disk_free_bytes"}


def test_counters_by_role_and_none_for_what_is_missing(tmp_path: Path) -> None:
    around = make_around(tmp_path)
    assert interfaces.collect(around) == {
        "interface_received_bytes.uplink": 5_000_000,
        "interface_sent_bytes.uplink": 700_000,
        "interface_received_bytes.net_warga": 42,
        "interface_sent_bytes.net_warga": 77,
    }
    (around.roots.proc / "net/dev").write_text("one\ntwo\n")
    assert set(interfaces.collect(around).values()) == {None}


def test_a_strange_line_of_counters_is_said() -> None:
    with pytest.raises(ValueError, match="fields"):
        interfaces.parse("a\nb\neth0: 1 2 3\n")


def test_no_sensor_no_sample(tmp_path: Path) -> None:
    around = make_around(tmp_path)
    shutil.rmtree(around.roots.sys)
    assert temperature.collect(around) == {}


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


@pytest.mark.parametrize("name", sorted(find()))
def test_a_machine_without_files_fails_a_collector_but_says_why(tmp_path: Path, name: str) -> None:
    around = make_around(tmp_path)
    shutil.rmtree(around.roots.proc)
    around = dataclasses.replace(around, waiting=None, boots=None)
    try:
        samples = find()[name](around)
    except OSError as error:
        assert error.filename
    else:
        assert all(value is None or isinstance(value, int | float) for value in samples.values())
