"""A store of before batches were kept as they came: what it holds is read on, counts once, and goes as it grows old."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from noc.store.contract import Arrivals, ArrivedRecord
from noc.store.sqlite import SqliteNocStore, open_noc_store
from tests.unit.noc.seed import MINUTE_MS, NOW_MS, arrived, batch

DAY_MS = 86_400_000
# As the release before wrote it.
OLD_SCHEMA = """
CREATE TABLE store (epoch TEXT NOT NULL);
CREATE TABLE hub (hub_id TEXT PRIMARY KEY, name TEXT NOT NULL, kode_wilayah TEXT NOT NULL, timezone TEXT NOT NULL,
 last_contact_ms INTEGER);
CREATE TABLE record (hub_id TEXT NOT NULL REFERENCES hub, boot_id TEXT NOT NULL, sequence INTEGER NOT NULL,
 boottime_ms INTEGER NOT NULL, wall_ms INTEGER NOT NULL, wall_quality INTEGER NOT NULL, samples TEXT NOT NULL,
 time_ms INTEGER, received_ms INTEGER NOT NULL, PRIMARY KEY (hub_id, boot_id, sequence)) WITHOUT ROWID;
CREATE INDEX record_time ON record (hub_id, time_ms);
CREATE TABLE state (hub_id TEXT PRIMARY KEY REFERENCES hub, boot_id TEXT NOT NULL, session INTEGER NOT NULL,
 online INTEGER NOT NULL, software_version TEXT NOT NULL, configuration_fingerprint TEXT NOT NULL,
 received_ms INTEGER NOT NULL);
CREATE TABLE aside (position INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, kind TEXT NOT NULL,
 reason TEXT NOT NULL, payload BLOB NOT NULL, received_ms INTEGER NOT NULL);
CREATE INDEX aside_topic ON aside (topic, position);
CREATE TABLE aside_count (kind TEXT PRIMARY KEY, messages INTEGER NOT NULL);
CREATE INDEX record_received ON record (received_ms);
CREATE TABLE _sqlite_migrations (id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT, applied_at TEXT);
CREATE UNIQUE INDEX idx__sqlite_migrations_migration_set_name ON _sqlite_migrations (migration_set, name);
INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('noc', 'm001_first', '2026-01-01'),
 ('noc', 'm002_arrival', '2026-01-01');
INSERT INTO store VALUES ('0123456789abcdef0123456789abcdef');
INSERT INTO hub VALUES ('hub-0001', 'Sukamaju', '51.03.01.2001', 'Asia/Makassar', 1779999940000);
INSERT INTO aside (topic, kind, reason, payload, received_ms) VALUES ('t', 'malformed', 'why', x'3f3f', 1);
INSERT INTO aside_count VALUES ('malformed', 7);
"""
OLD = [arrived("hub-0001", minute, (20 - minute) * MINUTE_MS) for minute in (1, 2, 3, 5, 6, 19)]
AGED = [arrived("hub-0001", 1_000 + at, 20 * DAY_MS - at * MINUTE_MS) for at in range(5)]


def insert(db: sqlite3.Connection, said: ArrivedRecord) -> None:
    record = said.record
    db.execute(
        "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            said.hub_id, record.boot_id, record.sequence, record.boottime_ms, record.wall_ms, int(record.wall_quality),
            json.dumps(dict(record.samples)), said.time_ms, said.received_ms,
        ),
    )  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteNocStore]:
    with contextlib.closing(sqlite3.connect(tmp_path / "noc.db")) as db, db:
        db.executescript(OLD_SCHEMA)
        for each in OLD + AGED:
            insert(db, each)
    with contextlib.closing(open_noc_store(tmp_path / "noc.db")) as made:
        yield made


def test_old_records_are_read_beside_new_ones(store: SqliteNocStore) -> None:
    assert store.epoch() == "0123456789abcdef0123456789abcdef"
    assert store.facts()[0].recent == tuple(OLD[-5:])
    new = arrived("hub-0001", 20, 0)
    store.commit(Arrivals([batch(new)]))
    assert store.records("hub-0001", NOW_MS - DAY_MS, NOW_MS + 1) == (*OLD, new)
    store.project(10)
    assert [each.record for each in store.facts()[0].recent] == [each.record for each in (*OLD[-4:], new)]
    assert sum(store.aside_counts().values()) == 7


def test_old_records_that_come_again_count_once(store: SqliteNocStore) -> None:
    assert store.commit(Arrivals([batch(*OLD, *AGED)])) == 0
    between = [arrived("hub-0001", minute, (20 - minute) * MINUTE_MS) for minute in (3, 4, 5)]
    assert store.commit(Arrivals([batch(*between)])) == 1
    numbers = [each.record.sequence for each in store.records("hub-0001", NOW_MS - DAY_MS, NOW_MS + 1)]
    assert numbers == [1, 2, 3, 4, 5, 6, 19]


def test_old_records_go_a_few_at_a_time(store: SqliteNocStore) -> None:
    assert [store.sweep(NOW_MS - 14 * DAY_MS, 2) for _ in range(4)] == [2, 2, 1, 0]
    assert store.records("hub-0001", 0, NOW_MS) == tuple(OLD)
    assert store.commit(Arrivals([batch(*AGED)])) == 0
