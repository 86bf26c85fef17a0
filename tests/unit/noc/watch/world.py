"""A NOC with a store, a fleet book and a clock that the test turns on."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from appliance.core.report import Report, encode
from noc.clock import Clock
from noc.fleet_book.contract import Day, KeptOutage, Scope
from noc.fleet_book.sqlite import SqliteFleetBook, open_fleet_book
from noc.rules.alert_state import Deed
from noc.rules.history import History
from noc.store import reading
from noc.store.contract import Arrivals, ArrivedRecord, Hub
from noc.store.sqlite import open_noc_store
from noc.watch.turn import Alarms, Watch

HUB = Hub("hub-0001", "Sukamaju", "51.03.01.2001", "Asia/Makassar")
BY_ADMIN = Deed(0, "admin", "card", "hub-0001")


class World:
    """Begins at ``begin_ms``; the ear hears as long as ``is_hearing``."""

    def __init__(self, folder: Path, begin_ms: int, hubs: Sequence[Hub] = (HUB,)) -> None:
        self.folder = folder
        self.wall_ms = begin_ms
        self.ticks_ms = 1_000_000
        self.is_hearing = True
        self.store = open_noc_store(folder / "noc.db")
        self.book: SqliteFleetBook = open_fleet_book(folder / "fleet.db")
        self.alarms: Alarms | None = None
        self.ending: frozenset[str] = frozenset()
        for hub in hubs:
            self.store.add_hub(hub)
        self.watch = self.start()

    def start(self, book: SqliteFleetBook | None = None) -> Watch:
        """Begin a watch as a new process would."""
        self.watch = Watch(
            self.store,
            book or self.book,
            self.alarms,
            clock=Clock(lambda: self.wall_ms / 1000, self.ticks),
            monotonic=self.ticks,
            ending=lambda: self.ending,
        )
        return self.watch

    def ticks(self) -> float:
        return self.ticks_ms / 1000

    def pass_ms(self, milliseconds: int) -> None:
        self.wall_ms += milliseconds
        self.ticks_ms += milliseconds

    def send(self, *records: ArrivedRecord, hub_id: str = HUB.hub_id) -> None:
        """Let a report with these records come now."""
        last = records[-1].record
        report = Report(last.boot_id, last.boottime_ms + 1_000, tuple(each.record for each in records))
        self.store.commit(Arrivals([reading.arrived(hub_id, encode(report), report, self.wall_ms)]))

    def turn(self) -> None:
        """One turn of the watch; before it the ingest does what it does."""
        while self.store.project(1_000):
            pass
        while self.store.roll_up(self.wall_ms, 1_000):
            pass
        if self.is_hearing:
            for name in ("broker ", "facts"):
                self.store.put_sign(name, self.wall_ms)
        self.watch.turn()

    def turns(self, milliseconds: int, every_ms: int = 10_000, each: Callable[[], None] = lambda: None) -> None:
        """Let time pass in turns."""
        until_ms = self.wall_ms + milliseconds
        while self.wall_ms < until_ms:
            self.pass_ms(min(every_ms, until_ms - self.wall_ms))
            each()
            self.turn()

    def settle(self) -> None:
        """Let all be told that waits: hours go by, and nothing comes."""
        for _ in range(4):
            self.turns(3 * 3_600_000, every_ms=3_600_000)

    def past(self, hub_id: str = HUB.hub_id) -> tuple[Mapping[str, History], tuple[KeptOutage, ...], tuple[Day, ...]]:
        """All that the book tells of a hub's past."""
        code = next(hub.kode_wilayah for hub in self.store.hubs() if hub.hub_id == hub_id)
        return (
            self.book.histories((hub_id,)),
            self.book.outages(Scope(), code, 0, 1 << 50, hub_id),
            self.book.days(Scope(), code, "2020-01-01", "2040-01-01", hub_id),
        )


def reports(records: Iterable[ArrivedRecord], size: int = 5) -> list[list[ArrivedRecord]]:
    every = list(records)
    return [every[at : at + size] for at in range(0, len(every), size)]


def shuffled(records: Iterable[ArrivedRecord], seed: int) -> list[list[ArrivedRecord]]:
    """Reports of several sizes, each twice, in any order."""
    every = list(records)
    cut = reports(every, 7) + reports(every, 60)
    random.Random(seed).shuffle(cut)
    return cut
