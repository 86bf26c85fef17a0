"""Which hubs are ordered first, whether the others follow, and until when. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from appliance.core.command_results import Status
from appliance.core.commands import BootDeadline
from noc.store.contract import HubFacts

CANARIES: Final = 3
LIFE_SECONDS: Final = 600
RESEND_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Contact:
    """What the NOC knows of the boot that a hub is in: its id, and CLOCK_BOOTTIME at a moment of the NOC's clock."""

    boot_id: str
    boottime_ms: int
    at_ms: int
    online: bool


def contact(facts: HubFacts | None) -> Contact | None:
    """Take it from a hub's last birth or will; None where the hub was never heard of."""
    if facts is None or facts.state is None:
        return None
    said = facts.state.state
    # A will repeats the session of its birth and comes later: its arrival says nothing of the boot's clock.
    return Contact(said.boot_id, said.session, facts.state.received_ms, said.online)


def deadline(found: Contact | None, expires_ms: int) -> BootDeadline | None:
    """Say the end of a command by the hub's own clock, for a hub that may not know the date."""
    if found is None or not found.online or expires_ms <= found.at_ms:
        return None
    return BootDeadline(found.boot_id, found.boottime_ms + expires_ms - found.at_ms)


def waves(hubs: Sequence[str], online: Mapping[str, bool], first: int = CANARIES) -> tuple[tuple[str, ...], ...]:
    """Put hubs in order: a few that are in contact first (``first``, at most a quarter of all), then all others.

    One hub is one wave. Empty when several are asked and none is in contact: nobody would show whether it goes well.

    Raises:
        ValueError: ``first`` is not at least 1.
    """
    if first < 1:
        raise ValueError("the first wave has at least one hub")
    each = tuple(dict.fromkeys(hubs))
    if len(each) <= 1:
        return (each,) if each else ()
    most = min(first, -(-len(each) // 4))
    canaries = tuple(hub for hub in each if online.get(hub, False))[:most]
    if not canaries:
        return ()
    rest = tuple(hub for hub in each if hub not in canaries)
    return canaries, rest


def may_go_on(canaries: Sequence[str], ends: Mapping[str, Status]) -> bool:
    """Tell whether the others may follow: every one of the first has done it. Silence is no success."""
    return bool(canaries) and all(ends.get(hub) is Status.DONE for hub in canaries)


def went_back(rows_before: int, rows: int) -> bool:
    """Tell whether a hub's book is shorter than it was after an earlier command: it was replaced, or made anew."""
    return rows <= rows_before


def next_counter(last: int, now_ms: int) -> int:
    """Count on for a hub. From the clock, so that a NOC whose books come from a backup does not begin in the past."""
    return max(last + 1, now_ms)
