"""The outbox, durable and in memory: nothing is let go before the NOC has it, and what is dropped is counted."""

from __future__ import annotations

import contextlib
import dataclasses
import random
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.core.clock import Moment, WallQuality
from appliance.core.config.reporting import Agent
from appliance.core.errors import StoreError, StoreFull
from appliance.core.report import Ack, Committed, Record
from appliance.store import database
from appliance.store.database import open_store
from appliance.store.migrations import Migrations
from appliance.store.outbox import (
    MIGRATIONS,
    DurableOutbox,
    MemoryOutbox,
    Waiting,
    _pack,
    is_damaged,
    open_outbox,
    set_aside,
)
from tests.bench import village_day

BOOT, OTHER = "aa" * 16, "bb" * 16
Outbox = DurableOutbox | MemoryOutbox


def moment(boottime_ms: int, boot_id: str = BOOT) -> Moment:
    return Moment(boot_id, boottime_ms, 1_000 + boottime_ms, WallQuality.NTP)


EPOCH = "e0" * 16
MINUTE_MS, DAY_MS = 60_000, 86_400_000
NOISE = random.Random(5)


def ack(*committed: Committed, epoch: str = EPOCH) -> Ack:
    return Ack(epoch, committed)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


@pytest.fixture
def durable(path: Path) -> Iterator[DurableOutbox]:
    with contextlib.closing(open_outbox(path, 10**7)) as opened:
        yield opened


@pytest.fixture(params=["durable", "memory"])
def outbox(request: pytest.FixtureRequest) -> Outbox:
    return MemoryOutbox(10) if request.param == "memory" else request.getfixturevalue("durable")


def test_sequences_grow_within_a_boot_from_its_boottime(outbox: Outbox) -> None:
    given = [
        outbox.append(moment(at, boot), {"a": 1}).sequence
        for at, boot in ((500, BOOT), (1500, BOOT), (90, OTHER), (2500, BOOT))
    ]
    assert given == [500, 501, 90, 502]
    assert outbox.boots() == 2


def test_newest_first_and_without_those_on_their_way(outbox: Outbox) -> None:
    made = [outbox.append(moment(100 + i), {"a": i, "b": None}) for i in range(5)]
    assert outbox.newest(2) == [made[4], made[3]]
    assert outbox.newest(2, {(BOOT, made[4].sequence), (BOOT, made[2].sequence)}) == [made[3], made[1]]


def test_only_what_is_committed_is_let_go(outbox: Outbox) -> None:
    made = [outbox.append(moment(100 + i), {}) for i in range(5)]
    first = made[0].sequence
    assert outbox.release(ack(Committed(OTHER, 0, 10_000))) == 0
    assert outbox.release(ack(Committed(BOOT, first + 1, first + 2), Committed(BOOT, first + 1, first + 1))) == 2
    assert [each.sequence for each in outbox.newest(9)] == [first + 4, first + 3, first]
    assert outbox.waiting().waiting_records == 3


def test_in_memory_the_oldest_make_room_and_are_counted() -> None:
    outbox = MemoryOutbox(3)
    made = [outbox.append(moment(100 + i), {}) for i in range(5)]
    assert outbox.newest(9) == [made[4], made[3], made[2]]
    assert outbox.waiting() == Waiting(3, 2)


def test_a_restart_keeps_records_and_never_gives_a_sequence_twice(path: Path) -> None:
    outbox = open_outbox(path, 10**7)
    kept = outbox.append(moment(100), {"a": 1.5, "b": 2.0, "c": 2**62, "d": None})
    gone = outbox.append(moment(200), {})
    outbox.release(ack(Committed(BOOT, gone.sequence, gone.sequence)))
    outbox.close()
    again = open_outbox(path, 10**7)
    assert again.newest(9) == [kept]
    assert repr(again.newest(9)[0].samples) == repr(kept.samples)
    assert again.append(moment(300), {}).sequence == gone.sequence + 1
    assert again.append(moment(400), {}, above=9_000).sequence == 9_001
    again.close()


def test_what_an_earlier_release_kept_is_still_there(path: Path) -> None:
    first = Migrations("outbox")
    first(name="m001_first")(MIGRATIONS.steps["m001_first"])
    store = open_store(path, [first])
    with store.transaction() as db:
        db.execute(
            "INSERT INTO waiting (boot_id, sequence, boottime_ms, wall_ms, wall_quality, samples)"
            " VALUES (?, 7, 7, 8, 2, ?)",
            (BOOT, '{"a":1.5}'),
        )
        db.execute("INSERT INTO boot VALUES (?, 7)", (BOOT,))
    store.close()
    with contextlib.closing(open_outbox(path, 10**7)) as outbox:
        assert outbox.newest(9) == [Record(BOOT, 7, 7, 8, WallQuality.NTP, {"a": 1.5})]
        assert outbox.append(moment(9), {}).sequence == 8


def test_a_noc_whose_store_is_made_anew_gets_back_what_it_had(path: Path, durable: DurableOutbox) -> None:
    made = [durable.append(moment(1_000 * i), {"a": i}) for i in range(1, 6)]
    assert durable.release(ack(Committed(BOOT, 0, made[3].sequence))) == 4
    assert durable.newest(9) == [made[4]]
    durable.close()
    again = open_outbox(path, 10**7)  # the epoch is remembered over a restart
    assert again.release(ack(Committed(BOOT, made[0].sequence, made[0].sequence), epoch="ff" * 16)) == 1
    assert again.newest(9) == made[:0:-1]
    again.close()


def test_what_was_acknowledged_stays_for_seven_days_of_running(durable: DurableOutbox) -> None:
    def waits_for_a_new_noc(number: int) -> int:
        durable.release(ack(epoch=f"{number:032x}"))
        count = durable.waiting().waiting_records
        durable.release(ack(Committed(BOOT, 0, 10**12), Committed(OTHER, 0, 10**12), epoch=f"{number:032x}"))
        return count

    first = durable.append(moment(MINUTE_MS), {"a": 1})
    durable.release(ack(Committed(BOOT, 0, first.sequence)))
    # The box was off for who knows how long, and its clock says 1970: what counts is how long it ran.
    durable.append(Moment(OTHER, 6 * DAY_MS, 0, WallQuality.UNKNOWN), {"a": 2})
    assert waits_for_a_new_noc(1) == 2
    durable.append(Moment(OTHER, 8 * DAY_MS, 0, WallQuality.UNKNOWN), {"a": 3})
    assert waits_for_a_new_noc(2) == 3
    durable.append(Moment(OTHER, 16 * DAY_MS, 0, WallQuality.UNKNOWN), {"a": 4})
    assert waits_for_a_new_noc(3) == 1


def filled(outbox: DurableOutbox, minutes: range) -> list[Record]:
    """Records of a minute each, which do not pack well."""
    return [
        outbox.append(
            moment(minute * MINUTE_MS), {f"noise{i}": NOISE.getrandbits(62) for i in range(20)}
            | ({"event.uplink_down": 1} if minute % 1_000 == 7 else {}),
        )
        for minute in minutes
    ]  # fmt: skip


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of appends: what a power cut would do to them is another test's."""
    monkeypatch.setattr(database, "_connect", _without_sync(database._connect))


def _without_sync(real: Callable[..., Any]) -> Callable[..., Any]:
    def connect(*given: Any, **more: Any) -> Any:
        connection = real(*given, **more)
        connection.execute("PRAGMA synchronous=OFF")
        return connection

    return connect


def test_without_room_acknowledged_records_go_first_then_the_oldest_are_thinned_then_dropped(path: Path) -> None:
    with contextlib.closing(open_outbox(path, 400_000)) as outbox:
        made = filled(outbox, range(400))
        outbox.release(ack(Committed(BOOT, 0, made[299].sequence)))
        made += filled(outbox, range(400, 800))
        assert outbox.waiting() == Waiting(500, 0, 0)

        made += filled(outbox, range(800, 1_600))
        found = outbox.waiting()
        assert found.dropped_records == 0
        assert found.thinned_records + found.waiting_records == 1_300
        left = outbox.newest(2_000)
        assert left[:200] == made[:-201:-1], "the newest are whole"
        hours = [each.boottime_ms // (60 * MINUTE_MS) for each in left]
        assert set(hours) == set(range(5, 27)), "and of each hour there is one"
        assert made[1_007] in left, "events stay"

        filled(outbox, range(1_600, 80_000, 60))
        found = outbox.waiting()
        assert found.dropped_records > 0
        assert found.dropped_records + found.thinned_records + found.waiting_records == 1_300 + 1_307
        assert path.stat().st_size < 450_000


def test_thirty_days_of_a_record_of_forty_samples_have_room_by_default() -> None:
    day = list(village_day.records(1_440))
    bytes_a_record = sum(len(_pack(each.samples)) for each in day) / len(day)
    assert (bytes_a_record + 150) * 37 * 1_440 < config_default() * 10**6


def config_default() -> int:
    return int(next(each.default for each in dataclasses.fields(Agent) if each.name == "outbox_megabytes"))  # type: ignore[arg-type]


@pytest.mark.parametrize("content", [b"this is no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 4_000])
def test_a_damaged_file_is_said_and_can_be_set_aside(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StoreError, match="outbox") as caught:
        open_outbox(path, 10**7)
    assert is_damaged(caught.value)
    assert set_aside(path).read_bytes() == content
    open_outbox(path, 10**7).close()


@pytest.mark.parametrize("damage", ["samples = x'789c00'", "samples = '{'", "wall_quality = 9"])
def test_a_record_that_the_disk_changed_is_dropped_counted_and_stops_nothing(path: Path, damage: str) -> None:
    with contextlib.closing(open_outbox(path, 10**7)) as outbox:
        one, two, three = (outbox.append(moment(at), {"a": 1}) for at in (100, 200, 300))
        with contextlib.closing(sqlite3.connect(path)) as db, db:
            db.execute(f"UPDATE record SET {damage} WHERE sequence = ?", (two.sequence,))
        assert outbox.newest(9) == [three, one]
        assert outbox.waiting() == Waiting(2, 1)


def test_a_changed_record_hides_no_other_while_the_disk_is_full(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.closing(open_outbox(path, 10**7)) as outbox:
        one, two = (outbox.append(moment(at), {"a": 1}) for at in (100, 200))
        with contextlib.closing(sqlite3.connect(path)) as db, db:
            db.execute("UPDATE record SET samples = x'789c00' WHERE sequence = ?", (two.sequence,))
        monkeypatch.setattr(database, "FREE_BYTES_MIN", 2**62)
        assert outbox.newest(9) == [one]
        monkeypatch.undo()
        assert outbox.newest(9) == [one]
        assert outbox.waiting() == Waiting(1, 1)


def test_a_full_disk_is_no_damage() -> None:
    assert not is_damaged(StoreFull("the disk is full"))
