"""What the NOC may order of a hub: a closed list of actions, each with its arguments. Pure."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from appliance.core.agreed_json import object_of, refuse, whole
from appliance.core.errors import CommandUnknown
from appliance.core.pushing import Change, changes_of, document_of

LOG_LINES_MAX: Final = 1_000
SPEED_TEST_MEGABYTES_MAX: Final = 100
_CONNECTED: Final = ("agent", "dns", "filter", "filtered-dns", "gate", "keeper", "kiosk", "portal", "records", "web")
_COMMAND_ID: Final = re.compile("[0-9a-f]{32}")
_RADIO: Final = re.compile(r"desahub-radio@[a-z][a-z0-9_]{0,31}\.service")
RESTARTABLE: Final = tuple(f"desahub-{name}.service" for name in _CONNECTED)
# A radio's log tells when devices come and go, so it stays where it is.
READABLE: Final = (
    *RESTARTABLE,
    *(f"desahub-{name}.service" for name in ("certificate", "filter-update", "firewall", "operator")),
)


@dataclass(frozen=True, slots=True)
class Restart:
    """Start a unit anew: one of `RESTARTABLE`, or the radio of a network."""

    unit: str


@dataclass(frozen=True, slots=True)
class SendLogs:
    """Send the newest ``lines`` (1 to `LOG_LINES_MAX`) of a unit's journal: one of `READABLE`."""

    unit: str
    lines: int


@dataclass(frozen=True, slots=True)
class FetchConfiguration:
    """Send the configuration that the hub runs with, without comments and secrets."""


@dataclass(frozen=True, slots=True)
class Reboot:
    """Start the whole box anew."""


@dataclass(frozen=True, slots=True)
class Configure:
    """Set keys of ``hub.toml`` and apply it. The hub goes back to what it had unless it is told to keep it in time."""

    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Keep:
    """Keep what the `Configure` of this id changed."""

    command: str


@dataclass(frozen=True, slots=True)
class SpeedTest:
    """Measure the line both ways against the NOC, with at most ``megabytes`` (1 to `SPEED_TEST_MEGABYTES_MAX`)."""

    megabytes: int


Action = Restart | SendLogs | FetchConfiguration | Reboot | Configure | Keep | SpeedTest


class ActionName(enum.StrEnum):
    """The closed list; the names go over the wire."""

    RESTART = "restart"
    LOGS = "logs"
    CONFIGURATION = "configuration"
    REBOOT = "reboot"
    CONFIGURE = "configure"
    KEEP = "keep"
    SPEED_TEST = "speed_test"


def action_document(action: Action) -> dict[str, Any]:
    """Write an action as it stands in a command, and in the books that tell of it."""
    if isinstance(action, Restart):
        return {"do": ActionName.RESTART, "unit": action.unit}
    if isinstance(action, SendLogs):
        return {"do": ActionName.LOGS, "unit": action.unit, "lines": action.lines}
    if isinstance(action, Configure):
        return {"do": ActionName.CONFIGURE, "changes": document_of(action.changes)}
    if isinstance(action, Keep):
        return {"do": ActionName.KEEP, "command": action.command}
    if isinstance(action, SpeedTest):
        return {"do": ActionName.SPEED_TEST, "megabytes": action.megabytes}
    return {"do": ActionName.REBOOT if isinstance(action, Reboot) else ActionName.CONFIGURATION}


def is_restartable(unit: str) -> bool:
    """Tell whether the NOC may start this unit anew."""
    return unit in RESTARTABLE or _RADIO.fullmatch(unit) is not None


def read_action(value: Any) -> Action:
    """Read an action. Raises `CommandUnknown` and `CommandMalformed`."""
    name = value.get("do") if isinstance(value, dict) else None
    if not isinstance(name, str) or name not in list(ActionName):
        raise CommandUnknown(f"{str(name)[:40]!r} is no action; this release knows {', '.join(ActionName)}")
    return _READERS[ActionName(name)](value)


def _restart(value: Any) -> Restart:
    unit = object_of(value, {"do", "unit"}, set(), "restart")["unit"]
    if not isinstance(unit, str) or not is_restartable(unit):
        refuse(f"restart: allowed are {', '.join(RESTARTABLE)} and desahub-radio@NETWORK.service")
    return Restart(unit)


def _logs(value: Any) -> SendLogs:
    said = object_of(value, {"do", "unit", "lines"}, set(), "logs")
    if said["unit"] not in READABLE:
        refuse(f"logs: allowed are {', '.join(READABLE)}")
    if whole(said["lines"], "lines", 1) > LOG_LINES_MAX:
        refuse(f"logs: at most {LOG_LINES_MAX} lines")
    return SendLogs(said["unit"], said["lines"])


def _configuration(value: Any) -> FetchConfiguration:
    object_of(value, {"do"}, set(), "configuration")
    return FetchConfiguration()


def _reboot(value: Any) -> Reboot:
    object_of(value, {"do"}, set(), "reboot")
    return Reboot()


def _configure(value: Any) -> Configure:
    return Configure(changes_of(object_of(value, {"do", "changes"}, set(), "configure")["changes"]))


def _keep(value: Any) -> Keep:
    command = object_of(value, {"do", "command"}, set(), "keep")["command"]
    if not isinstance(command, str) or not _COMMAND_ID.fullmatch(command):
        refuse("keep: command is the id of a command, 32 hexadecimal digits")
    return Keep(command)


def _speed_test(value: Any) -> SpeedTest:
    megabytes = whole(object_of(value, {"do", "megabytes"}, set(), "speed_test")["megabytes"], "megabytes", 1)
    if megabytes > SPEED_TEST_MEGABYTES_MAX:
        refuse(f"speed_test: at most {SPEED_TEST_MEGABYTES_MAX} megabytes")
    return SpeedTest(megabytes)


_READERS: Final[Mapping[ActionName, Callable[[Any], Action]]] = {
    ActionName.RESTART: _restart,
    ActionName.LOGS: _logs,
    ActionName.CONFIGURATION: _configuration,
    ActionName.REBOOT: _reboot,
    ActionName.CONFIGURE: _configure,
    ActionName.KEEP: _keep,
    ActionName.SPEED_TEST: _speed_test,
}
