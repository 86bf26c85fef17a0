"""Counters that wrap, begin anew or jump: the total never falls, and never rises faster than the line can carry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.counting import Reading, Running, step

WRAP = 2**32
MAX, LINE = 125_000_000, 2_500_000
TEN = 10_000


@pytest.mark.parametrize(
    ("before", "now", "went_on"),
    [
        (100, 100, 0),
        (100, 5_000_100, 5_000_000),
        (WRAP - 1_000, 500, 1_500),  # 32 bits wrapped
        (WRAP - 1_000, WRAP + 500, 1_500),  # a wider counter goes on
        (3_000_000_000, 70_000, 70_000),  # plugged in again: what it counted since
        (5 * WRAP, 70_000, 70_000),  # so did a wide one
        (0, 10**15, 0),  # another thing counts under this name: no line carried that
        (10**15, 10**12, 0),
    ],
)
def test_steps(before: int, now: int, went_on: int) -> None:
    readings = Reading(before, 0), Reading(now, TEN)
    assert step(*readings, a_second_max=MAX, wrap_a_second_max=LINE) == went_on


counters = st.one_of(st.integers(0, 2**64), st.integers(WRAP - 10**7, WRAP - 1), st.integers(0, 10**7))


@given(st.lists(st.tuples(counters | st.none(), st.integers(0, 120_000)), min_size=1, max_size=40))
def test_no_row_of_readings_makes_a_spike(rows: list[tuple[int | None, int]]) -> None:
    running, boottime_ms, total = Running(a_second_max=MAX, wrap_a_second_max=LINE), 1_000, 0
    began = False
    for value, milliseconds in rows:
        boottime_ms += milliseconds
        if value is None:
            running.lose()
            continue
        running.take(Reading(value, boottime_ms))
        assert running.total is not None
        if began:
            assert running.total >= total
        began, total = True, running.total
    first = next((value for value, _ in rows if value is not None), None)
    if first is not None:
        assert total - first <= MAX * (boottime_ms + len(rows)) // 1_000
    peak = running.end_peak()
    assert peak is None or 0 <= peak <= MAX
    assert running.end_peak() is None


@given(st.lists(st.integers(0, LINE * 10), min_size=1, max_size=50), st.integers(0, WRAP - 1))
def test_a_32_bit_counter_loses_nothing_when_it_wraps(steps: list[int], first: int) -> None:
    running, value, boottime_ms = Running(a_second_max=MAX, wrap_a_second_max=LINE), first, 0
    running.take(Reading(value, boottime_ms))
    for each in steps:
        value, boottime_ms = (value + each) % WRAP, boottime_ms + TEN
        running.take(Reading(value, boottime_ms))
    assert running.total == first + sum(steps)
    assert running.end_peak() == max(steps) // 10


def test_an_interface_that_comes_again_goes_on_counting() -> None:
    running = Running(a_second_max=MAX, wrap_a_second_max=LINE)
    running.take(Reading(9_000, 0))
    running.lose()
    running.lose()
    running.take(Reading(50, 60_000))
    assert running.total == 9_050
