"""What one worker does besides, and when."""

from __future__ import annotations

from typing import Any, cast

import pytest

from appliance.core.errors import StoreFull
from noc.ingest import house
from noc.ingest.house import House
from noc.store.contract import NocStore

DAY = 86_400.0


class Store:
    """Counts what it is asked; has so much to do."""

    def __init__(self, batches: int = 0, hours: int = 0, old: int = 0) -> None:
        self.left = {"project": batches, "roll_up": hours, "sweep": old}
        self.asked: list[tuple[Any, ...]] = []
        self.is_full = False

    def _do(self, what: str, limit: int, *arguments: int) -> int:
        if self.is_full:
            raise StoreFull("noc.db: the disk is full; nothing was stored")
        done = min(limit, self.left[what])
        self.left[what] -= done
        self.asked.append((what, done, *arguments))
        return done

    def project(self, limit: int) -> int:
        return self._do("project", limit)

    def roll_up(self, now_ms: int, limit: int) -> int:
        return self._do("roll_up", limit, now_ms)

    def sweep(self, before_ms: int, limit: int) -> int:
        return self._do("sweep", limit, before_ms)


class Watch:
    seconds = 1_000.0


def turns(store: Store, count: int, *, is_busy: bool = False, tick: float = 0.0) -> list[float]:
    watch = Watch()
    made = House(cast(NocStore, store), 14, lambda: 20 * DAY, lambda: watch.seconds)
    waits = []
    for _ in range(count):
        waits.append(made.turn(is_busy=is_busy))
        watch.seconds += tick
    return waits


def names(store: Store) -> list[str]:
    return [each[0] for each in store.asked]


def test_facts_come_first_then_old_days_then_hours() -> None:
    store = Store(batches=house.PROJECT_BATCHES + 1, hours=house.HOURS + 1)
    assert turns(store, 5) == [0.0, 0.0, 0.0, house.IDLE_SECONDS, house.IDLE_SECONDS]
    assert names(store) == ["project", "project", "sweep", "project", "roll_up", "project", "roll_up", "project"]
    assert ("sweep", 0, int(6 * DAY * 1000)) in store.asked
    assert store.left == {"project": 0, "roll_up": 0, "sweep": 0}


def test_while_much_comes_facts_are_brought_up_now_and_then_and_hours_wait() -> None:
    store = Store(batches=10_000, hours=100)
    turns(store, 20, is_busy=True, tick=0.1)
    assert names(store).count("project") == 4
    assert "roll_up" not in names(store)


def test_what_is_old_goes_a_few_at_a_time() -> None:
    store = Store(old=2 * house.SWEEP_ROWS + 1)
    turns(store, 60, tick=1.0)
    assert [done for what, done, *_ in store.asked if what == "sweep"] == [house.SWEEP_ROWS, house.SWEEP_ROWS, 1]


def test_a_store_in_trouble_is_said_and_left_alone_for_a_while(caplog: pytest.LogCaptureFixture) -> None:
    store = Store()
    store.is_full = True
    assert turns(store, 20, tick=1.0) == [house.IDLE_SECONDS] * 20
    assert caplog.text.count("the disk is full") == 1
