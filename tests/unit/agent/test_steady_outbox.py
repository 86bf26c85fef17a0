"""A disk that fails, in each way a disk fails: the box goes on and says so."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from agent.steady_outbox import SteadyOutbox
from appliance.core.clock import Moment, WallQuality
from appliance.core.report import Ack, Committed

BOOT, EPOCH = "aa" * 16, "cd" * 16
ROOM = 10**7


def moment(boottime_ms: int) -> Moment:
    return Moment(BOOT, boottime_ms, 0, WallQuality.UNKNOWN)


def test_while_the_disk_does_not_take_records_they_are_held_in_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    folder = tmp_path / "not-yet-mounted"
    outbox = SteadyOutbox(folder / "outbox.db", ROOM)
    first = outbox.append(moment(100_000), {"a": 1})
    outbox.append(moment(101_000), {"a": 2})
    assert [each.samples["a"] for each in outbox.newest(9)] == [2, 1]
    assert outbox.waiting() is None
    assert caplog.text.count("the outbox does not keep records") == 1

    folder.mkdir()
    third = outbox.append(moment(102_000), {"a": 3})
    assert "the outbox works again" in caplog.text
    waiting = outbox.waiting()
    assert waiting is not None
    assert waiting.waiting_records == 3
    assert third.sequence > first.sequence + 1
    assert outbox.release(Ack(EPOCH, (Committed(BOOT, first.sequence, third.sequence),))) == 3


def test_a_file_that_is_no_database_is_set_aside_and_begun_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "outbox.db"
    path.write_bytes(b"no database" * 1000)
    outbox = SteadyOutbox(path, ROOM)
    made = outbox.append(moment(100_000), {"a": 1})
    assert outbox.newest(9) == [made]
    assert caplog.text.count("the outbox is damaged, set aside as") == 1
    assert (tmp_path / "outbox.db.damaged").read_bytes() == b"no database" * 1000
    waiting = outbox.waiting()
    assert waiting is not None, "on the disk again"
    assert waiting.waiting_records == 1


def test_a_file_damaged_under_its_program_is_set_aside_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "outbox.db"
    outbox = SteadyOutbox(path, ROOM)
    before = [outbox.append(moment(100_000 + i), {f"a{n}": n for n in range(30)}) for i in range(50)]
    outbox.close()
    damaged = bytearray(path.read_bytes())
    damaged[4_096:] = b"\xff" * (len(damaged) - 4_096)
    for name in ("outbox.db-wal", "outbox.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    path.write_bytes(damaged)
    fresh = SteadyOutbox(path, ROOM)
    after = fresh.append(moment(200_000), {"a": 1})
    assert fresh.newest(9) == [after]
    assert after.sequence > before[-1].sequence, "no sequence is given twice"
    assert "is damaged, set aside" in caplog.text
    waiting = fresh.waiting()
    assert waiting is not None


def test_an_event_is_urgent_once(tmp_path: Path) -> None:
    outbox = SteadyOutbox(tmp_path / "outbox.db", ROOM)
    outbox.append(moment(100_000), {"a": 1})
    assert not outbox.take_urgent()
    outbox.append(moment(101_000), {"event.uplink_down": 1})
    assert outbox.take_urgent()
    assert not outbox.take_urgent()
