"""A date that somebody set is told from time that goes by."""

from __future__ import annotations

import pytest

from noc.clock import Clock, boottime_seconds

DAY = 86_400.0


class Hands:
    """Both clocks, moved by the test."""

    wall, boottime = 1_780_000_000.0, 500.0

    def go(self, seconds: float) -> None:
        self.wall += seconds
        self.boottime += seconds


def test_time_that_goes_by_is_no_step_and_no_doubt() -> None:
    hands = Hands()
    clock = Clock(lambda: hands.wall, lambda: hands.boottime)
    for _ in range(20):
        hands.go(30 * DAY)
        assert (clock.step_ms(), clock.is_doubtful()) == (0, False)
    assert clock.now_ms() == int(hands.wall * 1000)


@pytest.mark.parametrize(("seconds", "step_ms", "is_doubtful"), [
    (50.0, 0, False), (-50.0, 0, False), (61.0, 61_000, False), (-3_600.0, -3_600_000, False),
    (3_650 * DAY, 3_650 * 86_400_000, True), (-2 * DAY, -2 * 86_400_000, True),
])  # fmt: skip
def test_a_step_is_told_once_and_a_far_one_is_doubted_until_it_is_taken_back(
    seconds: float, step_ms: int, *, is_doubtful: bool
) -> None:
    hands = Hands()
    clock = Clock(lambda: hands.wall, lambda: hands.boottime)
    hands.go(60)
    hands.wall += seconds
    assert (clock.step_ms(), clock.step_ms(), clock.is_doubtful()) == (step_ms, 0, is_doubtful)
    hands.wall -= seconds
    assert not clock.is_doubtful()


def test_the_machines_own_clock_counts_on() -> None:
    one = boottime_seconds()
    assert boottime_seconds() >= one > 0
