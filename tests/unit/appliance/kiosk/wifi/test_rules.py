"""Names and PINs that a box makes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.kiosk.wifi.rules import WORDS, Slip, make_reference, make_slip, normal_name, normal_pin
from appliance.wifi.accounts import is_reference, looks_like_name


def test_a_slip_is_a_word_with_four_digits_and_six_digits() -> None:
    for slip in (make_slip() for _ in range(200)):
        assert re.fullmatch(r"[a-z]+[1-9]{4}", slip.name) and slip.name.rstrip("123456789") in WORDS
        assert re.fullmatch(r"[0-9]{6}", slip.pin) and len(set(slip.pin)) > 2
        assert normal_name(slip.name_shown.upper()) == slip.name and normal_pin(slip.pin_shown) == slip.pin
        assert slip.pin not in repr(slip)
        assert looks_like_name(slip.name) and looks_like_name(slip.name_shown) and not looks_like_name(slip.pin)


def test_words_are_each_once_and_short_enough_for_a_telephone() -> None:
    assert len(set(WORDS)) == len(WORDS) >= 50 and all(4 <= len(word) <= 8 and word.isalpha() for word in WORDS)


def test_references_are_what_the_portal_takes() -> None:
    made = {make_reference() for _ in range(100)}
    assert len(made) == 100 and all(is_reference(one) for one in made)


@pytest.mark.parametrize("typed", ["melati 4821", " MELATI-4821 ", "Melati_48.21", "melati\u00a04821", "melati–4821"])
def test_what_people_put_between_does_not_matter(typed: str) -> None:
    assert normal_name(typed) == "melati4821"


@given(st.text(max_size=200))
def test_any_text_has_a_normal_form(text: str) -> None:
    assert normal_name(normal_name(text)) == normal_name(text)
    assert normal_pin(normal_pin(text)) == normal_pin(text)


def test_a_name_is_shown_in_two_parts() -> None:
    assert (Slip("melati4821", "482913").name_shown, Slip("melati4821", "482913").pin_shown) == (
        "melati 4821",
        "482 913",
    )
