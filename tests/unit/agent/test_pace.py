"""Coming back: slowly, apart from each other, and without taking the line."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.pace import BURST_SECONDS, Backoff, Bucket


def test_tries_that_fail_wait_longer_up_to_a_cap_with_full_jitter() -> None:
    backoff = Backoff()
    assert [backoff.after(None, 1.0) for _ in range(10)] == [
        2.2,
        4.2,
        8.2,
        16.2,
        32.2,
        64.2,
        128.2,
        256.2,
        300.2,
        300.2,
    ]
    assert backoff.after(None, 0.0) == 0.2


def test_the_count_begins_anew_only_after_a_connection_that_held() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.after(None, 1.0)
    assert backoff.after(90.0, 1.0) == 64.2
    assert backoff.after(120.0, 1.0) == 2.2


def test_after_a_long_session_the_first_try_is_spread_over_up_to_a_minute() -> None:
    backoff = Backoff()
    assert backoff.after(5_400.0, 1.0) == pytest.approx(15.2)
    assert backoff.after(None, 1.0) == 16.2, "the next keeps apart what the first did"
    assert backoff.after(21_600.0, 1.0) == pytest.approx(60.2)
    assert backoff.after(86_400.0, 0.5) == pytest.approx(30.2)
    assert backoff.after(86_400.0, 1.0, by_line=True) == 2.2, "its own line's change is nobody else's"


def test_a_copied_card_leaves_the_noc_alone_for_a_quarter_of_an_hour() -> None:
    backoff = Backoff()
    assert backoff.after(3.0, 1.0) < 10
    assert not backoff.seems_copied()
    assert backoff.after(3.0, 0.0) == 900
    assert backoff.after(29.0, 1.0) == 1_200
    assert backoff.seems_copied()
    assert backoff.after(31.0, 1.0) < 300, "one that held is no copy's"
    assert backoff.after(3.0, 1.0) < 300


def test_a_failed_try_after_a_short_session_is_no_copys() -> None:
    backoff = Backoff()
    backoff.after(3.0, 1.0)
    assert backoff.after(None, 1.0) < 10


def test_a_line_that_brings_one_address_after_the_other_is_no_copy_and_makes_none_doubted() -> None:
    backoff = Backoff()
    waits = [backoff.after(3.0, 1.0, by_line=True) for _ in range(4)]
    assert waits == [2.2, 4.2, 8.2, 16.2]
    assert not backoff.seems_copied()
    backoff.after(3.0, 1.0)
    backoff.after(3.0, 1.0, by_line=True)
    assert backoff.after(3.0, 0.0) == 900, "thrown out twice, and another address between"


@pytest.mark.parametrize("size", [1, 500, 18_000])
def test_a_bucket_lets_through_its_rate_and_no_more(size: int) -> None:
    bucket, sent = Bucket(4_000.0), 0
    for now_ms in range(0, 60_000, 50):
        while bucket.has_room(now_ms):
            bucket.take(size)
            sent += size
    assert 60 * 4_000 - size <= sent <= (60 + BURST_SECONDS) * 4_000 + size


@given(st.floats(1.0, 1e9), st.integers(1, 10**6))
@example(1.1, 649)
def test_there_is_room_when_the_bucket_says_so(rate: float, size: int) -> None:
    bucket = Bucket(rate)
    assert bucket.has_room(1_000)
    bucket.take(size)
    assert bucket.has_room(1_000 + bucket.empty_for_ms())
