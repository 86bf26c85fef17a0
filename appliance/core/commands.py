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

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, Final

from appliance.core.actions import Action, action_document, read_action
from appliance.core.agreed_json import load_json, object_of, refuse, whole
from appliance.core.config.village import HUB_ID
from appliance.core.errors import CommandUnknown

MAGIC: Final = b"DH"
VERSION: Final = 1
COMMAND_SCHEMA: Final = 4
SIGNATURE_BYTES: Final = 64
COMMAND_BYTES_MAX: Final = 4_096
LIFE_SECONDS_MIN: Final = 30
LIFE_SECONDS_MAX: Final = 86_400
# What else the key may come to sign is told apart by these first bytes.
_CONTEXT: Final = b"Internet Desa Hub: command 1\0"
_HEAD: Final = MAGIC + bytes((VERSION, COMMAND_SCHEMA))
_BOOT_ID: Final = re.compile("[0-9a-f]{32}")


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
        refuse(f"a command has at most {COMMAND_BYTES_MAX} bytes, this one has {len(payload)}")
    if payload[:2] != MAGIC or len(payload) <= len(_HEAD) + SIGNATURE_BYTES:
        refuse("a command begins with DH, a version, a schema and a signature")
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
        refuse("the command would not come out as it went in")
    return made


def read(body: bytes) -> Command:
    """Read a body whose signature holds.

    Raises:
        CommandUnknown: the action is not of this release.
        CommandMalformed: it is no command, or a value is outside its bounds.
    """
    document = object_of(
        load_json(body), {"hub", "counter", "issued_ms", "expires_ms", "who", "action"}, {"boot"}, "a command"
    )
    if not isinstance(document["hub"], str) or not HUB_ID.holds(document["hub"]):
        refuse(f"hub: {HUB_ID.allowed}")
    issued_ms, expires_ms = whole(document["issued_ms"], "issued_ms"), whole(document["expires_ms"], "expires_ms")
    if not LIFE_SECONDS_MIN * 1000 <= expires_ms - issued_ms <= LIFE_SECONDS_MAX * 1000:
        refuse(f"a command lives {LIFE_SECONDS_MIN} to {LIFE_SECONDS_MAX} seconds")
    boot = None
    if "boot" in document:
        said = object_of(document["boot"], {"id", "until_ms"}, set(), "boot")
        boot = BootDeadline(_boot_id(said["id"]), whole(said["until_ms"], "boot.until_ms"))
    return Command(
        document["hub"],
        whole(document["counter"], "counter", 1),
        issued_ms,
        expires_ms,
        _who(document["who"]),
        read_action(document["action"]),
        boot,
    )


def _who(value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= 64 or not value.isprintable():
        refuse("who is a name of 1 to 64 characters without control characters")
    return value


def _boot_id(value: Any) -> str:
    if not isinstance(value, str) or not _BOOT_ID.fullmatch(value):
        refuse("boot.id is a boot id of 32 hexadecimal digits")
    return value
