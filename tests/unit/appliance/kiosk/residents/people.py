"""Made-up residents for tests, and the workbooks they come in."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import IO, Any

import openpyxl

from appliance.kiosk.actors import Actor, Look

OPERATOR = Actor("siti", "operator")
LOOK = Look(OPERATOR, "tes")
MADE = {
    "nama": "I Made Suparta",
    "nik": "5103011708900001",
    "no_kk": "5103010101100001",
    "sex": "1",
    "tempatlahir": "Badung",
    "tanggallahir": "1990-08-17",
    "agama_id": "4",
    "pekerjaan_id": "9",
    "kk_level": "1",
    "alamat": "Jalan Melati 3",
    "dusun": "Krajan",
    "rt": "001",
    "rw": "002",
}
AYU = {
    **MADE,
    "nama": "Ni Ayu Lestari",
    "nik": "5103014101920002",
    "sex": "2",
    "tanggallahir": "1992-01-01",
    "kk_level": "3",
}
KETUT = {
    **MADE,
    "nama": "Ketut Darma",
    "nik": "5103010502850003",
    "no_kk": "5103010101100009",
    "tanggallahir": "1985-02-05",
    "dusun": "Kaja",
}


def xlsx(rows: Sequence[Mapping[str, Any]], *, header: Sequence[str] = (), title: str = "Data Penduduk") -> IO[bytes]:
    """A workbook as a spreadsheet writes it; numbers stay numbers."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    names = list(header or dict.fromkeys(name for row in rows for name in row))
    sheet.append(names)
    for row in rows:
        sheet.append([row.get(name) for name in names])
    made = io.BytesIO()
    book.save(made)
    made.seek(0)
    return made


def csv_file(rows: Sequence[Mapping[str, str]], *, delimiter: str = ";", encoding: str = "utf-8-sig") -> IO[bytes]:
    """The same as CSV."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(names)
    writer.writerows([row.get(name, "") for name in names] for row in rows)
    return io.BytesIO(out.getvalue().encode(encoding))
