"""NIK: each mistake by its own name."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.kiosk.residents import nik
from appliance.kiosk.residents.codes import Sex
from appliance.kiosk.residents.nik import Mistake, NikInvalid, Oddity

GOOD = "5103011708900001"


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("", Mistake.EMPTY),
        (" . - ", Mistake.EMPTY),
        ("0", Mistake.ZERO),
        ("0000000000000000", Mistake.ZERO),
        ("5.10301E+15", Mistake.SPREADSHEET),
        ("5,10301E+15", Mistake.SPREADSHEET),
        ("5E15", Mistake.SPREADSHEET),
        ("5103011708900001.0", Mistake.SPREADSHEET),
        ("5103011708900001,00", Mistake.SPREADSHEET),
        ("51030117O8900001", Mistake.LETTERS),
        ("٥١٠٣٠١١٧٠٨٩٠٠٠٠١", Mistake.LETTERS),
        ("510301170890000", Mistake.LENGTH),
        ("51030117089000012", Mistake.LENGTH),
        ("9" * 10_000, Mistake.LENGTH),
        ("0003011708900001", Mistake.AREA),
        ("9903011708900001", Mistake.AREA),
        ("5100011708900001", Mistake.AREA),
        ("5103001708900001", Mistake.AREA),
        ("5103013202900001", Mistake.DATE),
        ("5103010013900001", Mistake.DATE),
        ("5103017202900001", Mistake.DATE),
        ("5103012902890001", Mistake.DATE),
        ("5103013002880001", Mistake.DATE),
        ("5103011708900000", Mistake.SERIAL),
    ],
)
def test_each_mistake_has_its_name(text: str, mistake: Mistake) -> None:
    with pytest.raises(NikInvalid) as caught:
        nik.parse(text)
    assert caught.value.mistake is mistake
    assert len(text) < 6 or text not in str(caught.value)


@pytest.mark.parametrize(
    "text", [GOOD, f" {GOOD} ", "5103 0117 0890 0001", "51.03.01.170890.0001", f"'{GOOD}", f"\ufeff{GOOD}\u202c"]
)
def test_it_is_read_as_people_type_it(text: str) -> None:
    found = nik.parse(text)
    assert (found.text, found.area, found.sex) == (GOOD, "510301", Sex.MALE)
    assert found.is_born_on(datetime.date(1990, 8, 17))


def test_a_woman_is_born_forty_days_later() -> None:
    found = nik.parse("5103015708900001")
    assert found.sex is Sex.FEMALE and found.is_born_on(datetime.date(1990, 8, 17))


def test_a_leap_day_counts_in_either_century() -> None:
    assert nik.parse("5103012902000001").is_born_on(datetime.date(2000, 2, 29))
    assert nik.parse("5103012902880001").is_born_on(datetime.date(1988, 2, 29))


def test_what_is_odd_is_taken_and_named() -> None:
    found = nik.parse(GOOD, area="510302", sex=Sex.FEMALE, birth_date=datetime.date(1990, 8, 18))
    assert found.oddities == (Oddity.AREA, Oddity.SEX, Oddity.BIRTH_DATE)
    assert nik.parse(GOOD, area="510301", sex=Sex.MALE, birth_date=datetime.date(1990, 8, 17)).oddities == ()


@given(
    st.sampled_from(sorted(nik.PROVINCES)),
    st.dates(datetime.date(1920, 1, 1), datetime.date(2026, 1, 1)),
    st.sampled_from(Sex),
    st.integers(1, 9999),
)
def test_every_true_number_is_read(province: str, born: datetime.date, sex: Sex, serial: int) -> None:
    day = born.day + (40 if sex is Sex.FEMALE else 0)
    text = f"{province}0101{day:02}{born:%m%y}{serial:04}"
    found = nik.parse(text, sex=sex, birth_date=born)
    assert found.oddities == () and found.text == text


@given(st.text(max_size=40))
def test_any_text_is_a_number_or_a_mistake(text: str) -> None:
    try:
        assert nik.parse(text).text.isascii()
    except NikInvalid:
        return


@given(st.text(max_size=40))
def test_a_mask_hides(text: str) -> None:
    assert len(nik.mask(text)) == 16
    assert nik.mask(GOOD) == "5103********0001"
    assert len(text) == 16 or set(nik.mask(text)) == {"*"}
