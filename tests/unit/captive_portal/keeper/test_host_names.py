"""What devices call themselves is hostile text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captive_portal.keeper.host_names import LENGTH_MAX, clean


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Galaxy-A12", "Galaxy-A12"), ("HP Bu Wayan", "HP Bu Wayan"), ("ponsel\u00e9", "ponsel\u00e9"), ("", ""),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),  # shown as text, and escaped where it is
        ("a\r\nb\tc\0", "abc"), ("\u202eevil\u202c", "evil"), ("Z\u0351\u0352\u0353algo", "Zalgo"),
        ("\ufeffx\u200by", "xy"), ("\ud800x", "x"), ("x" * 10_000, "x" * LENGTH_MAX), ("  x  ", "x"),
    ],
)  # fmt: skip
def test_only_printable_characters_on_one_short_line_stay(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(st.text(max_size=500))
def test_any_text_becomes_a_short_line(text: str) -> None:
    found = clean(text)
    assert len(found) <= LENGTH_MAX and found == found.strip() and clean(found) == found
    assert all(character.isprintable() and unicodedata.category(character)[0] not in "MC" for character in found)
