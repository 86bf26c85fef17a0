"""What every store of the NOC keeps to."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.core.errors import StoreError
from noc.store.contract import Arrivals, AsideKind, Hub, NocStore, SetAside
from noc.store.sqlite import ASIDE_ROWS_PER_TOPIC_MAX, open_noc_store, open_noc_store_reading
from tests.unit.noc.seed import NOW_MS, arrived, born

HUB = Hub("hub-0001", "Sukamaju", "51.03.01.2001", "Asia/Makassar")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[NocStore]:
    with contextlib.closing(open_noc_store(tmp_path / "noc.db")) as made:
        made.add_hub(HUB)
        yield made


def test_the_inventory_takes_each_hub_once(store: NocStore) -> None:
    assert store.hubs() == (HUB,)
    with pytest.raises(StoreError, match="already"):
        store.add_hub(Hub(HUB.hub_id, "Lain", "51.03.01.2002"))
    assert store.hubs() == (HUB,)
    assert store.facts("hub-9999") == ()


def test_a_record_counts_once_whoever_sends_it_again(store: NocStore) -> None:
    one, two = arrived(HUB.hub_id, 1, 60_000), arrived(HUB.hub_id, 2, 0)
    assert store.commit(Arrivals([one])) == 1
    assert store.commit(Arrivals([two, one, two])) == 1
    assert store.records(HUB.hub_id, 0, NOW_MS + 1) == (one, two)
    assert store.records(HUB.hub_id, 0, NOW_MS) == (one,)
    (facts,) = store.facts(HUB.hub_id)
    assert (facts.recent, facts.last_contact_ms) == ((one, two), NOW_MS)


def test_old_arrivals_go_a_few_at_a_time(store: NocStore) -> None:
    late = dataclasses.replace(arrived(HUB.hub_id, 1, 900_000), received_ms=NOW_MS)
    old = [arrived(HUB.hub_id, minute, 60_000 * (9 - minute)) for minute in range(2, 9)]
    store.commit(Arrivals([*old, late]))
    assert [store.sweep(NOW_MS - 120_000, 4) for _ in range(3)] == [4, 1, 0]
    assert store.records(HUB.hub_id, 0, NOW_MS + 1) == (late, *old[-2:])
    assert store.facts(HUB.hub_id)[0].last_contact_ms == NOW_MS


def test_all_or_nothing(store: NocStore) -> None:
    stranger = arrived("hub-9999", 1, 0)
    with pytest.raises(Exception, match="FOREIGN KEY"):
        store.commit(Arrivals([arrived(HUB.hub_id, 1, 0), stranger]))
    assert store.records(HUB.hub_id, 0, NOW_MS + 1) == ()


def test_a_late_will_does_not_undo_a_newer_birth(store: NocStore) -> None:
    birth = born(HUB.hub_id, NOW_MS, session=7)
    store.commit(Arrivals(states=[birth]))
    store.commit(Arrivals(states=[born(HUB.hub_id, NOW_MS + 1, session=6, online=False)]))
    assert store.facts()[0].state == birth
    own_will = born(HUB.hub_id, NOW_MS + 2, session=7, online=False)
    store.commit(Arrivals(states=[own_will]))
    assert store.facts()[0].state == own_will
    assert store.facts()[0].last_contact_ms == NOW_MS, "a will is the broker's word, not the hub's"


def test_what_is_kept_aside_is_counted_and_bounded(store: NocStore) -> None:
    many = [SetAside("t/1", AsideKind.MALFORMED, "why", b"x" * 9_000, i) for i in range(ASIDE_ROWS_PER_TOPIC_MAX + 50)]
    other = SetAside("t/2", AsideKind.UNKNOWN_VERSION, "later", b"y" * 9_000, 1)
    store.commit(Arrivals(aside=[other, *many]))
    assert store.aside_counts() == {
        AsideKind.MALFORMED: len(many), AsideKind.UNKNOWN_VERSION: 1, AsideKind.UNKNOWN_HUB: 0,
    }  # fmt: skip
    kept = store.aside(10_000)
    assert len(kept) == ASIDE_ROWS_PER_TOPIC_MAX + 1
    assert kept[0].received_ms == len(many) - 1
    assert len(kept[0].payload) < 9_000
    assert kept[-1] == other, "what a later release can read is kept whole"


def test_the_epoch_is_of_the_store(store: NocStore, tmp_path: Path) -> None:
    assert store.epoch() == store.epoch()
    with contextlib.closing(open_noc_store(tmp_path / "other.db")) as other:
        assert other.epoch() != store.epoch()
    with contextlib.closing(open_noc_store_reading(tmp_path / "noc.db")) as reading:
        assert reading.epoch() == store.epoch()
        with pytest.raises(StoreError):
            reading.add_hub(Hub("hub-0002", "Dua", "51.03.01.2002"))
