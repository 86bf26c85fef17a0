"""Read or write a workbook in a process that ends: ``python -m appliance.kiosk.residents.converter read|write DAY``.

Standard input and output are files. A workbook becomes lines of JSON, a header, rows, and a last line that says that
all were read; for ``write`` lines of JSON become a workbook. What a hostile file costs, this process pays.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import resource
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final

from appliance.kiosk.residents.workbook import FileInvalid, FileWrong, read_workbook, write_xlsx

MEMORY_BYTES_MAX: Final = 384 * 1024 * 1024
CPU_SECONDS_MAX: Final = 120
OOM_SCORE: Final = Path("/proc/self/oom_score_adj")


def main(arguments: list[str]) -> int:
    """Do one of both; a file that cannot be read is an answer, and no error."""
    _limit()
    warnings.simplefilter("ignore")  # what openpyxl misses in a workbook is nobody's concern
    if arguments[:1] == ["read"] and len(arguments) == 2:
        for line in _read(sys.stdin.buffer, datetime.date.fromisoformat(arguments[1])):
            sys.stdout.write(json.dumps(line, ensure_ascii=True, separators=(",", ":")) + "\n")
        return 0
    if arguments == ["write"]:
        write_xlsx(_lines(sys.stdin.buffer), sys.stdout.buffer)
        return 0
    sys.stderr.write("usage: read DAY | write\n")
    return 2


def _read(file: IO[bytes], today: datetime.date) -> Iterator[dict[str, Any]]:
    try:
        header, rows = read_workbook(file, today)
        yield {"known": header.known, "others": header.others}
        count = 0
        for row in rows:
            wrong = {name: [each.wrong.value, each.limit] for name, each in row.problems.items()}
            yield {"row": row.number, "values": row.values, "wrong": wrong}
            count += 1
        yield {"end": count}
    except FileInvalid as error:
        yield {"file": error.wrong.value, "detail": error.detail}
    except MemoryError:
        yield {"file": FileWrong.UNPACKS_TOO_LARGE.value, "detail": ""}


def _lines(file: IO[bytes]) -> Iterator[Mapping[str, str]]:
    for line in file:
        yield json.loads(line)


def _limit() -> None:
    # Before these limits the memory of the kiosk's unit may come to its end (MemoryMax=): then this process goes, and
    # not the one that answers everybody. Source: proc(5), systemd.exec(5) on OOMPolicy=.
    with contextlib.suppress(OSError):
        OOM_SCORE.write_text("1000", "ascii")
    # Where a sandbox forbids to set limits, its own hold.
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS_MAX, CPU_SECONDS_MAX))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
