"""Answers: what people type is understood in its usual forms, and nothing else passes."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.kiosk.letters import answers, kinds
from appliance.kiosk.letters.answers import AnswersInvalid
from appliance.kiosk.letters.kinds import Field, FieldType, Kind, When
from tests.unit.appliance.kiosk.letters import samples

TODAY = samples.TODAY
KINDS = kinds.load_kinds(kinds.SHIPPED)


def kind_of(**of_field: object) -> Kind:
    field = Field(name="a", label="A", **of_field)  # type: ignore[arg-type] # each test names what it needs
    return Kind(slug="x", title="Surat", code="1", about="abc", body="{a}", fields=(field,))


def check(typed: str, **of_field: object) -> object:
    return answers.check(kind_of(**of_field), {"a": typed}, TODAY).values.get("a")


def problem(typed: str, **of_field: object) -> str:
    with pytest.raises(AnswersInvalid) as caught:
        check(typed, **of_field)
    return caught.value.problems["a"]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_every_kind_takes_answers_and_gives_them_back(kind: Kind) -> None:
    checked = answers.check(kind, samples.raw(kind), TODAY)
    assert checked.values.keys() == {field.name for field in kind.fields}
    assert answers.restore(kind, checked.stored()) == checked
    assert answers.check(kind, checked.raw(), TODAY) == checked


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_every_kind_asks_again_for_what_is_needed_and_empty(kind: Kind) -> None:
    needed = {field.name for field in kind.fields if field.required}
    with pytest.raises(AnswersInvalid) as caught:
        answers.check(kind, {}, TODAY)
    assert caught.value.problems.keys() == needed


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("2026-08-17", (2026, 8, 17)),
        ("17-08-2026", (2026, 8, 17)),
        ("17/8/2026", (2026, 8, 17)),
        ("1.2.1999", (1999, 2, 1)),
        (" 29 02 2024 ", (2024, 2, 29)),
    ],
)
def test_dates_as_people_write_them(typed: str, day: tuple[int, int, int]) -> None:
    assert check(typed, type=FieldType.DATE) == datetime.date(*day)


@pytest.mark.parametrize(
    "typed", ["29-02-2025", "31-04-2026", "00-01-2026", "17-08-26", "besok", "17-08-1899", "1-1-2999", "١-١-٢٠٢٦"]
)
def test_dates_that_are_none(typed: str) -> None:
    assert "Tanggal ini tidak ada" in problem(typed, type=FieldType.DATE)


def test_dates_before_and_after_today() -> None:
    assert check("17-08-2026", type=FieldType.DATE, when=When.PAST) == TODAY
    assert check("17-08-2026", type=FieldType.DATE, when=When.FUTURE) == TODAY
    assert "belum tiba" in problem("18-08-2026", type=FieldType.DATE, when=When.PAST)
    assert "sudah lewat" in problem("16-08-2026", type=FieldType.DATE, when=When.FUTURE)


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("1500000", 1_500_000),
        ("1.500.000", 1_500_000),
        ("Rp 1.500.000", 1_500_000),
        ("Rp1.500.000,00", 1_500_000),
        ("rp. 1 500 000,-", 1_500_000),
        ("0", 0),
    ],
)
def test_sums_as_people_write_them(typed: str, value: int) -> None:
    assert check(typed, type=FieldType.RUPIAH) == value


@pytest.mark.parametrize("typed", ["1,5 juta", "-5", "1.50", "1e9", "1.5000", "٣", "1_000", "0x10", "1.500.000,50"])
def test_sums_that_are_none(typed: str) -> None:
    assert "Tulis dengan angka saja" in problem(typed, type=FieldType.RUPIAH)


def test_numbers_have_an_end() -> None:
    assert check("100", type=FieldType.NUMBER, max=100) == 100
    assert "paling banyak 100" in problem("101", type=FieldType.NUMBER, max=100)
    assert "999.999.999.999.999" in problem("1000000000000000", type=FieldType.RUPIAH)


def test_times() -> None:
    assert check("8:05", type=FieldType.TIME) == "08.05"
    assert check("23.59", type=FieldType.TIME) == "23.59"
    for typed in ("24.00", "8", "8.60", "pagi"):
        assert "Jam ini tidak ada" in problem(typed, type=FieldType.TIME)


def test_niks() -> None:
    assert check("5103 0165 0890 0001", type=FieldType.NIK) == "5103016508900001"
    assert "16 angka; ini 15" in problem("510301650890001", type=FieldType.NIK)
    for typed in ("5103013208900001", "5103017208900001", "5103011213900001", "5103011212900000"):
        assert "tidak mungkin benar" in problem(typed, type=FieldType.NIK)
    assert "16 angka" in problem("5.10301E+15", type=FieldType.NIK)


def test_telephones() -> None:
    assert check("+62 812-3456-7890", type=FieldType.PHONE) == "+6281234567890"
    assert check("(0361) 123456", type=FieldType.PHONE) == "0361123456"
    for typed in ("112", "81234567890", "0812x345678"):
        assert "dimulai dengan 0" in problem(typed, type=FieldType.PHONE)


def test_choices_are_those_given() -> None:
    assert check("Ayah", type=FieldType.CHOICE, choices=("Ayah", "Ibu")) == "Ayah"
    assert problem("ayah", type=FieldType.CHOICE, choices=("Ayah", "Ibu")) == "Pilih salah satu."
    assert problem("", type=FieldType.CHOICE, choices=("Ayah", "Ibu")) == "Pilih salah satu."


def test_texts_are_bounded_and_in_one_line() -> None:
    assert check("  satu\n dua\t tiga ") == "satu dua tiga"
    assert check("x" * 120) == "x" * 120
    assert "Paling panjang 120 huruf; ini 121" in problem("x" * 121)
    assert "Terlalu panjang" in problem("x" * 10_000)
    assert check("a\n\n b ", type=FieldType.LIST) == "a\nb"
    assert "Paling banyak 20 baris" in problem("a\n" * 21, type=FieldType.LIST)


@pytest.mark.parametrize(
    "typed", ["nama \u202egnp.exe", "a\u2066b", "a\x00b", "a\x1bb", "\ud800", "\U0001f600", "a\ufeffb"]
)
def test_marks_that_turn_or_cannot_be_printed_are_refused(typed: str) -> None:
    assert "tidak bisa dicetak" in problem(typed)


@pytest.mark.parametrize(
    "typed", ["Ni Luh <b>Ayu</b>", "=1+1", "O'Brien {nama}", "ꦤꦶꦭꦸꦃ", "ᬦᬶᬮᬸᬄ", "عبد الله", "陳小明", "Zoë Ümit Đặng"]
)
def test_names_of_all_scripts_and_harmless_signs_pass(typed: str) -> None:
    assert check(typed) == typed


def test_accents_are_kept_in_one_form() -> None:
    assert check("Zoe\u0308") == "Zo\u00eb"


@given(st.dictionaries(st.sampled_from(["a", "b", "nama"]), st.text(max_size=80)), st.sampled_from(FieldType))
def test_anything_typed_is_taken_or_told(raw: dict[str, str], kind: FieldType) -> None:
    choices = ("satu", "dua") if kind is FieldType.CHOICE else ()
    made = kind_of(type=kind, choices=choices)
    try:
        checked = answers.check(made, raw, TODAY)
    except AnswersInvalid as error:
        assert error.problems.keys() == {"a"}
    else:
        assert checked.values.keys() <= {"a"}
        assert all(text for text in answers.texts(made, checked, "WITA").values())


def test_what_a_kind_asks_no_longer_is_left_out() -> None:
    assert answers.restore(kind_of(), {"a": "satu", "b": "dua"}).values == {"a": "satu"}
    assert answers.restore(kind_of(), {}).values == {}


def test_how_answers_read_on_paper() -> None:
    day = answers.check(kind_of(type=FieldType.DATE), {"a": "17-08-2026"}, TODAY)
    assert answers.texts(kind_of(type=FieldType.DATE), day, "WITA") == {"a": "17 Agustus 2026", "a_hari": "Senin"}
    time = answers.check(kind_of(type=FieldType.TIME), {"a": "8.00"}, TODAY)
    assert answers.texts(kind_of(type=FieldType.TIME), time, "WIB") == {"a": "08.00 WIB"}
    lines = answers.check(kind_of(type=FieldType.PARAGRAPH), {"a": "satu\ndua"}, TODAY)
    assert answers.texts(kind_of(type=FieldType.PARAGRAPH), lines, "WIB") == {"a": "satu dua"}
