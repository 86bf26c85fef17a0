"""What the operator does to its machine: four things, each a fixed program with arguments from closed lists."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from appliance.core.commands import READABLE, RESTARTABLE, is_restartable
from appliance.core.errors import OperationError
from appliance.operator.rules import shown_configuration, without_addresses
from appliance.system.processes import Completed, run
from appliance.unit.config import APPLIED_PATH

RESTART_SECONDS_MAX: Final = 90.0
ASK_SECONDS_MAX: Final = 30.0


class Machine(Protocol):
    """Each method raises `OperationError` when it could not be done."""

    def restart(self, unit: str) -> None: ...

    def logs(self, unit: str, lines: int) -> str: ...

    def configuration(self) -> str: ...

    def reboot(self) -> None: ...


class SystemdMachine:
    """The real one.

    Args:
        applied: the configuration that the hub runs with; beside it stands a file for each radio.
        program: runs a program, as `appliance.system.processes.run`.
    """

    def __init__(self, applied: Path = APPLIED_PATH, program: Callable[..., Completed] = run) -> None:
        self._applied, self._run = applied, program

    def restart(self, unit: str) -> None:
        """Start a unit anew and wait until it is. Source: systemctl(1)."""
        if not is_restartable(unit):
            raise OperationError(f"{unit}: may not be restarted from the NOC")
        if unit not in RESTARTABLE:
            network = unit.removeprefix("desahub-radio@").removesuffix(".service")
            if not (self._applied.parent / f"hostapd-{network}.conf").is_file():
                raise OperationError(f"{unit}: this hub has no radio for a network {network}")
        # One that failed too often in a row waits for somebody to say that it may try again.
        self._run(["systemctl", "reset-failed", "--", unit], timeout_seconds=ASK_SECONDS_MAX, accepted=range(256))
        self._run(["systemctl", "restart", "--", unit], timeout_seconds=RESTART_SECONDS_MAX)

    def logs(self, unit: str, lines: int) -> str:
        """The newest lines of a unit's journal, without addresses. Source: journalctl(1)."""
        if unit not in READABLE:
            raise OperationError(f"{unit}: its log may not be read from the NOC")
        argv = [
            "journalctl",
            "--no-pager",
            "--quiet",
            "--utc",
            "--output=short-iso",
            f"--lines={lines}",
            f"--unit={unit}",
        ]
        return without_addresses(self._run(argv, timeout_seconds=ASK_SECONDS_MAX).output)

    def configuration(self) -> str:
        """The configuration that the hub runs with, as JSON."""
        try:
            return shown_configuration(self._applied.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise OperationError(f"{self._applied}: cannot be read: {error}") from None

    def reboot(self) -> None:
        """Ask systemd to start the box anew; returns before it does."""
        self._run(["systemctl", "--no-wall", "reboot"], timeout_seconds=ASK_SECONDS_MAX)
