"""What the NOC itself does not hear marks no hub down: real broker, real ingest, each killed and brought back."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from noc import fleet
from noc.alarms.step import AlarmDesk
from noc.fleet import HubState
from noc.fleet_book.contract import KeptIncident, Scope
from noc.fleet_book.sqlite import SqliteFleetBook, open_fleet_book
from noc.ingest.ear import ears
from noc.rules import alerts, hearing, problems
from noc.rules.problems import Problem, Rule
from noc.store.sqlite import open_noc_store_reading
from noc.watch import standings, turn
from noc.watch.__main__ import run
from noc.watch.turn import Watch
from tests.integration.conftest import Bed, wait_for
from tests.unit.noc.alarms.standins import Web, web

HUB = "hub-satu"
# All times of the rules, shortened: the ear is expected each 0.2 s, and a hub is silent after 4 s.
INGEST = """
import sys
from noc.ingest import ear
ear.EVERY_SECONDS = 0.2
from noc.ingest.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (hearing, alerts, turn):
        monkeypatch.setattr(module, "DEAF_AFTER_MS", 2_000)
    monkeypatch.setattr(hearing, "RECONNECT_MS", 15_000)
    monkeypatch.setattr(fleet, "CONTACT_LOST_MS", 4_000)
    # What this hub says of its rhythm would lengthen it.
    monkeypatch.setattr(fleet, "contact_lost_ms", lambda _: 4_000)
    monkeypatch.setattr(standings, "contact_lost_ms", lambda _: 4_000)
    monkeypatch.setitem(problems.RULES, Problem.NOC_DEAF, Rule(0, 500, is_shared=True))
    monkeypatch.setattr(alerts, "PACE_MS", 500)


class Noc:
    """A bed's watch, in this process, with what it ever said of the hub."""

    def __init__(self, bed: Bed, book: SqliteFleetBook, watch: Watch) -> None:
        self.bed, self.book = bed, book
        self.seen: list[HubState] = []
        self.stopping = threading.Event()
        self.turns = 0
        self.thread = threading.Thread(target=run, args=(_Told(self, watch), 0.1, self.stopping))
        self.thread.start()

    def state(self) -> HubState | None:
        found = self.book.standing(HUB)
        return None if found is None else found.state

    def incidents(self, problem: Problem, *, is_open: bool) -> list[KeptIncident]:
        return [each for each in self.book.incidents(Scope(), is_open=is_open) if each.incident.problem is problem]

    def deaf(self) -> bool:
        return len(self.incidents(Problem.NOC_DEAF, is_open=True)) == 1

    def start_ingest(self) -> int:
        log = self.bed.folder / "ingest.log"
        before = log.read_text().count("listening") if log.exists() else 0
        process = self.bed.start(
            "ingest", sys.executable, "-c", INGEST, "--host", "127.0.0.1", "--port", str(self.bed.port),
            "--identity", str(self.bed.folder / "etc/ingest"), "--store", str(self.bed.folder / "noc/noc.db"),
            "--acknowledge-seconds", "0",
        )  # fmt: skip
        wait_for(lambda: self.bed.log("ingest").count("listening") > before, what="the ingest's subscription")
        return len(self.bed.processes) - 1 if process else -1

    def wait_for_turns(self, count: int = 3) -> None:
        until = self.turns + count
        wait_for(lambda: self.turns >= until, what="turns of the watch")


class _Told:
    """The watch, each turn of which is noted."""

    def __init__(self, noc: Noc, watch: Watch) -> None:
        self._noc, self._watch = noc, watch

    def turn(self) -> None:
        self._watch.turn()
        self._noc.turns += 1
        state = self._noc.state()
        if state is not None and state is not HubState.NEVER:
            self._noc.seen.append(state)


@pytest.fixture
def server() -> Iterator[Web]:
    with web() as made:
        yield made


@pytest.fixture
def noc(bed: Bed, server: Web) -> Iterator[Noc]:
    file = bed.folder / "alarms.toml"
    file.write_text(f'base_url = "https://noc.id"\n[[webhook]]\nname = "piket"\nurl = "{server.url}"\n')
    file.chmod(0o640)
    bed.enrol(HUB, bed.folder / "hub/identity")
    book = open_fleet_book(bed.folder / "noc/fleet.db")
    store = open_noc_store_reading(bed.folder / "noc/noc.db")
    desk = AlarmDesk(file)
    made = Noc(bed, book, Watch(store, book, desk))
    yield made
    made.stopping.set()
    made.thread.join(20)
    desk.close()
    book.close()
    store.close()


def kill(bed: Bed, index: int) -> None:
    bed.processes[index].send_signal(signal.SIGKILL)
    bed.processes[index].wait(10)


def test_a_killed_broker_and_a_killed_ingest_mark_no_hub_down(noc: Noc, bed: Bed, server: Web) -> None:
    bed.start_broker()
    broker = len(bed.processes) - 1
    ingest = noc.start_ingest()
    agent = bed.start_agent()
    wait_for(lambda: noc.state() is HubState.ONLINE or noc.state() is HubState.ATTENTION, what="the hub")
    noc.wait_for_turns(30)
    assert not noc.deaf()
    noc.seen.clear()

    for number in (1, 2):
        if number == 1:
            kill(bed, broker)
        else:
            kill(bed, ingest)
        wait_for(noc.deaf, what="the incident of a deaf NOC")
        # For longer than a hub may be silent.
        until = time.monotonic() + 7.0
        wait_for(lambda at=until: time.monotonic() > at, what="more than 4 s of silence")  # type: ignore[misc]  # mypy takes the default for a parameter
        if number == 1:
            bed.start_broker()
        else:
            noc.start_ingest()
        wait_for(lambda: not noc.deaf(), what="the end of deafness")
        wait_for(lambda: noc.book.alert_state(0).deafness == {}, 40, "the end of the time in which hubs come back")
        noc.wait_for_turns(10)
        assert HubState.NO_CONTACT not in noc.seen
        assert len(noc.incidents(Problem.NOC_DEAF, is_open=False)) == number
    assert noc.incidents(Problem.NO_CONTACT, is_open=True) == []
    assert noc.incidents(Problem.NO_CONTACT, is_open=False) == []
    wait_for(lambda: len(server.asked) == 4, what="two alarms and their ends")
    assert ["NOC tidak mendengar" in text for text in server.texts()] == [True] * 4

    # And now the hub itself: the same silence is its own.
    agent.kill()
    wait_for(lambda: noc.state() is HubState.NO_CONTACT, 30, "the hub's own silence")
    assert not noc.deaf()


def test_a_broker_whose_access_list_is_of_an_earlier_release_is_told_of(noc: Noc, bed: Bed) -> None:
    acl = bed.folder / "etc/broker/acl"
    acl.write_text("".join(line for line in acl.read_text().splitlines(keepends=True) if "noc-ear" not in line))
    bed.start_broker()
    noc.start_ingest()
    wait_for(noc.deaf, what="the incident")
    wait_for(lambda: "is its acl that of init?" in bed.log("ingest"), what="the ingest's warning")
    bed.noc("init", "--broker-host", "localhost")
    assert "noc-ear" in acl.read_text()
    bed.processes[0].send_signal(signal.SIGHUP)
    wait_for(lambda: not noc.deaf(), what="the end of deafness")


def test_an_ingest_that_cannot_write_is_deaf(noc: Noc, bed: Bed, tmp_path: Path) -> None:
    """Its database is held by another writer, as it would be by a disk that hangs: nothing is committed."""
    import sqlite3

    bed.start_broker()
    noc.start_ingest()
    with contextlib.closing(open_noc_store_reading(bed.folder / "noc/noc.db")) as store:
        wait_for(lambda: "facts" in store.signs() and len(ears(store.signs())) == 1, what="signs")
        noc.wait_for_turns(10)
        assert not noc.deaf()
        held = sqlite3.connect(bed.folder / "noc/noc.db", isolation_level=None)
        held.execute("BEGIN IMMEDIATE")
        wait_for(noc.deaf, what="the incident")
        held.execute("ROLLBACK")
        held.close()
        wait_for(lambda: not noc.deaf(), 30, what="its end")
