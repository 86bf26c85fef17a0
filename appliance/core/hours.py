"""Hours of the week, such as ``mon-fri 06:00-22:00``: when a network is open, when a filter holds. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_A_DAY: Final = 1_440
MINUTES_A_WEEK: Final = 7 * MINUTES_A_DAY
ALLOWED: Final = (
    "allowed are days and times, such as mon-fri 06:00-22:00, sat 08:00-12:00 or mon-sun 22:00-05:00 (over midnight)"
)
_DAY = f"(?:{'|'.join(DAYS)})"
_FORM = re.compile(rf"({_DAY})(?:-({_DAY}))? (\d\d):(\d\d)-(\d\d):(\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Span:
    """One run of minutes of the week; minute 0 is Monday 00:00, ``end`` is excluded and at most a week."""

    start: int
    end: int


def parse(text: str) -> tuple[Span, ...]:
    """Read one entry: the runs of minutes it covers, in order, split where the week turns over.

    Raises:
        ValueError: the text has another form; it says what is allowed.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:60]!r} is not a time of the week: {ALLOWED}")
    start = _minute(match[3], match[4], text)
    end = _minute(match[5], match[6], text)
    if start in (end, MINUTES_A_DAY):
        raise ValueError(f"{text!r} begins and ends at the same time: {ALLOWED}")
    length = (end - start) % MINUTES_A_DAY or MINUTES_A_DAY
    first, last = DAYS.index(match[1]), DAYS.index(match[2] or match[1])
    spans: list[Span] = []
    for offset in range((last - first) % 7 + 1):
        begin = (first + offset) % 7 * MINUTES_A_DAY + start
        spans += _split(begin, begin + length)
    return tuple(sorted(spans, key=lambda span: span.start))


def of(entries: Iterable[str]) -> tuple[Span, ...]:
    """Read all ``entries`` and join runs that touch. Raises `ValueError`."""
    joined: list[Span] = []
    for span in sorted((span for text in entries for span in parse(text)), key=lambda span: span.start):
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return tuple(joined)


def is_within(spans: tuple[Span, ...], minute: int) -> bool:
    """Does a minute of the week (Monday 00:00 is 0) fall into ``spans``?"""
    return any(span.start <= minute < span.end for span in spans)


def minutes_until_end(spans: tuple[Span, ...], minute: int) -> int:
    """How many minutes from ``minute`` the spans go on without a break; 0 outside, at most a week."""
    left = 0
    for span in (*spans, *(Span(one.start + MINUTES_A_WEEK, one.end + MINUTES_A_WEEK) for one in spans)):
        if span.start <= minute + left < span.end:
            left = span.end - minute
    return min(left, MINUTES_A_WEEK)


def minutes_until_start(spans: tuple[Span, ...], minute: int) -> int | None:
    """How many minutes from ``minute`` until the next span begins; 0 inside one, None without any."""
    if is_within(spans, minute):
        return 0
    return min(((span.start - minute) % MINUTES_A_WEEK for span in spans), default=None)


def _minute(hours: str, minutes: str, text: str) -> int:
    found = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or found > MINUTES_A_DAY:
        raise ValueError(f"{text!r} names no time of a day: {ALLOWED}")
    return found


def _split(begin: int, end: int) -> Iterator[Span]:
    if end <= MINUTES_A_WEEK:
        yield Span(begin, end)
    else:
        yield Span(begin, MINUTES_A_WEEK)
        yield Span(0, end - MINUTES_A_WEEK)
