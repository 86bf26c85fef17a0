"""What the kiosk's pages, letters and imports take, with 5,000 residents and 50,000 letters.

The kiosk runs as its unit runs it, with the unit's environment, over loopback; the residents come in by the import, 500
letters by the desk, and the rest of them are copies of those. Beside it a plain Flask page over SQLite, served in the
same way.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import http.client
import os
import random
import re
import secrets
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from appliance.core import config as hub_config
from appliance.faces.secret import load_or_make
from appliance.gate.twin import TwinGate
from appliance.hotspot.twin import TwinHotspot
from appliance.kiosk import demo
from appliance.kiosk.actors import Actor, Look
from appliance.kiosk.app import SECRET, open_database, open_keys, services
from appliance.kiosk.letters import paper
from appliance.kiosk.letters.current import make_desk
from appliance.kiosk.residents import made_up
from appliance.kiosk.services import Kiosk
from appliance.system.uplink_state import UNKNOWN
from tests.bench import figures, plain_page
from tests.bench.figures import Figure
from tests.integration.conftest import free_port, wait_for
from tests.unit.appliance.kiosk.conftest import HUB_TOML

RESIDENTS: Final = 5_000
FEW_LETTERS: Final = 500
LETTERS: Final = 50_000
REQUESTS: Final = 60
PEOPLE: Final = 50
PAGE_MS_MAX: Final = 30
PAGE_KB_MAX: Final = 60
SEARCH_MS_MAX: Final = 20
PDF_MS_MAX: Final = 100
IMPORT_SECONDS_MAX: Final = 20
IDLE_MB_MAX: Final = 90
BUSY_MB_MAX: Final = 120
_UNIT: Final = Path(__file__).parents[2] / "systemd" / "hub" / "desahub-kiosk.service"
_BOUNDARY: Final = "desa-kiosk-bench"
_OPERATOR: Final = Actor("operator", "operator")
_PASSWORDS: Final = {name: f"nasi jinggo jam enam {name[::-1]}" for name in ("operator", "sekretaris", "kepala")}
_PIN: Final = "805293"
# Pages a resident opens, and those of the office.
_PUBLIC: Final = ("/", "/surat", "/surat/keterangan-usaha", "/surat/lacak", "/cek", "/masuk-warga")
_OWN: Final = ("/surat/saya", "/surat/keterangan-usaha/isi")
_OFFICE: Final = ("/kantor/", "/kantor/surat/", "/kantor/warga/", "/kantor/pin/", "/kantor/jejak/", "/kantor/pejabat/")


def main() -> int:
    """Measure and print."""
    return figures.run("What the kiosk takes", measure)


def measure(say: Callable[[str], None]) -> Sequence[Figure]:
    """Fill a kiosk, serve it, and ask."""
    with tempfile.TemporaryDirectory(prefix="desa-kiosk-bench-") as name, contextlib.ExitStack() as undo:
        folder = Path(name)
        (folder / "state").mkdir()
        (folder / "hub.toml").write_text(HUB_TOML)
        say(f"making {RESIDENTS:,} residents and {FEW_LETTERS} letters")
        kiosk = _kiosk(folder / "state")
        made = demo.fill(kiosk, RESIDENTS, FEW_LETTERS, 1)
        pdf = _pdf(kiosk)
        kiosk.store.close()
        served = undo.enter_context(_served(folder))
        idle = _pss_megabytes(served.process)
        office = {name: served.log_in(name, made.passwords[name]) for name in made.passwords}
        nik = made.pins[0][0]
        served.choose_pin(*made.pins[0])
        few = served.p95("/kantor/surat/", office["operator"])
        say(f"copying letters until there are {LETTERS:,}")
        _copy_letters(folder / "state" / "kiosk.db", LETTERS)
        plain = undo.enter_context(_plain(folder))
        found = [*_pages(served, plain, office["sekretaris"], nik, say)]
        many = served.p95("/kantor/surat/", office["operator"])
        found.append(Figure(f"/kantor/surat/ with {LETTERS:,} letters, p95", many, "ms", f"with {FEW_LETTERS}", few,
                            f"<= {PAGE_MS_MAX}", many <= PAGE_MS_MAX))  # fmt: skip
        found.append(_search(served, office["operator"]))
        found.append(Figure("a letter's PDF, warm, median", pdf, "ms", "", None, f"<= {PDF_MS_MAX}", pdf <= PDF_MS_MAX))
        say(f"{PEOPLE} people at once")
        found += _crowd(served, office["operator"], served.enter(nik, _PIN))
        found.append(_limit("memory, idle (PSS)", idle, "MB", IDLE_MB_MAX))
        say("50 logins and an import at the same moment")
        found += _busy(served, office["operator"], made.pins[1], folder)
        return found


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came: status, headers, content, and how long it took."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    milliseconds: float


@dataclasses.dataclass
class Served:
    """A program that serves pages on loopback."""

    process: subprocess.Popen[bytes]
    port: int

    def ask(self, path: str, cookie: str = "", form: Mapping[str, str] | bytes | None = None) -> Answer:
        """One request, on a connection of its own, as nginx sends them; bytes are a form that is encoded already."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Host": "localhost", "Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
        headers |= {"Cookie": cookie} if cookie else {}
        body: str | bytes | None = None
        if isinstance(form, bytes):
            headers["Content-Type"], body = f"multipart/form-data; boundary={_BOUNDARY}", form
        elif form is not None:
            headers["Content-Type"], body = "application/x-www-form-urlencoded", urlencode(form)
        try:
            began = time.perf_counter()
            connection.request("GET" if form is None else "POST", path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            taken = (time.perf_counter() - began) * 1_000
        except OSError:
            return Answer(0, {}, b"", 0.0)
        finally:
            connection.close()
        named = {name.lower(): value for name, value in answer.getheaders() if name.lower() != "set-cookie"}
        cookies = "; ".join(
            value.partition(";")[0] for name, value in answer.getheaders() if name.lower() == "set-cookie"
        )
        return Answer(answer.status, named | ({"cookie": cookies} if cookies else {}), content, taken)

    def form(self, path: str, cookie: str, fields: Mapping[str, str]) -> tuple[Answer, str]:
        """Open a page, and send its form; returns the answer and the cookie that holds from then on."""
        page = self.ask(path, cookie)
        cookie = page.headers.get("cookie", cookie)
        hidden = dict(_hidden(page.content))
        answer = self.ask(path, cookie, hidden | dict(fields))
        return answer, answer.headers.get("cookie", cookie)

    def upload(self, path: str, cookie: str, file: Path) -> Answer:
        """Send a file by the form of a page, as browsers do."""
        page = self.ask(path, cookie)
        parts = [f'name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in _hidden(page.content)]
        parts.append(f'name="berkas"; filename="{file.name}"\r\n\r\n'.encode() + file.read_bytes() + b"\r\n")
        head = f"--{_BOUNDARY}\r\nContent-Disposition: form-data; ".encode()
        body = b"".join(head + part for part in parts) + f"--{_BOUNDARY}--\r\n".encode()
        return self.ask(path, page.headers.get("cookie", cookie), body)

    def log_in(self, name: str, password: str) -> str:
        """Log an account in with its one-time password, and give it another; returns its cookie."""
        answer, cookie = self.form("/kantor/masuk", "", {"name": name, "password": password})
        _require(answer, 303, f"login of {name}")
        changed = {"old": password, "new": _PASSWORDS[name], "again": _PASSWORDS[name]}
        answer, _ = self.form("/kantor/sandi", cookie, changed)
        _require(answer, 200, f"password of {name}")
        answer, cookie = self.form("/kantor/masuk", "", {"name": name, "password": _PASSWORDS[name]})
        _require(answer, 303, f"login of {name}")
        return cookie

    def enter(self, nik: str, pin: str) -> str:
        """Log a resident in; returns the cookie. At the screen a session ends after a minute without a touch."""
        answer, cookie = self.form("/masuk-warga", "", {"nik": nik, "pin": pin})
        _require(answer, 303, "login of a resident")
        return cookie

    def choose_pin(self, nik: str, pin: str) -> None:
        """Replace the PIN that the office gave a resident."""
        cookie = self.enter(nik, pin)
        answer, _ = self.form("/pin", cookie, {"new": _PIN, "again": _PIN, "old": pin})
        _require(answer, 200, "PIN of a resident")

    def p95(self, path: str, cookie: str = "", form: Mapping[str, str] | None = None) -> float:
        """The p95 of `REQUESTS` requests in ms, one after another, after three that warm up."""
        times = []
        for number in range(REQUESTS + 3):
            answer = self.ask(path, cookie, form)
            _require(answer, 200, path)
            if number >= 3:
                times.append(answer.milliseconds)
        return figures.p95(times)


def _require(answer: Answer, status: int, what: str) -> None:
    if answer.status != status:
        said = re.sub(r"<[^>]*>|\s+", " ", answer.content.decode("utf-8", "replace"))
        raise RuntimeError(f"{what}: {answer.status} instead of {status}: {' '.join(said.split())[:400]}")


def _hidden(content: bytes) -> Iterator[tuple[str, str]]:
    for field in re.findall(r'<input[^>]*type="hidden"[^>]*>', content.decode("utf-8", "replace")):
        name, value = re.search(r'name="([^"]*)"', field), re.search(r'value="([^"]*)"', field)
        if name is not None:
            yield name[1], value[1] if value is not None else ""


def _kiosk(folder: Path) -> Kiosk:
    config = hub_config.parse(HUB_TOML)
    store = open_database(folder, services())
    vault, pepper = open_keys(folder, store)
    return Kiosk(
        config=config, store=store, gate=TwinGate(config), hotspot=TwinHotspot(), uplink=lambda: UNKNOWN,
        clock=time.time, secret=load_or_make(folder / SECRET), vault=vault, pepper=pepper, over_unix_socket=False,
    )  # fmt: skip


def _pdf(kiosk: Kiosk) -> float:
    """The median of ms that a letter's PDF takes in a process that has made one."""
    desk, times = make_desk(kiosk), []
    with kiosk.store.reading() as db:
        ids = [row[0] for row in db.execute("SELECT id FROM letters WHERE state = 'ready' LIMIT 12")]
    for letter_id in ids:
        whole = desk.paper(desk.get(Look(_OPERATOR, "bench"), letter_id))
        began = time.perf_counter()
        paper.render(whole)
        times.append((time.perf_counter() - began) * 1_000)
    return statistics.median(times[2:])


@contextlib.contextmanager
def _served(folder: Path) -> Iterator[Served]:
    port = free_port()
    command = [
        sys.executable, "-m", "appliance.kiosk", "--config", str(folder / "hub.toml"), "--state-directory",
        str(folder / "state"), "--bind", f"127.0.0.1:{port}", "--roots", str(folder),
    ]  # fmt: skip
    with _running(command, port, "/") as served:
        yield served


@contextlib.contextmanager
def _plain(folder: Path) -> Iterator[Served]:
    plain_page.fill(folder / "plain.db", LETTERS)
    port = free_port()
    with _running(
        [sys.executable, "-m", "tests.bench.plain_page", str(folder / "plain.db"), str(port)], port, "/"
    ) as it:
        yield it


@contextlib.contextmanager
def _running(command: Sequence[str], port: int, path: str) -> Iterator[Served]:
    environment = os.environ | _unit_environment()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    served = Served(process, port)
    try:
        wait_for(lambda: process.poll() is not None or served.ask(path).status == 200, 60, " ".join(command[:4]))
        if process.poll() is not None:
            raise RuntimeError(process.stderr.read().decode() if process.stderr else "it ended")
        yield served
    finally:
        process.terminate()
        process.wait(timeout=20)


def _unit_environment() -> dict[str, str]:
    """What the unit gives the kiosk: how its memory is kept is part of how it runs."""
    lines = [line for line in _UNIT.read_text("utf-8").splitlines() if line.startswith("Environment=")]
    return dict(each.split("=", 1) for line in lines for each in line.removeprefix("Environment=").split())


def _copy_letters(path: Path, count: int) -> None:
    """Copy letters with what belongs to them, each with numbers and codes of its own, until there are ``count``."""
    with sqlite3.connect(path) as db:
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA foreign_keys=ON")
        sources = [_Whole.of(db, row) for row in db.execute("SELECT * FROM letters ORDER BY arrival").fetchall()]
        serial = 1_000_000  # far from those that were given
        for number in range(count - len(sources)):
            serial += 1
            for table, row in sources[number % len(sources)].copied(serial):
                names = ", ".join(row)
                db.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
    db.close()


@dataclasses.dataclass
class _Whole:
    """A letter with its steps and, where it has one, its number."""

    letter: dict[str, object]
    steps: list[dict[str, object]]
    numbers: list[dict[str, object]]

    @classmethod
    def of(cls, db: sqlite3.Connection, row: sqlite3.Row) -> _Whole:
        """Read what belongs to a letter."""
        steps, numbers = (
            [dict(each) for each in db.execute(f"SELECT * FROM {table} WHERE letter_id = ?", [row["id"]])]
            for table in ("letter_steps", "letter_numbers")
        )
        letter = dict(row)
        del letter["arrival"]
        return cls(letter, steps, numbers)

    def copied(self, serial: int) -> Iterator[tuple[str, dict[str, object]]]:
        """The rows of a copy, by their tables."""
        new_id = secrets.randbits(52)
        own = ("key_index", "code_index", "token_digest", "check_index")
        marks = {name: secrets.token_bytes(16) for name in own if self.letter[name] is not None}
        yield "letters", self.letter | marks | {"id": new_id}
        for step in self.steps:
            yield "letter_steps", step | {"letter_id": new_id}
        for number in self.numbers:
            yield "letter_numbers", number | {"letter_id": new_id, "serial": serial}


def _pages(served: Served, plain: Served, office: str, nik: str, say: Callable[[str], None]) -> Iterator[Figure]:
    peer = plain.p95("/")
    say(f"the plain page takes {peer:.1f} ms at p95")
    for paths in (_PUBLIC, _OWN, _OFFICE):
        for path in paths:
            cookie = served.enter(nik, _PIN) if path in _OWN else office if path in _OFFICE else ""
            landed = path
            answer = served.ask(path, cookie)
            while answer.status in (302, 303, 308):
                landed = answer.headers["location"].replace("http://localhost", "")
                answer = served.ask(landed, cookie)
            _require(answer, 200, landed)
            if not landed.startswith(path):
                raise RuntimeError(f"{path} led to {landed}: another page was measured")
            taken = served.p95(landed, cookie)
            yield Figure(
                f"{path}, p95", taken, "ms", "plain Flask page", peer, f"<= {PAGE_MS_MAX}", taken <= PAGE_MS_MAX
            )
            yield _limit(f"{path}, first load", _first_load(served, answer, cookie), "kB", PAGE_KB_MAX)


def _first_load(served: Served, page: Answer, cookie: str) -> float:
    """The page and everything it loads by itself, in kB, as sent without compression."""
    text = page.content.decode("utf-8")
    named = set(re.findall(r'<(?:link|script|img)[^>]*(?:href|src)="(/[^"]+)"', text))
    return (len(page.content) + sum(len(served.ask(each, cookie).content) for each in named)) / 1_000


def _search(served: Served, cookie: str) -> Figure:
    page = served.ask("/kantor/warga/", cookie)
    token = dict(_hidden(page.content))
    times = []
    for name in ("sri", "wayan", "putu ha", "ketut", "budi", "dewi l") * (REQUESTS // 6):
        answer = served.ask("/kantor/warga/cari", page.headers.get("cookie", cookie), token | {"text": name})
        _require(answer, 200, "search")
        times.append(answer.milliseconds)
    value = figures.p95(times)
    return _limit("search of a resident by name, p95, whole page", value, "ms", SEARCH_MS_MAX)


def _crowd(served: Served, office: str, resident: str) -> Iterator[Figure]:
    answers: list[Answer] = []
    paths = [*((path, "") for path in _PUBLIC), ("/surat/saya", resident), ("/kantor/surat/", office)]

    def person(number: int) -> None:
        for path, cookie in paths[number % len(paths) :] + paths[: number % len(paths)]:
            answers.append(served.ask(path, cookie))

    threads = [threading.Thread(target=person, args=(number,)) for number in range(PEOPLE)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wrong = sum(answer.status != 200 for answer in answers)
    yield _limit(f"{PEOPLE} people at once, {len(answers)} pages: without an answer", wrong, "", 0)
    yield Figure("pages a second meanwhile", len(answers) / (time.perf_counter() - began), "/s", "", None, "", None)


def _busy(served: Served, office: str, pin: tuple[str, str], folder: Path) -> Iterator[Figure]:
    """50 logins of residents while a workbook is read and applied; the most memory of all processes of the kiosk."""
    workbook = folder / "warga.xlsx"
    _workbook(workbook)
    stopping, most = threading.Event(), [0.0]

    def watch() -> None:
        while not stopping.wait(0.05):
            most[0] = max(most[0], _pss_megabytes(served.process))

    statuses: list[int] = []

    def log_in() -> None:
        statuses.append(served.form("/masuk-warga", "", {"nik": pin[0], "pin": "000000"})[0].status)

    watcher = threading.Thread(target=watch)
    watcher.start()
    logins = [threading.Thread(target=log_in) for _ in range(PEOPLE)]
    for login in logins:
        login.start()
    try:
        taken = _import(served, office, workbook)
    finally:
        for login in logins:
            login.join()
        stopping.set()
        watcher.join()
    yield _limit(f"import of {RESIDENTS:,} residents, once more, amid {PEOPLE} logins", taken, "s", IMPORT_SECONDS_MAX)
    odd = sum(status not in (200, 403, 429, 503) for status in statuses)
    yield _limit("logins without an answer in words", odd, "", 0)
    yield _limit("memory meanwhile, most (PSS)", most[0], "MB", BUSY_MB_MAX)


def _import(served: Served, office: str, workbook: Path) -> float:
    """Import a workbook by the office's pages: its report, then what the report says; returns how long it took."""
    began = time.perf_counter()
    answer = served.upload("/kantor/warga/impor", office, workbook)
    _require(answer, 303, "a workbook")
    report = answer.headers["location"].replace("http://localhost", "")
    page = served.ask(report, office)
    _require(page, 200, "the report")
    answer = served.ask(f"{report}/terapkan", page.headers.get("cookie", office), dict(_hidden(page.content)))
    _require(answer, 303, "an import")
    return time.perf_counter() - began


def _workbook(path: Path) -> None:
    """The residents once more, with another street each, so that every record changes; a workbook, as OpenSID's."""
    import openpyxl

    today = datetime.datetime.now(datetime.UTC).date()
    rows = [dict(row) for row in made_up.rows(RESIDENTS, seed=1, kode_wilayah="51.03.01.2001", today=today)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    chance = random.Random(2)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Data Penduduk")
    sheet.append(names)
    for row in rows:
        changed = row | {"alamat": f"Jalan Baru {chance.randint(1, 999)}"}
        sheet.append([changed.get(name, "") for name in names])
    book.save(path)


def _limit(name: str, value: float, unit: str, most: float) -> Figure:
    return Figure(name, value, unit, "", None, f"<= {most:g}", value <= most)


def _pss_megabytes(process: subprocess.Popen[bytes]) -> float:
    """PSS of a process and all it has started, in MB. Source: proc(5), smaps_rollup."""
    total, waiting = 0.0, [process.pid]
    while waiting:
        pid = waiting.pop()
        with contextlib.suppress(OSError):
            found = re.search(r"(?m)^Pss: +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text("ascii"))
            total += int(found[1]) * 1024 / 1e6 if found else 0.0
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += [int(child) for child in (task / "children").read_text().split()]
    return total


if __name__ == "__main__":
    sys.exit(main())
