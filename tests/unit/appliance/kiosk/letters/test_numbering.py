"""How numbers are written, and which dates they may have."""

from __future__ import annotations

import datetime
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core import config as hub_config
from appliance.core import letter_number
from appliance.core.errors import ConfigError
from appliance.kiosk.letters import numbering
from appliance.kiosk.letters.numbering import DateNeeded, DateRefused, SeriesEnd
from tests.unit.appliance.kiosk.conftest import HUB_TOML

AUGUST = datetime.date(2026, 8, 17)


def days(day: str) -> datetime.date:
    return datetime.date.fromisoformat(day)


@pytest.mark.parametrize(
    ("number_format", "written"),
    [
        ("[kode]/[nomor, 3]/[kode_desa]/[bulan_romawi]/[tahun]", "S-14/007/5103012001/VIII/2026"),
        ("[kode_surat]/[nomor_surat, 3]/[kode_desa]/[bulan_romawi]/[tahun]", "S-14/007/5103012001/VIII/2026"),
        ("[nomor_surat,3]/PK-TBT/[bulan_romawi]/[tahun]", "007/PK-TBT/VIII/2026"),
        ("[nomor]/[bulan]/[tahun]", "7/08/2026"),
        ("[nomor, 6].[tahun]", "000007.2026"),
    ],
)
def test_a_number_is_written_as_the_village_has_it(number_format: str, written: str) -> None:
    assert letter_number.is_format(number_format)
    assert letter_number.write(number_format, code="S-14", serial=7, date=AUGUST, area_code="51.03.01.2001") == written


def test_a_serial_that_needs_more_digits_gets_them() -> None:
    text = letter_number.write("[nomor, 2]/[tahun]", code="", serial=1234, date=AUGUST, area_code="")
    assert text == "1234/2026"


@pytest.mark.parametrize(
    "wrong",
    [
        "", "[nomor, 3]", "[tahun]", "[nomor]/[nomor]/[tahun]", "[nomor]/[tahun]/[tahun]", "[nomor]/[tahun]/[x]",
        "[nomor, 0]/[tahun]", "[nomor, 9]/[tahun]", "[nomor, 12]/[tahun]", "[nomor]/[tahun", "[nomor]]/[tahun]",
        "[[nomor]]/[tahun]", "{nomor}/{tahun}", "[nomor]/[tahun]\n", "[Nomor]/[tahun]", "[nomor]/[tahun]" + "x" * 80,
        "[nomor, ٣]/[tahun]", "[kode][nomor]/[tahun]",
    ],
)  # fmt: skip
def test_a_format_that_gives_two_letters_one_number_or_none_is_refused(wrong: str) -> None:
    assert not letter_number.is_format(wrong)
    with pytest.raises(ConfigError) as refused:
        hub_config.parse(f'{HUB_TOML}\n[letters]\nnumber_format = {json.dumps(wrong)}\nnumber_scope = "all"\n')
    assert str(refused.value).startswith("letters.number_format: is ")


def test_kinds_that_are_counted_apart_say_their_code() -> None:
    said = f"{HUB_TOML}\n[letters]\nnumber_format = '[nomor]/[tahun]'\n"
    with pytest.raises(ConfigError) as refused:
        hub_config.parse(said)
    assert 'add [kode], or choose number_scope = "all"' in str(refused.value)
    assert hub_config.parse(said + "number_scope = 'all'\n").letters.number_format == "[nomor]/[tahun]"


@given(
    st.integers(1, 99_999), st.integers(1, 99_999), st.sampled_from(["S-14", "S.1", "474/1"]),
    st.sampled_from(["S-14", "S.1", "474/1"]), st.dates(days("2024-01-01"), days("2099-12-31")),
    st.dates(days("2024-01-01"), days("2099-12-31")),
)  # fmt: skip
def test_two_places_in_the_default_row_never_read_alike(
    one: int, other: int, code: str, code_2: str, date: datetime.date, date_2: datetime.date
) -> None:
    default = hub_config.parse(HUB_TOML).letters.number_format
    first = letter_number.write(default, code=code, serial=one, date=date, area_code="51.03.01.2001")
    second = letter_number.write(default, code=code_2, serial=other, date=date_2, area_code="51.03.01.2001")
    if (code, one, date.year) != (code_2, other, date_2.year):
        assert first != second


@pytest.mark.parametrize("host", ["cek.example.go.id", ""])
def test_the_verification_host_is_a_name_of_its_own(host: str) -> None:
    said = f"{HUB_TOML}\n[letters]\nverification_host = '{host}'\n"
    assert hub_config.parse(said).letters.verification_host == host


@pytest.mark.parametrize("host", ["masuk.desa.internal", "layanan.desa.internal", "connectivitycheck.gstatic.com", "x"])
def test_a_verification_host_that_is_something_else_is_refused(host: str) -> None:
    with pytest.raises(ConfigError) as refused:
        hub_config.parse(f"{HUB_TOML}\n[letters]\nverification_host = '{host}'\n")
    assert "verification_host" in str(refused.value)


def test_the_date_is_today_or_told() -> None:
    assert numbering.choose_date(None, AUGUST, clock_is_known=True) == AUGUST
    with pytest.raises(DateNeeded):
        numbering.choose_date(None, days("1970-01-01"), clock_is_known=False)
    assert numbering.choose_date(AUGUST, days("1970-01-01"), clock_is_known=False) == AUGUST
    for wrong in ("1970-01-01", "2023-12-31", "2100-01-01"):
        with pytest.raises(DateRefused):
            numbering.choose_date(days(wrong), AUGUST, clock_is_known=False)


def allowed(date: str, *, end: SeriesEnd, today: str = "2026-08-17", known: bool = True) -> bool:
    try:
        numbering.require_date(days(date), end, days(today), clock_is_known=known)
    except DateRefused:
        return False
    return True


def test_with_a_clock_the_date_is_todays() -> None:
    empty = SeriesEnd()
    assert allowed("2026-08-17", end=empty)
    for wrong in ("2026-08-16", "2026-08-18", "2025-08-17", "2027-01-01"):
        assert not allowed(wrong, end=empty)


def test_a_date_is_never_before_the_last_numbers() -> None:
    end = SeriesEnd(5, days("2026-08-15"), days("2026-08-15"))
    assert allowed("2026-08-17", end=end)
    assert not allowed("2026-08-14", end=end)
    assert not allowed("2026-08-14", end=end, known=False)
    assert allowed("2026-08-15", end=end, known=False)


def test_a_date_told_too_late_in_the_year_holds_up_nobody() -> None:
    """The office told 1 December while the clock was unknown; then the clock is right and it is August."""
    end = SeriesEnd(5, days("2026-12-01"), days("2026-08-01"))
    assert not allowed("2026-08-17", end=end)
    assert allowed("2026-12-01", end=end)
    assert not allowed("2026-12-02", end=end)


def test_a_year_told_wrong_binds_no_other_year() -> None:
    assert allowed("2026-08-17", end=SeriesEnd(5, None, days("2026-08-01")))
    # Of the wrong year nobody gives another number once the clock is right.
    assert not allowed("2031-08-17", end=SeriesEnd(5, days("2031-08-16"), days("2026-08-01")))


def test_without_a_clock_no_date_lies_before_one_that_a_clock_gave() -> None:
    end = SeriesEnd(0, None, days("2026-08-01"))
    assert not allowed("2025-12-31", end=end, known=False, today="1970-01-01")
    assert allowed("2026-08-01", end=end, known=False, today="1970-01-01")


@given(st.dates(days("2024-01-01"), days("2099-12-31")), st.booleans(), st.dates(), st.dates())
def test_with_a_clock_there_is_always_a_date_that_is_allowed(
    today: datetime.date, has_last: bool, last: datetime.date, known: datetime.date
) -> None:
    last_here = last.replace(day=1, year=today.year) if has_last else None
    end = SeriesEnd(1, last_here, known)
    date = max(today, last_here or today)
    numbering.require_date(date, end, today, clock_is_known=True)
