"""Have workbooks read and written by a process of their own, with which the memory it took goes away.

What is read and written lies in memory alone (memfd_create(2)): an SD card keeps what was deleted from it.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final

import appliance
from appliance.core.errors import OperationError, StoreBusy
from appliance.kiosk.residents.columns import ValueWrong, Wrong
from appliance.kiosk.residents.workbook import FileInvalid, FileWrong, Header, Row
from appliance.system import processes

READ_SECONDS_MAX: Final = 150
WRITE_SECONDS_MAX: Final = 150
_CONVERTER: Final = "appliance.kiosk.residents.converter"
# One at a time in the whole program: each takes memory and a processor for seconds, and a thread that waits for it.
_ONE_AT_A_TIME: Final = threading.Lock()


def memory_file() -> IO[bytes]:
    """A file that is nowhere on a disk."""
    return os.fdopen(os.memfd_create("residents"), "w+b")


@contextlib.contextmanager
def reading(file: IO[bytes], today: datetime.date) -> Iterator[tuple[Header, Iterator[Row]]]:
    """Read a workbook, as `appliance.kiosk.residents.workbook.read_workbook`; its rows are there for the block.

    Args:
        file: with a descriptor; read from its beginning.
        today: births are not later.

    Raises:
        FileInvalid: nothing of it is to be used.
        StoreBusy: another one is being read or written.
    """
    file.seek(0)
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    with memory_file() as answer:
        try:
            _run(["read", today.isoformat()], file, answer, READ_SECONDS_MAX)
        except OperationError:
            raise FileInvalid(FileWrong.TOO_SLOW) from None
        yield _check(answer), _rows(answer)


def write_xlsx(rows: Iterable[Mapping[str, str]]) -> IO[bytes]:
    """Write residents as a workbook. Raises `appliance.core.errors.OperationError`, and `StoreBusy` as `reading`."""
    made = memory_file()
    try:
        with memory_file() as lines:
            for row in rows:
                lines.write(json.dumps(dict(row), separators=(",", ":")).encode() + b"\n")
            lines.flush()
            os.lseek(lines.fileno(), 0, os.SEEK_SET)
            _run(["write"], lines, made, WRITE_SECONDS_MAX)
    except BaseException:
        made.close()
        raise
    made.seek(0)
    return made


def _run(arguments: list[str], source: IO[bytes], target: IO[bytes], timeout_seconds: float) -> None:
    if not _ONE_AT_A_TIME.acquire(blocking=False):
        raise StoreBusy("a workbook is being read or written; nothing was done, try again in some seconds")
    try:
        _convert(arguments, source, target, timeout_seconds)
    finally:
        _ONE_AT_A_TIME.release()


def _convert(arguments: list[str], source: IO[bytes], target: IO[bytes], timeout_seconds: float) -> None:
    processes.convert(
        [sys.executable, "-m", _CONVERTER, *arguments],
        source=source,
        target=target,
        timeout_seconds=timeout_seconds,
        environment={
            "PATH": processes.SYSTEM_PATH,
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(Path(appliance.__file__).parents[1]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "MALLOC_ARENA_MAX": "1",
        },
    )


def _check(answer: IO[bytes]) -> Header:
    """Go through all of it once: a file that goes wrong at its end is not used from its beginning either."""
    answer.seek(0)
    first: dict[str, Any] = {}
    last: dict[str, Any] = {}
    for line in answer:
        if not first:
            first = json.loads(line)
        if line.startswith((b'{"end"', b'{"file"')):
            last = json.loads(line)
    if "file" in last:
        raise FileInvalid(FileWrong(last["file"]), last["detail"])
    if "end" not in last:
        raise FileInvalid(FileWrong.DAMAGED)
    return Header(tuple(first["known"]), tuple(first["others"]))


def _rows(answer: IO[bytes]) -> Iterator[Row]:
    answer.seek(0)
    for line in answer:
        found = json.loads(line)
        if "row" in found:
            problems = {name: ValueWrong(Wrong(wrong), limit) for name, (wrong, limit) in found["wrong"].items()}
            yield Row(found["row"], found["values"], problems)
