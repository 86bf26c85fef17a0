"""Numbers of letters under many hands, kills and power cuts: no double, no gap, and nothing acknowledged is lost."""

from __future__ import annotations

import multiprocessing
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from appliance.kiosk.actors import RESIDENT
from appliance.kiosk.letters.flow import StepRefused
from appliance.store import database
from tests.unit.appliance.kiosk.letters.desks import HEAD, LOOK, NO_ANSWERS, PLAIN, SOMEBODY, Bench

HANDS: Final = 4
EACH: Final = 6
REPOSITORY: Final = Path(__file__).parents[2]


def serials(bench: Bench) -> list[int]:
    return [serial for _, _, serial in bench.numbers()]


def approve_all(bench: Bench, letters: list[tuple[int, int]]) -> list[int]:
    return [bench.desk.approve(HEAD, each, bench.official, version).serial for each, version in letters]


def waiting_for_approval(bench: Bench, count: int) -> list[tuple[int, int]]:
    letters = [bench.verified() for _ in range(count)]
    return [(letter.id, letter.version) for letter in letters]


def test_many_threads_approve_at_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    letters = waiting_for_approval(bench, HANDS * EACH)
    given: list[int] = []
    start = threading.Barrier(HANDS)

    def work(mine: list[tuple[int, int]]) -> None:
        start.wait()
        given.extend(approve_all(bench, mine))

    threads = [threading.Thread(target=work, args=[letters[hand::HANDS]]) for hand in range(HANDS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(given) == serials(bench) == list(range(1, HANDS * EACH + 1))


def test_one_letter_that_many_approve_at_once_gets_one_number(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    [(letter_id, version)] = waiting_for_approval(bench, 1)
    outcomes: list[str] = []
    start = threading.Barrier(HANDS)

    def work() -> None:
        start.wait()
        try:
            bench.desk.approve(HEAD, letter_id, bench.official, version)
            outcomes.append("given")
        except StepRefused as refused:
            outcomes.append(refused.reason)

    threads = [threading.Thread(target=work) for _ in range(HANDS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["changed_meanwhile"] * (HANDS - 1) + ["given"]
    assert serials(bench) == [1]


def test_one_form_that_is_sent_many_times_at_once_is_one_letter(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    receipts: list[tuple[int, str]] = []
    start = threading.Barrier(HANDS)

    def work() -> None:
        start.wait()
        made = bench.desk.submit(RESIDENT, "one form", PLAIN, answers=NO_ANSWERS, resident_id=SOMEBODY)
        receipts.append((made.letter_id, made.code))

    threads = [threading.Thread(target=work) for _ in range(HANDS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(receipts) == HANDS
    assert len(set(receipts)) == 1


def _approve_apart(folder: Path, letters: list[tuple[int, int]], official: int, start: Any, given: Any) -> None:
    bench = Bench(folder)
    bench.official = official
    start.wait()
    given.put(approve_all(bench, letters))


def test_many_processes_approve_at_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    letters = waiting_for_approval(bench, HANDS * EACH)
    context = multiprocessing.get_context("spawn")
    start, given = context.Barrier(HANDS), context.Queue()
    processes = [
        context.Process(target=_approve_apart, args=(tmp_path, letters[hand::HANDS], bench.official, start, given))
        for hand in range(HANDS)
    ]
    for process in processes:
        process.start()
    told = [serial for _ in processes for serial in given.get(timeout=60)]
    for process in processes:
        process.join()
    assert sorted(told) == serials(bench) == list(range(1, HANDS * EACH + 1))


class Dying(database.Database):
    """A connection of a process that is killed before its n-th statement."""

    left = 1 << 30

    def _count(self) -> None:
        Dying.left -= 1
        if Dying.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def execute(self, *given: Any) -> Any:
        self._count()
        return super().execute(*given)

    def executemany(self, *given: Any) -> Any:
        self._count()
        return super().executemany(*given)


def killed_at(statements: int, work: Callable[[], object]) -> bool:
    """Do ``work`` in a process that is killed before a statement; say whether it was, rather than finish."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            database.Database = Dying  # type: ignore[misc]
            Dying.left = statements
            work()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the work failed by itself"
    return os.WIFSIGNALED(status)


def state_of(bench: Bench, letter_id: int) -> tuple[object, ...]:
    letter = bench.seen(letter_id)
    return letter.state, letter.version, letter.number, len(letter.history)


def test_killed_at_each_statement_an_approval_is_whole_or_not_there(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    [(letter_id, version)] = waiting_for_approval(bench, 1)
    before, official = state_of(bench, letter_id), bench.official
    bench.store.close()  # a connection must not cross a fork

    def approve() -> None:
        bench.desk.approve(HEAD, letter_id, official, version)

    statements = 0
    while killed_at(statements, approve):
        assert state_of(bench, letter_id) == before
        assert serials(bench) == []
        assert bench.audit.verify() is None
        bench.store.close()
        statements += 1
    assert statements > 12, "the approval was not killed within itself"
    assert serials(bench) == [1]
    assert state_of(bench, letter_id)[0] == "approved"


def test_killed_at_each_statement_a_request_is_whole_or_not_there_and_sent_again_it_is_one(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.store.close()

    def submit() -> None:
        bench.desk.submit(RESIDENT, "one form", PLAIN, answers=NO_ANSWERS, resident_id=SOMEBODY)

    statements = 0
    while killed_at(statements, submit):
        assert bench.desk.of_resident(SOMEBODY) == []
        bench.store.close()
        statements += 1
    assert statements > 6
    assert len(bench.desk.of_resident(SOMEBODY)) == 1
    submit()
    assert len(bench.desk.of_resident(SOMEBODY)) == 1


# The process whose disk is watched: it says each thing once it is durable.
_WORK: Final = """
import os, sys
from pathlib import Path
from tests.unit.appliance.kiosk.letters.desks import HEAD, Bench
bench = Bench(Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    letter = bench.verified()
    os.write(1, f"{letter.code} 0\\n".encode())
    number = bench.desk.approve(HEAD, letter.id, bench.official, letter.version)
    os.write(1, f"{letter.code} {number.serial}\\n".encode())
"""


def test_a_power_cut_loses_nothing_that_was_acknowledged_and_doubles_no_number(tmp_path: Path) -> None:
    """Cut at each sync and each acknowledgement: once with all lost that was not synced, once with half of it."""
    folder, trace, letters = tmp_path / "work", tmp_path / "trace", 4
    folder.mkdir()
    Bench(folder).store.close()  # the tables are there before
    disk = Disk(folder)
    watched = "trace=openat,close,pwrite64,write,ftruncate,fsync,fdatasync,unlink"
    strace = ["strace", "-f", "-q", "-xx", "-s", "1000000", "-o", str(trace), "-e", watched]
    work = [sys.executable, "-c", _WORK, str(folder), str(letters)]
    subprocess.run([*strace, *work], cwd=REPOSITORY, check=True, timeout=100, stdout=subprocess.DEVNULL)
    told: list[str] = []
    cuts = 0
    for moment in disk.replay(trace.read_text(encoding="ascii")):
        told += moment
        for half in (False, True):
            cuts += 1
            after = Bench(disk.lay_down(tmp_path / f"cut-{cuts}", half=half))
            found = {row.code: row.number for row in after.desk.queue(LOOK)}
            for code, serial in (line.split() for line in told):
                assert serial == "0" or found[code].split("/")[1] == f"{int(serial):03d}"
                assert code in found
            assert serials(after) == list(range(1, len(serials(after)) + 1))
            assert after.audit.verify() is None
            after.store.close()
            shutil.rmtree(after.folder)
    assert len(told) == 2 * letters
    assert cuts > 4 * letters


_CALL: Final = re.compile(r"^(?:\d+ +)?(\w+)\((.*)\) += (-?\d+)")
_QUOTED: Final = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


class Disk:
    """The files of a folder as they are after a power cut, from what a program asked of the kernel.

    What was synced is there. Of what was written to a file since, nothing need be, or any part of it. Lock files and
    shared memory (-shm) do not outlive a cut.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._durable = {
            str(path): bytearray(path.read_bytes()) for path in folder.iterdir() if path.name[-4:] != "-shm"
        }
        self._waiting: list[tuple[str, int, bytes | None]] = []  # path, offset, content; None: cut off there
        self._open: dict[int, str] = {}
        self._random = random.Random(20260817)

    def replay(self, trace: str) -> Iterator[list[str]]:
        """Go on to each moment just before a sync, and just after an acknowledgement; yields what was told there."""
        for line in trace.splitlines():
            call = _CALL.match(line)
            if call is None or int(call[3]) < 0:
                continue
            name, given = call[1], call[2]
            if name == "openat":
                self._opened(int(call[3]), _text(given))
            elif name == "unlink":
                self._durable.pop(_text(given).decode(), None)
            elif name == "write" and given.startswith("1, "):
                yield _text(given).decode().splitlines()
            elif (path := self._open.get(int(given.partition(",")[0]))) is None:
                continue
            elif name == "close":
                del self._open[int(given)]
            elif name == "pwrite64":
                self._waiting.append((path, int(given.rpartition(", ")[2]), _text(given)))
            elif name == "ftruncate":
                self._waiting.append((path, int(given.partition(", ")[2]), None))
            else:
                yield []
                mine = [each for each in self._waiting if each[0] == path]
                self._waiting = [each for each in self._waiting if each[0] != path]
                _write(self._durable, mine)

    def lay_down(self, folder: Path, *, half: bool) -> Path:
        """Make the folder as the next start finds it."""
        files = {path: bytearray(content) for path, content in self._durable.items()}
        if half:
            _write(files, [each for each in self._waiting if self._random.random() < 0.5])
        folder.mkdir()
        for path, content in files.items():
            (folder / Path(path).name).write_bytes(content)
        return folder

    def _opened(self, number: int, path: bytes) -> None:
        self._open.pop(number, None)
        name = path.decode("utf-8", "replace")
        if name.startswith(f"{self._folder}/") and not name.endswith("-shm"):
            self._open[number] = name
            self._durable.setdefault(name, bytearray())


def _text(given: str) -> bytes:
    quoted = _QUOTED.search(given)
    return bytes.fromhex(quoted[1].replace("\\x", "")) if quoted else b""


def _write(files: dict[str, bytearray], writes: list[tuple[str, int, bytes | None]]) -> None:
    for path, offset, content in writes:
        file = files[path]
        if content is None:
            del file[offset:]
            continue
        file.extend(bytes(max(0, offset - len(file))))
        file[offset : offset + len(content)] = content
