"""Write durations, sizes and moments as people in the village say them. Pure, but for the request's language."""

from __future__ import annotations

import datetime
import functools
import math
from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal
from flask_babel import get_locale

from appliance.core import hours
from appliance.faces.languages import gettext, ngettext

_ZONES: Final = {"Asia/Jakarta": "WIB", "Asia/Makassar": "WITA", "Asia/Jayapura": "WIT"}
_TO: Final = "\u2013"


def duration(seconds: float) -> str:
    """``14399`` -> ``3 jam 59 menit``. Rounded down: a promise that is kept."""
    minutes = int(seconds) // 60
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{_days(days)} {_hours(hours)}" if hours else _days(days)
    if hours:
        return f"{_hours(hours)} {_minutes(minutes)}" if minutes else _hours(hours)
    return _minutes(minutes) if minutes else gettext("kurang dari 1 menit")


def duration_up(seconds: float) -> str:
    """The same rounded up to whole minutes, for how long to wait."""
    return duration(math.ceil(seconds / 60) * 60)


# Indonesian has one form for one and many; other languages have two or more.
def _days(count: int) -> str:
    return ngettext("%(num)d hari", "%(num)d hari", count)


def _hours(count: int) -> str:
    return ngettext("%(num)d jam", "%(num)d jam", count)


def _minutes(count: int) -> str:
    return ngettext("%(num)d menit", "%(num)d menit", count)


def size(count: float) -> str:
    """``12400000`` bytes -> ``12,4 MB``; powers of 1000, as on a data package."""
    for unit in ("byte", "kB", "MB", "GB"):
        if count < 1000:
            return f"{number(round(count, 0 if unit == 'byte' or count >= 100 else 1))} {unit}"
        count /= 1000
    return f"{number(round(count, 1))} TB"


def number(value: float) -> str:
    """``4210`` -> ``4.210``."""
    return _number(value + 0, get_locale() or Locale("id"))  # what is rounded to -0.0 is 0, for all who follow too


# A table of areas holds hundreds, most of them small and often the same; Babel takes 0.1 ms for one.
@functools.lru_cache(maxsize=2048, typed=True)
def _number(value: float, locale: Locale) -> str:
    return format_decimal(value, locale=locale)


def moment(value: datetime.datetime, now: datetime.datetime, zone: ZoneInfo) -> str:
    """``pukul 07.12 WITA`` today; yesterday, tomorrow, a day of this week to come, or with the date.

    Both times carry their zone.
    """
    local = value.astimezone(zone)
    days = (local.date() - now.astimezone(zone).date()).days
    clock = f"{local:%H.%M} {_ZONES.get(zone.key, zone.key)}"
    if days == 0:
        return gettext("pukul %(clock)s", clock=clock)
    if days == -1:
        return gettext("kemarin pukul %(clock)s", clock=clock)
    if days == 1:
        return gettext("besok pukul %(clock)s", clock=clock)
    is_this_week = 1 < days < 7
    date = _date(local.date(), "EEEE" if is_this_week else "d MMMM yyyy", get_locale() or Locale("id"))
    return gettext("%(date)s pukul %(clock)s", date=date, clock=clock)


def opening_hours(entries: Sequence[str], zone: ZoneInfo) -> str:
    """``("mon-fri 06:00-22:00", "sat 08:00-12:00")`` -> ``Senin–Jumat 06.00–22.00, Sabtu 08.00–12.00 WITA``.

    The entries are as `appliance.core.hours` takes them; "" where there are none: it is always open.
    """
    said = []
    for text in entries:
        days, clock = text.split(" ")
        first, _, last = days.partition("-")
        spoken = _weekday(first) if not last else f"{_weekday(first)}{_TO}{_weekday(last)}"
        if last and (hours.DAYS.index(last) - hours.DAYS.index(first)) % 7 == 6:
            spoken = gettext("setiap hari")
        begin, end = clock.replace(":", ".").split("-")
        said.append(f"{spoken} {begin}{_TO}{end}")
    return f"{', '.join(said)} {_ZONES.get(zone.key, zone.key)}" if said else ""


def _weekday(name: str) -> str:
    # The first day of 2024 was a Monday.
    day = datetime.date(2024, 1, 1 + hours.DAYS.index(name))
    return _date(day, "EEEE", get_locale() or Locale("id"))


# A list holds dozens of moments, most of them of few days.
@functools.lru_cache(maxsize=512)
def _date(day: datetime.date, pattern: str, locale: Locale) -> str:
    return format_date(day, pattern, locale=locale)
