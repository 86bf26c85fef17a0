"""The village's own time, as far as the box knows it. Pure.

Indonesia's three zones have no daylight saving, so that an offset is all there is to them (Keppres 41/1987).

A box whose wall clock nobody has set does not know the hour. It then counts days of 24 hours from its start, and does
not enforce opening hours: a box that does not know the time must not shut a village out.
"""

from __future__ import annotations

import datetime
from typing import Final

from appliance.core import hours
from appliance.core.clock import WallQuality
from appliance.core.config.village import Timezone
from captive_portal.now import Now

DAY_SECONDS: Final = 86_400
UNDATED: Final = "boot:"
WEEK_SECONDS: Final = 7 * DAY_SECONDS
_OFFSET_SECONDS: Final = {Timezone.WIB: 7 * 3_600, Timezone.WITA: 8 * 3_600, Timezone.WIT: 9 * 3_600}
_EPOCH = datetime.date(1970, 1, 1)  # a Thursday


def is_known(now: Now) -> bool:
    """Has anything set the wall clock in this boot?"""
    return now.wall_quality is not WallQuality.UNKNOWN


def day(now: Now, timezone: Timezone) -> str:
    """Name today: its date, or ``boot:ID:N`` for the N-th 24 hours of a boot that does not know the date."""
    if not is_known(now):
        return f"{UNDATED}{now.boot_id}:{now.boot_seconds // DAY_SECONDS}"
    return date_of(now.wall_seconds, timezone)


def date_of(wall_seconds: int, timezone: Timezone) -> str:
    """The date in the village at a wall time, as 2026-12-31."""
    days = (wall_seconds + _OFFSET_SECONDS[timezone]) // DAY_SECONDS
    return (_EPOCH + datetime.timedelta(days=days)).isoformat()


def day_begins(date: str, timezone: Timezone) -> int:
    """The wall time at which a date began in the village. Raises `ValueError`: it is no date."""
    days = (datetime.date.fromisoformat(date) - _EPOCH).days
    return days * DAY_SECONDS - _OFFSET_SECONDS[timezone]


def seconds_left_today(now: Now, timezone: Timezone) -> int:
    """How long today goes on: 1 to 86,400 s."""
    passed = now.wall_seconds + _OFFSET_SECONDS[timezone] if is_known(now) else now.boot_seconds
    return DAY_SECONDS - passed % DAY_SECONDS


def seconds_open(entries: tuple[str, ...], now: Now, timezone: Timezone) -> int | None:
    """How long a network with such opening hours stays open; 0 when it is closed, None when it has no end."""
    if not entries or not is_known(now):
        return None
    minute, second = _minute_of_week(now, timezone)
    minutes = hours.minutes_until_end(hours.of(entries), minute)
    if minutes >= hours.MINUTES_A_WEEK:
        return None
    return minutes * 60 - second if minutes else 0


def seconds_until_open(entries: tuple[str, ...], now: Now, timezone: Timezone) -> int:
    """How long until a network with such opening hours opens; 0 when it is open, or the hour is not known."""
    if not entries or not is_known(now):
        return 0
    minute, second = _minute_of_week(now, timezone)
    minutes = hours.minutes_until_start(hours.of(entries), minute)
    return minutes * 60 - second if minutes else 0


def _minute_of_week(now: Now, timezone: Timezone) -> tuple[int, int]:
    # 1970 began on a Thursday; minute 0 of the week is Monday 00:00.
    seconds = (now.wall_seconds + _OFFSET_SECONDS[timezone] + 3 * DAY_SECONDS) % WEEK_SECONDS
    return divmod(seconds, 60)
