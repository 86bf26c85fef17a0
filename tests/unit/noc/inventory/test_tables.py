"""Tables as spreadsheets write them are read for certain, or refused with what to do."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noc.inventory import tables
from noc.inventory.tables import Line, TableError

COLUMNS = ("hub_id", "name", "residents")


def lines(content: str | bytes) -> list[Line]:
    raw = content.encode() if isinstance(content, str) else content
    return list(tables.read(raw, COLUMNS, ("hub_id",), {"desa": "name"}))


@pytest.mark.parametrize(
    "content",
    [
        b"hub_id,name\nhub-1,Suka\n",
        b"\xef\xbb\xbfhub_id;name\r\nhub-1;Suka\r\n",
        b"sep=;\r\nhub_id;name\r\nhub-1;Suka\r\n",
        b"\xef\xbb\xbfsep=,\nhub_id,name\nhub-1,Suka",
        "Hub ID\tDesa\r\nhub-1\tSuka\r\n".encode("utf-16"),
        b"\n\nHUB-ID , Desa \n\n hub-1 ,\xc2\xa0Suka\xc2\xa0\n,,\n;\n"[:-2],
        b'"hub_id","name"\n"hub-1","Suka"\n',
    ],
)
def test_spreadsheets_write_the_same_table_in_many_ways(content: bytes) -> None:
    (line,) = lines(content)
    assert dict(line.cells) == {"hub_id": "hub-1", "name": "Suka"}


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    found = lines('sep=;\nhub_id;name\nhub-1;"Suka\nmaju"\n\nhub-2;Wono\n')
    assert [(line.number, line.cells["hub_id"]) for line in found] == [(3, "hub-1"), (6, "hub-2")]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf\r\n\r\n", "empty"),
        (b"name\nSuka\n", "hub_id is missing"),
        (b"hub_id,nmae\nhub-1,Suka\n", "'nmae'.*allowed are hub_id, name, residents"),
        (b"hub_id,name,desa\nhub-1,a,b\n", "name is there twice"),
        (b"hub_id,name\nhub-1,Jalan Raya 1, RT 2\n", "line 2 has 3 cells.*quotation marks"),
        (b"hub_id,name\nhub-1,Caf\xe9\n", "line 2 is not UTF-8.*CSV UTF-8"),
        (b"PK\x03\x04\x14\x00\x06\x00", "no text"),
        (b"hub_id,name\nhub-1,\x00\n", "no text"),
        (b'hub_id,name\nhub-1,"Suka\n', "CSV UTF-8"),
        (b'hub_id,name\nhub-1,"a"b\n', "line 2"),
        (b"hub_id,name\nhub-1," + b"x" * 9_000, "longer than 8000"),
        (b"hub_id,name\nhub-1," + b"x" * 200_000, "line 2"),
    ],
)
def test_what_is_no_such_table_is_refused_with_a_reason(content: bytes, why: str) -> None:
    with pytest.raises(TableError, match=f"(?s){why}"):
        lines(content)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_table_or_refused(content: bytes) -> None:
    try:
        found = lines(content)
    except TableError as error:
        assert str(error)
    else:
        assert all("hub_id" in line.cells or not line.cells for line in found)


_TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), max_size=20)


@given(st.lists(st.tuples(_TEXT.filter(bool), _TEXT), max_size=8), st.sampled_from(",;\t"))
def test_what_a_program_writes_is_read_as_it_was(rows: list[tuple[str, str]], separator: str) -> None:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=separator)
    writer.writerows([("hub_id", "name"), *rows])
    assert [(line.cells["hub_id"], line.cells["name"]) for line in lines(file.getvalue())] == rows


@pytest.mark.parametrize(
    ("cell", "value"), [("1200", 1200), ("1.200", 1200), ("1,200", 1200), ("1 200", 1200), ("1200,0", 1200), ("0", 0)]
)
def test_whole_numbers(cell: str, value: int) -> None:
    assert tables.whole(cell) == value


@pytest.mark.parametrize("cell", ["1,5", "1.20", "-5", "12a", "١٢", "1e3", "", "1.2000"])
def test_what_is_no_whole_number_for_certain(cell: str) -> None:
    with pytest.raises(ValueError, match="1200"):
        tables.whole(cell)


def test_decimals() -> None:
    assert (tables.decimal("-8,65"), tables.decimal("115.2167")) == (-8.65, 115.2167)
    for cell in ("nan", "inf", "8°39'", "1.2.3", ""):
        with pytest.raises(ValueError, match="8"):
            tables.decimal(cell)


@pytest.mark.parametrize("cell", ["8,12E+11", "6.28E+12", "#N/A", "#REF!", "#NAME?"])
def test_what_a_spreadsheet_broke_is_seen(cell: str) -> None:
    assert "spreadsheet" in tables.broken(cell)
    assert not tables.broken("Desa E1")
