"""What the NOC orders of a hub: a closed list of actions, in a message that is signed. Pure: nothing here signs.

A command is ``b"DH"``, a byte of version, a byte of schema, 64 bytes of signature, then the body: a small JSON object
that a person can read. The signature is Ed25519's over `to_sign` of the body; a hub reads the body only after it holds.
``docs/wire.md`` names every field.

A command is for one hub. Its counter is greater than that of every command before it, so that none is carried out twice
or late after a newer one; its end is told by the wall clock and, for a box that does not know the date, by the clock
of the boot it was made for. Its id is the digest of its body, so that no two commands share one.

Source: RFC 8032 (Ed25519), RFC 8259 (JSON).
"""

from __future__ import annotations

import enum
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from appliance.core.config.village import HUB_ID
from appliance.core.errors import CommandMalformed, CommandUnknown

MAGIC: Final = b"DH"
VERSION: Final = 1
COMMAND_SCHEMA: Final = 4
SIGNATURE_BYTES: Final = 64
COMMAND_BYTES_MAX: Final = 4_096
LIFE_SECONDS_MIN: Final = 30
LIFE_SECONDS_MAX: Final = 86_400
LOG_LINES_MAX: Final = 1_000
INTEGER_MAX: Final = 2**53 - 1  # what every reader of JSON keeps exactly
# What else the key may come to sign is told apart by these first bytes.
_CONTEXT: Final = b"Internet Desa Hub: command 1\0"
_HEAD: Final = MAGIC + bytes((VERSION, COMMAND_SCHEMA))
_CONNECTED: Final = ("agent", "dns", "filter", "filtered-dns", "gate", "keeper", "kiosk", "portal", "records", "web")
_BOOT_ID: Final = re.compile("[0-9a-f]{32}")
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


Action = Restart | SendLogs | FetchConfiguration | Reboot


class ActionName(enum.StrEnum):
    """The closed list; the names go over the wire."""

    RESTART = "restart"
    LOGS = "logs"
    CONFIGURATION = "configuration"
    REBOOT = "reboot"


@dataclass(frozen=True, slots=True)
class BootDeadline:
    """The end of a command by the hub's own clock: in this boot, before this time since it began (CLOCK_BOOTTIME)."""

    boot_id: str
    boottime_ms: int


@dataclass(frozen=True, slots=True)
class Command:
    """One order for one hub. Times are ms of UTC since 1970; ``who`` is the person at the NOC who gave it."""

    hub_id: str
    counter: int
    issued_ms: int
    expires_ms: int
    who: str
    action: Action
    boot: BootDeadline | None = None


@dataclass(frozen=True, slots=True)
class Sealed:
    """A command as it travels, not yet believed."""

    body: bytes
    signature: bytes


def command_topic(hub_id: str) -> str:
    """Name the topic on which the NOC orders something of a hub."""
    return f"desahub/1/{hub_id}/command"


def result_topic(hub_id: str) -> str:
    """Name the topic on which a hub tells what became of a command."""
    return f"desahub/1/{hub_id}/command-result"


def command_id(body: bytes) -> str:
    """Name a command: 32 hexadecimal digits, the first half of the SHA-256 of its body."""
    return hashlib.sha256(body).hexdigest()[:32]


def to_sign(body: bytes) -> bytes:
    """What the key signs for this body."""
    return _CONTEXT + _HEAD + body


def seal(body: bytes, signature: bytes) -> bytes:
    """Join a body and its signature to the message that travels. Raises `CommandMalformed`."""
    made = _HEAD + signature + body
    split(made)
    return made


def split(payload: bytes) -> Sealed:
    """Take a message apart without reading its body.

    Raises:
        CommandUnknown: its version is not of this release.
        CommandMalformed: the bytes are no command.
    """
    if len(payload) > COMMAND_BYTES_MAX:
        _refuse(f"a command has at most {COMMAND_BYTES_MAX} bytes, this one has {len(payload)}")
    if payload[:2] != MAGIC or len(payload) <= len(_HEAD) + SIGNATURE_BYTES:
        _refuse("a command begins with DH, a version, a schema and a signature")
    if payload[:4] != _HEAD:
        raise CommandUnknown(
            f"version {payload[2]}, schema {payload[3]}; this release reads version {VERSION}, schema {COMMAND_SCHEMA}"
        )
    return Sealed(payload[4 + SIGNATURE_BYTES :], payload[4 : 4 + SIGNATURE_BYTES])


def write(command: Command) -> bytes:
    """Write the body of a command. Raises `CommandMalformed` for what `read` would refuse."""
    document: dict[str, Any] = {
        "hub": command.hub_id,
        "counter": command.counter,
        "issued_ms": command.issued_ms,
        "expires_ms": command.expires_ms,
        "who": command.who,
        "action": action_document(command.action),
    }
    if command.boot is not None:
        document["boot"] = {"id": command.boot.boot_id, "until_ms": command.boot.boottime_ms}
    made = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    if read(made) != command:
        _refuse("the command would not come out as it went in")
    return made


def read(body: bytes) -> Command:
    """Read a body whose signature holds.

    Raises:
        CommandUnknown: the action is not of this release.
        CommandMalformed: it is no command, or a value is outside its bounds.
    """
    document = _object(
        load_json(body), {"hub", "counter", "issued_ms", "expires_ms", "who", "action"}, {"boot"}, "a command"
    )
    if not isinstance(document["hub"], str) or not HUB_ID.holds(document["hub"]):
        _refuse(f"hub: {HUB_ID.allowed}")
    issued_ms, expires_ms = whole(document["issued_ms"], "issued_ms"), whole(document["expires_ms"], "expires_ms")
    if not LIFE_SECONDS_MIN * 1000 <= expires_ms - issued_ms <= LIFE_SECONDS_MAX * 1000:
        _refuse(f"a command lives {LIFE_SECONDS_MIN} to {LIFE_SECONDS_MAX} seconds")
    boot = None
    if "boot" in document:
        said = _object(document["boot"], {"id", "until_ms"}, set(), "boot")
        boot = BootDeadline(_boot_id(said["id"]), whole(said["until_ms"], "boot.until_ms"))
    return Command(
        document["hub"],
        whole(document["counter"], "counter", 1),
        issued_ms,
        expires_ms,
        _who(document["who"]),
        _action(document["action"]),
        boot,
    )


def action_document(action: Action) -> dict[str, str | int]:
    """Write an action as it stands in a command, and in the books that tell of it."""
    if isinstance(action, Restart):
        return {"do": ActionName.RESTART, "unit": action.unit}
    if isinstance(action, SendLogs):
        return {"do": ActionName.LOGS, "unit": action.unit, "lines": action.lines}
    return {"do": ActionName.REBOOT if isinstance(action, Reboot) else ActionName.CONFIGURATION}


def is_restartable(unit: str) -> bool:
    """Tell whether the NOC may start this unit anew."""
    return unit in RESTARTABLE or _RADIO.fullmatch(unit) is not None


def load_json(text: bytes) -> Any:
    """Read JSON as it is written here: UTF-8, no key twice, no NaN, no depth without end. Raises `CommandMalformed`."""
    try:
        return json.loads(text.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        _refuse(f"the body is not JSON as agreed: {str(error)[:120]}")


def whole(value: Any, name: str, least: int = 0) -> int:
    """Take a whole number from ``least`` to `INTEGER_MAX`. Raises `CommandMalformed`."""
    if type(value) is not int or not least <= value <= INTEGER_MAX:
        _refuse(f"{name} is a whole number from {least} to {INTEGER_MAX}")
    return value


def _action(value: Any) -> Action:
    name = value.get("do") if isinstance(value, dict) else None
    if not isinstance(name, str) or name not in list(ActionName):
        raise CommandUnknown(f"{str(name)[:40]!r} is no action; this release knows {', '.join(ActionName)}")
    if name == ActionName.RESTART:
        unit = _object(value, {"do", "unit"}, set(), name)["unit"]
        if not isinstance(unit, str) or not is_restartable(unit):
            _refuse(f"restart: allowed are {', '.join(RESTARTABLE)} and desahub-radio@NETWORK.service")
        return Restart(unit)
    if name == ActionName.LOGS:
        said = _object(value, {"do", "unit", "lines"}, set(), name)
        if said["unit"] not in READABLE:
            _refuse(f"logs: allowed are {', '.join(READABLE)}")
        if whole(said["lines"], "lines", 1) > LOG_LINES_MAX:
            _refuse(f"logs: at most {LOG_LINES_MAX} lines")
        return SendLogs(said["unit"], said["lines"])
    _object(value, {"do"}, set(), name)
    return Reboot() if name == ActionName.REBOOT else FetchConfiguration()


def _who(value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= 64 or not value.isprintable():
        _refuse("who is a name of 1 to 64 characters without control characters")
    return value


def _boot_id(value: Any) -> str:
    if not isinstance(value, str) or not _BOOT_ID.fullmatch(value):
        _refuse("boot.id is a boot id of 32 hexadecimal digits")
    return value


def _object(value: Any, needed: set[str], allowed: set[str], what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict) or not needed <= set(value) <= needed | allowed:
        _refuse(f"{what} is an object of {', '.join(sorted(needed | allowed))}")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands there twice")
    return made


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _refuse(what: str) -> NoReturn:
    raise CommandMalformed(what)
