"""Voucher codes: what people type, what hubs derive, what districts sign."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captive_portal.vouchers import codes
from captive_portal.vouchers.codes import (
    ALPHABET,
    DistrictCode,
    derive_local,
    make_district,
    normalise,
    printed,
    read_district,
)

KEY, OTHER_KEY, SALT = b"k" * 32, b"o" * 32, b"s" * 16
LOCAL = st.text(ALPHABET, min_size=10, max_size=10)
WORTH = DistrictCode(7, 12, datetime.date(2026, 12, 31), 480, 500, 2, 1)
DISTRICT = st.builds(
    DistrictCode,
    st.integers(0, codes.DISTRICT_BATCH_MAX),
    st.integers(1, codes.DISTRICT_SERIAL_MAX),
    st.dates(codes.DISTRICT_EPOCH, codes.DISTRICT_LAST_DAY_MAX),
    st.sampled_from(codes.DISTRICT_MINUTES),
    st.sampled_from(codes.DISTRICT_MEGABYTES),
    st.integers(1, codes.DISTRICT_DEVICES_MAX),
    st.integers(0, codes.DISTRICT_SPEED_MAX),
)


@given(LOCAL, st.sampled_from(["-", " ", "\u2013", "\u00a0", ""]), st.booleans())
def test_a_code_is_read_however_it_is_typed(code: str, between: str, lower: bool) -> None:
    typed = f" {code[:5]}{between}{code[5:]}\n"
    typed = typed.replace("0", "o").replace("1", "l") if lower else typed.replace("0", "O").replace("1", "I")
    assert normalise(typed.lower() if lower else typed) == code


@pytest.mark.parametrize(
    "typed",
    ["", "-", "ABCDE", "ABCDE-FGHJU", "' OR 1=1 --", "<script>ab", "ABCDE-FGHJ\u0131", "\uff21BCDEFGHJK", "\u0660" * 10,
     "ABCDE-FGHJ\0", "A" * 10 + "-" * 60, "9" * 100_000, "\ud800" * 10, "ABCDEFGHJK" * 3, "\u00df" * 5],
)  # fmt: skip
def test_what_can_be_no_code_is_none(typed: str) -> None:
    assert normalise(typed) == ""


@given(st.text(max_size=200))
def test_any_text_is_a_code_or_nothing(text: str) -> None:
    found = normalise(text)
    assert found == "" or (len(found) in (10, 20) and set(found) <= set(ALPHABET))
    assert normalise(printed(found)) == found


def test_local_codes_are_derived_the_same_each_time_and_differ_otherwise() -> None:
    sheet = [derive_local(KEY, SALT, serial) for serial in range(1, 501)]
    assert sheet == [derive_local(KEY, SALT, serial) for serial in range(1, 501)]
    others = {derive_local(OTHER_KEY, SALT, 1), derive_local(KEY, b"t" * 16, 1)}
    assert len(set(sheet) | others) == 502
    assert all(normalise(printed(code)) == code for code in sheet)


def test_codes_on_paper_outlive_releases() -> None:
    assert derive_local(KEY, SALT, 1) == "46X069BESB"
    assert make_district(KEY, WORTH) == "9J8CMC948B3Q1VZXF11J"


def test_digests_need_the_key() -> None:
    assert codes.digest(KEY, "ABCDEFGHJK") != codes.digest(OTHER_KEY, "ABCDEFGHJK")
    assert len(codes.digest(KEY, "")) == 16


@given(DISTRICT)
def test_a_district_code_says_what_it_was_made_of(what: DistrictCode) -> None:
    code = make_district(KEY, what)
    assert normalise(printed(code).lower()) == code and len(code) == 20
    assert read_district(KEY, code) == what
    assert read_district(OTHER_KEY, code) is None


@given(DISTRICT, st.integers(0, 99))
def test_a_changed_bit_makes_a_district_code_void(what: DistrictCode, bit: int) -> None:
    code = make_district(KEY, what)
    place, value = bit // 5, 1 << bit % 5
    changed = code[:place] + ALPHABET[ALPHABET.index(code[place]) ^ value] + code[place + 1 :]
    assert read_district(KEY, changed) is None


@given(st.text(ALPHABET, min_size=20, max_size=20))
def test_no_made_up_code_is_taken(code: str) -> None:
    assert read_district(KEY, code) is None


def test_neighbours_on_a_sheet_do_not_look_alike() -> None:
    sheet = [make_district(KEY, DistrictCode(7, n, WORTH.last_day, 480, 500, 2, 1)) for n in range(1, 201)]
    for half in (0, 10):
        assert len({code[half : half + 5] for code in sheet}) > 195


def test_a_newer_format_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes, "_VERSION", 1)
    newer = make_district(KEY, WORTH)
    monkeypatch.undo()
    assert read_district(KEY, newer) is None


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ({"batch": 4_096}, "0 to 4095"),
        ({"serial": 0}, "1 to 4096"),
        ({"minutes": 61}, "30, 60"),
        ({"devices": 9}, "1 to 8"),
        ({"megabytes": 1}, "0, 50"),
        ({"speed_level": 8}, "0 to 7"),
        ({"last_day": datetime.date(2036, 3, 20)}, "2036-03-19"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_does(change: dict[str, int], allowed: str) -> None:
    values = {name: getattr(WORTH, name) for name in DistrictCode.__slots__}
    with pytest.raises(ValueError, match=allowed):
        DistrictCode(**values | change)


def test_speed_levels_follow_the_order_of_the_hub() -> None:
    names = ["pelan", "biasa", "cepat"]
    assert [codes.speed_of_level(level, names) for level in (0, 1, 3, 7)] == ["", "pelan", "cepat", "cepat"]
    assert codes.speed_of_level(4, []) == ""
