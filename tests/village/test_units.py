"""What runs is what ships: each process of the village against its unit file, field by field."""

from __future__ import annotations

import shlex
from collections import defaultdict
from pathlib import Path

import pytest

from script.village.machine import Machine
from script.village.village import Village

pytestmark = [pytest.mark.root, pytest.mark.village]

SYSTEMD = Path(__file__).resolve().parents[2] / "systemd"
# Bits of capabilities(7), as /proc/PID/status counts them.
CAPABILITY_BITS = {"CAP_NET_BIND_SERVICE": 10, "CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13}
# tests/village/test_records.py switches it on and looks at it, test_papers.py printer and signer; the operator is there
# while there is a command, graphs are written where there is a VictoriaMetrics, a screen is lit where there is one.
OFF_BY_DEFAULT = (
    "desahub-records.service", "desahub-printer.service", "desahub-signer.service", "desahub-screen.service",
    "desahub-operator.service", "desahub-noc-graphs.service",
)  # fmt: skip
RESIDENT = sorted(
    path
    for folder in ("hub", "noc")
    for path in (SYSTEMD / folder).glob("*.service")
    if "@" not in path.name and path.name not in OFF_BY_DEFAULT
)


# There while somebody trains; its command starts it as a visitor would, by its socket.
ON_DEMAND = {"desahub-practice.service": ["desahub", "practice"]}


def _read_unit(path: Path) -> dict[str, list[str]]:
    """Read the keys of a unit's [Service] section; a key may stand more than once (systemd.syntax(7))."""
    keys: dict[str, list[str]] = defaultdict(list)
    section = ""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif section == "Service" and "=" in line and not line.startswith(("#", ";")):
            key, _, value = line.partition("=")
            keys[key.strip()].append(value.strip())
    return keys


def _machine(village: Village, path: Path) -> Machine:
    return village.hub if path.parent.name == "hub" else village.net


def _added(machine: Machine, keys: dict[str, list[str]]) -> dict[str, list[str]]:
    """Read what a person added to the command line in the unit's EnvironmentFile; there may be none."""
    added = {}
    for path in keys["EnvironmentFile"]:
        for line in machine.inside(["sh", "-c", 'cat "$1" 2>/dev/null || true', "sh", path.lstrip("-")]).splitlines():
            name, _, value = line.partition("=")
            added[name] = value.split()
    return added


def _bits(keys: dict[str, list[str]], name: str) -> int:
    return sum(1 << CAPABILITY_BITS[word] for value in keys[name] for word in value.split())


def _status(machine: Machine, pid: str) -> dict[str, str]:
    lines = machine.inside(["cat", f"/proc/{pid}/status"]).splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def test_there_are_units_to_compare() -> None:
    assert len(RESIDENT) >= 10


@pytest.mark.parametrize("path", RESIDENT, ids=[path.name for path in RESIDENT])
def test_process_is_as_its_unit_says(village: Village, path: Path) -> None:
    machine, keys = _machine(village, path), _read_unit(path)
    if keys["Type"] == ["oneshot"]:
        assert machine.inside(["systemctl", "show", "--value", "-p", "Result", path.name]).strip() == "success"
        return
    command = ON_DEMAND.get(path.name)
    if command is None:
        _compare(machine, path, keys)
        return
    assert _pid(machine, path) == "0", "nothing stays while nobody asks"
    machine.inside([*command, "start"], timeout_seconds=200)
    try:
        _compare(machine, path, keys)
    finally:
        machine.inside([*command, "stop"], timeout_seconds=60)
    assert _pid(machine, path) == "0"


def _pid(machine: Machine, path: Path) -> str:
    return machine.inside(["systemctl", "show", "--value", "-p", "MainPID", path.name]).strip()


def _compare(machine: Machine, path: Path, keys: dict[str, list[str]]) -> None:
    pid = _pid(machine, path)
    assert pid != "0", f"{path.name} has no process"
    status = _status(machine, pid)
    user_id = machine.inside(["id", "-u", keys["User"][-1]]).strip()
    assert status["Uid"].split() == [user_id] * 4
    assert user_id != "0"
    assert int(status["CapBnd"], 16) == _bits(keys, "CapabilityBoundingSet")
    assert int(status["CapEff"], 16) == int(status["CapAmb"], 16) == _bits(keys, "AmbientCapabilities")
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2", "SystemCallFilter is in force"
    added = _added(machine, keys)
    words = shlex.split(keys["ExecStart"][-1])
    command = [part for word in words for part in (added.get(word[1:], []) if word.startswith("$") else [word])]
    running = machine.inside(["cat", f"/proc/{pid}/cmdline"]).split("\0")
    if not running[0].startswith(("gunicorn", "nginx")):  # these two write their own title over the command line
        assert [word for word in running if word] == command
    environment = machine.inside(["cat", f"/proc/{pid}/environ"]).split("\0")
    for value in keys["Environment"]:
        for setting in shlex.split(value):
            assert setting in environment


@pytest.mark.parametrize("path", RESIDENT, ids=[path.name for path in RESIDENT])
def test_restart_rule_is_the_units_own(village: Village, path: Path) -> None:
    machine, keys = _machine(village, path), _read_unit(path)
    told = machine.inside(["systemctl", "show", "--value", "-p", "Restart", path.name]).strip()
    assert told == (keys["Restart"] or ["no"])[-1]


def test_each_process_has_a_user_of_its_own(village: Village) -> None:
    users = defaultdict(list)
    for path in RESIDENT:
        keys = _read_unit(path)
        if keys["Type"] != ["oneshot"]:
            users[keys["User"][-1]].append(path.name)
    # Both keep the portal's one database.
    assert sorted(users.pop("desahub-portal")) == ["desahub-keeper.service", "desahub-portal.service"]
    assert all(len(names) == 1 for names in users.values()), dict(users)


def test_a_killed_process_comes_back(village: Village) -> None:
    before = village.hub.inside(["systemctl", "show", "--value", "-p", "MainPID", "desahub-kiosk.service"]).strip()
    village.hub.inside(["kill", "-9", before])
    village.hub.wait_active("desahub-kiosk.service", seconds=20)
    after = village.hub.inside(["systemctl", "show", "--value", "-p", "MainPID", "desahub-kiosk.service"]).strip()
    assert after not in (before, "0")
