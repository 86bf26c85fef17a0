"""Which number a letter gets, and of which date. Pure.

A series is counted from 1 in each year. With scope *kind* letters of one code are counted together, since that code is
what stands in the number: two kinds that share a code share a series, and no two letters of a village read alike. With
scope *all* every letter counts.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Final

from appliance.core.config.letters import NumberScope

ALL_LETTERS: Final = "*"
# What a clock that lost its time, or a slip of the hand, gives; no box of ours numbered a letter before.
FIRST_YEAR: Final = 2024
LAST_YEAR: Final = 2099


@dataclass(frozen=True, slots=True)
class Number:
    """A letter's number: given once, and kept by a void letter too.

    ``series`` is a kind's code, or `ALL_LETTERS`; ``clock_was_known``: nobody had to tell the date by hand.
    """

    series: str
    year: int
    serial: int
    text: str
    date: datetime.date
    clock_was_known: bool


@dataclass(frozen=True, slots=True)
class SeriesEnd:
    """How far a series has come.

    ``last_date`` is of its last number in the year that is asked about; ``last_known_date`` of the last number in any
    year whose date came from a clock that was right.
    """

    last_serial: int = 0
    last_date: datetime.date | None = None
    last_known_date: datetime.date | None = None


class DateNeeded(Exception):  # noqa: N818 - reads as the sentence it is
    """The clock is not known: an officer must tell the letter's date."""


class DateRefused(Exception):  # noqa: N818 - as above
    """The date cannot be the letter's. ``earliest`` and ``latest`` are allowed; None: no bound on that side."""

    def __init__(self, date: datetime.date, earliest: datetime.date | None, latest: datetime.date | None) -> None:
        self.date, self.earliest, self.latest = date, earliest, latest
        super().__init__(f"{date} is not between {earliest} and {latest}")


def series_of(scope: NumberScope, code: str) -> str:
    """The series in which a letter of this code is counted."""
    return ALL_LETTERS if scope is NumberScope.ALL else code


def choose_date(given: datetime.date | None, today: datetime.date, *, clock_is_known: bool) -> datetime.date:
    """The date a letter would get: the one given, else today.

    Raises:
        DateNeeded: none was given, and the clock is not known.
        DateRefused: the year is none in which a letter can be made.
    """
    if given is None and not clock_is_known:
        raise DateNeeded("the clock is not known")
    date = given or today
    if not FIRST_YEAR <= date.year <= LAST_YEAR:
        raise DateRefused(date, datetime.date(FIRST_YEAR, 1, 1), datetime.date(LAST_YEAR, 12, 31))
    return date


def require_date(date: datetime.date, end: SeriesEnd, today: datetime.date, *, clock_is_known: bool) -> None:
    """Hold a date against its series.

    Numbers and dates of a year rise together, so no date lies before that of the last number. Nor before one that a
    clock which was right has given in any year; a wrong date told by hand binds its own year alone. Where the clock is
    right the date is today, or, while the year's last number has a later date told by hand, that one.

    Raises:
        DateRefused: with what is allowed.
    """
    known = [one for one in (end.last_date, end.last_known_date) if one is not None]
    earliest = max(known, default=None)
    latest = None
    if clock_is_known:
        this_year = end.last_date if end.last_date is not None and end.last_date.year == today.year else today
        latest = max(today, this_year)
        earliest = min(latest, max(earliest or today, datetime.date(today.year, 1, 1)))
    if (earliest is not None and date < earliest) or (latest is not None and date > latest):
        raise DateRefused(date, earliest, latest)
