"""The NOC's store in SQLite: enough for a district's hundreds of hubs."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from appliance.core.clock import WallQuality
from appliance.core.errors import StoreError
from appliance.core.report import Record, State
from appliance.store.database import Database, Store, open_reading, open_store
from appliance.store.migrations import Migrations
from noc.store.contract import Arrivals, ArrivedRecord, ArrivedState, AsideKind, Hub, HubFacts, SetAside

if TYPE_CHECKING:
    import sqlite_utils

ASIDE_ROWS_MAX: Final = 10_000
ASIDE_ROWS_PER_TOPIC_MAX: Final = 200
ASIDE_BYTES_MAX: Final = 4_096
UNKNOWN_BYTES_MAX: Final = 256 * 1024  # a later release can read these, so they are kept whole
RECENT_RECORDS: Final = 12

_MIGRATIONS = Migrations("noc")

_RECORD_COLUMNS = "hub_id, boot_id, sequence, boottime_ms, wall_ms, wall_quality, samples, time_ms, received_ms"


@_MIGRATIONS()
def m001_first(db: sqlite_utils.Database) -> None:
    """Make the inventory, the records, the latest state and what is kept aside."""
    for statement in (
        "CREATE TABLE store (epoch TEXT NOT NULL)",
        "CREATE TABLE hub (hub_id TEXT PRIMARY KEY, name TEXT NOT NULL, kode_wilayah TEXT NOT NULL,"
        " timezone TEXT NOT NULL, last_contact_ms INTEGER)",
        # Samples are one JSON text a record: a measurement more is no column more, and a chart reads few records.
        "CREATE TABLE record (hub_id TEXT NOT NULL REFERENCES hub, boot_id TEXT NOT NULL, sequence INTEGER NOT NULL,"
        " boottime_ms INTEGER NOT NULL, wall_ms INTEGER NOT NULL, wall_quality INTEGER NOT NULL,"
        " samples TEXT NOT NULL, time_ms INTEGER, received_ms INTEGER NOT NULL,"
        " PRIMARY KEY (hub_id, boot_id, sequence)) WITHOUT ROWID",
        "CREATE INDEX record_time ON record (hub_id, time_ms)",
        "CREATE TABLE state (hub_id TEXT PRIMARY KEY REFERENCES hub, boot_id TEXT NOT NULL, session INTEGER NOT NULL,"
        " online INTEGER NOT NULL, software_version TEXT NOT NULL, configuration_fingerprint TEXT NOT NULL,"
        " received_ms INTEGER NOT NULL)",
        "CREATE TABLE aside (position INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, kind TEXT NOT NULL,"
        " reason TEXT NOT NULL, payload BLOB NOT NULL, received_ms INTEGER NOT NULL)",
        "CREATE INDEX aside_topic ON aside (topic, position)",
        "CREATE TABLE aside_count (kind TEXT PRIMARY KEY, messages INTEGER NOT NULL)",
    ):
        db.execute(statement)
    db.execute("INSERT INTO store VALUES (?)", (secrets.token_hex(16),))


@_MIGRATIONS()
def m002_arrival(db: sqlite_utils.Database) -> None:
    """Find the oldest arrivals without reading every record."""
    db.execute("CREATE INDEX record_received ON record (received_ms)")


class SqliteNocStore:
    """`NocStore` on one SQLite file."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def close(self) -> None:
        """Close every connection."""
        self._store.close()

    def epoch(self) -> str:
        """Name this store: 32 hexadecimal digits, made with it."""
        with self._store.reading() as db:
            (epoch,) = db.execute("SELECT epoch FROM store").fetchone()
        return str(epoch)

    def add_hub(self, hub: Hub) -> None:
        """Put a hub into the inventory. Raises `StoreError` when its id is taken."""
        with self._store.transaction() as db:
            if db.execute("SELECT 1 FROM hub WHERE hub_id = ?", (hub.hub_id,)).fetchone():
                raise StoreError(f"{hub.hub_id} is in the inventory already; nothing was changed")
            db.execute(
                "INSERT INTO hub (hub_id, name, kode_wilayah, timezone) VALUES (?, ?, ?, ?)",
                (hub.hub_id, hub.name, hub.kode_wilayah, hub.timezone),
            )

    def hubs(self) -> tuple[Hub, ...]:
        """List the inventory by name."""
        with self._store.reading() as db:
            rows = db.execute("SELECT hub_id, name, kode_wilayah, timezone FROM hub ORDER BY name, hub_id").fetchall()
        return tuple(Hub(*row) for row in rows)

    def commit(self, arrivals: Arrivals) -> int:
        """Keep all of ``arrivals`` or nothing; durable when this returns. Returns how many records were new.

        A record that is there already (same hub, boot and sequence) stays as it is.
        """
        with self._store.transaction() as db:
            new = sum(_insert_record(db, each) for each in arrivals.records)
            for state in arrivals.states:
                _put_state(db, state)
            for aside in arrivals.aside:
                _put_aside(db, aside)
            heard: list[ArrivedRecord | ArrivedState] = [*arrivals.records, *arrivals.states]
            contacts = {each.hub_id: each.received_ms for each in heard if _speaks(each)}
            for hub_id, received_ms in contacts.items():
                db.execute(
                    "UPDATE hub SET last_contact_ms = max(coalesce(last_contact_ms, 0), ?) WHERE hub_id = ?",
                    (received_ms, hub_id),
                )
        return new

    def sweep(self, before_ms: int, limit: int) -> int:
        """Delete up to ``limit`` records that came before ``before_ms``; return how many went.

        By arrival, not by date: a hub's clock may say anything.
        """
        with self._store.transaction() as db:
            return db.execute(
                "DELETE FROM record WHERE (hub_id, boot_id, sequence) IN ("
                " SELECT hub_id, boot_id, sequence FROM record WHERE received_ms < ? ORDER BY received_ms LIMIT ?)",
                (before_ms, limit),
            ).rowcount

    def facts(self, hub_id: str | None = None) -> tuple[HubFacts, ...]:
        """Tell what is known of one hub, or of all by name; none when the id is not in the inventory."""
        where, values = ("", ()) if hub_id is None else (" WHERE hub.hub_id = ?", (hub_id,))
        with self._store.reading() as db:
            rows = db.execute(
                "SELECT hub.hub_id, name, kode_wilayah, timezone, last_contact_ms, state.boot_id, session, online,"  # noqa: S608 - constants
                " software_version, configuration_fingerprint, received_ms"
                f" FROM hub LEFT JOIN state ON state.hub_id = hub.hub_id{where} ORDER BY name, hub.hub_id",
                values,
            ).fetchall()
            return tuple(HubFacts(Hub(*row[:4]), row[4], _state(row), _recent(db, row[0])) for row in rows)

    def records(self, hub_id: str, from_ms: int, to_ms: int) -> tuple[ArrivedRecord, ...]:
        """List a hub's records made from ``from_ms`` up to but without ``to_ms``, oldest first."""
        with self._store.reading() as db:
            rows = db.execute(
                f"SELECT {_RECORD_COLUMNS} FROM record WHERE hub_id = ? AND time_ms >= ? AND time_ms < ?"  # noqa: S608 - constants
                " ORDER BY time_ms",
                (hub_id, from_ms, to_ms),
            ).fetchall()
        return tuple(map(_arrived, rows))

    def aside_counts(self) -> dict[AsideKind, int]:
        """Count what was ever kept aside, dropped payloads included."""
        with self._store.reading() as db:
            rows = db.execute("SELECT kind, messages FROM aside_count").fetchall()
        return dict.fromkeys(AsideKind, 0) | {AsideKind(kind): messages for kind, messages in rows}

    def aside(self, limit: int) -> tuple[SetAside, ...]:
        """List what is kept aside, newest first."""
        with self._store.reading() as db:
            rows = db.execute(
                "SELECT topic, kind, reason, payload, received_ms FROM aside ORDER BY position DESC LIMIT ?", (limit,)
            ).fetchall()
        return tuple(SetAside(topic, AsideKind(kind), *rest) for topic, kind, *rest in rows)


def open_noc_store(path: Path) -> SqliteNocStore:
    """Open (or make) the store for writing. Raises `StoreError` as `open_store` does."""
    return SqliteNocStore(open_store(path, [_MIGRATIONS]))


def open_noc_store_reading(path: Path) -> SqliteNocStore:
    """Open the store for reading only, as the pages do. Raises `StoreError` as `open_reading` does."""
    return SqliteNocStore(open_reading(path, [_MIGRATIONS]))


def _speaks(arrived: ArrivedRecord | ArrivedState) -> bool:
    # A will is the broker's word about a hub, not the hub's.
    return isinstance(arrived, ArrivedRecord) or arrived.state.online


def _insert_record(db: Database, arrived: ArrivedRecord) -> int:
    record = arrived.record
    return db.execute(
        f"INSERT INTO record ({_RECORD_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",  # noqa: S608 - constants
        (
            arrived.hub_id, record.boot_id, record.sequence, record.boottime_ms, record.wall_ms,
            int(record.wall_quality), json.dumps(record.samples, separators=(",", ":"), allow_nan=False),
            arrived.time_ms, arrived.received_ms,
        ),
    ).rowcount  # fmt: skip


def _put_state(db: Database, arrived: ArrivedState) -> None:
    """Keep a state unless it is of an older session of the same boot: a late will comes after the new birth."""
    state = arrived.state
    row = db.execute("SELECT boot_id, session FROM state WHERE hub_id = ?", (arrived.hub_id,)).fetchone()
    if row is not None:
        boot_id, session = row
        if boot_id == state.boot_id and session > state.session:
            return
        if boot_id != state.boot_id and not state.online:
            return  # the will of a boot that is over
    db.execute(
        "INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            arrived.hub_id, state.boot_id, state.session, state.online, state.software_version,
            state.configuration_fingerprint, arrived.received_ms,
        ),
    )  # fmt: skip


def _put_aside(db: Database, aside: SetAside) -> None:
    """Count a payload and keep it; the oldest of a noisy topic, then of all, make room."""
    longest = UNKNOWN_BYTES_MAX if aside.kind is AsideKind.UNKNOWN_VERSION else ASIDE_BYTES_MAX
    db.execute(
        "INSERT INTO aside_count VALUES (?, 1) ON CONFLICT (kind) DO UPDATE SET messages = messages + 1", (aside.kind,)
    )
    db.execute(
        "INSERT INTO aside (topic, kind, reason, payload, received_ms) VALUES (?, ?, ?, ?, ?)",
        (aside.topic, aside.kind, aside.reason, aside.payload[:longest], aside.received_ms),
    )
    db.execute(
        "DELETE FROM aside WHERE topic = ? AND position <= (SELECT position FROM aside WHERE topic = ?"
        " ORDER BY position DESC LIMIT 1 OFFSET ?)",
        (aside.topic, aside.topic, ASIDE_ROWS_PER_TOPIC_MAX),
    )
    db.execute(
        "DELETE FROM aside WHERE position <= (SELECT position FROM aside ORDER BY position DESC LIMIT 1 OFFSET ?)",
        (ASIDE_ROWS_MAX,),
    )


def _recent(db: Database, hub_id: str) -> tuple[ArrivedRecord, ...]:
    rows = db.execute(
        f"SELECT {_RECORD_COLUMNS} FROM record WHERE hub_id = ? AND time_ms IS NOT NULL"  # noqa: S608 - constants
        " ORDER BY time_ms DESC LIMIT ?",
        (hub_id, RECENT_RECORDS),
    ).fetchall()
    return tuple(map(_arrived, reversed(rows)))


def _arrived(row: Sequence[Any]) -> ArrivedRecord:
    hub_id, boot_id, sequence, boottime_ms, wall_ms, quality, samples, time_ms, received_ms = row
    record = Record(boot_id, sequence, boottime_ms, wall_ms, WallQuality(quality), json.loads(samples))
    return ArrivedRecord(hub_id, record, time_ms, received_ms)


def _state(row: Sequence[Any]) -> ArrivedState | None:
    boot_id, session, online, version, fingerprint, received_ms = row[5:]
    if boot_id is None:
        return None
    return ArrivedState(row[0], State(boot_id, session, bool(online), version, fingerprint), received_ms)
