"""Tables of the NOC's SQLite files: the main one, and one a day for what came."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from appliance.store.migrations import Migrations

if TYPE_CHECKING:
    import sqlite_utils

MAIN: Final = Migrations("noc")
DAY: Final = Migrations("noc_day")


@MAIN()
def m001_first(db: sqlite_utils.Database) -> None:
    """Make the inventory, the records, the latest state and what is kept aside."""
    for statement in (
        "CREATE TABLE store (epoch TEXT NOT NULL)",
        "CREATE TABLE hub (hub_id TEXT PRIMARY KEY, name TEXT NOT NULL, kode_wilayah TEXT NOT NULL,"
        " timezone TEXT NOT NULL, last_contact_ms INTEGER)",
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


@MAIN()
def m002_arrival(db: sqlite_utils.Database) -> None:
    """Find the oldest arrivals without reading every record."""
    db.execute("CREATE INDEX record_received ON record (received_ms)")


@MAIN()
def m003_batches(db: sqlite_utils.Database) -> None:
    """Keep batches as they came, in files of their own; know for ever what is held.

    The records of before stay where they are, are read beside the batches (`noc.store.earlier`), and go as they grow
    old. ``record`` gets no new ones.
    """
    for statement in (
        # committed: up to which position a day's file holds what counts; what lies behind it a kill left over.
        # projected: up to where facts, anchors and hours have been brought.
        "CREATE TABLE day (day TEXT PRIMARY KEY, committed INTEGER NOT NULL, projected INTEGER NOT NULL) WITHOUT ROWID",
        "CREATE TABLE held (hub_id TEXT NOT NULL REFERENCES hub, boot_id BLOB NOT NULL, first INTEGER NOT NULL,"
        " last INTEGER NOT NULL, PRIMARY KEY (hub_id, boot_id, first)) WITHOUT ROWID",
        "CREATE TABLE anchor (hub_id TEXT NOT NULL REFERENCES hub, boot_id BLOB NOT NULL, offset_ms INTEGER NOT NULL,"
        " is_known INTEGER NOT NULL, PRIMARY KEY (hub_id, boot_id)) WITHOUT ROWID",
        # One value a hub (CBOR), rewritten as a whole: pages read facts of many hubs and records of one.
        "CREATE TABLE latest (hub_id TEXT PRIMARY KEY REFERENCES hub, records BLOB NOT NULL)",
        # Hours that records have come for since they were made; mark grows with each.
        "CREATE TABLE due (hour_ms INTEGER NOT NULL, hub_id TEXT NOT NULL REFERENCES hub, mark INTEGER NOT NULL,"
        " PRIMARY KEY (hour_ms, hub_id)) WITHOUT ROWID",
        "CREATE TABLE hour (hour_ms INTEGER NOT NULL, hub_id TEXT NOT NULL REFERENCES hub, records INTEGER NOT NULL,"
        " samples BLOB NOT NULL, PRIMARY KEY (hour_ms, hub_id)) WITHOUT ROWID",
        "CREATE TABLE birth (position INTEGER PRIMARY KEY, hub_id TEXT NOT NULL REFERENCES hub,"
        " boot_id TEXT NOT NULL, session INTEGER NOT NULL, received_ms INTEGER NOT NULL)",
        "CREATE INDEX birth_hub ON birth (hub_id, position)",
        "CREATE TABLE aside_size (bytes INTEGER NOT NULL)",
        "INSERT INTO aside_size SELECT coalesce(sum(length(payload)), 0) FROM aside",
        # Sequences less their place in order are equal where nothing is missing between them.
        "INSERT INTO held SELECT hub_id, unhex(boot_id), min(sequence), max(sequence) FROM (SELECT hub_id, boot_id,"
        " sequence, sequence - row_number() OVER (PARTITION BY hub_id, boot_id ORDER BY sequence) AS run FROM record)"
        " GROUP BY hub_id, boot_id, run",
    ):
        if "unhex(" in statement:  # SQLite has it since 3.41, Debian 12 is older
            db.conn.create_function("unhex", 1, bytes.fromhex, deterministic=True)
        db.execute(statement)


@MAIN()
def m004_signs(db: sqlite_utils.Database) -> None:
    """Keep when the NOC last knew that it hears."""
    db.execute("CREATE TABLE sign (name TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID")


@MAIN()
def m005_touched(db: sqlite_utils.Database) -> None:
    """Number what changes of each hub's facts, so that who follows them asks for what is new."""
    for statement in (
        "CREATE TABLE touched (hub_id TEXT PRIMARY KEY REFERENCES hub, number INTEGER NOT NULL) WITHOUT ROWID",
        "CREATE INDEX touched_number ON touched (number)",
        "INSERT INTO touched SELECT hub_id, 1 FROM hub",
    ):
        db.execute(statement)


@MAIN()
def m006_followers(db: sqlite_utils.Database) -> None:
    """Keep up to where those have read who follow what comes."""
    db.execute("CREATE TABLE follower (name TEXT PRIMARY KEY, mark TEXT NOT NULL) WITHOUT ROWID")


@MAIN()
def m007_rhythm(db: sqlite_utils.Database) -> None:
    """Keep how often a hub measures and sends, as it says when it is born; 0 where it did not."""
    for column in ("interval_seconds", "batch_seconds"):
        db.execute(f"ALTER TABLE state ADD COLUMN {column} INTEGER NOT NULL DEFAULT 0")


@MAIN()
def m008_letters(db: sqlite_utils.Database) -> None:
    """Keep for ever which letters hubs call valid or void, by digests of their tokens (`noc.store.letters`)."""
    db.execute(
        "CREATE TABLE letter (digest BLOB PRIMARY KEY, hub_id TEXT NOT NULL REFERENCES hub, title TEXT NOT NULL,"
        " date TEXT NOT NULL, valid_days INTEGER, is_electronic INTEGER NOT NULL, is_void INTEGER NOT NULL,"
        " received_ms INTEGER NOT NULL) WITHOUT ROWID"
    )


@MAIN()
def m009_held_day(db: sqlite_utils.Database) -> None:
    """Note the day of UTC, counted from 1970, on which a range was written to last; 0 where nobody noted it."""
    db.execute("ALTER TABLE held ADD COLUMN seen_day INTEGER NOT NULL DEFAULT 0")


@DAY()
def m001_batches(db: sqlite_utils.Database) -> None:
    """Make the table of batches. ``held`` names what of a batch is not a repeat; null: all of it."""
    db.execute(
        "CREATE TABLE batch (position INTEGER PRIMARY KEY, hub_id TEXT NOT NULL, received_ms INTEGER NOT NULL,"
        " from_ms INTEGER, to_ms INTEGER, held BLOB, payload BLOB NOT NULL)"
    )
    db.execute("CREATE INDEX batch_hub ON batch (hub_id, from_ms, to_ms)")
