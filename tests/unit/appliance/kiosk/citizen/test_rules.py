"""What a PIN may be."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.kiosk.citizen.rules import PinProblem, digits_of, is_nik, is_pin, make_pin, weaknesses

BORN, NIK = datetime.date(1990, 8, 17), "5103011708900001"


@pytest.mark.parametrize(
    ("pin", "problem"),
    [
        ("", PinProblem.FORM), ("12345", PinProblem.FORM), ("1234567", PinProblem.FORM), ("48291a", PinProblem.FORM),
        ("４８２９１３", PinProblem.FORM), ("482913\n", PinProblem.FORM),
        ("000000", PinProblem.REPEATED), ("111111", PinProblem.REPEATED), ("121212", PinProblem.REPEATED),
        ("123123", PinProblem.REPEATED), ("115111", PinProblem.REPEATED),
        ("123456", PinProblem.SEQUENCE), ("654321", PinProblem.SEQUENCE), ("890123", PinProblem.SEQUENCE),
        ("246802", PinProblem.SEQUENCE), ("135791", PinProblem.SEQUENCE),
        ("112233", PinProblem.COMMON), ("147258", PinProblem.COMMON),
        ("170890", PinProblem.BIRTH_DATE), ("900817", PinProblem.BIRTH_DATE), ("081790", PinProblem.BIRTH_DATE),
        ("081990", PinProblem.BIRTH_DATE), ("199008", PinProblem.BIRTH_DATE), ("170819", PinProblem.BIRTH_DATE),
        ("510301", PinProblem.IN_NIK), ("890000", PinProblem.IN_NIK),
    ],
)  # fmt: skip
def test_what_is_guessed_first_is_refused(pin: str, problem: PinProblem) -> None:
    assert problem in weaknesses(pin, BORN, NIK)


@pytest.mark.parametrize("pin", ["482913", "070526", "318204"])
def test_what_nobody_guesses_is_taken(pin: str) -> None:
    assert weaknesses(pin, BORN, NIK) == ()


def test_without_a_birth_date_the_rest_still_holds() -> None:
    assert weaknesses("482913", None, NIK) == () and weaknesses("123456", None, NIK) == (PinProblem.SEQUENCE,)


@given(st.dates(datetime.date(1920, 1, 1), datetime.date(2026, 1, 1)))
def test_a_made_one_is_never_weak(born: datetime.date) -> None:
    pin = make_pin(born, NIK)
    assert is_pin(pin) and weaknesses(pin, born, NIK) == ()


def test_made_ones_differ() -> None:
    assert len({make_pin(BORN, NIK) for _ in range(50)}) > 45


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_is_answered(pin: str, nik: str) -> None:
    assert is_nik(digits_of(nik)) in (True, False)
    if not is_pin(pin):
        assert PinProblem.FORM in weaknesses(pin, BORN, nik)


def test_spaces_and_dots_between_digits_do_not_matter() -> None:
    assert digits_of(" 5103.0117 0890-0001 ") == "5103011708900001"
