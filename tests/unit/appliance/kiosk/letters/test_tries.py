"""Guessing codes: a few mistakes are free, a machine waits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.kiosk.letters import codes
from appliance.kiosk.letters.tries import (
    BOX_FREE,
    DEVICE_FREE,
    DEVICES_MAX,
    QUIET_SECONDS,
    WAIT_LONGEST_SECONDS,
    Tries,
)


def test_a_device_waits_after_its_free_mistakes_longer_each_time_and_time_forgives() -> None:
    tries, now = Tries(), 1_000.0
    for _ in range(DEVICE_FREE):
        assert tries.wait_seconds("a", now) == 0
        tries.count("a", now)
    assert tries.wait_seconds("a", now) == 30
    assert tries.wait_seconds("b", now) == 0
    now += 30
    assert tries.wait_seconds("a", now) == 0
    tries.count("a", now)
    assert tries.wait_seconds("a", now) == 60
    for _ in range(20):
        tries.count("a", now)
    assert tries.wait_seconds("a", now) == WAIT_LONGEST_SECONDS
    now += WAIT_LONGEST_SECONDS + QUIET_SECONDS
    tries.count("a", now)
    assert tries.wait_seconds("a", now) == 0


def test_nobodys_guesses_keep_another_out_and_in_a_crowd_the_first_mistake_costs_time() -> None:
    tries, now = Tries(), 0.0
    for number in range(BOX_FREE):
        tries.count(f"device-{number}", now)
    assert tries.wait_seconds("another", now) == 0
    tries.count("another", now)
    assert tries.wait_seconds("another", now) == 30
    tries.count("later", now + 3_600)
    assert tries.wait_seconds("later", now + 3_600) == 0


def test_a_day_of_guessing_finds_nothing() -> None:
    """A hundred hostile phones, each as fast as it is let."""
    tries, tried = Tries(), 0
    free_at = [0.0] * 100
    for now in range(86_400):
        for phone, at in enumerate(free_at):
            if at <= now and not tries.wait_seconds(str(phone), now):
                tries.count(str(phone), now)
                tried += 1
                free_at[phone] = now + tries.wait_seconds(str(phone), now)
    letters = 50_000
    assert tried * letters / 32**codes.CODE_LENGTH < 0.001


def test_what_it_remembers_is_bounded() -> None:
    tries = Tries()
    for number in range(2 * DEVICES_MAX):
        tries.count(f"device-{number}", 0.0)
    assert len(tries._devices) <= DEVICES_MAX


@given(st.text(max_size=60))
def test_whatever_is_typed_is_a_code_or_none(typed: str) -> None:
    code = codes.read_code(typed)
    assert code is None or (len(code) == codes.CODE_LENGTH and set(code) <= set(codes.ALPHABET))


@pytest.mark.parametrize(
    ("typed", "code"),
    [("7k2m-9q4t", "7K2M9Q4T"), (" 7K2M 9Q4T\n", "7K2M9Q4T"), ("OoIiLl10", "00111110"), ("7K2M-9Q4U", None),
     ("7K2M-9Q4", None), ("7K2M-9Q4TT", None), ("", None), ("７Ｋ２Ｍ９Ｑ４Ｔ", None)],
)  # fmt: skip
def test_a_code_is_read_as_it_was_meant(typed: str, code: str | None) -> None:
    assert codes.read_code(typed) == code


def test_what_is_made_is_read_again() -> None:
    for _ in range(200):
        code = codes.make_code()
        assert codes.read_code(codes.shown_code(code)) == code
        assert codes.is_token(codes.make_token())
        assert 0 < codes.make_id() < 2**53
