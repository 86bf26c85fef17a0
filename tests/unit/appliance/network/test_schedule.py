"""The kernel's hours are the village's."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from appliance.core import hours
from appliance.core.config.village import Timezone
from appliance.network import schedule

_day = st.sampled_from(hours.DAYS)
_minute = st.integers(0, 1439)


def _written(first: str, last: str, start: int, end: int) -> str:
    return f"{first}-{last} {start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"


_entry = st.builds(_written, _day, _day, _minute, st.integers(1, 1440)).filter(
    lambda text: not re.search(r" (\d\d:\d\d)-\1$", text)
)


def _kernel_says(lines: list[str], day: int, second: int) -> bool:
    """What ``meta day . meta hour`` finds in the set, ``day`` counted from Sunday."""
    elements = re.findall(r"(\d+) \. (\d+)-(\d+)", lines[2])
    return any(int(one) == day and int(first) <= second <= int(last) for one, first, last in elements)


@given(st.lists(_entry, min_size=1, max_size=4), st.sampled_from(list(Timezone)), st.integers(0, 7 * 86_400 - 1))
def test_a_moment_is_in_the_set_exactly_when_the_village_is_in_its_hours(
    entries: list[str], zone: Timezone, second_of_week: int
) -> None:
    utc = (second_of_week - schedule.UTC_MINUTES[zone] * 60) % (7 * 86_400)
    expected = hours.is_within(hours.of(entries), second_of_week // 60)
    lines = schedule.set_lines(entries, zone)
    assert _kernel_says(lines, (utc // 86_400 + 1) % 7, utc % 86_400) is expected


def test_no_two_elements_overlap() -> None:
    lines = schedule.set_lines(["mon-sun 22:00-05:00", "fri 20:00-23:30"], Timezone.WIT)
    seconds = [
        (day, second)
        for day, first, last in re.findall(r"(\d) \. (\d+)-(\d+)", lines[2])
        for second in range(int(first), int(last) + 1, 60)
    ]
    assert len(seconds) == len(set(seconds)) == 60 * (7 * 7 + 2)
