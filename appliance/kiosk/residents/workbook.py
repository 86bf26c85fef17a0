"""OpenSID's workbook of residents, read and written: .xlsx, or CSV with semicolons, commas or tabs.

A file is told by its content, never by its name, and judged before it is opened: a workbook is a ZIP, and a small one
may hold gigabytes. Reading takes memory and time that the file decides; `appliance.kiosk.residents.converter` does it
in a process of its own.

Source: ECMA-376 (Office Open XML); RFC 4180; OWASP, CSV Injection.
"""

from __future__ import annotations

import csv
import datetime
import enum
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Final

from appliance.kiosk.residents.columns import BY_NAME, COLUMNS, REQUIRED, Column, Kind, ValueWrong, Wrong, read

if TYPE_CHECKING:
    from openpyxl.cell import WriteOnlyCell

FILE_BYTES_MAX: Final = 8 * 1024 * 1024
ROWS_MAX: Final = 50_000
COLUMNS_MAX: Final = 120
SHEET: Final = "Data Penduduk"
_ENTRIES_MAX: Final = 400
_UNPACKED_BYTES_MAX: Final = 256 * 1024 * 1024
# What is read as a whole; the sheet itself is streamed.
_STRINGS_BYTES_MAX: Final = 32 * 1024 * 1024
_PART_BYTES_MAX: Final = 4 * 1024 * 1024
_HEADER_WITHIN_ROWS: Final = 10
_END_MARK: Final = "###"  # OpenSID's templates end with it
# A spreadsheet takes a cell that begins so for a formula. The apostrophe put before it is taken away when it is read.
_FORMULA_BEGINS: Final = ("=", "+", "-", "@", "\t", "\r")


class FileWrong(enum.StrEnum):
    """Why a file is not read at all."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    OLD_EXCEL = "old_excel"  # .xls, or an .xlsx with a password: both are OLE containers
    OPEN_DOCUMENT = "open_document"
    OTHER_KIND = "other_kind"
    UNPACKS_TOO_LARGE = "unpacks_too_large"
    STRANGE_PARTS = "strange_parts"
    DAMAGED = "damaged"
    NO_HEADER = "no_header"
    COLUMN_TWICE = "column_twice"
    TOO_MANY_ROWS = "too_many_rows"
    TOO_MANY_COLUMNS = "too_many_columns"
    TOO_SLOW = "too_slow"


class FileInvalid(ValueError):  # noqa: N818
    """A file that is not read; ``detail`` is a limit or the name of a column, nothing personal."""

    def __init__(self, wrong: FileWrong, detail: str = "") -> None:
        self.wrong, self.detail = wrong, detail
        super().__init__(f"{wrong.value}{f' ({detail})' if detail else ''}")


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a file: those of OpenSID, and others, which are left alone."""

    known: tuple[str, ...]
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number as the spreadsheet shows it, what it holds, and what is wrong in it by column."""

    number: int
    values: Mapping[str, str]
    problems: Mapping[str, ValueWrong] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cell as the file has it."""

    value: Any
    is_formula: bool = False
    is_error: bool = False


_NOTHING: Final = _Cell(None)
_Cells = Sequence[_Cell]


def read_workbook(file: IO[bytes], today: datetime.date) -> tuple[Header, Iterator[Row]]:
    """Read a file of any kind that is taken.

    Args:
        file: seekable, at its beginning.
        today: births and marriages are not later.

    Raises:
        FileInvalid: now, or while the rows are gone through.
    """
    lines = _lines(file)
    for number, cells in lines:
        if number > _HEADER_WITHIN_ROWS:
            break
        names = [_header_name(cell) for cell in cells]
        if set(REQUIRED) <= set(names):
            return _header(names), _rows(names, lines, today)
    raise FileInvalid(FileWrong.NO_HEADER, " ".join(REQUIRED))


def _lines(file: IO[bytes]) -> Iterator[tuple[int, _Cells]]:
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if not size:
        raise FileInvalid(FileWrong.EMPTY)
    if size > FILE_BYTES_MAX:
        raise FileInvalid(FileWrong.TOO_LARGE, str(FILE_BYTES_MAX // 1024 // 1024))
    begin = file.read(4096)
    file.seek(0)
    if begin.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise FileInvalid(FileWrong.OLD_EXCEL)
    if begin.startswith(b"PK\x03\x04"):
        return _xlsx_lines(file)
    return _csv_lines(file, begin)


# --- CSV


def _csv_lines(file: IO[bytes], begin: bytes) -> Iterator[tuple[int, _Cells]]:
    text = _decoded(file.read(), begin)
    head = text[:4096].partition("\n")[0]
    delimiter = max(";,\t", key=head.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for cells in rows:
            # The number of the line, as an editor shows it: a cell may hold several.
            # Of a line with a million cells no more than it takes to refuse it: each costs memory.
            few = [
                *cells[:COLUMNS_MAX],
                *([next(filter(None, cells[COLUMNS_MAX:]), "")] if len(cells) > COLUMNS_MAX else []),
            ]
            yield rows.line_num, [_Cell(text, is_formula=text.lstrip().startswith("=")) for text in few]
    except csv.Error:
        raise FileInvalid(FileWrong.DAMAGED) from None


def _decoded(content: bytes, begin: bytes) -> str:
    if begin.startswith((b"\xff\xfe", b"\xfe\xff")):  # "Unicode text" of a spreadsheet
        encodings = ["utf-16"]
    elif b"\0" in begin:
        raise FileInvalid(FileWrong.OTHER_KIND)
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not any(each in text[:4096] for each in ";,\t"):
            break
        return text
    raise FileInvalid(FileWrong.OTHER_KIND)


# --- XLSX


def _xlsx_lines(file: IO[bytes]) -> Iterator[tuple[int, _Cells]]:
    _judge(file)
    import openpyxl  # noqa: PLC0415 - takes 20 MB, and only this process

    try:
        book = openpyxl.load_workbook(file, read_only=True, keep_links=False)
        with closing(book):
            for sheet in sorted(book.worksheets, key=lambda each: each.title != SHEET):
                lines = _sheet_lines(sheet)
                first = [line for _, line in zip(range(_HEADER_WITHIN_ROWS), lines, strict=False)]
                if any(set(REQUIRED) <= {_header_name(cell) for cell in cells} for _, cells in first):
                    yield from first
                    yield from lines
                    return
    except FileInvalid:
        raise
    except Exception:  # noqa: BLE001 - a hostile file makes openpyxl and its parsers raise nearly anything
        raise FileInvalid(FileWrong.DAMAGED) from None


def _sheet_lines(sheet: Any) -> Iterator[tuple[int, _Cells]]:
    # What a sheet says of its own size is not believed: rows and cells that are not there are made up to it.
    for number, cells in enumerate(
        sheet.iter_rows(max_row=ROWS_MAX + _HEADER_WITHIN_ROWS + 2, max_col=COLUMNS_MAX + 1), 1
    ):
        yield (
            number,
            [
                _NOTHING if cell.value is None else _Cell(cell.value, cell.data_type == "f", cell.data_type == "e")
                for cell in cells
            ],
        )


def _judge(file: IO[bytes]) -> None:
    """Look at the list of a ZIP's parts, and at nothing in them."""
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError, OSError):
        raise FileInvalid(FileWrong.DAMAGED) from None
    finally:
        file.seek(0)
    names = {part.filename for part in parts}
    if "mimetype" in names and "content.xml" in names:
        raise FileInvalid(FileWrong.OPEN_DOCUMENT)
    if "[Content_Types].xml" not in names or "xl/workbook.xml" not in names:
        raise FileInvalid(FileWrong.OTHER_KIND)
    if len(parts) > _ENTRIES_MAX or len(names) < len(parts) or any(_is_strange(part) for part in parts):
        raise FileInvalid(FileWrong.STRANGE_PARTS)
    if sum(part.file_size for part in parts) > _UNPACKED_BYTES_MAX or any(_is_huge(part) for part in parts):
        raise FileInvalid(FileWrong.UNPACKS_TOO_LARGE)


def _is_strange(part: zipfile.ZipInfo) -> bool:
    name = part.filename
    climbs = name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or ":" in name or "\\" in name
    is_secret = part.flag_bits & 0x1
    return climbs or bool(is_secret) or part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def _is_huge(part: zipfile.ZipInfo) -> bool:
    if part.filename.startswith(("xl/worksheets/sheet", "xl/media/")):
        return False  # streamed, or not read
    return part.file_size > (_STRINGS_BYTES_MAX if part.filename == "xl/sharedStrings.xml" else _PART_BYTES_MAX)


# --- rows


def _header_name(cell: _Cell) -> str:
    return " ".join(cell.value.split()).casefold() if isinstance(cell.value, str) else ""


def _header(names: Sequence[str]) -> Header:
    if len(names) > COLUMNS_MAX and any(names[COLUMNS_MAX:]):
        raise FileInvalid(FileWrong.TOO_MANY_COLUMNS, str(COLUMNS_MAX))
    known = [name for name in names if name in BY_NAME]
    for name in known:
        if known.count(name) > 1:
            raise FileInvalid(FileWrong.COLUMN_TWICE, name)
    return Header(tuple(known), tuple(name[:40] for name in names if name and name not in BY_NAME))


def _rows(names: Sequence[str], lines: Iterator[tuple[int, _Cells]], today: datetime.date) -> Iterator[Row]:
    places = [(place, BY_NAME[name]) for place, name in enumerate(names) if name in BY_NAME]
    count = 0
    for number, cells in lines:
        if cells and isinstance(cells[0].value, str) and cells[0].value.strip() == _END_MARK:
            return
        if any(cell.value is not None for cell in cells[COLUMNS_MAX:]):
            raise FileInvalid(FileWrong.TOO_MANY_COLUMNS, str(COLUMNS_MAX))
        row = _row(number, [(column, cells[place]) for place, column in places if place < len(cells)], today)
        if not row.values and not row.problems:
            continue
        count += 1
        if count > ROWS_MAX:
            raise FileInvalid(FileWrong.TOO_MANY_ROWS, str(ROWS_MAX))
        yield row


def _row(number: int, cells: Iterable[tuple[Column, _Cell]], today: datetime.date) -> Row:
    values: dict[str, str] = {}
    problems: dict[str, ValueWrong] = {}
    for column, cell in cells:
        if cell.value is None or cell.value == "":
            continue
        try:
            if value := read(column, _text(column, cell), today):
                values[column.name] = value
        except ValueWrong as wrong:
            problems[column.name] = wrong
    if values or problems:
        for name in REQUIRED:
            if name not in values and name not in problems:
                problems[name] = ValueWrong(Wrong.REQUIRED)
    return Row(number, values, problems)


def _text(column: Column, cell: _Cell) -> str:
    """A cell as its column reads it. Raises `ValueWrong` where the spreadsheet has made something else of it."""
    if cell.is_formula:
        raise ValueWrong(Wrong.FORMULA)
    if cell.is_error:
        raise ValueWrong(Wrong.ERROR_VALUE)
    value = cell.value
    if isinstance(value, str):
        return value
    if isinstance(value, datetime.datetime | datetime.date) and column.kind is Kind.DATE:
        return value.date().isoformat() if isinstance(value, datetime.datetime) else value.isoformat()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueWrong(Wrong.SPREADSHEET_DATE)
    if column.kind in (Kind.NIK, Kind.FAMILY) and value:
        raise ValueWrong(Wrong.NIK_SPREADSHEET)
    if column.kind is Kind.DATE:
        raise ValueWrong(Wrong.NO_DATE)
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


# --- writing


def write_csv(rows: Iterable[Mapping[str, str]], write: Callable[[str], object]) -> None:
    """Write residents as CSV with semicolons, which Indonesian spreadsheets expect; no cell is a formula there."""
    out = csv.writer(_Sink(write), delimiter=";", lineterminator="\r\n")
    write("\ufeff")  # else a spreadsheet takes UTF-8 for something else
    out.writerow([column.name for column in COLUMNS])
    for row in rows:
        out.writerow([harmless(row.get(column.name, "")) for column in COLUMNS])


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula; reading it gives the text itself."""
    bare = text[1:] if text.startswith("'") else text
    return f"'{text}" if bare.startswith((*_FORMULA_BEGINS, "'")) or (bare is not text and bare[:1].isdigit()) else text


def write_xlsx(rows: Iterable[Mapping[str, str]], file: IO[bytes]) -> None:
    """Write residents as a workbook. Each cell is text: NIKs stay whole, and nothing is a formula."""
    import openpyxl  # noqa: PLC0415 - as above

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(SHEET)
    sheet.append([column.name for column in COLUMNS])
    for row in rows:
        sheet.append([_text_cell(sheet, row.get(column.name, "")) for column in COLUMNS])
    book.save(file)


def _text_cell(sheet: Any, text: str) -> WriteOnlyCell | None:
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - as above

    if not text:
        return None
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"  # it has guessed a formula from the first character
    cell.number_format = "@"
    return cell


class _Sink:
    """A file for the csv module that only hands on."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self.write = write
