"""What can be wrong with a hub, and for how long it must be before somebody is told: pure data, and one function."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from noc.fleet import HubState, HubStatus


class Problem(enum.StrEnum):
    """One thing that is wrong. Those of a hub that speaks have the names of `noc.fleet.Reason` where it has them."""

    NOC_DEAF = "noc_deaf"
    NO_CONTACT = "no_contact"
    UPLINK_DOWN = "uplink_down"
    GATE_SILENT = "gate_silent"
    GATE_OPEN = "gate_open"
    DISK_FULL = "disk_full"
    MEMORY_FULL = "memory_full"
    HOT = "hot"
    RECORDS_DROPPED = "records_dropped"
    READ_ONLY = "read_only"
    UNIT_FAILED = "unit_failed"
    UNDER_VOLTAGE = "under_voltage"
    DISK_WORN = "disk_worn"
    TWO_BOXES = "two_boxes"
    CERTIFICATE_ENDS = "certificate_ends"


@dataclass(frozen=True, slots=True)
class Rule:
    """When a problem is told: after it was there, and after it was gone, for so long without a break.

    ``is_shared`` says whether many hubs can have it by one failure.
    """

    raise_after_ms: int
    clear_after_ms: int
    is_shared: bool = False


_MINUTE: Final = 60_000
RULES: Final = {
    Problem.NOC_DEAF: Rule(0, _MINUTE, is_shared=True),
    # Most cuts of a village's line end by themselves within this; until then nobody could be on the way anyhow.
    Problem.NO_CONTACT: Rule(20 * _MINUTE, 10 * _MINUTE, is_shared=True),
    Problem.UPLINK_DOWN: Rule(20 * _MINUTE, 10 * _MINUTE, is_shared=True),
    Problem.GATE_SILENT: Rule(10 * _MINUTE, 10 * _MINUTE),
    Problem.GATE_OPEN: Rule(5 * _MINUTE, 10 * _MINUTE),
    Problem.DISK_FULL: Rule(15 * _MINUTE, 60 * _MINUTE),
    Problem.MEMORY_FULL: Rule(15 * _MINUTE, 60 * _MINUTE),
    Problem.HOT: Rule(15 * _MINUTE, 60 * _MINUTE),
    Problem.RECORDS_DROPPED: Rule(5 * _MINUTE, 60 * _MINUTE),
    Problem.READ_ONLY: Rule(5 * _MINUTE, 60 * _MINUTE),
    Problem.UNIT_FAILED: Rule(15 * _MINUTE, 30 * _MINUTE),
    Problem.UNDER_VOLTAGE: Rule(30 * _MINUTE, 120 * _MINUTE),
    Problem.DISK_WORN: Rule(60 * _MINUTE, 24 * 60 * _MINUTE),
    # That they took turns twice is proof enough, and stays one for a day after the last turn (`noc.clones`).
    Problem.TWO_BOXES: Rule(0, 10 * _MINUTE),
    # Days are left; a renewal that is being made is no alarm.
    Problem.CERTIFICATE_ENDS: Rule(6 * 60 * _MINUTE, 10 * _MINUTE),
}
DISK_WORN_PERMILLE: Final = 900


def found(status: HubStatus, *, is_clone: bool = False, is_ending: bool = False) -> frozenset[Problem]:
    """Say what is wrong with a hub, by how it was judged and what it said last.

    Args:
        status: how it was judged.
        is_clone: two boxes take turns under its identity (`noc.clones`), whether or not one of them is heard now.
        is_ending: the certificate of its portal ends before long, and was not renewed.
    """
    clone = frozenset((Problem.TWO_BOXES,) if is_clone else ())
    if status.state is HubState.NO_CONTACT:
        return clone | {Problem.NO_CONTACT}
    said = status.samples
    own = (
        (Problem.READ_ONLY, said.get("filesystem_read_only") == 1),
        (Problem.UNIT_FAILED, (said.get("unit_failed_count") or 0) > 0),
        (Problem.UNDER_VOLTAGE, said.get("power_under_voltage") == 1),
        (Problem.DISK_WORN, (said.get("disk_life_used_permille") or 0) >= DISK_WORN_PERMILLE),
        (Problem.CERTIFICATE_ENDS, is_ending),
    )
    return clone.union((Problem(reason) for reason in status.reasons), (each for each, holds in own if holds))
