"""The same in a process of its own."""

import json
import resource
import sys
from pathlib import Path
from typing import IO

import pytest

from appliance.core.errors import OperationError, StoreBusy
from appliance.kiosk.residents import apart, converter
from appliance.kiosk.residents.columns import Wrong
from appliance.kiosk.residents.workbook import FileInvalid, FileWrong
from tests.unit.appliance.kiosk.residents.conftest import TODAY
from tests.unit.appliance.kiosk.residents.people import AYU, MADE, xlsx


def in_memory(content: bytes) -> IO[bytes]:
    file = apart.memory_file()
    file.write(content)
    file.flush()
    return file


def test_what_is_written_apart_is_read_apart() -> None:
    with apart.write_xlsx([MADE, AYU]) as file, apart.reading(file, TODAY) as (header, rows):
        assert [row.values for row in rows] == [MADE, AYU] and len(header.known) == 43


def test_problems_come_along() -> None:
    with in_memory(xlsx([{**MADE, "nik": 5103011708900001}]).read()) as file, apart.reading(file, TODAY) as (_, rows):
        assert {name: each.wrong for name, each in next(rows).problems.items()} == {"nik": Wrong.NIK_SPREADSHEET}


def refused(content: bytes) -> FileWrong:
    """Why a file is not taken."""
    with in_memory(content) as file, pytest.raises(FileInvalid) as caught, apart.reading(file, TODAY):
        pass
    return caught.value.wrong


def test_a_file_that_is_not_taken_is_an_answer() -> None:
    assert refused(b"") is FileWrong.EMPTY
    assert refused(b"PK\x03\x04") is FileWrong.DAMAGED


def test_an_answer_that_was_cut_off_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    header: object = {"known": ["nik", "nama"], "others": []}
    row: object = {"row": 2, "values": {"nama": "Made"}, "wrong": {}}
    for lines, wrong in (
        ([], FileWrong.DAMAGED),
        ([header, row], FileWrong.DAMAGED),
        ([header, row, {"file": "too_many_rows", "detail": "5"}], FileWrong.TOO_MANY_ROWS),
    ):
        said = b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines)
        monkeypatch.setattr(apart, "_run", lambda _arguments, _file, answer, _seconds, said=said: answer.write(said))
        assert refused(b"x") is wrong


def test_a_reader_that_dies_is_no_fault_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert refused(b"x") is FileWrong.TOO_SLOW
    with pytest.raises(OperationError):
        apart.write_xlsx([MADE])


def test_the_memory_file_is_on_no_disk() -> None:
    with apart.memory_file() as file:
        assert Path(f"/proc/self/fd/{file.fileno()}").readlink().as_posix().startswith("/memfd:")


def test_two_workbooks_are_not_read_at_once() -> None:
    with apart._ONE_AT_A_TIME, in_memory(xlsx([MADE]).read()) as file:
        with pytest.raises(StoreBusy, match="try again"), apart.reading(file, TODAY):
            pass
        with pytest.raises(StoreBusy):
            apart.write_xlsx([MADE])
    assert refused(b"") is FileWrong.EMPTY, "the place was not given back"


def test_a_line_of_a_million_cells_is_refused_for_what_it_is() -> None:
    assert refused(b"nik;nama" + b";" * 1_000_000 + b"x\n") is FileWrong.TOO_MANY_COLUMNS
    assert refused(b"nik;nama\n5103011708900001;Made" + b";" * 1_000_000 + b"\n") is FileWrong.TOO_MANY_COLUMNS
    assert refused(b"nik;nama" + b";x" * 1_000_000 + b"\n5103011708900001;Made\n") is FileWrong.TOO_MANY_COLUMNS


def test_where_memory_ends_the_converter_goes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(converter, "OOM_SCORE", tmp_path / "oom_score_adj")
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    assert converter.main([]) == 2
    assert (tmp_path / "oom_score_adj").read_text("ascii") == "1000"
    unit = Path(apart.__file__).parents[3] / "systemd/hub/desahub-kiosk.service"
    assert "OOMPolicy=continue" in unit.read_text("utf-8")


def test_the_converter_takes_nothing_else(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converter, "_limit", lambda: None)
    assert converter.main([]) == converter.main(["read"]) == converter.main(["delete", "all"]) == 2
    assert "usage" in capsys.readouterr().err
