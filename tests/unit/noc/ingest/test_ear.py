"""The NOC knows that it hears: what a worker says to itself comes back, is committed, and is in the facts."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.core.errors import StoreFull
from noc.ingest import worker
from noc.ingest.acknowledging import Acknowledging
from noc.ingest.ear import EVERY_SECONDS, FACTS_SIGN, OwnVoice, ears
from noc.ingest.house import House
from noc.ingest.rules import Message
from noc.ingest.worker import Delivery
from noc.rules.hearing import Ear
from noc.store.contract import Arrivals
from noc.store.sqlite import SqliteNocStore, open_noc_store
from tests.unit.noc.ingest.test_worker import Wire


class Hours:
    """Clocks set by hand."""

    def __init__(self) -> None:
        self.wall, self.counted = 1_000_000.0, 50.0

    def go(self, seconds: float) -> None:
        self.wall += seconds
        self.counted += seconds


@pytest.fixture
def hours() -> Hours:
    return Hours()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteNocStore]:
    with contextlib.closing(open_noc_store(tmp_path / "noc.db")) as made:
        yield made


def voice_of(store: SqliteNocStore, hours: Hours, broker: str = "") -> OwnVoice:
    return OwnVoice(store, broker, lambda: hours.wall, lambda: hours.counted)


def own(word: bytes) -> Delivery:
    return Delivery(Message("desahub/1/noc-ear/ingest-1", word, 5), 1, 1, is_own=True)


def test_it_speaks_each_half_minute_and_believes_only_its_own_words(store: SqliteNocStore, hours: Hours) -> None:
    voice = voice_of(store, hours)
    word = voice.word()
    assert word == b"1000000000"
    assert voice.word() is None
    hours.go(EVERY_SECONDS)
    assert voice.word() == b"1000030000"
    for junk in (b"", b"x", b"-1", b"9" * 40, "１".encode()):
        voice.heard(junk)
    assert store.signs() == {}
    voice.heard(word)
    assert ears(store.signs()) == (Ear("", 1_000_000_000),)


def test_a_word_counts_once_it_is_committed_and_a_clock_may_be_set_back(store: SqliteNocStore, hours: Hours) -> None:
    voice = voice_of(store, hours, "timur")

    class Full:
        def known(self, hub_ids: object) -> frozenset[str]:
            return frozenset()

        def commit(self, arrivals: Arrivals) -> int:
            raise StoreFull("full")

    wire, acknowledging = Wire(), Acknowledging(0)
    with pytest.raises(StoreFull):
        worker.step(wire, Full(), [own(b"7")], "e", acknowledging, voice=voice)  # type: ignore[arg-type]  # the part of a store that is asked
    assert (store.signs(), wire.said) == ({}, [])
    arrivals = worker.step(wire, store, [own(b"7"), own(b"5")], "e", acknowledging, voice=voice)
    assert (arrivals.aside, store.signs(), wire.said) == ((), {"broker timur": 5}, [1, 1])


def test_an_ear_that_never_heard_is_expected_from_its_first_start(store: SqliteNocStore, hours: Hours) -> None:
    voice = voice_of(store, hours)
    voice.announce()
    hours.go(500)
    voice.announce()
    assert ears(store.signs()) == (Ear("", 1_000_000_000),)


def test_what_is_not_in_the_facts_is_not_heard(store: SqliteNocStore, hours: Hours) -> None:
    assert ears({FACTS_SIGN: 3}) == ()
    assert ears({"broker ": 9, "broker b": 2, FACTS_SIGN: 3}) == (Ear("", 3), Ear("b", 2))
    house = House(store, 14, lambda: hours.wall, lambda: hours.counted)
    house.turn(is_busy=False)
    assert store.signs() == {FACTS_SIGN: 1_000_000_000}
    hours.go(1)
    house.turn(is_busy=False)
    assert store.signs() == {FACTS_SIGN: 1_000_000_000}
    hours.go(EVERY_SECONDS)
    house.turn(is_busy=False)
    assert store.signs() == {FACTS_SIGN: 1_000_000_000 + 31_000}


def test_the_worker_says_its_word_in_its_turns(store: SqliteNocStore, hours: Hours) -> None:
    stopping = threading.Event()

    class Echo(Wire):
        def take(self, timeout_seconds: float) -> Delivery:
            try:
                return self.arrived.get_nowait()
            except queue.Empty:
                if store.signs():
                    stopping.set()
                raise

        def say_to_itself(self, word: bytes) -> None:
            self.arrived.put(own(word))

    worker.run(Echo(), store, stopping, lambda: None, None, voice=voice_of(store, hours))
    assert store.signs() == {"broker ": 1_000_000_000}
