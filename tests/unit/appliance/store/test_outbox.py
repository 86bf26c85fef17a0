"""The outbox, durable and in memory: nothing is let go before the NOC has it, and what is dropped is counted."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.core.clock import Moment, WallQuality
from appliance.core.errors import StoreError
from appliance.core.report import Committed
from appliance.store.outbox import DurableOutbox, MemoryOutbox, open_outbox

BOOT, OTHER = "aa" * 16, "bb" * 16
Outbox = DurableOutbox | MemoryOutbox


def moment(boottime_ms: int, boot_id: str = BOOT) -> Moment:
    return Moment(boot_id, boottime_ms, 1_000 + boottime_ms, WallQuality.NTP)


@pytest.fixture(params=["durable", "memory"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[int], Outbox]]:
    with contextlib.ExitStack() as stack:

        def made(capacity_records: int) -> Outbox:
            if request.param == "memory":
                return MemoryOutbox(capacity_records)
            return stack.enter_context(contextlib.closing(open_outbox(tmp_path / "outbox.db", capacity_records)))

        yield made


def test_sequences_grow_within_a_boot_from_its_boottime(make: Callable[[int], Outbox]) -> None:
    outbox = make(10)
    given = [
        outbox.append(moment(at, boot), {"a": 1}).sequence
        for at, boot in ((500, BOOT), (1500, BOOT), (90, OTHER), (2500, BOOT))
    ]
    assert given == [500, 501, 90, 502]
    assert outbox.boots() == 2


def test_newest_first_and_without_those_on_their_way(make: Callable[[int], Outbox]) -> None:
    outbox = make(10)
    made = [outbox.append(moment(100 + i), {"a": i, "b": None}) for i in range(5)]
    assert outbox.newest(2) == [made[4], made[3]]
    assert outbox.newest(2, {(BOOT, made[4].sequence), (BOOT, made[2].sequence)}) == [made[3], made[1]]


def test_only_what_is_committed_is_let_go(make: Callable[[int], Outbox]) -> None:
    outbox = make(10)
    made = [outbox.append(moment(100 + i), {}) for i in range(5)]
    first = made[0].sequence
    assert outbox.release([Committed(OTHER, 0, 10_000)]) == 0
    assert outbox.release([Committed(BOOT, first + 1, first + 2), Committed(BOOT, first + 1, first + 1)]) == 2
    assert [each.sequence for each in outbox.newest(9)] == [first + 4, first + 3, first]
    assert outbox.waiting().waiting_records == 3


def test_the_oldest_make_room_and_are_counted(make: Callable[[int], Outbox]) -> None:
    outbox = make(3)
    made = [outbox.append(moment(100 + i), {}) for i in range(5)]
    assert outbox.newest(9) == [made[4], made[3], made[2]]
    assert (outbox.waiting().waiting_records, outbox.waiting().dropped_records) == (3, 2)


def test_a_restart_keeps_records_and_never_gives_a_sequence_twice(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path / "outbox.db", 10)
    kept = outbox.append(moment(100), {"a": 1.5})
    gone = outbox.append(moment(200), {})
    outbox.release([Committed(BOOT, gone.sequence, gone.sequence)])
    outbox.close()
    again = open_outbox(tmp_path / "outbox.db", 10)
    assert again.newest(9) == [kept]
    assert again.append(moment(300), {}).sequence == gone.sequence + 1
    assert again.append(moment(400), {}, above=9_000).sequence == 9_001
    again.close()


@pytest.mark.parametrize("content", [b"this is no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 4_000])
def test_a_damaged_file_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "outbox.db").write_bytes(content)
    with pytest.raises(StoreError, match="outbox"):
        open_outbox(tmp_path / "outbox.db", 10)
