"""Turns of the alarms with a real book and real servers: what is told is told once, whatever fails in between."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from appliance.core.errors import StoreFull
from noc.alarms import sender as sending_threads
from noc.alarms.channels import Channel
from noc.alarms.sending import SendingFailed
from noc.alarms.step import AlarmDesk
from noc.alarms.words import Message
from noc.fleet_book.contract import Card, FleetBook, Scope
from noc.fleet_book.sqlite import SqliteFleetBook, open_fleet_book
from noc.rules.alert_state import Deed, Facts, NewsKind, Silence
from noc.rules.groups import Fleet, Group, GroupKind
from noc.rules.hearing import Ear
from tests.unit.noc.alarms.standins import Web, web
from tests.unit.noc.rules.test_alerts import DOWN, HUB_0, MINUTE_MS, START_MS, Troubled, places

REPOSITORY = Path(__file__).parents[4]
BASE = 'base_url = "https://noc.example.go.id"\n'


def hook(name: str, url: str, more: str = "") -> str:
    return f'[[webhook]]\nname = "{name}"\nurl = "{url}"\n{more}\n'


def wait_for(holds: Callable[[], bool], what: str = "it") -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.01)


@dataclass
class Noc:
    """A watch's time and its alarms."""

    book: FleetBook
    file: Path
    fleet: Fleet = field(default_factory=lambda: Fleet(places(400)))
    now_ms: int = START_MS
    heard_ms: int = START_MS
    desk: AlarmDesk | None = None

    def write(self, text: str) -> None:
        self.file.write_text(BASE + text)
        self.file.chmod(0o640)
        # Changes within the grain of the file system's clock are none in real life.
        os.utime(self.file, ns=(time.time_ns(), time.time_ns() + hash(text) % 1000))

    def run(self, minutes: int, troubled: Troubled, *, is_deaf: bool = False, step_ms: int = MINUTE_MS) -> None:
        for _ in range(minutes * MINUTE_MS // step_ms):
            self.now_ms += step_ms
            self.heard_ms = self.heard_ms if is_deaf else self.now_ms
            ears = (Ear("noc", self.heard_ms),)
            if self.desk is None:
                self.desk = AlarmDesk(self.file, clock_ms=lambda: self.now_ms)
            self.desk.turn(self.book, Facts(troubled, ears), self.fleet, self.now_ms)

    def stop(self) -> None:
        if self.desk is not None:
            self.desk.close()
        self.desk = None


@pytest.fixture
def book(tmp_path: Path) -> Iterator[SqliteFleetBook]:
    with contextlib.closing(open_fleet_book(tmp_path / "fleet.db")) as made:
        yield made


@pytest.fixture
def noc(book: SqliteFleetBook, tmp_path: Path) -> Iterator[Noc]:
    made = Noc(book, tmp_path / "alarms.toml")
    yield made
    made.stop()


@pytest.fixture
def server() -> Iterator[Web]:
    with web() as made:
        yield made


def sent(book: FleetBook, name: str = "piket") -> bool:
    return not book.waiting_letters(name)


def test_an_alarm_leaves_and_says_what_where_since_when_and_what_to_do(noc: Noc, server: Web) -> None:
    card = Card("hub-00000", "Desa Sukamaju", "51.01.01.2000", "Asia/Makassar")
    noc.book.put_cards([card], Deed(1, "ayu", "card", "hub-00000"))
    noc.write(hook("piket", server.url))
    noc.run(25, {"hub-00000": DOWN})
    wait_for(lambda: len(server.asked) == 1 and sent(noc.book), "the alarm")
    body = server.asked[0][2]
    assert body["title"] == "Mulai: Tidak ada kontak, Desa Sukamaju (51.01.01.2000)"
    assert body["message"].splitlines() == [
        "Mulai, insiden 1: Tidak ada kontak",
        "Desa Sukamaju (51.01.01.2000)",
        "sejak 2026-05-29 04.27 WITA",
        "https://noc.example.go.id/insiden/1",
        "Panduan: https://noc.example.go.id/panduan/no_contact",
    ]
    noc.run(30, {})
    wait_for(lambda: len(server.asked) == 2 and sent(noc.book), "its end")
    assert server.texts()[1].startswith("Selesai, insiden 1: Tidak ada kontak")
    (state,) = noc.book.channels()
    assert (state.name, state.failing_since_ms, state.sent_ms is not None) == ("piket", None, True)


def test_a_restart_at_any_turn_tells_nothing_twice_and_forgets_nothing(noc: Noc, server: Web) -> None:
    noc.write(hook("piket", server.url))
    many = {f"hub-{i:05d}": DOWN for i in range(15)}
    for minutes, troubled in ((25, {"hub-00300": DOWN}), (30, many), (40, {})):
        for _ in range(minutes):
            noc.run(1, troubled)
            wait_for(lambda: sent(noc.book))
            noc.stop()
    told = [line for text in server.texts() for line in text.splitlines() if "insiden " in line and "http" not in line]
    assert sorted(told) == [
        "Mulai, insiden 1: Tidak ada kontak",
        "Mulai, insiden 2: Tidak ada kontak",
        "Selesai, insiden 1: Tidak ada kontak",
        "Selesai, insiden 2: Tidak ada kontak",
    ]
    assert any("Kecamatan 51.01.01, 15 hub" in text for text in server.texts())


def test_a_channel_that_fails_is_tried_again_and_holds_up_nobody(noc: Noc, server: Web) -> None:
    with web() as broken:
        broken.answer = lambda: (503, {}, {})
        noc.write(hook("rusak", broken.url) + hook("piket", server.url))
        noc.run(25, {"hub-00000": DOWN})
        wait_for(lambda: sent(noc.book) and any(each.tries >= 1 for each in noc.book.channels()))
        states = {each.name: each for each in noc.book.channels()}
        assert "503" in states["rusak"].error
        assert (states["rusak"].next_ms or 0) >= (states["rusak"].failing_since_ms or 0) + 30_000
        assert states["piket"].failing_since_ms is None

        def is_over() -> bool:
            noc.run(1, {})
            return "Selesai" in broken.texts()[-1]

        wait_for(is_over)
        assert "Mulai" not in broken.texts()[-1], "what is over by now is told as over, in one line"
        broken.answer = lambda: (200, {}, {})

        def is_well() -> bool:
            noc.run(1, {"hub-00007": DOWN})
            return sent(noc.book, "rusak") and noc.book.channels()[1].failing_since_ms is None

        wait_for(is_well)


def test_one_that_hangs_is_seen_and_holds_up_nobody(noc: Noc, server: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending_threads, "HANGS_AFTER_SECONDS", 0.3)
    with web() as silent:
        silent.hold.clear()
        noc.write(hook("diam", silent.url) + hook("piket", server.url))
        noc.run(23, {"hub-00000": DOWN})
        wait_for(lambda: len(silent.asked) == 1 and sent(noc.book))

        def is_seen() -> bool:
            noc.run(1, {"hub-00000": DOWN})
            return "no answer" in noc.book.channels()[0].error

        wait_for(is_seen)
        assert [each.name for each in noc.book.channels() if each.error] == ["diam"]
        silent.hold.set()
        wait_for(lambda: sent(noc.book, "diam"))
        assert noc.book.channels()[0].failing_since_ms is None
        assert len(silent.asked) == 1


def test_each_channel_gets_what_it_wants_when_it_wants_it(noc: Noc, server: Web) -> None:
    with web() as other, web() as night:
        noc.write(
            hook("piket", server.url)
            + hook("wilayah", other.url, 'areas = ["51.01.02"]\nonly = ["no_contact", "noc_deaf"]')
            # 29 May 2026, 04.26 in Makassar when all begins; 03.26 in Jakarta.
            + hook("malam", night.url, 'quiet_from = "22:00"\nquiet_until = "06:00"')
        )
        noc.run(25, {"hub-00000": DOWN, "hub-00020": DOWN})
        wait_for(lambda: sent(noc.book) and sent(noc.book, "wilayah"))
        assert [text.count("insiden/") for text in (*server.texts(), *other.texts())] == [2, 1]
        assert night.asked == []
        noc.run(10, {"hub-00000": DOWN, "hub-00020": DOWN}, is_deaf=True)
        wait_for(lambda: all(sent(noc.book, name) for name in ("piket", "wilayah", "malam")))
        assert [len(each.asked) for each in (server, other, night)] == [2, 2, 1]
        assert "PENTING" in night.asked[0][2]["title"]
        assert night.texts()[0].count("insiden/") == 3, "what is urgent takes along what waited"
        noc.run(16, {"hub-00000": DOWN, "hub-00020": DOWN})
        noc.run(25, {"hub-00000": DOWN, "hub-00020": DOWN, "hub-00100": DOWN})
        assert {each.kind for each in noc.book.waiting_letters("malam")} == {NewsKind.RAISED, NewsKind.CLEARED}
        assert len(night.asked) == 1
        noc.run(100, {"hub-00000": DOWN, "hub-00020": DOWN, "hub-00100": DOWN})
        wait_for(lambda: sent(noc.book, "malam"), "the morning")


def test_a_full_disk_keeps_no_alarm_back(noc: Noc, server: Web, book: SqliteFleetBook) -> None:
    class Full:
        """The book while its disk takes nothing."""

        is_full = False

        def __getattr__(self, name: str) -> object:
            if self.is_full and name.startswith(("put_", "keep_")):
                raise StoreFull("fleet.db: the disk is full")
            return getattr(book, name)

    full = Full()
    noc.book = full  # type: ignore[assignment]  # the book, but for what it refuses
    full.is_full = True
    noc.write(hook("piket", server.url))
    noc.run(5, {}, is_deaf=True)
    wait_for(lambda: len(server.asked) == 1, "the alarm of a full disk")
    assert "NOC tidak mendengar" in server.texts()[0]
    noc.run(3, {}, is_deaf=True)
    assert book.incidents(Scope(), is_open=True) == ()
    full.is_full = False
    noc.run(1, {}, is_deaf=True)
    noc.run(1, {}, is_deaf=True)
    wait_for(lambda: sent(book))
    assert [each.incident.told_hubs for each in book.incidents(Scope(), is_open=True)] == [1]
    noc.stop()
    noc.run(2, {}, is_deaf=True)
    assert len(server.asked) == 1, "it was sent, and that is known once the disk takes it"


def test_a_wrong_configuration_is_shown_and_the_last_good_one_stays(noc: Noc, server: Web) -> None:
    noc.write(hook("piket", server.url))
    noc.run(1, {})
    noc.write(hook("piket", server.url, 'quiet_from = "25:00"'))
    noc.run(24, {"hub-00000": DOWN})
    wait_for(lambda: len(server.asked) == 1)
    shown = {each.name: each.error for each in noc.book.channels()}
    assert "25:00" in shown["alarms.toml"]
    noc.write(hook("piket", server.url, 'quiet_from = "22:00"\nquiet_until = "05:00"'))
    noc.run(1, {"hub-00000": DOWN})
    assert [each.name for each in noc.book.channels()] == ["piket"]


def test_people_decide_while_it_runs(noc: Noc, server: Web) -> None:
    noc.write(hook("piket", server.url))
    until_ms = noc.now_ms + 45 * MINUTE_MS
    quiet = Silence(Group(GroupKind.DISTRICT, "51.01.01"), until_ms, "ayu", "PLN memelihara gardu")
    noc.book.put_silence(quiet, Deed(noc.now_ms, "ayu", "silence", "district 51.01.01", quiet.why))
    noc.run(40, {"hub-00000": DOWN})
    assert server.asked == []
    (kept,) = noc.book.incidents(Scope(), is_open=True)
    noc.book.acknowledge(kept.incident.number, Deed(noc.now_ms, "ayu", "acknowledge", "1"))
    noc.run(10, {"hub-00000": DOWN})
    wait_for(lambda: len(server.asked) == 1)
    (kept,) = noc.book.incidents(Scope(), is_open=True)
    assert kept.incident.acknowledged_by == "ayu"


def test_an_error_inside_a_library_ends_no_channel(book: SqliteFleetBook, tmp_path: Path) -> None:
    calls: list[str] = []
    again = threading.Event()

    def send(channel: Channel, message: Message) -> None:
        calls.append(message.body)
        if len(calls) == 1:
            raise KeyError("s3cr3t")
        if len(calls) == 2:
            raise SendingFailed("Too Many Requests: retry after 600")
        again.set()

    noc = Noc(book, tmp_path / "alarms.toml")
    noc.write(hook("piket", "http://127.0.0.1:1"))
    noc.desk = AlarmDesk(noc.file, clock_ms=lambda: noc.now_ms, send=send)
    try:
        noc.run(21, {"hub-00000": DOWN})
        wait_for(lambda: book.channels()[0].tries == 1)
        assert book.channels()[0].error == "failed inside: KeyError"
        noc.run(1, {"hub-00000": DOWN})
        wait_for(lambda: book.channels()[0].tries == 2)
        assert book.channels()[0].next_ms == noc.now_ms + 600_000
        noc.run(9, {"hub-00000": DOWN})
        assert len(calls) == 2, "it says itself when it may be tried again"
        noc.run(1, {"hub-00000": DOWN})
        assert again.wait(20)
    finally:
        noc.stop()


KILLED = """
import os, signal, sys
from pathlib import Path
from noc.alarms.step import AlarmDesk
from noc.fleet_book.sqlite import open_fleet_book
from noc.rules.alert_state import Facts
from noc.rules.groups import Fleet
from noc.rules.problems import Problem
from tests.unit.noc.rules.test_alerts import START_MS, places

folder, when = Path(sys.argv[1]), sys.argv[2]
book = open_fleet_book(folder / "fleet.db")
now = START_MS

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if when == "before":
    send = die  # the step is kept, nothing has left
else:
    from noc.alarms.sending import send as really
    def send(channel, message):
        really(channel, message)
        die()  # it has left, and nobody noted it

desk = AlarmDesk(folder / "alarms.toml", clock_ms=lambda: now, send=send)
fleet = Fleet(places(40))
while True:
    now += 60_000
    desk.turn(book, Facts({"hub-00000": (Problem.NO_CONTACT,)}), fleet, now)
"""


@pytest.mark.parametrize(("when", "messages"), [("before", 1), ("after", 2)])
def test_a_kill_between_keeping_and_sending_leads_to_one_more_try(
    when: str, messages: int, noc: Noc, server: Web, tmp_path: Path
) -> None:
    noc.write(hook("piket", server.url))
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), when], cwd=REPOSITORY, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    (state,) = noc.book.incidents(Scope(), is_open=True)
    assert state.incident.told_hubs == 1
    (waiting,) = noc.book.waiting_letters("piket")
    assert waiting.kind is NewsKind.RAISED
    turned_ms = noc.book.alert_state(0).turned_ms
    assert turned_ms is not None
    noc.now_ms = turned_ms
    for _ in range(3):
        noc.run(5, {"hub-00000": DOWN})
        wait_for(lambda: sent(noc.book))
        noc.stop()
    assert len(server.asked) == messages


def test_what_waited_a_day_is_given_up(noc: Noc, server: Web) -> None:
    server.answer = lambda: (500, {}, {})
    noc.write(hook("piket", server.url))
    noc.run(23, {"hub-00000": DOWN})
    wait_for(lambda: noc.book.channels()[0].tries >= 1)
    noc.stop()
    noc.now_ms += 25 * 60 * MINUTE_MS
    before = len(server.asked)
    assert HUB_0 in {each.group for each in noc.book.waiting_letters("piket")}
    noc.run(1, {"hub-00000": DOWN})
    wait_for(lambda: all(each.group != HUB_0 for each in noc.book.waiting_letters("piket")))
    assert all("hub-00000" not in text for text in server.texts()[before:])


def test_threads_end(noc: Noc, server: Web) -> None:
    noc.write(hook("piket", server.url))
    noc.run(1, {})
    assert any(each.name == "alarms-piket" for each in threading.enumerate())
    noc.stop()
    assert not any(each.name == "alarms-piket" for each in threading.enumerate())
    assert sending_threads.LOOK_SECONDS >= 1


def test_what_nobody_was_told_is_told_once_there_is_a_channel(noc: Noc, server: Web) -> None:
    noc.write("this is = not [toml")
    noc.run(60, {"hub-00000": DOWN})
    (kept,) = noc.book.incidents(Scope(), is_open=True)
    assert kept.incident.told_hubs == 0
    noc.write(hook("piket", server.url))
    noc.run(60, {"hub-00000": DOWN})
    wait_for(lambda: len(server.asked) == 1 and sent(noc.book), "the alarm")
    noc.write("")
    noc.run(60, {})
    noc.write(hook("piket", server.url))
    noc.run(20, {})
    wait_for(lambda: len(server.asked) == 2 and sent(noc.book), "its end")
    assert [text.split(",")[0] for text in server.texts()] == ["Mulai", "Selesai"]


def test_letters_of_a_channel_that_stays_stay_and_those_of_one_that_is_gone_are_dropped_and_logged(
    noc: Noc, caplog: pytest.LogCaptureFixture
) -> None:
    with web() as broken, web() as other:
        broken.answer = other.answer = lambda: (503, {}, {})
        noc.write(hook("piket", broken.url) + hook("dinas", other.url))
        noc.run(25, {"hub-00000": DOWN})
        assert not sent(noc.book)
        assert not sent(noc.book, "dinas")
        noc.write(hook("piket", broken.url))
        noc.run(1, {"hub-00000": DOWN})
        assert not sent(noc.book)
        assert sent(noc.book, "dinas")
        assert "alarms to dinas: is no channel any more: 1 lines are dropped" in caplog.text
