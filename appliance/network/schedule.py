"""Hours of the week as the kernel's firewall compares them: by its own clock, without anybody waking up.

The kernel counts days from Sunday and seconds of the day in UTC (nft_meta.c). Times are written as numbers: nft 1.0.6
turns ``"22:00"`` into UTC by the time zone of whoever loads the file, and makes a negation that is off by an hour's
minutes of what then runs over midnight. Numbers it takes as they are.

The kernel's own time zone moves its days, not its hours. systemd sets it to UTC at each boot; ``timedatectl
set-timezone`` changes it until the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from appliance.core.config.village import Timezone
from appliance.core.hours import MINUTES_A_DAY, MINUTES_A_WEEK, Span, of

# Indonesia's zones know no summer time (Keppres 41/1987).
UTC_MINUTES: Final = {Timezone.WIB: 7 * 60, Timezone.WITA: 8 * 60, Timezone.WIT: 9 * 60}


def utc_spans(entries: Sequence[str], timezone: Timezone) -> tuple[Span, ...]:
    """The runs of minutes of the week in UTC that ``entries`` mean in ``timezone``; none over the week's end."""
    shift = UTC_MINUTES[timezone]
    found: list[Span] = []
    for span in of(entries):
        begin = (span.start - shift) % MINUTES_A_WEEK
        end = begin + span.end - span.start
        found.append(Span(begin, min(end, MINUTES_A_WEEK)))
        if end > MINUTES_A_WEEK:
            found.append(Span(0, end - MINUTES_A_WEEK))
    return tuple(sorted(found, key=lambda span: span.start))


def set_lines(entries: Sequence[str], timezone: Timezone) -> list[str]:
    """The lines of a set of nftables that holds exactly these times, for ``meta day . meta hour @NAME``."""
    elements = [
        f"{(day + 1) % 7} . {first * 60}-{last * 60 - 1}"
        for span in utc_spans(entries, timezone)
        for day, first, last in _days(span)
    ]
    return ["typeof meta day . meta hour", "flags interval", f"elements = {{ {', '.join(elements)} }}"]


def _days(span: Span) -> list[tuple[int, int, int]]:
    """Cut a run at midnights: day (Monday is 0), first minute, and the minute after the last."""
    cut = []
    for day in range(span.start // MINUTES_A_DAY, (span.end - 1) // MINUTES_A_DAY + 1):
        midnight = day * MINUTES_A_DAY
        first, last = max(span.start, midnight) - midnight, min(span.end, midnight + MINUTES_A_DAY) - midnight
        cut.append((day, first, last))
    return cut
