"""The NOC's store in SQLite: the main file, and one a day for batches as they came.

A commit is all or nothing over both files, although SQLite promises that for one only (https://sqlite.org/atomiccommit.html,
"multi-file commit" does not hold with a write-ahead log): the day's file is written first, and the main file, written
last, says up to which position it counts. What a kill leaves behind that position is read by nobody and replaced by the
next commit. The main file's write lock is held over both, so that several ingest processes take turns.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Final

from appliance.core.columns import INTEGER_MAX
from appliance.core.errors import StoreError
from appliance.core.report import State
from appliance.store.database import Database, Store, open_reading, open_store
from noc.store import aside, earlier, forgetting, letters, marks, projection, ranges, rollup, schema
from noc.store.budget import HourBudget
from noc.store.contract import (
    Arrivals,
    ArrivedBatch,
    ArrivedRecord,
    ArrivedState,
    AsideKind,
    Birth,
    Came,
    Hour,
    Hub,
    HubFacts,
    KeptMark,
    SetAside,
)
from noc.store.days import Days
from noc.store.following import HOURS_KEPT_MS
from noc.store.kept import Held, day_of, start_ms

BIRTHS_KEPT: Final = 16
# Two questions: of one for both SQLite reads the whole table.
HOURS_SPAN: Final = "SELECT (SELECT min(hour_ms) FROM hour), (SELECT max(hour_ms) FROM hour)"
_CACHE_KIBIBYTES: Final = 32_768


class SqliteNocStore:
    """`NocStore` on SQLite files."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._epoch = self._read_epoch()
        self._budget = HourBudget()
        self._days = Days(store.path.parent / "batches", self._epoch)
        self._forgot_up_to = forgetting.BEGIN

    def close(self) -> None:
        """Close every connection."""
        self._days.close()
        self._store.close()

    def epoch(self) -> str:
        """Name this store: 32 hexadecimal digits, made with it."""
        return self._read_epoch()

    def add_hub(self, hub: Hub) -> None:
        """Put a hub into the inventory. Raises `StoreError` when its id is taken."""
        with self._store.transaction() as db:
            if db.execute("SELECT 1 FROM hub WHERE hub_id = ?", (hub.hub_id,)).fetchone():
                raise StoreError(f"{hub.hub_id} is in the inventory already; nothing was changed")
            db.execute(
                "INSERT INTO hub (hub_id, name, kode_wilayah, timezone) VALUES (?, ?, ?, ?)",
                (hub.hub_id, hub.name, hub.kode_wilayah, hub.timezone),
            )
            marks.touch(db, (hub.hub_id,))

    def put_hubs(self, hubs: Sequence[Hub]) -> None:
        """Add hubs, and change those that are there; all or none."""
        with self._store.transaction() as db:
            db.executemany(
                "INSERT INTO hub (hub_id, name, kode_wilayah, timezone) VALUES (?, ?, ?, ?) ON CONFLICT (hub_id) DO"
                " UPDATE SET name = excluded.name, kode_wilayah = excluded.kode_wilayah, timezone = excluded.timezone",
                [(hub.hub_id, hub.name, hub.kode_wilayah, hub.timezone) for hub in hubs],
            )
            marks.touch(db, [hub.hub_id for hub in hubs])

    def hubs(self) -> tuple[Hub, ...]:
        """List the inventory by name."""
        with self._store.reading() as db:
            rows = db.execute("SELECT hub_id, name, kode_wilayah, timezone FROM hub ORDER BY name, hub_id").fetchall()
        return tuple(Hub(*row) for row in rows)

    def known(self, hub_ids: Collection[str]) -> frozenset[str]:
        """Say which of these are in the inventory."""
        with self._store.reading() as db:
            rows = db.execute(
                "SELECT hub_id FROM hub WHERE hub_id IN (SELECT value FROM json_each(?))", (json.dumps([*hub_ids]),)
            ).fetchall()
        return frozenset(hub_id for (hub_id,) in rows)

    def commit(self, arrivals: Arrivals) -> int:
        """Keep all of ``arrivals`` or nothing; durable when this returns. Returns how many records were new.

        A record that was ever kept (same hub, boot and sequence) counts no second time, also if its day is gone.
        """
        with self._store.transaction() as db:
            db.execute(f"PRAGMA cache_size=-{_CACHE_KIBIBYTES}")
            new, by_day = 0, dict[str, list[tuple[ArrivedBatch, Held | None]]]()
            for batch in arrivals.batches:
                added = _hold(db, batch)
                if added:
                    count = sum(map(ranges.count, added.values()))
                    new += count
                    held = None if count == len(batch.identities) else added
                    by_day.setdefault(day_of(batch.received_ms), []).append((batch, held))
            for state in arrivals.states:
                _put_state(db, state)
            marks.touch(db, {state.hub_id for state in arrivals.states})
            aside.put(db, [*arrivals.aside, *letters.put(db, arrivals.marks)])
            for day, rows in by_day.items():
                self._append(db, day, rows)
        return new

    def project(self, limit: int) -> int:
        """Bring facts, anchors and due hours up by at most ``limit`` batches; return how many were taken."""
        return projection.project(self._store, self._days, limit, self._budget)

    def roll_up(self, now_ms: int, limit: int) -> int:
        """Make up to ``limit`` hours that are over and that records have come for; return how many."""
        return projection.make_hours(self._store, self._days, now_ms, limit)

    def sweep(self, before_ms: int, limit: int, least_days: int = 0) -> int:
        """Delete days on which nothing came after ``before_ms``, and ``limit`` other rows whose time is over.

        By arrival, not by date: a hub's clock may say anything. Returns how many rows and days went; ``limit`` or more
        means that there may be others. The newest ``least_days`` days stay: a clock that is wrong makes days of its
        own, one each day, and somebody has that long to see it.
        """
        with self._store.transaction() as db:
            kept = db.execute("SELECT day FROM day ORDER BY day DESC LIMIT ?", (least_days,)).fetchall()
            if len(kept) < least_days:
                return 0
            before_ms = min([before_ms, *(start_ms(day) for (day,) in kept[-1:])])
            day = day_of(before_ms)
            gone = earlier.delete(db, before_ms, limit)
            for table in ("hour", "due"):
                gone += db.execute(
                    f"DELETE FROM {table} WHERE (hour_ms, hub_id) IN"  # noqa: S608 - constants
                    f" (SELECT hour_ms, hub_id FROM {table} WHERE hour_ms < ? ORDER BY hour_ms LIMIT ?)",
                    (before_ms - HOURS_KEPT_MS, limit),
                ).rowcount
            db.execute("DELETE FROM day WHERE day < ?", (day,))
            forgotten, place = forgetting.forget(db, self._forgot_up_to, before_ms)
        self._forgot_up_to = place
        # After the main file forgot them, so that nobody looks for a file that is gone.
        return gone + forgotten + self._days.delete_before(day)

    def facts(self, hub_id: str | None = None) -> tuple[HubFacts, ...]:
        """Tell what is known of one hub, or of all by name; none when the id is not in the inventory."""
        return self._facts("") if hub_id is None else self._facts(" WHERE hub.hub_id = ?", hub_id)

    def facts_of(self, hub_ids: Collection[str]) -> tuple[HubFacts, ...]:
        """Tell what is known of some hubs, by name; of those that are not in the inventory nothing."""
        return self._facts(" WHERE hub.hub_id IN (SELECT value FROM json_each(?))", json.dumps([*hub_ids]))

    def _facts(self, where: str, *values: str) -> tuple[HubFacts, ...]:
        with self._store.reading() as db:
            rows = db.execute(
                "SELECT hub.hub_id, name, kode_wilayah, timezone, last_contact_ms, state.boot_id, session, online,"  # noqa: S608 - constants
                " software_version, configuration_fingerprint, interval_seconds, batch_seconds, received_ms"
                f" FROM hub LEFT JOIN state ON state.hub_id = hub.hub_id{where} ORDER BY name, hub.hub_id",
                values,
            ).fetchall()
            return tuple(HubFacts(Hub(*row[:4]), row[4], _state(row), projection.latest(db, row[0])) for row in rows)

    def records(self, hub_id: str, from_ms: int, to_ms: int) -> tuple[ArrivedRecord, ...]:
        """List a hub's records made from ``from_ms`` up to but without ``to_ms``, oldest first."""
        return tuple(projection.span(self._store, self._days, hub_id, from_ms, to_ms))

    def hours(self, hub_id: str, from_ms: int, to_ms: int) -> tuple[Hour, ...]:
        """List a hub's hours that begin from ``from_ms`` up to but without ``to_ms``, oldest first."""
        with self._store.reading() as db:
            first, last = db.execute(HOURS_SPAN).fetchone()
            if first is None:
                return ()
            # The table is by hour, then by hub: each hour is looked up, so only those that there are.
            begin = rollup.hour_of(max(first, from_ms + rollup.HOUR_MS - 1))
            wanted = range(begin, min(last + 1, to_ms), rollup.HOUR_MS)
            rows = db.execute(
                "SELECT hour_ms, records, samples FROM hour WHERE hub_id = ?"
                " AND hour_ms IN (SELECT value FROM json_each(?)) ORDER BY hour_ms",
                (hub_id, json.dumps([*wanted])),
            ).fetchall()
        return tuple(Hour(hub_id, hour_ms, records, rollup.unpack(samples)) for hour_ms, records, samples in rows)

    def put_sign(self, name: str, at_ms: int) -> None:
        """Note a sign of life of the NOC itself."""
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO sign VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET at_ms = excluded.at_ms", (name, at_ms)
            )

    def drop_signs(self, names: Collection[str]) -> None:
        """Forget the signs under some names; of those that there are not nothing."""
        with self._store.transaction() as db:
            db.executemany("DELETE FROM sign WHERE name = ?", [(name,) for name in names])

    def signs(self) -> dict[str, int]:
        """Tell the last sign under each name, in ms of UTC."""
        with self._store.reading() as db:
            return dict(db.execute("SELECT name, at_ms FROM sign").fetchall())

    def changed(self, mark: str) -> tuple[str, tuple[str, ...]]:
        """Name the hubs whose facts changed since a mark, and the next mark."""
        return marks.changed(self._store, self._epoch, mark)

    def came(self, mark: str, limit: int) -> tuple[str, tuple[Came, ...]]:
        """Read at most ``limit`` reports that were committed since a mark, and the next mark."""
        return marks.came(self._store, self._days, self._epoch, mark, limit)

    def waiting(self, mark: str) -> int:
        """Count the reports that were committed since a mark."""
        with self._store.reading() as db:
            return marks.waiting(self._epoch, mark, dict(db.execute("SELECT day, committed FROM day").fetchall()))

    def mark(self, follower: str) -> str:
        """Tell the mark that a follower kept here; empty where it kept none."""
        with self._store.reading() as db:
            row = db.execute("SELECT mark FROM follower WHERE name = ?", (follower,)).fetchone()
        return str(row[0]) if row else ""

    def put_mark(self, follower: str, mark: str) -> None:
        """Keep a follower's mark in place of its last."""
        with self._store.transaction() as db:
            db.execute("INSERT OR REPLACE INTO follower VALUES (?, ?)", (follower, mark))

    def births(self, hub_id: str) -> tuple[Birth, ...]:
        """List the last connections that a hub opened, oldest first, at most `BIRTHS_KEPT`."""
        with self._store.reading() as db:
            rows = db.execute(
                "SELECT boot_id, session, received_ms FROM birth WHERE hub_id = ? ORDER BY position", (hub_id,)
            ).fetchall()
        return tuple(Birth(*row) for row in rows)

    def letter(self, digest: bytes) -> KeptMark | None:
        """Tell what a hub said of a letter; None where none did."""
        with self._store.reading() as db:
            return letters.get(db, digest)

    def aside_counts(self) -> dict[AsideKind, int]:
        """Count what was ever kept aside, dropped payloads included."""
        with self._store.reading() as db:
            return aside.counts(db)

    def aside(self, limit: int) -> tuple[SetAside, ...]:
        """List what is kept aside, newest first."""
        with self._store.reading() as db:
            return aside.kept(db, limit)

    def _append(self, db: Database, day: str, rows: Sequence[tuple[ArrivedBatch, Held | None]]) -> None:
        row = db.execute("SELECT committed FROM day WHERE day = ?", (day,)).fetchone()
        last = self._days.append(day, row[0] if row else 0, rows)
        db.execute(
            "INSERT INTO day VALUES (?, ?, 0) ON CONFLICT (day) DO UPDATE SET committed = excluded.committed",
            (day, last),
        )

    def _read_epoch(self) -> str:
        with self._store.reading() as db:
            (epoch,) = db.execute("SELECT epoch FROM store").fetchone()
        return str(epoch)


def open_noc_store(path: Path) -> SqliteNocStore:
    """Open (or make) the store for writing. Raises `StoreError` as `open_store` does."""
    return SqliteNocStore(open_store(path, [schema.MAIN]))


def open_noc_store_reading(path: Path) -> SqliteNocStore:
    """Open the store for reading only, as the pages do. Raises `StoreError` as `open_reading` does."""
    return SqliteNocStore(open_reading(path, [schema.MAIN]))


def _hold(db: Database, batch: ArrivedBatch) -> Held:
    """Write down what of a batch was not there before, and return it."""
    boots: dict[str, list[int]] = {}
    for boot_id, sequence in batch.identities:
        boots.setdefault(boot_id, []).append(sequence)
    added: Held = {}
    for boot_id, sequences in boots.items():
        wanted = ranges.gathered(sequences)
        key = (batch.hub_id, bytes.fromhex(boot_id))
        near = _near(db, key, wanted)
        new = ranges.missing(wanted, near)
        if new:
            added[boot_id] = new
            _replace(db, key, near, ranges.united(near, new), forgetting.seen_day(batch.received_ms))
    return added


def _near(db: Database, key: tuple[str, bytes], wanted: Sequence[ranges.Range]) -> list[ranges.Range]:
    """The ranges that overlap or touch those from the first to the last wanted, in order."""
    found: list[ranges.Range] = []
    for first, last in db.execute(
        "SELECT first, last FROM held WHERE hub_id = ? AND boot_id = ? AND first <= ? ORDER BY first DESC",
        # SQLite knows no greater number than the greatest sequence.
        (*key, min(wanted[-1][1] + 1, INTEGER_MAX)),
    ):
        if last < wanted[0][0] - 1:
            break
        found.append((first, last))
    return found[::-1]


def _replace(
    db: Database, key: tuple[str, bytes], old: Sequence[ranges.Range], new: Sequence[ranges.Range], seen_day: int
) -> None:
    before, after = dict(old), dict(new)
    gone = [(*key, first) for first in before if first not in after]
    changed = [(*key, first, last, seen_day) for first, last in after.items() if before.get(first) != last]
    if gone:
        db.executemany("DELETE FROM held WHERE hub_id = ? AND boot_id = ? AND first = ?", gone)
    db.executemany("INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?)", changed)


def _put_state(db: Database, arrived: ArrivedState) -> None:
    """Keep a state unless it is of an older session of the same boot: a late will comes after the new birth."""
    state = arrived.state
    if state.online:
        _put_birth(db, arrived)
    row = db.execute("SELECT boot_id, session FROM state WHERE hub_id = ?", (arrived.hub_id,)).fetchone()
    if row is not None:
        boot_id, session = row
        if boot_id == state.boot_id and session > state.session:
            return
        if boot_id != state.boot_id and not state.online:
            return  # the will of a boot that is over
    db.execute(
        "INSERT OR REPLACE INTO state (hub_id, boot_id, session, online, software_version, configuration_fingerprint,"
        " interval_seconds, batch_seconds, received_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            arrived.hub_id, state.boot_id, state.session, state.online, state.software_version,
            state.configuration_fingerprint, state.interval_seconds, state.batch_seconds, arrived.received_ms,
        ),
    )  # fmt: skip


def _put_birth(db: Database, arrived: ArrivedState) -> None:
    # A will is the broker's word about a hub; a birth is the hub's own.
    db.execute(
        f"UPDATE hub SET last_contact_ms = {marks.CONTACT} WHERE hub_id = ?",  # noqa: S608 - constants
        (*[arrived.received_ms] * 3, arrived.hub_id),
    )
    last = db.execute(
        "SELECT boot_id, session FROM birth WHERE hub_id = ? ORDER BY position DESC LIMIT 1", (arrived.hub_id,)
    ).fetchone()
    if last == (arrived.state.boot_id, arrived.state.session):
        return  # the broker delivered it twice
    db.execute(
        "INSERT INTO birth (hub_id, boot_id, session, received_ms) VALUES (?, ?, ?, ?)",
        (arrived.hub_id, arrived.state.boot_id, arrived.state.session, arrived.received_ms),
    )
    db.execute(
        "DELETE FROM birth WHERE hub_id = ? AND position <= (SELECT position FROM birth WHERE hub_id = ?"
        " ORDER BY position DESC LIMIT 1 OFFSET ?)",
        (arrived.hub_id, arrived.hub_id, BIRTHS_KEPT),
    )


def _state(row: Sequence[Any]) -> ArrivedState | None:
    boot_id, session, online, version, fingerprint, interval_seconds, batch_seconds, received_ms = row[5:]
    if boot_id is None:
        return None
    said = State(boot_id, session, bool(online), version, fingerprint, interval_seconds, batch_seconds)
    return ArrivedState(row[0], said, received_ms)
