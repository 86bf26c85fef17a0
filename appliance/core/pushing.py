"""What the NOC may set in a hub's ``hub.toml``: a closed list of keys, each with a value. Pure.

A key is ``section.key``, or ``section[name].key`` for one of several tables of a name, as in
``networks[warga].session_seconds``. Identity and place of the hub, where it reports, what is recorded, names of
interfaces, and files of secrets are not on the list: they stay the technician's, at the box.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from appliance.core.errors import CommandMalformed

Value = str | int | bool | tuple[str, ...] | None
CHANGES_MAX: Final = 32
TEXT_CHARACTERS_MAX: Final = 512
INTEGER_MAX: Final = 2**53 - 1
RETURN_SECONDS: Final = 600
_PATH: Final = re.compile(r"(?P<section>[a-z]+)(?:\[(?P<name>[a-z][a-z0-9_]{0,31})\])?\.(?P<key>[a-z_]+)", re.ASCII)
PUSHABLE: Final[Mapping[str, tuple[str, ...]]] = {
    "village": ("head_title", "head_name", "office_address", "office_hours", "office_phone"),
    "uplink": ("download_kbit", "upload_kbit", "shaper", "method", "address", "gateway", "dns_servers"),
    "networks[]": (
        "access", "session_seconds", "idle_seconds", "daily_seconds", "session_megabytes", "daily_megabytes",
        "speed", "open_hours", "filter", "filter_hours",
    ),
    "speeds[]": ("title", "download_kbit", "upload_kbit"),
    "radio": ("channel", "band"),
    "portal": ("terms", "walled_garden", "history_days"),
    "accounts": (
        "session_seconds", "daily_seconds", "daily_megabytes", "speed", "devices", "travel_minutes", "travel_megabytes",
        "travel_valid_days", "travel_wait_days", "travel_codes_per_day",
    ),
    "filter": ("blocked_domains", "allowed_domains", "safe_search", "refuse_encrypted_dns"),
    "agent": (
        "interval_seconds", "batch_seconds", "targets", "probe_kilobytes", "web_probe", "outbox_megabytes",
        "backlog_percent", "speed_test_megabytes",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: ``name`` picks one of several tables, "" where there is one."""

    section: str
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Change:
    """A key and what it shall be; None takes it out, so that its default holds."""

    path: str
    value: Value

    @property
    def place(self) -> Place:
        """The key taken apart."""
        return place(self.path)


def place(path: str) -> Place:
    """Take a key apart.

    Raises:
        CommandMalformed: it has another form, or is not one that the NOC may set.
    """
    found = _PATH.fullmatch(path)
    if found is None:
        raise CommandMalformed(f"{path[:80]!r} is no key; allowed is section.key or section[name].key")
    section, name, key = found["section"], found["name"] or "", found["key"]
    kind = f"{section}[]" if name else section
    if key not in PUSHABLE.get(kind, ()):
        known = ", ".join(f"{each}.{{{', '.join(keys)}}}" for each, keys in PUSHABLE.items())
        raise CommandMalformed(f"{path}: the NOC may not set this; allowed are {known}")
    return Place(section, name, key)


def changes_of(document: Any) -> tuple[Change, ...]:
    """Read changes as they stand in a command: an object of keys and values, in order.

    Raises:
        CommandMalformed: there are none, too many, or one is not allowed.
    """
    if not isinstance(document, dict) or not 1 <= len(document) <= CHANGES_MAX:
        raise CommandMalformed(f"changes are an object of 1 to {CHANGES_MAX} keys")
    return tuple(Change(str(path), _value(path, value)) for path, value in sorted(document.items()) if place(path))


def document_of(changes: Sequence[Change]) -> dict[str, Any]:
    """Write changes as they stand in a command."""
    return {
        each.path: list(each.value) if isinstance(each.value, tuple) else each.value
        for each in sorted(changes, key=lambda each: each.path)
    }


def _value(path: str, value: Any) -> Value:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) > INTEGER_MAX:
            raise CommandMalformed(f"{path}: a whole number has at most 53 bits")
        return value
    if isinstance(value, str):
        return _text(path, value)
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(_text(path, each) for each in value)
    raise CommandMalformed(f"{path}: a value is a text, a whole number, true, false, null, or a list of texts")


def _text(path: str, value: str) -> str:
    if len(value) > TEXT_CHARACTERS_MAX or not value.isprintable():
        raise CommandMalformed(
            f"{path}: a text has at most {TEXT_CHARACTERS_MAX} characters, and no control characters"
        )
    return value
