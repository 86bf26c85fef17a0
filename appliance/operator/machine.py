"""What the operator does to its machine: a few things, each a fixed program with arguments from closed lists."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

from appliance.core.actions import READABLE, RESTARTABLE, is_restartable
from appliance.core.clock import Moment
from appliance.core.errors import OperationError
from appliance.core.pushing import Change
from appliance.operator.rules import shown_configuration, without_addresses
from appliance.system import pushed
from appliance.system.clock import kernel_clock
from appliance.system.processes import Completed, run
from appliance.unit.config import APPLIED_PATH

RESTART_SECONDS_MAX: Final = 90.0
ASK_SECONDS_MAX: Final = 30.0
CONFIGURE_SECONDS_MAX: Final = 130.0
SPEED_TEST_SECONDS_MAX: Final = 100.0
SPEED_TEST_RESULT: Final = Path("/run/desahub-speed-test/result.json")
SPEED_TEST_RESULT_BYTES_MAX: Final = 4_096
CONFIGURE_UNIT: Final = "desahub-configure.service"


class Machine(Protocol):
    """Each method raises `OperationError` when it could not be done."""

    def restart(self, unit: str) -> None: ...

    def logs(self, unit: str, lines: int) -> str: ...

    def configuration(self) -> str: ...

    def reboot(self) -> None: ...

    def configure(self, command: str, changes: Sequence[Change]) -> pushed.Outcome: ...

    def keep(self, command: str) -> pushed.Outcome: ...

    def speed_test(self, megabytes: int) -> str: ...


class SystemdMachine:
    """The real one.

    Args:
        applied: the configuration that the hub runs with; beside it stands a file for each radio.
        program: runs a program, as `appliance.system.processes.run`.
        folder: through which changes of the configuration go.
        measured: what the speed test writes down.
        now: the clocks.
    """

    def __init__(
        self,
        applied: Path = APPLIED_PATH,
        program: Callable[..., Completed] = run,
        folder: pushed.Folder | None = None,
        measured: Path = SPEED_TEST_RESULT,
        now: Callable[[], Moment] | None = None,
    ) -> None:
        self._applied, self._run, self._now = applied, program, now or kernel_clock()
        self._folder, self._measured = folder or pushed.Folder(), measured

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

    def configure(self, command: str, changes: Sequence[Change]) -> pushed.Outcome:
        """Let ``hub.toml`` be changed and applied by a program that may; return what became of it."""
        pushed.ask(self._folder, command, changes)
        done = self._run(
            ["systemctl", "start", "--", CONFIGURE_UNIT], timeout_seconds=CONFIGURE_SECONDS_MAX, accepted=range(256)
        )
        said = pushed.outcome(self._folder)
        if said is None or said.command != command:
            raise OperationError(f"{CONFIGURE_UNIT} ended with {done.status} and told nothing: {done.errors.strip()}")
        return said

    def keep(self, command: str) -> pushed.Outcome:
        """Let what was changed stay."""
        return pushed.keep(self._folder, command)

    def speed_test(self, megabytes: int) -> str:
        """Let the line be measured by a program without privileges; return what it found, as JSON."""
        unit = f"desahub-speed-test@{megabytes}.service"
        begun = self._now()
        self._run(["systemctl", "reset-failed", "--", unit], timeout_seconds=ASK_SECONDS_MAX, accepted=range(256))
        done = self._run(
            ["systemctl", "start", "--", unit], timeout_seconds=SPEED_TEST_SECONDS_MAX, accepted=range(256)
        )
        try:
            text = _of_another(self._measured, SPEED_TEST_RESULT_BYTES_MAX + 1)
            said = json.loads(text) if len(text) <= SPEED_TEST_RESULT_BYTES_MAX else None
        except (OSError, ValueError) as error:
            raise OperationError(f"the speed test told nothing: {error}") from None
        if not isinstance(said, dict):
            raise OperationError("what the speed test told cannot be read")
        at_ms = said.get("boottime_ms")
        if said.get("boot_id") != begun.boot_id or not isinstance(at_ms, int) or at_ms < begun.boottime_ms:
            raise OperationError("the line was not measured: the test did not run; this box may have no identity yet")
        if done.status != 0:
            raise OperationError(f"the line was not measured: {str(said.get('error', 'no reason was given'))[:300]}")
        return json.dumps(said, ensure_ascii=False)


def _of_another(path: Path, count: int) -> bytes:
    """Read a file that somebody without privileges wrote: a file, and no way to one that they may not read."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path} is no file")
        return file.read(count)
