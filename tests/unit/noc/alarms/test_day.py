"""An ordinary day, and a bad hour, through the whole: rules, book, outbox, channel, and a watch that is restarted."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from noc.alarms.channels import Channel
from noc.alarms.step import AlarmDesk
from noc.alarms.words import Message
from noc.fleet_book.contract import Scope
from noc.fleet_book.sqlite import SqliteFleetBook, open_fleet_book
from noc.rules.alert_state import Facts, NewsKind
from noc.rules.groups import Fleet, GroupKind
from noc.rules.hearing import Ear
from tests.unit.noc.rules.test_alerts import DOWN, MINUTE_MS, START_MS, Troubled, ordinary_day, places


class Operator:
    """Somebody's telephone: takes every message, with its time."""

    def __init__(self, book: SqliteFleetBook, folder: Path, fleet: Fleet) -> None:
        self.book, self.file, self.fleet = book, folder / "alarms.toml", fleet
        self.file.write_text('base_url = "https://noc.id"\n[[webhook]]\nname = "piket"\nurl = "http://127.0.0.1:1"\n')
        self.file.chmod(0o640)
        self.now_ms = START_MS
        self.got: list[tuple[int, Message]] = []
        self.arrived = threading.Event()
        self.desk = self._desk()

    def _desk(self) -> AlarmDesk:
        return AlarmDesk(self.file, clock_ms=lambda: self.now_ms, send=self._take)

    def _take(self, channel: Channel, message: Message) -> None:
        self.got.append((self.now_ms, message))

    def turn(self, troubled: Troubled, minutes: float = 1.0) -> None:
        self.now_ms += int(minutes * MINUTE_MS)
        self.desk.turn(self.book, Facts(troubled, (Ear("noc", self.now_ms),)), self.fleet, self.now_ms)
        deadline = time.monotonic() + 20
        while self.book.waiting_letters("piket"):
            assert time.monotonic() < deadline
            time.sleep(0.002)

    def restart(self) -> None:
        self.desk.close()
        self.desk = self._desk()


@pytest.fixture
def book(tmp_path: Path) -> Iterator[SqliteFleetBook]:
    with contextlib.closing(open_fleet_book(tmp_path / "fleet.db")) as made:
        yield made


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [4, 5])
def test_an_operator_of_400_hubs_gets_at_most_one_message_in_ten_minutes(
    book: SqliteFleetBook, tmp_path: Path, seed: int
) -> None:
    cuts = ordinary_day(seed, 400)
    operator = Operator(book, tmp_path, Fleet(places(400)))
    try:
        for minute in range(24 * 60):
            at_ms = (minute + 1) * MINUTE_MS
            down = {hub: DOWN for hub, spans in cuts.items() if any(a <= at_ms < b for a, b in spans)}
            operator.turn(down)
            if minute % 97 == 96:
                operator.restart()
    finally:
        operator.desk.close()
    times = [at_ms for at_ms, _ in operator.got]
    assert all(later - earlier >= 600_000 for earlier, later in itertools.pairwise(times))
    assert 5 <= len(times) <= 24 * 6
    # What was told is told once, through all those restarts: each incident begins once, and ends at most once.
    said = [line for _, each in operator.got for line in each.body.splitlines() if ", insiden " in line]
    assert len(said) == len(set(said)), "something was told twice"
    ended = book.incidents(Scope(), is_open=False, limit=10_000)
    opened = book.incidents(Scope(), is_open=True, limit=10_000)
    began = {each.incident.number for each in (*ended, *opened) if each.told_ms is not None}
    told = {int(line.split()[2].rstrip(":")) for line in said if line.startswith("Mulai")}
    assert told == began, "something was kept and not told"


def test_two_thousand_hubs_behind_one_failure_are_one_message_also_with_a_restart_in_the_middle(
    book: SqliteFleetBook, tmp_path: Path
) -> None:
    everyone = places(6_000, upstream=lambda i: "ring-timur" if i % 3 == 0 else f"vsat-{i}")
    behind = [place.hub_id for place in everyone if place.upstream == "ring-timur"]
    operator = Operator(book, tmp_path, Fleet(everyone))
    try:
        for minute in range(1, 40):
            operator.turn(dict.fromkeys(behind[: minute * 400], DOWN))
            if minute in (2, 4, 9, 20):
                operator.restart()
        (incident,) = book.incidents(Scope(), is_open=True)
        assert (incident.incident.group.kind, len(incident.incident.hubs)) == (GroupKind.UPSTREAM, 2_000)
        ((_, message),) = operator.got
        assert message.title == "PENTING: Mulai: Tidak ada kontak, jalur bersama ring-timur"
        assert "jalur bersama ring-timur, 2000 hub" in message.body
        for _ in range(30):
            operator.turn({})
        assert [text.title.split(":")[0] for _, text in operator.got] == ["PENTING", "Selesai"]
        assert book.incidents(Scope(), is_open=True) == ()
        assert NewsKind.CLEARED not in {each.kind for each in book.waiting_letters("piket")}
    finally:
        operator.desk.close()
