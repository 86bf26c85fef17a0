"""Tables of the NOC's store in PostgreSQL, in steps that are never changed once they are released.

Batches stand in one partition for each day of UTC on which they came; a day that is over its time is one table to drop.
"""

from __future__ import annotations

import secrets
import time
from typing import Final

from appliance.core.errors import StoreError, StoreTooNew
from noc.store.postgres_server import Connection, Server

_TEXT: Final = 'text COLLATE "C"'
STEPS: Final = {
    "m001_first": (
        "CREATE TABLE store (epoch text NOT NULL)",
        # touched grows with each change of what is known of a hub, in the order of the writers' turns.
        "CREATE SEQUENCE touch",
        f"CREATE TABLE hub (hub_id {_TEXT} PRIMARY KEY, name {_TEXT} NOT NULL, kode_wilayah {_TEXT} NOT NULL,"
        f" timezone {_TEXT} NOT NULL, last_contact_ms bigint, touched bigint NOT NULL DEFAULT nextval('touch'))"
        " WITH (fillfactor = 70)",
        "CREATE INDEX hub_touched ON hub (touched)",
        f"CREATE TABLE sign (name {_TEXT} PRIMARY KEY, at_ms bigint NOT NULL)",
        f"CREATE TABLE follower (name {_TEXT} PRIMARY KEY, mark text NOT NULL)",
        f"CREATE TABLE state (hub_id {_TEXT} PRIMARY KEY REFERENCES hub, boot_id text NOT NULL,"
        " session bigint NOT NULL, online boolean NOT NULL, software_version text NOT NULL,"
        " configuration_fingerprint text NOT NULL, received_ms bigint NOT NULL)",
        f"CREATE TABLE birth (position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, hub_id {_TEXT} NOT NULL"
        " REFERENCES hub, boot_id text NOT NULL, session bigint NOT NULL, received_ms bigint NOT NULL)",
        "CREATE INDEX birth_hub ON birth (hub_id, position)",
        f"CREATE TABLE aside (position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic {_TEXT} NOT NULL,"
        " kind text NOT NULL, reason text NOT NULL, payload bytea NOT NULL, received_ms bigint NOT NULL)",
        "CREATE INDEX aside_topic ON aside (topic, position)",
        "CREATE TABLE aside_count (kind text PRIMARY KEY, messages bigint NOT NULL)",
        "CREATE TABLE aside_size (bytes bigint NOT NULL)",
        "INSERT INTO aside_size VALUES (0)",
        # committed: the position of the day's last batch. projected: up to where what follows has been brought.
        f"CREATE TABLE day (day {_TEXT} PRIMARY KEY, committed bigint NOT NULL, projected bigint NOT NULL)",
        # held names what of a batch is not a repeat; null: all of it. What came packed is not packed again.
        f"CREATE TABLE batch (day {_TEXT} NOT NULL, position bigint NOT NULL, hub_id {_TEXT} NOT NULL,"
        " received_ms bigint NOT NULL, from_ms bigint, to_ms bigint, held bytea, payload bytea NOT NULL,"
        " PRIMARY KEY (day, position)) PARTITION BY LIST (day)",
        "ALTER TABLE batch ALTER COLUMN payload SET STORAGE EXTERNAL",
        "CREATE INDEX batch_hub ON batch (hub_id, from_ms, to_ms)",
        # What changes with each batch: room is left in each page, so that indices stay as they are.
        f"CREATE TABLE held (hub_id {_TEXT} NOT NULL REFERENCES hub, boot_id bytea NOT NULL, first bigint NOT NULL,"
        " last bigint NOT NULL, PRIMARY KEY (hub_id, boot_id, first)) WITH (fillfactor = 80)",
        f"CREATE TABLE anchor (hub_id {_TEXT} NOT NULL REFERENCES hub, boot_id bytea NOT NULL,"
        " offset_ms bigint NOT NULL, is_known boolean NOT NULL, PRIMARY KEY (hub_id, boot_id))",
        f"CREATE TABLE latest (hub_id {_TEXT} PRIMARY KEY REFERENCES hub, records bytea NOT NULL)"
        " WITH (fillfactor = 50)",
        f"CREATE TABLE due (hour_ms bigint NOT NULL, hub_id {_TEXT} NOT NULL REFERENCES hub, mark bigint NOT NULL,"
        " PRIMARY KEY (hour_ms, hub_id))",
        f"CREATE TABLE hour (hour_ms bigint NOT NULL, hub_id {_TEXT} NOT NULL REFERENCES hub, records bigint NOT NULL,"
        " samples bytea NOT NULL, PRIMARY KEY (hour_ms, hub_id))",
        "ALTER TABLE hour ALTER COLUMN samples SET STORAGE EXTERNAL",
    ),
    "m002_rhythm": (
        # How often a hub measures and sends, as it says when it is born; 0 where it did not.
        "ALTER TABLE state ADD COLUMN interval_seconds bigint NOT NULL DEFAULT 0,"
        " ADD COLUMN batch_seconds bigint NOT NULL DEFAULT 0",
    ),
    "m003_letters": (
        f"CREATE TABLE letter (digest bytea PRIMARY KEY, hub_id {_TEXT} NOT NULL REFERENCES hub, title text NOT NULL,"
        " date text NOT NULL, valid_days integer, is_electronic boolean NOT NULL, is_void boolean NOT NULL,"
        " received_ms bigint NOT NULL)",
    ),
    "m004_held_day": (
        # The day of UTC, counted from 1970, on which a range was written to last; 0 where nobody noted it.
        "ALTER TABLE held ADD COLUMN seen_day integer NOT NULL DEFAULT 0",
    ),
}


def bring_up(server: Server) -> None:
    """Make the tables that are missing; programs that begin at the same moment wait for each other.

    Raises:
        StoreTooNew: the database has steps that this release does not know.
        StoreError: the server is away, or does not let this role make tables.
    """
    with server.transaction() as db:
        db.execute("CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, applied_ms bigint NOT NULL)")
        for name in _waiting(server, db):
            for statement in STEPS[name]:
                db.execute(statement)
            if name == "m001_first":
                db.execute("INSERT INTO store VALUES (%s)", (secrets.token_hex(16),))
            db.execute("INSERT INTO migration VALUES (%s, %s)", (name, time.time_ns() // 1_000_000))


def require_current(server: Server) -> None:
    """Raise `StoreError` unless the tables are those of this release."""
    with server.reading() as db:
        there = db.execute("SELECT to_regclass('migration') IS NOT NULL").fetchone()
        waiting = _waiting(server, db) if there and there[0] else list(STEPS)
    if waiting:
        raise StoreError(
            f"{server.name}: waits for {', '.join(waiting)}; start the ingest, or run desahub-noc init, first"
        )


def make_day(db: Connection, day: str) -> None:
    """Make a day's partition. Attached, not made in place: who reads other days need not wait (ALTER TABLE)."""
    name = day_table(day)
    db.execute(f"CREATE TABLE {name} (LIKE batch INCLUDING STORAGE, CHECK (day = '{day}'))")
    db.execute(f"ALTER TABLE batch ATTACH PARTITION {name} FOR VALUES IN ('{day}')")
    db.execute("INSERT INTO day VALUES (%s, 0, 0)", (day,))


def day_table(day: str) -> str:
    """Name a day's partition."""
    return f"batch_{day.replace('-', '')}"


def _waiting(server: Server, db: Connection) -> list[str]:
    applied = [name for (name,) in db.execute("SELECT name FROM migration ORDER BY name").fetchall()]
    if unknown := [name for name in applied if name not in STEPS]:
        raise StoreTooNew(
            f"{server.name}: was written by a newer release ({', '.join(unknown)}); install that release, or restore a "
            "backup"
        )
    return [name for name in STEPS if name not in applied]
