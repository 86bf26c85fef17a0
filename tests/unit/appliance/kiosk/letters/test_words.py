"""Terbilang is read back by a parser written from the other side, so that both would have to be wrong alike."""

import datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from appliance.kiosk.letters import words

ONES = {"satu": 1, "dua": 2, "tiga": 3, "empat": 4, "lima": 5, "enam": 6, "tujuh": 7, "delapan": 8, "sembilan": 9}
SCALES = {"ribu": 10**3, "juta": 10**6, "miliar": 10**9, "triliun": 10**12}
SE = {"sepuluh": ("se", "puluh"), "sebelas": ("se", "belas"), "seratus": ("se", "ratus"), "seribu": ("se", "ribu")}


def read_back(said: str) -> int:
    """What a person hears: digits, then what raises them."""
    total = group = digit = 0
    for word in (part for each in said.split() for part in SE.get(each, (each,))):
        if word == "nol":
            continue
        if word in ONES or word == "se":
            digit = ONES.get(word, 1)
        elif word == "belas":
            group, digit = group + 10 + digit, 0
        elif word == "puluh":
            group, digit = group + 10 * digit, 0
        elif word == "ratus":
            group, digit = group + 100 * digit, 0
        else:
            total, group, digit = total + (group + digit) * SCALES[word], 0, 0
    return total + group + digit


@given(st.integers(0, words.TERBILANG_MAX))
@example(1_001_001)
@example(999_999_999_999_999)
def test_terbilang_is_heard_as_the_number(number: int) -> None:
    assert read_back(words.terbilang(number)) == number


@given(st.integers(0, 999), st.sampled_from([1, 10**3, 10**6, 10**9, 10**12]))
def test_terbilang_of_round_numbers_is_heard(count: int, scale: int) -> None:
    assert read_back(words.terbilang(count * scale)) == count * scale


def test_terbilang_differs_for_each_number_below_a_hundred_thousand() -> None:
    assert len({words.terbilang(number) for number in range(100_000)}) == 100_000


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "nol"),
        (1, "satu"),
        (10, "sepuluh"),
        (11, "sebelas"),
        (12, "dua belas"),
        (20, "dua puluh"),
        (21, "dua puluh satu"),
        (100, "seratus"),
        (111, "seratus sebelas"),
        (200, "dua ratus"),
        (1000, "seribu"),
        (1100, "seribu seratus"),
        (2001, "dua ribu satu"),
        (11_000, "sebelas ribu"),
        (21_000, "dua puluh satu ribu"),
        (100_000, "seratus ribu"),
        (101_000, "seratus satu ribu"),
        (1_000_000, "satu juta"),
        (1_001_000, "satu juta seribu"),
        (1_001_001, "satu juta seribu satu"),
        (1_500_000, "satu juta lima ratus ribu"),
        (1_000_000_000, "satu miliar"),
        (1_000_000_001_000, "satu triliun seribu"),
    ],
)
def test_terbilang_says_it_as_people_do(number: int, said: str) -> None:
    assert words.terbilang(number) == said


@pytest.mark.parametrize("number", [-1, words.TERBILANG_MAX + 1])
def test_terbilang_refuses_what_it_cannot_say(number: int) -> None:
    with pytest.raises(ValueError, match="allowed is 0 to 999999999999999"):
        words.terbilang(number)


def test_sums_and_dates() -> None:
    assert words.rupiah(1_500_000) == "Rp1.500.000,00"
    assert words.rupiah(0) == "Rp0,00"
    assert words.number(999) == "999"
    day = datetime.date(2026, 8, 17)
    assert (words.hari(day), words.tanggal(day)) == ("Senin", "17 Agustus 2026")
    assert words.tanggal(datetime.date(2027, 1, 1)) == "1 Januari 2027"


def test_roman_months() -> None:
    assert [words.bulan_romawi(month) for month in (1, 4, 6, 9, 12)] == ["I", "IV", "VI", "IX", "XII"]
    for month in (0, 13):
        with pytest.raises(ValueError, match="allowed is 1 to 12"):
            words.bulan_romawi(month)
