"""How the hubs of an incident are now: back, still without service, or unknown. Pure.

The three add up to all that the incident ever had: each hub is in exactly one of them.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable
from typing import Final

from noc.fleet import HubState
from noc.rules.problems import Problem

# Whoever has one of these is without service, whichever of them the incident began with.
CUT_OFF: Final = frozenset((Problem.NO_CONTACT, Problem.UPLINK_DOWN))
JUDGED_MS_MAX: Final = 120_000  # what was judged longer ago says nothing about now


class Part(enum.StrEnum):
    """Where a hub of an incident is counted."""

    DARK = "dark"
    UNKNOWN = "unknown"
    BACK = "back"


def part_of(incident: Problem, state: HubState, problems: Collection[Problem], *, is_heard: bool) -> Part:
    """Say where a hub is counted.

    Args:
        incident: what the incident is about.
        state: how the hub was judged last.
        problems: and what was found wrong with it.
        is_heard: it was judged lately, and the NOC hears its broker: else nobody knows how it is now.
    """
    if not is_heard or state is HubState.NEVER:
        return Part.UNKNOWN
    if incident in CUT_OFF:
        return Part.DARK if CUT_OFF & frozenset(problems) else Part.BACK
    if state is HubState.NO_CONTACT:
        return Part.UNKNOWN  # it cannot say whether it still has it
    return Part.DARK if incident in problems else Part.BACK


def count(parts: Iterable[Part]) -> dict[Part, int]:
    """Count hubs by part; every part is there, and together they are all."""
    counts = dict.fromkeys(Part, 0)
    for part in parts:
        counts[part] += 1
    return counts
