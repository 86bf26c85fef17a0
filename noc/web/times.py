"""Moments as the pages say and read them: in a named zone of Indonesia, never in the server's or the browser's own."""

from __future__ import annotations

import datetime
from typing import Final
from zoneinfo import ZoneInfo

from appliance.faces import formats
from noc.papers import words

FIELD: Final = "%Y-%m-%dT%H:%M"  # as <input type="datetime-local"> sends it
YEARS: Final = (2000, 2999)


def moment(time_ms: int, now_ms: int, timezone: str) -> str:
    """``kemarin pukul 07.12 WITA``."""
    return formats.moment(_utc(time_ms), _utc(now_ms), ZoneInfo(timezone))


def exact(time_ms: int, timezone: str) -> str:
    """``3 Agu 2026 14.05 WITA``: for what is read later, or compared."""
    return f"{words.moment(time_ms, timezone).rpartition('.')[0]} {words.zone(timezone)}"


def field(time_ms: int, timezone: str) -> str:
    """Write a moment for a form's field."""
    return _utc(time_ms).astimezone(ZoneInfo(timezone)).strftime(FIELD)


def read_field(text: str, timezone: str) -> int | None:
    """Read a form's field, in ms of UTC; None where it is no moment, or one that this zone's clocks leave out."""
    try:
        local = datetime.datetime.strptime(text.strip(), FIELD).replace(tzinfo=ZoneInfo(timezone))
    except ValueError:
        return None
    # Far years leave what a time can be once they are turned into UTC.
    if not YEARS[0] <= local.year <= YEARS[1]:
        return None
    time_ms = int(local.timestamp()) * 1000
    return time_ms if field(time_ms, timezone) == text.strip() else None


def _utc(time_ms: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(time_ms / 1000, datetime.UTC)
