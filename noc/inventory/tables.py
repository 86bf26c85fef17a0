"""Tables as spreadsheets write them: pure. What cannot be read for certain is refused, never guessed.

A file may begin with a byte order mark, have ``sep=;`` as its first line, be separated by commas, semicolons or tabs,
be UTF-8 or UTF-16, and hold blank lines, no-break spaces and thousands' separators.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

BYTES_MAX: Final = 100_000_000
CELL_MAX: Final = 8_000
_SEPARATORS: Final = (";", ",", "\t")
_THOUSANDS: Final = re.compile(r"\d{1,3}([., ]\d{3})+", re.ASCII)
_WHOLE: Final = re.compile(r"(\d+)([.,]0+)?", re.ASCII)
_DECIMAL: Final = re.compile(r"-?\d+([.,]\d+)?", re.ASCII)
_BROKEN: Final = re.compile(r"#(N/A|REF!|VALUE!|NAME\?|DIV/0!|NULL!|NUM!)|-?\d+([.,]\d+)?E[+-]?\d+", re.ASCII | re.I)


class TableError(ValueError):
    """A file is no table, or its columns are not those that are asked for. The text says what to do."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row: its line in the file, counted from 1, and its cells by column, without spaces around them."""

    number: int
    cells: Mapping[str, str]


def read(content: bytes, columns: Sequence[str], required: Sequence[str], aliases: Mapping[str, str]) -> Iterator[Line]:
    """Read a table with a header row.

    Args:
        content: the file.
        columns: which there may be; their order in the file is free.
        required: which there must be.
        aliases: other names of columns.

    Raises:
        TableError: it cannot be read, or has other columns.
    """
    text = _text(content)
    first = text.lstrip("\r\n").partition("\n")[0].strip()
    said = re.fullmatch(r'"?sep=(.)"?', first, re.I)
    if said:
        text = text.lstrip("\r\n").partition("\n")[2]
    rows = _rows(text, said[1] if said else _separator(text))
    offset = 1 if said else 0
    try:
        header_line, header = next(rows)
    except StopIteration:
        raise TableError("the file is empty; allowed is a table with a row of column names first") from None
    names = [_name(cell, aliases) for cell in header]
    _check(names, columns, required)
    for number, row in rows:
        if len(row) > len(names) and any(row[len(names) :]):
            raise TableError(
                f"line {number + offset} has {len(row)} cells, and line {header_line + offset} names {len(names)}"
                ' columns; a text that holds the separator stands in quotation marks: "Jalan Raya 1; RT 2"'
            )
        yield Line(number + offset, dict(zip(names, row, strict=False)))


def _text(content: bytes) -> str:
    if len(content) > BYTES_MAX:
        raise TableError(f"the file has {len(content)} bytes; allowed are {BYTES_MAX}")
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise TableError(
            f"line {line} is not {encoding.removesuffix('-sig').upper()}; save the table as “CSV UTF-8”"
        ) from None
    if "\0" in text or content.startswith(b"PK\x03\x04"):
        raise TableError("the file is no text; save the spreadsheet as “CSV UTF-8”")
    return text


def _separator(text: str) -> str:
    header = text.lstrip("\r\n").partition("\n")[0]
    return max(_SEPARATORS, key=header.count)


def _rows(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    before = 0
    try:
        for row in reader:
            number, before = before + 1, reader.line_num
            cells = [" ".join(cell.replace("\u00a0", " ").split(" ")).strip() for cell in row]
            if any(len(cell) > CELL_MAX for cell in cells):
                raise TableError(
                    f"line {number}: a cell is longer than {CELL_MAX} characters; is a quotation mark open?"
                )
            if any(cells):
                yield number, cells
    except csv.Error as error:
        raise TableError(f"line {before + 1}: {error}; save the table as “CSV UTF-8”") from None


def _name(cell: str, aliases: Mapping[str, str]) -> str:
    name = re.sub(r"[\s_-]+", "_", cell.casefold()).strip("_")
    return aliases.get(name, name)


def _check(names: Sequence[str], columns: Sequence[str], required: Sequence[str]) -> None:
    strange = [name for name in names if name and name not in columns]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    missing = [name for name in required if name not in names]
    allowed = f"allowed are {', '.join(columns)}"
    if missing:
        raise TableError(f"the column {', '.join(missing)} is missing; {allowed}")
    if strange:
        raise TableError(f"nobody knows the column {', '.join(repr(name[:40]) for name in strange[:10])}; {allowed}")
    if twice:
        raise TableError(f"the column {', '.join(twice)} is there twice")


def broken(cell: str) -> str:
    """Say what a spreadsheet did to a cell, "" where nothing."""
    return (
        f"is {cell[:40]!r}, which a spreadsheet made of it; format the column as text"
        if _BROKEN.fullmatch(cell)
        else ""
    )


def whole(cell: str) -> int:
    """Read ``1200``, ``1.200``, ``1,200`` or ``1200,0``. Raises ValueError."""
    if _THOUSANDS.fullmatch(cell):
        return int(re.sub(r"[., ]", "", cell))
    if found := _WHOLE.fullmatch(cell):
        return int(found[1])
    raise ValueError("allowed is a whole number such as 1200")


def decimal(cell: str) -> float:
    """Read ``-8.65`` or ``-8,65``. Raises ValueError."""
    if not _DECIMAL.fullmatch(cell):
        raise ValueError("allowed is a number such as -8.6512")
    return float(cell.replace(",", "."))
