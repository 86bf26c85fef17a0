"""How the box's units are, asked of systemd over its bus, which answers anybody.

Source: systemctl(1), ``show``; org.freedesktop.systemd1(5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from appliance.system.processes import run

_TIMEOUT_SECONDS: Final = 10.0
_PROPERTIES: Final = ("Id", "Type", "ActiveState", "Result", "NRestarts", "ConditionResult", "UnitFileState")
_ASK: Final = ("systemctl", "show", f"--property={','.join(_PROPERTIES)}", "desahub-*.service")
_JOBS: Final = ("systemctl", "list-jobs", "--no-legend", "--plain")


@dataclass(frozen=True, slots=True)
class Unit:
    """One service: its name without ``.service``, what it is doing, and how often systemd started it again."""

    name: str
    state: str
    restarts: int
    is_wanted: bool


def parse(text: str) -> tuple[Unit, ...]:
    """Read what ``systemctl show`` wrote; a block of another form is passed over."""
    units = []
    for block in text.split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        name, restarts = values.get("Id", ""), values.get("NRestarts", "")
        if not name.endswith(".service") or "ActiveState" not in values:
            continue
        count = int(restarts) if restarts.isascii() and restarts.isdecimal() and len(restarts) < 12 else 0
        units.append(Unit(name.removesuffix(".service"), values["ActiveState"], count, _is_wanted(values)))
    return tuple(units)


def read() -> tuple[Unit, ...]:
    """Ask systemd. Raises OperationError."""
    return parse(run(_ASK, timeout_seconds=_TIMEOUT_SECONDS).output)


def parse_ending(jobs: str) -> str:
    """Say from systemd's jobs how the machine ends: ``reboot``, ``poweroff``, or "" while it does not."""
    targets = {line.split()[1] for line in jobs.splitlines() if len(line.split()) > 1}
    if targets & {"reboot.target", "kexec.target", "systemd-reboot.service", "systemd-kexec.service"}:
        return "reboot"
    ends = {"poweroff.target", "halt.target", "exit.target", "systemd-poweroff.service", "systemd-halt.service"}
    return "poweroff" if targets & ends else ""


def ending() -> str:
    """Ask systemd whether the machine is about to end, and how. Raises OperationError."""
    return parse_ending(run(_JOBS, timeout_seconds=3.0).output)


def _is_wanted(values: dict[str, str]) -> bool:
    """Should it be active? Not what has done its work, is switched off, or lacks what it is for."""
    if values["ActiveState"] != "inactive":
        return True
    if values.get("Type") == "oneshot" and values.get("Result", "success") == "success":
        return False
    return values.get("ConditionResult") != "no" and values.get("UnitFileState") not in ("disabled", "masked", "static")
