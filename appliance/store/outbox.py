"""Records that the NOC does not have yet, kept through power cuts until it says that it has them.

A record is durable before it is sent and is let go only by the NOC's acknowledgement; a broker's PUBACK is none (a
broker with its defaults loses acknowledged messages when it dies). The newest go first, so that a box that comes back
after a week shows how it is now. Room is bounded by a number of records, not by their age: the box may not know the
date. What is dropped is counted.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.core.clock import Moment, WallQuality
from appliance.core.report import Committed, Number, Record
from appliance.store.database import Database, Store, open_store
from appliance.store.migrations import Migrations

if TYPE_CHECKING:
    import sqlite_utils


MIGRATIONS: Final = Migrations("outbox")


@MIGRATIONS()
def m001_first(db: sqlite_utils.Database) -> None:
    """Records that wait, the last sequence of each boot, and what was dropped."""
    db.execute(
        "CREATE TABLE waiting (position INTEGER PRIMARY KEY AUTOINCREMENT, boot_id TEXT NOT NULL,"
        " sequence INTEGER NOT NULL, boottime_ms INTEGER NOT NULL, wall_ms INTEGER NOT NULL,"
        " wall_quality INTEGER NOT NULL, samples TEXT NOT NULL, UNIQUE (boot_id, sequence))"
    )
    db.execute("CREATE TABLE boot (boot_id TEXT PRIMARY KEY, last_sequence INTEGER NOT NULL)")
    db.execute("CREATE TABLE loss (dropped_records INTEGER NOT NULL)")
    db.execute("INSERT INTO loss VALUES (0)")


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many records wait for the NOC, and how many were ever dropped for want of room."""

    waiting_records: int
    dropped_records: int


class DurableOutbox:
    """The outbox in SQLite. Each method raises `StoreError` when the disk does not take or give."""

    def __init__(self, store: Store, capacity_records: int) -> None:
        self._store = store
        self._capacity_records = capacity_records

    def close(self) -> None:
        """Close the database."""
        self._store.close()

    def append(self, moment: Moment, samples: Mapping[str, Number | None], *, above: int = -1) -> Record:
        """Give the next sequence of this boot to a record and keep it; durable when this returns.

        Sequences up to ``above`` were given elsewhere (by a `MemoryOutbox`) and are passed over.
        """
        with self._store.transaction() as db:
            sequence = _next_sequence(db, moment, above)
            record = Record(
                moment.boot_id, sequence, moment.boottime_ms, moment.wall_ms, moment.wall_quality, dict(samples)
            )
            db.execute(
                "INSERT INTO waiting (boot_id, sequence, boottime_ms, wall_ms, wall_quality, samples)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    record.boot_id, sequence, record.boottime_ms, record.wall_ms, int(record.wall_quality),
                    json.dumps(record.samples, separators=(",", ":"), allow_nan=False),
                ),
            )  # fmt: skip
            self._drop_oldest(db)
        return record

    def newest(self, limit: int, without: Collection[tuple[str, int]] = ()) -> list[Record]:
        """List up to ``limit`` waiting records, newest first, leaving out those ``without`` names."""
        with self._store.reading() as db:
            rows = db.execute(
                "SELECT boot_id, sequence, boottime_ms, wall_ms, wall_quality, samples FROM waiting"
                " ORDER BY position DESC LIMIT ?",
                (limit + len(without),),
            ).fetchall()
        found = [
            Record(boot_id, sequence, boottime_ms, wall_ms, WallQuality(quality), json.loads(samples))
            for boot_id, sequence, boottime_ms, wall_ms, quality, samples in rows
            if (boot_id, sequence) not in without
        ]
        return found[:limit]

    def release(self, committed: Iterable[Committed]) -> int:
        """Let go of what the NOC has committed; return how many records that were."""
        with self._store.transaction() as db:
            return sum(
                db.execute(
                    "DELETE FROM waiting WHERE boot_id = ? AND sequence BETWEEN ? AND ?",
                    (each.boot_id, each.first, each.last),
                ).rowcount
                for each in committed
            )

    def waiting(self) -> Waiting:
        """Count what waits and what was dropped."""
        with self._store.reading() as db:
            (count,) = db.execute("SELECT count(*) FROM waiting").fetchone()
            (dropped,) = db.execute("SELECT dropped_records FROM loss").fetchone()
        return Waiting(count, dropped)

    def boots(self) -> int:
        """Count the boots in which this box has measured."""
        with self._store.reading() as db:
            (count,) = db.execute("SELECT count(*) FROM boot").fetchone()
        return int(count)

    def _drop_oldest(self, db: Database) -> None:
        (count,) = db.execute("SELECT count(*) FROM waiting").fetchone()
        excess = count - self._capacity_records
        if excess > 0:
            db.execute(
                "DELETE FROM waiting WHERE position IN (SELECT position FROM waiting ORDER BY position LIMIT ?)",
                (excess,),
            )
            db.execute("UPDATE loss SET dropped_records = dropped_records + ?", (excess,))


class MemoryOutbox:
    """The outbox of a box whose disk fails: nothing survives a restart, but what happens now is still reported."""

    def __init__(self, capacity_records: int) -> None:
        self._capacity_records = capacity_records
        self._records: dict[tuple[str, int], Record] = {}
        self._last: dict[str, int] = {}
        self._dropped_records = 0

    def append(self, moment: Moment, samples: Mapping[str, Number | None]) -> Record:
        """Keep a record until the process ends."""
        sequence = _following(self._last.get(moment.boot_id), moment)
        self._last[moment.boot_id] = sequence
        record = Record(
            moment.boot_id, sequence, moment.boottime_ms, moment.wall_ms, moment.wall_quality, dict(samples)
        )
        self._records[record.boot_id, sequence] = record
        while len(self._records) > self._capacity_records:
            del self._records[next(iter(self._records))]
            self._dropped_records += 1
        return record

    def newest(self, limit: int, without: Collection[tuple[str, int]] = ()) -> list[Record]:
        """List up to ``limit`` waiting records, newest first."""
        return [each for key, each in reversed(self._records.items()) if key not in without][:limit]

    def release(self, committed: Iterable[Committed]) -> int:
        """Let go of what the NOC has committed."""
        gone = {
            key
            for each in committed
            for key in self._records
            if key[0] == each.boot_id and each.first <= key[1] <= each.last
        }
        for key in gone:
            del self._records[key]
        return len(gone)

    def last_sequence(self, boot_id: str) -> int:
        """Tell the last sequence given in a boot, -1 when none was."""
        return self._last.get(boot_id, -1)

    def waiting(self) -> Waiting:
        """Count what waits and what was dropped."""
        return Waiting(len(self._records), self._dropped_records)

    def boots(self) -> int:
        """Count the boots this process has seen."""
        return len(self._last)


def open_outbox(path: Path, capacity_records: int) -> DurableOutbox:
    """Open (or make) the outbox at ``path``. Raises `StoreError` as `open_store` does."""
    return DurableOutbox(open_store(path, [MIGRATIONS]), capacity_records)


def _following(last: int | None, moment: Moment) -> int:
    # A boot's first sequence is its boottime in ms: an outbox made anew within a boot (its file was damaged) then
    # starts above every sequence the NOC may have seen of that boot, since records are made slower than one a ms.
    return moment.boottime_ms if last is None else last + 1


def _next_sequence(db: Database, moment: Moment, above: int) -> int:
    row = db.execute("SELECT last_sequence FROM boot WHERE boot_id = ?", (moment.boot_id,)).fetchone()
    sequence = max(_following(row[0] if row else None, moment), above + 1)
    db.execute(
        "INSERT INTO boot (boot_id, last_sequence) VALUES (?, ?)"
        " ON CONFLICT (boot_id) DO UPDATE SET last_sequence = excluded.last_sequence",
        (moment.boot_id, sequence),
    )
    return sequence
