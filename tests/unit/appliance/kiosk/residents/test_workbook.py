"""Workbooks as villages have them, and as attackers make them."""

import datetime
import io
import zipfile
from collections.abc import Mapping
from typing import IO, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.kiosk.residents import workbook
from appliance.kiosk.residents.columns import COLUMNS, ValueWrong, Wrong, read
from appliance.kiosk.residents.workbook import FileInvalid, FileWrong, Header, Row, read_workbook
from tests.unit.appliance.kiosk.residents.people import AYU, MADE, csv_file, xlsx

TODAY = datetime.date(2026, 9, 21)


def rows_of(file: IO[bytes]) -> tuple[Header, list[Row]]:
    header, rows = read_workbook(file, TODAY)
    return header, list(rows)


def wrong_of(file: IO[bytes]) -> FileWrong:
    with pytest.raises(FileInvalid) as caught:
        rows_of(file)
    return caught.value.wrong


def problems(row: Mapping[str, Any]) -> dict[str, Wrong]:
    """What is wrong with one row of a workbook."""
    _, rows = rows_of(xlsx([{**MADE, **row}]))
    assert len(rows) == 1
    return {name: each.wrong for name, each in rows[0].problems.items()}


def test_a_workbook_is_read() -> None:
    header, rows = rows_of(xlsx([MADE, AYU]))
    assert header.known == tuple(MADE) and header.others == ()
    assert [(row.number, row.values, row.problems) for row in rows] == [(2, MADE, {}), (3, AYU, {})]


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "utf-16", "cp1252"])
def test_csv_is_read(delimiter: str, encoding: str) -> None:
    _, rows = rows_of(csv_file([{**MADE, "nama": "René, Made; Suparta"}], delimiter=delimiter, encoding=encoding))
    assert rows == [Row(2, {**MADE, "nama": "René, Made; Suparta"}, {})]


def test_cells_of_other_kinds_are_read_or_named() -> None:
    row = {**MADE, "rt": 1, "rw": 2.0, "agama_id": 4, "tanggallahir": datetime.date(1990, 8, 17), "lat": -8.65}
    _, rows = rows_of(xlsx([row]))
    assert rows[0].values == {**MADE, "lat": "-8.65"} and not rows[0].problems
    assert problems({"nik": 5103011708900001}) == {"nik": Wrong.NIK_SPREADSHEET}
    assert problems({"no_kk": 5.10301e15, "ayah_nik": 5103011708900002}) == {
        "no_kk": Wrong.NIK_SPREADSHEET,
        "ayah_nik": Wrong.NIK_SPREADSHEET,
    }
    assert problems({"nik": "5.10301E+15"}) == {"nik": Wrong.NIK_SPREADSHEET}
    assert problems({"rt": datetime.date(2026, 1, 2)}) == {"rt": Wrong.SPREADSHEET_DATE}
    assert problems({"hamil": True}) == {"hamil": Wrong.SPREADSHEET_DATE}
    assert problems({"tanggallahir": 33102}) == {"tanggallahir": Wrong.NO_DATE}
    assert problems({"ayah_nik": 0}) == {}


def test_formulas_and_errors_are_refused() -> None:
    assert problems({"nama": '=HYPERLINK("http://x")'}) == {"nama": Wrong.FORMULA}
    assert problems({"nama": "#N/A"}) == {"nama": Wrong.ERROR_VALUE}
    _, rows = rows_of(csv_file([{**MADE, "nik": '="5103011708900001"', "nama": "+Made"}]))
    assert {name: each.wrong for name, each in rows[0].problems.items()} == {"nik": Wrong.FORMULA}
    assert rows[0].values["nama"] == "+Made"


def test_what_everybody_has_is_missed() -> None:
    assert problems({"nama": None}) == {"nama": Wrong.REQUIRED}
    assert problems({"nik": "-"}) == {"nik": Wrong.REQUIRED}
    assert problems({"nik": "0"}) == {"nik": Wrong.NIK_ZERO}


def test_hostile_cells() -> None:
    found = problems({"nama": "a" * 10_000, "alamat": "x\u202ey", "dusun": "b" * 32_000})
    assert found == {"nama": Wrong.TOO_LONG, "dusun": Wrong.TOO_LONG}


def test_the_sheet_and_the_header_are_looked_for() -> None:
    file = xlsx([{}, {"alamat": "Format impor"}], header=["judul"])
    assert wrong_of(file) is FileWrong.NO_HEADER
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["petunjuk"])
    sheet = book.create_sheet("Data Penduduk")
    sheet.append(["IMPOR PENDUDUK"])
    sheet.append(["NAMA ", "nik", "catatan desa", None, "sex"])
    sheet.append(["Made", MADE["nik"], "x", None, 1])
    sheet.append([None, None])
    sheet.append(["###"])
    sheet.append(["Sesudah akhir", AYU["nik"]])
    made = io.BytesIO()
    book.save(made)
    header, rows = rows_of(made)
    assert header == Header(("nama", "nik", "sex"), ("catatan desa",))
    assert rows == [Row(3, {"nama": "Made", "nik": MADE["nik"], "sex": "1"}, {})]


def test_files_that_are_not_taken() -> None:
    assert wrong_of(io.BytesIO()) is FileWrong.EMPTY
    assert wrong_of(io.BytesIO(b"a" * (workbook.FILE_BYTES_MAX + 1))) is FileWrong.TOO_LARGE
    assert wrong_of(io.BytesIO(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 500)) is FileWrong.OLD_EXCEL
    assert wrong_of(io.BytesIO(b"%PDF-1.7\n\0\xff")) is FileWrong.OTHER_KIND
    assert wrong_of(io.BytesIO(b"hanya tulisan")) is FileWrong.OTHER_KIND
    assert wrong_of(io.BytesIO(b"\xff\xd8\xff\xe0" + bytes(500))) is FileWrong.OTHER_KIND
    assert wrong_of(io.BytesIO(b"a;b;c\n1;2;3\n")) is FileWrong.NO_HEADER
    assert wrong_of(io.BytesIO(b"nik;nama;nik\n")) is FileWrong.COLUMN_TWICE
    assert wrong_of(io.BytesIO(b"nik;nama;" + b";x" * 200 + b"\n")) is FileWrong.TOO_MANY_COLUMNS
    wide = "nik;nama\n" + MADE["nik"] + ";Made" + ";x" * 200 + "\n"
    assert wrong_of(io.BytesIO(wide.encode())) is FileWrong.TOO_MANY_COLUMNS


def test_too_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "ROWS_MAX", 3)
    assert len(rows_of(csv_file([MADE] * 3))[1]) == 3
    assert wrong_of(csv_file([MADE] * 4)) is FileWrong.TOO_MANY_ROWS
    assert wrong_of(xlsx([MADE] * 4)) is FileWrong.TOO_MANY_ROWS


def zipped(parts: Mapping[str, bytes], *, compressed: int = zipfile.ZIP_DEFLATED) -> IO[bytes]:
    """A ZIP that looks like a workbook from outside."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compressed) as archive:
        for name, content in {"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>", **parts}.items():
            archive.writestr(name, content)
    made.seek(0)
    return made


def test_zips_that_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "_UNPACKED_BYTES_MAX", 4_000_000)
    monkeypatch.setattr(workbook, "_PART_BYTES_MAX", 1_000_000)
    assert wrong_of(zipped({"xl/worksheets/sheet1.xml": bytes(5_000_000)})) is FileWrong.UNPACKS_TOO_LARGE
    assert wrong_of(zipped({"xl/styles.xml": bytes(2_000_000)})) is FileWrong.UNPACKS_TOO_LARGE
    for name in ("../../etc/passwd", "/etc/passwd", "xl\\..\\x", "C:evil", "xl/../x"):
        assert wrong_of(zipped({name: b"x"})) is FileWrong.STRANGE_PARTS
    assert wrong_of(zipped({f"xl/media/{number}.png": b"x" for number in range(500)})) is FileWrong.STRANGE_PARTS
    assert wrong_of(zipped({"a": b"x"}, compressed=zipfile.ZIP_BZIP2)) is FileWrong.STRANGE_PARTS
    assert wrong_of(zipped({})) is FileWrong.DAMAGED
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("surat.docx", "x")
    assert wrong_of(other) is FileWrong.OTHER_KIND
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", "x")
    assert wrong_of(other) is FileWrong.OPEN_DOCUMENT
    assert wrong_of(io.BytesIO(b"PK\x03\x04 and no more")) is FileWrong.DAMAGED


def test_an_entity_bomb_goes_off_nowhere() -> None:
    good = xlsx([MADE])
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;</x>'
    made = io.BytesIO()
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(made, "w") as archive:
        for part in old.infolist():
            archive.writestr(part.filename, bomb if "sheet1" in part.filename else old.read(part))
    assert wrong_of(made) in (FileWrong.DAMAGED, FileWrong.NO_HEADER)


TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)


@given(st.lists(st.dictionaries(st.sampled_from([each.name for each in COLUMNS]), TEXTS), max_size=4), st.booleans())
@settings(max_examples=60)
def test_what_is_written_is_read_again(raw: list[dict[str, str]], is_csv: bool) -> None:
    kept = []
    for number, each in enumerate(raw, 1):
        values = {"nama": "Made", "nik": f"510301170890{number:04}"}
        for column in COLUMNS:
            try:
                value = read(column, each.get(column.name, ""), TODAY)
            except ValueWrong:
                continue
            if value and column.name not in ("nama", "nik"):
                values[column.name] = value
        kept.append(values)
    file = io.BytesIO()
    if is_csv:
        workbook.write_csv(kept, lambda text: file.write(text.encode()))
    else:
        workbook.write_xlsx(kept, file)
    assert [row.values for row in rows_of(file)[1]] == kept


@given(st.text(max_size=20))
def test_no_cell_of_a_csv_is_a_formula(text: str) -> None:
    found = workbook.harmless(text)
    assert not found.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert found in (text, f"'{text}")


def test_no_cell_of_a_workbook_is_a_formula() -> None:
    import openpyxl

    file = io.BytesIO()
    workbook.write_xlsx([{"nama": "=1+1", "nik": MADE["nik"]}], file)
    row = list(openpyxl.load_workbook(file).active.iter_rows())[1]
    cell = {
        name.value: each for name, each in zip(next(openpyxl.load_workbook(file).active.iter_rows()), row, strict=True)
    }
    assert cell["nama"].data_type == "s" and cell["nama"].value == "=1+1"
    assert cell["nik"].data_type == "s" and cell["nik"].number_format == "@"


@given(st.binary(max_size=200))
def test_any_bytes_are_a_workbook_or_said_to_be_none(content: bytes) -> None:
    try:
        rows_of(io.BytesIO(content))
    except FileInvalid:
        return


GOOD = xlsx([MADE, AYU]).getvalue()  # type: ignore[attr-defined]


@given(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=8), st.booleans())
@settings(max_examples=80)
def test_a_damaged_workbook_is_said_to_be_so(place: int, content: bytes, is_cut: bool) -> None:
    try:
        rows_of(io.BytesIO(GOOD[:place] if is_cut else GOOD[:place] + content + GOOD[place + len(content) :]))
    except FileInvalid:
        return
