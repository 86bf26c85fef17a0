"""Records that the NOC does not have yet, kept through power cuts until it says that it has them.

A record is durable before it is sent and is let go only by the NOC's acknowledgement; a broker's PUBACK is none (a
broker with its defaults loses acknowledged messages when it dies). The newest go first, so that a box that comes back
after a week shows how it is now.

What the NOC has acknowledged stays for `KEEP_MS` more of the box's running time, and waits again when the NOC's store
is made anew: a NOC that lost its disk gets it back. Room is bounded by bytes, not by dates, which the box may not know.
When it runs out, acknowledged records go first; then the oldest that wait are thinned to one an hour, events aside;
only then the oldest are dropped. What is thinned and dropped is counted.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from appliance.core.clock import Moment, WallQuality
from appliance.core.errors import StoreError
from appliance.core.report import Ack, Number, Record
from appliance.store.database import Database, Store, open_store
from appliance.store.migrations import Migrations

if TYPE_CHECKING:
    import sqlite_utils


MIGRATIONS: Final = Migrations("outbox")
KEEP_MS: Final = 7 * 86_400_000
HOUR_MS: Final = 3_600_000
_COLUMNS: Final = "boot_id, sequence, boottime_ms, wall_ms, wall_quality, samples"
_THIN_AT_ONCE: Final = 600
_LET_GO_AT_ONCE: Final = 240


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


@MIGRATIONS()
def m002_kept_after_acknowledgement(db: sqlite_utils.Database) -> None:
    """Records stay after their acknowledgement (``acknowledged_ms``, in running time), and are packed."""
    db.execute(
        "CREATE TABLE record (position INTEGER PRIMARY KEY AUTOINCREMENT, boot_id TEXT NOT NULL,"
        " sequence INTEGER NOT NULL, boottime_ms INTEGER NOT NULL, wall_ms INTEGER NOT NULL,"
        " wall_quality INTEGER NOT NULL, samples BLOB NOT NULL, is_event INTEGER NOT NULL DEFAULT 0,"
        " acknowledged_ms INTEGER, UNIQUE (boot_id, sequence))"
    )
    db.execute(
        f"INSERT INTO record (position, {_COLUMNS}) SELECT position, {_COLUMNS} FROM waiting"  # noqa: S608 - constants
    )
    db.execute("DROP TABLE waiting")
    db.execute("CREATE INDEX record_acknowledged ON record (acknowledged_ms)")
    db.execute("CREATE VIEW waiting AS SELECT * FROM record WHERE acknowledged_ms IS NULL")
    db.execute("ALTER TABLE loss ADD COLUMN thinned_records INTEGER NOT NULL DEFAULT 0")
    db.execute("ALTER TABLE loss ADD COLUMN thinned_position INTEGER NOT NULL DEFAULT 0")
    db.execute(
        "CREATE TABLE life (boot_id TEXT NOT NULL, boottime_ms INTEGER NOT NULL, ran_ms INTEGER NOT NULL,"
        " store_epoch TEXT NOT NULL)"
    )
    db.execute("INSERT INTO life VALUES ('', 0, 0, '')")


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many records wait for the NOC; how many were ever dropped, and how many thinned away, for want of room."""

    waiting_records: int
    dropped_records: int
    thinned_records: int = 0


class DurableOutbox:
    """The outbox in SQLite. Each method raises `StoreError` when the disk does not take or give."""

    def __init__(self, store: Store, capacity_bytes: int) -> None:
        self._store = store
        self._capacity_bytes = capacity_bytes

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
                f"INSERT INTO record ({_COLUMNS}, is_event) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants
                (
                    record.boot_id, sequence, record.boottime_ms, record.wall_ms, int(record.wall_quality),
                    _pack(record.samples), record.is_event,
                ),
            )  # fmt: skip
            ran_ms = _live(db, moment)
            db.execute("DELETE FROM record WHERE acknowledged_ms < ?", (ran_ms - KEEP_MS,))
            self._make_room(db)
        return record

    def newest(self, limit: int, without: Collection[tuple[str, int]] = ()) -> list[Record]:
        """List up to ``limit`` waiting records, newest first, leaving out those ``without`` names.

        One that the disk does not give back as it was is dropped, and counted.
        """
        found: list[Record] = []
        damaged: list[tuple[int]] = []
        with self._store.reading() as db:
            rows = db.execute(
                f"SELECT position, {_COLUMNS} FROM record WHERE acknowledged_ms IS NULL"  # noqa: S608 - constants
                " ORDER BY position DESC LIMIT ?",
                (limit + len(without),),
            )
            for position, boot_id, sequence, boottime_ms, wall_ms, quality, samples in rows:
                if (boot_id, sequence) in without:
                    continue
                try:
                    found.append(
                        Record(boot_id, sequence, boottime_ms, wall_ms, WallQuality(quality), _unpack(samples))
                    )
                except (ValueError, zlib.error):
                    damaged.append((position,))
                if len(found) == limit:
                    break
        if damaged:
            # What is good goes out also while the disk takes nothing; then these are passed over again.
            with contextlib.suppress(StoreError):
                self._drop(damaged)
        return found

    def release(self, ack: Ack) -> int:
        """Let go of what the NOC has committed; return how many records that were.

        Where its store was made anew, all that an earlier one had acknowledged waits again first.
        """
        with self._store.transaction() as db:
            ran_ms, epoch = db.execute("SELECT ran_ms, store_epoch FROM life").fetchone()
            if epoch != ack.store_epoch:
                if epoch:
                    db.execute("UPDATE record SET acknowledged_ms = NULL WHERE acknowledged_ms IS NOT NULL")
                db.execute("UPDATE life SET store_epoch = ?", (ack.store_epoch,))
            return sum(
                db.execute(
                    "UPDATE record SET acknowledged_ms = ? WHERE boot_id = ? AND sequence BETWEEN ? AND ?"
                    " AND acknowledged_ms IS NULL",
                    (ran_ms, each.boot_id, each.first, each.last),
                ).rowcount
                for each in ack.committed
            )

    def waiting(self) -> Waiting:
        """Count what waits, what was dropped, and what was thinned away."""
        with self._store.reading() as db:
            (count,) = db.execute("SELECT count(*) FROM record WHERE acknowledged_ms IS NULL").fetchone()
            dropped, thinned = db.execute("SELECT dropped_records, thinned_records FROM loss").fetchone()
        return Waiting(count, dropped, thinned)

    def boots(self) -> int:
        """Count the boots in which this box has measured."""
        with self._store.reading() as db:
            (count,) = db.execute("SELECT count(*) FROM boot").fetchone()
        return int(count)

    def _drop(self, positions: list[tuple[int]]) -> None:
        # SQLite does not notice when a card gives back other bytes in the middle of a row. Nobody could read them.
        with self._store.transaction() as db:
            db.executemany("DELETE FROM record WHERE position = ?", positions)
            db.execute("UPDATE loss SET dropped_records = dropped_records + ?", (len(positions),))

    def _make_room(self, db: Database) -> None:
        while _used_bytes(db) > self._capacity_bytes:
            if _let_go(db, "acknowledged_ms IS NOT NULL ORDER BY acknowledged_ms, position"):
                continue
            if _thin(db):
                continue
            dropped = _let_go(db, "position < (SELECT max(position) FROM record) ORDER BY position")
            if not dropped:
                return
            db.execute("UPDATE loss SET dropped_records = dropped_records + ?", (dropped,))


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

    def release(self, ack: Ack) -> int:
        """Let go of what the NOC has committed."""
        gone = {
            key
            for each in ack.committed
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


def open_outbox(path: Path, capacity_bytes: int) -> DurableOutbox:
    """Open (or make) the outbox at ``path``. Raises `StoreError` as `open_store` does."""
    return DurableOutbox(open_store(path, [MIGRATIONS]), capacity_bytes)


def is_damaged(error: StoreError) -> bool:
    """Say whether the file itself is at fault: it will not get better by waiting."""
    code = getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def set_aside(path: Path) -> Path:
    """Rename a damaged outbox and tell its new name; an earlier one that was set aside is overwritten.

    Raises `StoreError` where the disk does not let it be renamed.
    """
    aside = path.with_name(f"{path.name}.damaged")
    try:
        for suffix in ("-wal", "-shm", ""):
            found = path.with_name(path.name + suffix)
            if found.exists():
                found.replace(aside.with_name(aside.name + suffix))
    except OSError as error:
        raise StoreError(f"{path}: is damaged and cannot be set aside ({error.strerror})") from None
    return aside


def _pack(samples: Mapping[str, Number | None]) -> bytes:
    # Not as they travel: what is kept here is to be read after an update that changes the wire.
    return zlib.compress(json.dumps(samples, separators=(",", ":"), allow_nan=False).encode(), 6)


def _unpack(samples: bytes | str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(samples if isinstance(samples, str) else zlib.decompress(samples))
    return found


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


def _live(db: Database, moment: Moment) -> int:
    """Tell how long this box has run in all its boots, as far as it has measured, in ms: a clock that is never set."""
    boot_id, boottime_ms, ran_ms = db.execute("SELECT boot_id, boottime_ms, ran_ms FROM life").fetchone()
    ran_ms += max(0, moment.boottime_ms - (boottime_ms if boot_id == moment.boot_id else 0))
    db.execute("UPDATE life SET boot_id = ?, boottime_ms = ?, ran_ms = ?", (moment.boot_id, moment.boottime_ms, ran_ms))
    return int(ran_ms)


def _used_bytes(db: Database) -> int:
    """Tell the bytes of the file that hold something. Source: https://sqlite.org/pragma.html#pragma_freelist_count"""
    pages, free, size = (
        db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _let_go(db: Database, which: str) -> int:
    return db.execute(
        f"DELETE FROM record WHERE position IN (SELECT position FROM record WHERE {which} LIMIT {_LET_GO_AT_ONCE})"  # noqa: S608 - constants
    ).rowcount


def _thin(db: Database) -> int:
    """Of some of the oldest hours that wait, leave the first record of each and all events; count how many went."""
    rows = db.execute(
        "SELECT position, boot_id, boottime_ms / ?, is_event FROM record"
        " WHERE position > (SELECT thinned_position FROM loss) ORDER BY position LIMIT ?",
        (HOUR_MS, _THIN_AT_ONCE),
    ).fetchall()
    hours = [(boot_id, hour) for _, boot_id, hour, _ in rows]
    if len(set(hours)) > 1:
        # The last hour may go on beyond what was read.
        rows = rows[: hours.index(hours[-1])]
    elif len(rows) < _THIN_AT_ONCE:
        return 0
    seen: set[tuple[str, int]] = set()
    gone = []
    for position, boot_id, hour, is_event in rows:
        if is_event:
            continue
        if (boot_id, hour) in seen:
            gone.append((position,))
        seen.add((boot_id, hour))
    db.executemany("DELETE FROM record WHERE position = ?", gone)
    db.execute("UPDATE loss SET thinned_position = ?, thinned_records = thinned_records + ?", (rows[-1][0], len(gone)))
    return len(rows)
