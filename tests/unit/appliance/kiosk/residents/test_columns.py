"""What each column may hold, and the one form in which it is kept."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.kiosk.residents import codes
from appliance.kiosk.residents.columns import BY_NAME, COLUMNS, ValueWrong, Wrong, clean, read

TODAY = datetime.date(2026, 9, 21)


def kept(name: str, text: str) -> str:
    return read(BY_NAME[name], text, TODAY)


def test_the_workbook_has_its_43_columns() -> None:
    assert len(COLUMNS) == 43 == len(BY_NAME)


@pytest.mark.parametrize("column", [each.name for each in COLUMNS])
@pytest.mark.parametrize("blank", ["", " ", "-", "\u200b", "\t\n", "0000-00-00"])
def test_a_blank_is_nothing(column: str, blank: str) -> None:
    assert kept(column, blank) == ""


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("nama", "  I  Made\tSuparta\u00a0", "I Made Suparta"),
        ("nama", "\u202eMade\u202c", "Made"),
        ("nama", "'=Made", "=Made"),
        ("nama", "'Aisyah", "'Aisyah"),
        ("nama", "ꦗꦮ\u200dꦶ", "ꦗꦮ\u200dꦶ"),
        ("rt", "1", "001"),
        ("rt", "01", "001"),
        ("rt", "A1", "A1"),
        ("rw", "0", ""),
        ("sex", "L", "1"),
        ("sex", "perempuan", "2"),
        ("agama_id", "KATHOLIK", "3"),
        ("agama_id", "0", ""),
        ("pendidikan_kk_id", "TAMAT SD / SEDERAJAT", "3"),
        ("pendidikan_kk_id", "AKADEMI/ DIPLOMA III/S. MUDA", "7"),
        ("pekerjaan_id", "PEGAWAI NEGERI SIPIL (PNS)", "5"),
        ("pekerjaan_id", "89", "89"),
        ("golongan_darah_id", "AB+", "9"),
        ("golongan_darah_id", "A-", "6"),
        ("cara_kb_id", "99", "99"),
        ("hamil", "0", "2"),
        ("status_dasar", "PINDAH", "3"),
        ("tanggallahir", "1990-08-17", "1990-08-17"),
        ("tanggallahir", "17/8/1990", "1990-08-17"),
        ("tanggallahir", "'17-08-1990", "1990-08-17"),
        ("tanggallahir", "1990-08-17 00:00:00", "1990-08-17"),
        ("tanggal_akhir_paspor", "2031-01-01", "2031-01-01"),
        ("ayah_nik", "0", ""),
        ("no_kk", "5103.0101.0110.0001", "5103010101100001"),
        ("lat", "-8,65", "-8.65"),
    ],
)
def test_a_text_comes_into_one_form(name: str, text: str, found: str) -> None:
    assert kept(name, text) == found


@pytest.mark.parametrize(
    ("name", "text", "wrong"),
    [
        ("nama", "a" * 101, Wrong.TOO_LONG),
        ("nama", "a" * 100_000, Wrong.TOO_LONG),
        ("nama", "Bu\x00di", Wrong.UNREADABLE),
        ("nama", "Bu\x1bdi", Wrong.UNREADABLE),
        ("nama", "Bu\ud800di", Wrong.UNREADABLE),
        ("agama_id", "8", Wrong.UNKNOWN_CODE),
        ("agama_id", "-1", Wrong.UNKNOWN_CODE),
        ("agama_id", "9" * 500, Wrong.UNKNOWN_CODE),
        ("status_dasar", "5", Wrong.UNKNOWN_CODE),
        ("tanggallahir", "31-02-1990", Wrong.NO_DATE),
        ("tanggallahir", "08/17/1990", Wrong.NO_DATE),
        ("tanggallahir", "33102", Wrong.NO_DATE),
        ("tanggallahir", "17-08-90", Wrong.NO_DATE),
        ("tanggallahir", "2026-09-22", Wrong.IN_FUTURE),
        ("tanggallahir", "0199-01-01", Wrong.DATE_OUT_OF_RANGE),
        ("nik", "0", Wrong.NIK_ZERO),
        ("nik", "5.1E+15", Wrong.NIK_SPREADSHEET),
        ("no_kk", "5.1E+15", Wrong.NIK_SPREADSHEET),
        ("ayah_nik", "123", Wrong.NIK_LENGTH),
        ("lat", "91", Wrong.NO_NUMBER),
        ("lng", "nan", Wrong.NO_NUMBER),
    ],
)
def test_what_a_column_cannot_hold_is_refused(name: str, text: str, wrong: Wrong) -> None:
    with pytest.raises(ValueWrong) as caught:
        kept(name, text)
    assert caught.value.wrong is wrong


@given(st.sampled_from(COLUMNS), st.text(max_size=60))
def test_what_is_kept_reads_as_itself(column: object, text: str) -> None:
    try:
        once = read(column, text, TODAY)  # type: ignore[arg-type]
    except ValueWrong:
        return
    # But for the apostrophe of a cell that begins as a formula: what is written puts one there again.
    assert read(column, once if not once.startswith("'") else f"'{once}", TODAY) == once  # type: ignore[arg-type]


@given(st.text(max_size=200))
def test_clean_text_is_one_line_that_shows_all_of_itself(text: str) -> None:
    try:
        found = clean(text)
    except ValueWrong:
        return
    assert "\n" not in found and found == found.strip()
    assert not set(found) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\ufeff\u200b")


@pytest.mark.parametrize(
    "table",
    [each.table for each in COLUMNS if each.table is not None],
    ids=lambda table: next(iter(table.words.values())),
)
def test_each_word_means_its_number(table: codes.Table) -> None:
    for code, word in table.words.items():
        assert table.code_of(word) == table.code_of(word.upper()) == table.code_of(str(code)) == code


def test_opensids_numbers() -> None:
    assert len(codes.OCCUPATION.words) == 89
    assert codes.OCCUPATION.words[9] == "Petani/Pekebun" and codes.OCCUPATION.words[88] == "Wiraswasta"
    assert codes.OCCUPATION.words[64] == "Dosen" and codes.OCCUPATION.words[75] == "Apoteker"
    assert codes.FAMILY_ROLE.words[11] == "Lainnya" and codes.CURRENT_EDUCATION.words[18] == "Tidak Sedang Sekolah"
    assert codes.EDUCATION.words[10] == "Strata III" and codes.BLOOD_TYPE.words[13] == "Tidak Tahu"
    assert set(codes.STATUS.words) == {status.code for status in codes.StatusDasar} == set(codes.STATUS_OF_CODE)
