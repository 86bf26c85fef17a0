"""When planned work may be planned: pure. A window excuses what is down, so it is announced before, and has an end."""

from __future__ import annotations

import enum
from typing import Final

from noc.rules.states import Window

_HOUR_MS: Final = 3_600_000
BEGUN_MS_MAX: Final = 15 * 60_000  # who stands in front of the box may plan what begins now, not what began an hour ago
LENGTH_MS_MIN: Final = 5 * 60_000
LENGTH_MS_MAX: Final = 14 * 24 * _HOUR_MS
AHEAD_MS_MAX: Final = 366 * 24 * _HOUR_MS


class Flaw(enum.StrEnum):
    """What is wrong with the times of a window."""

    ENDS_BEFORE_BEGIN = "ends_before_begin"
    OVER = "over"
    BEGAN = "began"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    TOO_FAR = "too_far"


def flaw(wanted: Window, now_ms: int) -> Flaw | None:
    """Say what is wrong with the times, None where nothing is: the first that a person would mend."""
    checks = (
        (Flaw.ENDS_BEFORE_BEGIN, wanted.end_ms <= wanted.start_ms),
        (Flaw.OVER, wanted.end_ms <= now_ms),
        (Flaw.BEGAN, wanted.start_ms < now_ms - BEGUN_MS_MAX),
        (Flaw.TOO_FAR, wanted.start_ms > now_ms + AHEAD_MS_MAX),
        (Flaw.TOO_SHORT, wanted.end_ms - wanted.start_ms < LENGTH_MS_MIN),
        (Flaw.TOO_LONG, wanted.end_ms - wanted.start_ms > LENGTH_MS_MAX),
    )
    return next((each for each, holds in checks if holds), None)


def meets(one: Window, other: Window) -> bool:
    """Say whether two windows have a moment in common; one that begins when the other ends does not."""
    return one.start_ms < other.end_ms and other.start_ms < one.end_ms


def lies_in(code: str, area: str) -> bool:
    """Say whether a village or an area lies in an area, which may be itself."""
    return not area or f"{code}.".startswith(f"{area}.")


def concerns(code: str, hub_id: str, area: str, of_hub: str, of_hub_code: str) -> bool:
    """Say whether two targets have a hub in common.

    Args:
        code: of the wanted area, or of the wanted hub's village.
        hub_id: the wanted hub, "" for an area.
        area: of the other window, "" where it is of a hub.
        of_hub: its hub, "" where it is of an area.
        of_hub_code: and that hub's village.
    """
    if hub_id and of_hub:
        return hub_id == of_hub
    if of_hub:
        return lies_in(of_hub_code, code)
    return lies_in(code, area) or (not hub_id and lies_in(area, code))
