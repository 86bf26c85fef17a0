"""A claim code is typed once, by somebody in a hurry."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from appliance.core import claim
from appliance.core.errors import OperationError

CERTIFICATE = b"the certificate of an authority"
CODES = st.binary(min_size=5, max_size=5).map(lambda secret: claim.make(secret, CERTIFICATE))
PLACES = st.integers(0, claim.LENGTH - 1)


def test_a_code_has_five_groups_and_names_its_authority() -> None:
    code = claim.make(bytes(range(5)), CERTIFICATE)
    assert code.text() == "000G4-0R4VR-GYDEP-6G4JJ-Z5F3X"
    assert code.names(CERTIFICATE)
    assert not code.names(CERTIFICATE + b".")
    with pytest.raises(ValueError, match="five random bytes"):
        claim.make(b"four", CERTIFICATE)


@given(code=CODES, between=st.sampled_from(["", " ", "-", "\u2013", " - "]), lower=st.booleans())
def test_it_is_read_however_it_is_written(code: claim.ClaimCode, between: str, lower: bool) -> None:
    typed = code.text().replace("-", between).replace("0", "o").replace("1", "L") + "\n"
    assert claim.parse(typed.lower() if lower else typed) == code


@given(code=CODES, place=PLACES, character=st.sampled_from(claim.ALPHABET))
def test_one_wrong_character_is_noticed(code: claim.ClaimCode, place: int, character: str) -> None:
    right = code.text().replace("-", "")
    assume(right[place] != character)
    with pytest.raises(OperationError, match="mistyped"):
        claim.parse(right[:place] + character + right[place + 1 :])


@given(code=CODES, one=PLACES, other=PLACES)
def test_two_exchanged_characters_are_noticed(code: claim.ClaimCode, one: int, other: int) -> None:
    characters = list(code.text().replace("-", ""))
    assume(characters[one] != characters[other])
    characters[one], characters[other] = characters[other], characters[one]
    with pytest.raises(OperationError, match="exchanged"):
        claim.parse("".join(characters))


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "has 0 characters"),
        ("7K2M9", "has 5 characters"),
        ("U" * 25, "holds no 'U'"),
        ("0" * 24 + "é", "holds no '\\\\xc9'"),
        ("0" * 101, "longer"),
        ("\x1b[2J", "holds no '\\\\x1b'"),
    ],
)
def test_what_is_no_code_is_named_without_repeating_it(typed: str, says: str) -> None:
    with pytest.raises(OperationError, match=says):
        claim.parse(typed)


@given(st.text(max_size=120))
def test_nothing_else_happens(typed: str) -> None:
    try:
        assert claim.parse(typed).text()
    except OperationError as error:
        assert str(error).isprintable()
