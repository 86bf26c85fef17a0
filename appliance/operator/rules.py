"""Whether a command whose signature holds may be carried out now, and what may be sent back. Pure."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import re
import tomllib
from dataclasses import dataclass
from typing import Any, Final

from appliance.core.clock import Moment, WallQuality
from appliance.core.command_results import Reason
from appliance.core.commands import Command

SKEW_MS_MAX: Final = 300_000
_MAC: Final = re.compile(r"(?i)(?<![0-9a-f:-])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![0-9a-f:-])")
_ADDRESS: Final = re.compile(r"(?i)(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*[0-9a-f:])")
_SECRET_KEY: Final = re.compile(r"(?i)secret|password|passphrase|token|psk|private")
_USERINFO: Final = re.compile(r"//[^/@\s]*@")
HIDDEN: Final = "(hidden)"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not: for a program, and for a person."""

    reason: Reason
    detail: str


def addressed(command: Command, hub_id: str, *, retained: bool) -> Refusal | None:
    """Refuse what is for another hub, or what the broker kept and hands to whoever comes."""
    if retained:
        return Refusal(Reason.RETAINED, "the broker had kept it; commands are never retained")
    if command.hub_id != hub_id:
        return Refusal(Reason.OTHER_HUB, f"it is for {command.hub_id}, this is {hub_id}")
    return None


def timely(command: Command, now: Moment) -> Refusal | None:
    """Refuse what is over, or of which nobody can tell.

    A clock that a time server set is believed. Any other may say 1970 or worse; then the command must have been made
    for this very boot, whose own clock never jumps. Where both can be asked, both must agree.
    """
    mine = command.boot is not None and command.boot.boot_id == now.boot_id
    if command.boot is not None and mine and now.boottime_ms >= command.boot.boottime_ms:
        return Refusal(Reason.EXPIRED, "its end in this boot has passed")
    if now.wall_quality is WallQuality.NTP:
        if now.wall_ms >= command.expires_ms:
            return Refusal(Reason.EXPIRED, f"it ended {(now.wall_ms - command.expires_ms) // 1000} s ago")
        if now.wall_ms < command.issued_ms - SKEW_MS_MAX:
            return Refusal(Reason.FROM_THE_FUTURE, "it was made later than it is here; one of the two clocks is wrong")
        return None
    if not mine:
        return Refusal(
            Reason.CLOCK_UNKNOWN, "this hub does not know the date, and the command names no time of this boot"
        )
    return None


def newer(command: Command, last_counter: int) -> Refusal | None:
    """Refuse what is not newer than the last command that was carried out."""
    if command.counter <= last_counter:
        return Refusal(Reason.OLD_COUNTER, f"its counter is {command.counter}; here {last_counter} was the last")
    return None


def without_addresses(text: str) -> str:
    """Take MAC and IP addresses out of lines of a log. None should be there; they are looked for all the same."""
    return _ADDRESS.sub(_hide_address, _MAC.sub(HIDDEN, text))


def shown_configuration(toml: str) -> str:
    """Write a ``hub.toml`` as JSON, without comments, values of secret names, and passwords in addresses.

    Raises:
        ValueError: it is no TOML.
    """
    return json.dumps(_shown(tomllib.loads(toml)), ensure_ascii=False, indent=1, default=str)


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: HIDDEN if _SECRET_KEY.search(name) else _shown(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_shown(each) for each in value]
    return _USERINFO.sub(f"//{HIDDEN}@", value) if isinstance(value, str) else value


def _hide_address(found: re.Match[str]) -> str:
    bare = found[0].rstrip(":.")
    for each in (found[0], bare):
        with contextlib.suppress(ValueError):
            ipaddress.ip_address(each)
            return HIDDEN + found[0].removeprefix(each)
    return found[0]
