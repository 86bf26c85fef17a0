"""Guessing codes: a few mistakes are free, a machine waits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.kiosk.letters import codes
from appliance.kiosk.letters.tries import BOX_FREE, DEVICE_FREE, DEVICE_REFILL_SECONDS, DEVICES_MAX, Tries


def test_a_device_waits_after_its_free_mistakes_and_time_forgives() -> None:
    tries, now = Tries(), 1_000.0
    for _ in range(DEVICE_FREE):
        assert tries.wait_seconds("a", now) == 0
        tries.count("a", now)
    assert tries.wait_seconds("a", now) == DEVICE_REFILL_SECONDS
    assert tries.wait_seconds("b", now) == 0
    assert tries.wait_seconds("a", now + DEVICE_REFILL_SECONDS + 1) == 0


def test_many_devices_together_wait_too() -> None:
    tries, now = Tries(), 0.0
    for number in range(BOX_FREE):
        tries.count(f"device-{number}", now)
    assert tries.wait_seconds("another", now) > 0
    assert tries.wait_seconds("another", now + 3_600) == 0


def test_a_day_of_guessing_finds_nothing() -> None:
    """As fast as it is let, from as many devices as there are: how many tries a day has."""
    tries, now, tried = Tries(), 0.0, 0
    while now < 86_400:
        wait = tries.wait_seconds(f"device-{tried % 5_000}", now)
        if wait:
            now += wait
            continue
        tries.count(f"device-{tried % 5_000}", now)
        tried += 1
    letters = 50_000
    assert tried * letters / 32**codes.CODE_LENGTH < 0.002


def test_what_it_remembers_is_bounded() -> None:
    tries = Tries()
    for number in range(2 * DEVICES_MAX):
        tries.count(f"device-{number}", 0.0)
    assert len(tries._spent) <= DEVICES_MAX


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
