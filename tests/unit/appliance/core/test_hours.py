"""Hours of the week: forms, midnight, the turn of the week, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core import hours
from appliance.core.hours import DAYS, MINUTES_A_DAY, MINUTES_A_WEEK, Span


def test_a_run_of_days_gives_one_span_each() -> None:
    assert hours.parse("mon-wed 06:00-22:00") == (Span(360, 1320), Span(1800, 2760), Span(3240, 4200))


def test_over_midnight_goes_into_the_next_day_and_the_next_week() -> None:
    assert hours.parse("sun 22:00-05:00") == (Span(0, 300), Span(6 * MINUTES_A_DAY + 1320, MINUTES_A_WEEK))


def test_days_may_turn_over_the_week() -> None:
    assert [span.start // MINUTES_A_DAY for span in hours.parse("sat-mon 08:00-09:00")] == [0, 5, 6]


@pytest.mark.parametrize(
    "text",
    ["", "mon", "mon 6:00-7:00", "mon 06:60-07:00", "mon 25:00-26:00", "mon 06:00-06:00", "mon 24:00-06:00",
     "senin 06:00-07:00", "mon 06:00-07:00 ", "mon-tue-wed 06:00-07:00", "mon \u0660\u0666:00-07:00"],
)  # fmt: skip
def test_what_is_no_time_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match="allowed are days and times"):
        hours.parse(text)


def test_entries_that_touch_become_one() -> None:
    assert hours.of(["mon 06:00-12:00", "mon 12:00-14:00", "mon 13:00-15:00"]) == (Span(360, 900),)


def test_a_whole_week_never_ends_and_never_waits() -> None:
    spans = hours.of(["mon-sun 00:00-24:00"])
    assert spans == (Span(0, MINUTES_A_WEEK),)
    assert hours.minutes_until_end(spans, 123) == MINUTES_A_WEEK
    assert hours.minutes_until_start(spans, 123) == 0


def test_the_end_is_found_across_the_turn_of_the_week() -> None:
    spans = hours.of(["sun 22:00-05:00"])
    assert hours.minutes_until_end(spans, MINUTES_A_WEEK - 60) == 60 + 300


def test_without_entries_there_is_no_next_start() -> None:
    assert hours.minutes_until_start((), 5) is None


_entries = st.lists(
    st.builds(
        "{}-{} {:02}:{:02}-{:02}:{:02}".format,
        st.sampled_from(DAYS), st.sampled_from(DAYS),
        st.integers(0, 23), st.integers(0, 59), st.integers(0, 23), st.integers(0, 59),
    ).filter(lambda text: text[-11:-6] != text[-5:]),
    max_size=4,
)  # fmt: skip


@given(entries=_entries, minute=st.integers(0, MINUTES_A_WEEK - 1))
def test_joined_spans_cover_what_their_entries_cover(entries: list[str], minute: int) -> None:
    spans = hours.of(entries)
    assert hours.is_within(spans, minute) == any(hours.is_within(hours.parse(text), minute) for text in entries)
    left = hours.minutes_until_end(spans, minute)
    assert (left > 0) == hours.is_within(spans, minute)
    if 0 < left < MINUTES_A_WEEK:
        assert hours.is_within(spans, (minute + left - 1) % MINUTES_A_WEEK)
        assert not hours.is_within(spans, (minute + left) % MINUTES_A_WEEK)
    wait = hours.minutes_until_start(spans, minute)
    assert wait is None if not entries else hours.is_within(spans, (minute + (wait or 0)) % MINUTES_A_WEEK)
