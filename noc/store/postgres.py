"""The NOC's store in PostgreSQL 15 or newer, for where several servers write one store.

It keeps what `noc.store.sqlite` keeps and means the same by it; ``tests/contract/test_noc_store.py`` holds both to it.
A commit is one transaction of the server, durable when it returns.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from appliance.core.errors import StoreError
from appliance.core.report import State
from noc.store import (
    marks,
    postgres_aside,
    postgres_forgetting,
    postgres_letters,
    postgres_projection,
    postgres_schema,
    ranges,
    reading,
    rollup,
)
from noc.store.budget import HourBudget
from noc.store.contract import (
    CELLS_MAX,
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
    cells_of,
)
from noc.store.following import HOURS_KEPT_MS
from noc.store.forgetting import BEGIN, seen_day
from noc.store.kept import Held, day_of, pack_held, start_ms
from noc.store.moments import FUTURE_MS_MAX
from noc.store.postgres_server import Connection, Server
from noc.store.sqlite import BIRTHS_KEPT

Key = tuple[str, bytes]
_FACTS: Final = (
    "SELECT hub.hub_id, name, kode_wilayah, timezone, last_contact_ms, state.boot_id, session, online,"
    " software_version, configuration_fingerprint, interval_seconds, batch_seconds, received_ms"
    " FROM hub LEFT JOIN state ON state.hub_id = hub.hub_id"
)
_STAGE: Final = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS staged (hub_id text, boot_id bytea, first bigint, last bigint)"
    " ON COMMIT DELETE ROWS"
)


class PostgresNocStore:
    """`NocStore` on a database of a PostgreSQL server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._budget = HourBudget()
        self._epoch = self._read_epoch()
        self._forgot_up_to = BEGIN

    def close(self) -> None:
        """Close every connection."""
        self._server.close()

    def epoch(self) -> str:
        """Name this store: 32 hexadecimal digits, made with it."""
        return self._read_epoch()

    def add_hub(self, hub: Hub) -> None:
        """Put a hub into the inventory. Raises `StoreError` when its id is taken."""
        with self._server.transaction() as db:
            added = db.execute(
                "INSERT INTO hub (hub_id, name, kode_wilayah, timezone) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT (hub_id) DO NOTHING",
                (hub.hub_id, hub.name, hub.kode_wilayah, hub.timezone),
            ).rowcount
            if not added:
                raise StoreError(f"{hub.hub_id} is in the inventory already; nothing was changed")

    def put_hubs(self, hubs: Sequence[Hub]) -> None:
        """Add hubs, and change those that are there; all or none."""
        columns = zip(*((hub.hub_id, hub.name, hub.kode_wilayah, hub.timezone) for hub in hubs), strict=True)
        with self._server.transaction() as db:
            db.execute(
                "INSERT INTO hub (hub_id, name, kode_wilayah, timezone) SELECT * FROM unnest(%s::text[], %s::text[],"
                " %s::text[], %s::text[]) AS new (hub_id, name, kode_wilayah, timezone) ORDER BY hub_id"
                " ON CONFLICT (hub_id) DO UPDATE SET name = excluded.name, kode_wilayah = excluded.kode_wilayah,"
                " timezone = excluded.timezone, touched = nextval('touch')",
                [[*column] for column in columns] or [[]] * 4,
            )

    def hubs(self) -> tuple[Hub, ...]:
        """List the inventory by name."""
        with self._server.reading() as db:
            rows = db.execute("SELECT hub_id, name, kode_wilayah, timezone FROM hub ORDER BY name, hub_id").fetchall()
        return tuple(Hub(*row) for row in rows)

    def known(self, hub_ids: Collection[str]) -> frozenset[str]:
        """Say which of these are in the inventory."""
        with self._server.reading() as db:
            rows = db.execute("SELECT hub_id FROM hub WHERE hub_id = ANY(%s)", ([*hub_ids],)).fetchall()
        return frozenset(hub_id for (hub_id,) in rows)

    def commit(self, arrivals: Arrivals) -> int:
        """Keep all of ``arrivals`` or nothing; durable when this returns. Returns how many records were new.

        A record that was ever kept (same hub, boot and sequence) counts no second time, also if its day is gone.
        """
        with self._server.transaction() as db:
            new, by_day = _hold(db, arrivals.batches)
            for state in arrivals.states:
                _put_state(db, state)
            if arrivals.states:
                db.execute(
                    "UPDATE hub SET touched = nextval('touch') WHERE hub_id = ANY(%s)",
                    ([*{each.hub_id for each in arrivals.states}],),
                )
            postgres_aside.put(db, [*arrivals.aside, *postgres_letters.put(db, arrivals.marks)])
            for day, rows in by_day.items():
                _append(db, day, rows)
        return new

    def project(self, limit: int) -> int:
        """Bring facts, anchors and due hours up by at most ``limit`` batches; return how many were taken."""
        return postgres_projection.project(self._server, limit, self._budget)

    def roll_up(self, now_ms: int, limit: int) -> int:
        """Make up to ``limit`` hours that are over and that records have come for; return how many."""
        return postgres_projection.make_hours(self._server, now_ms, limit)

    def sweep(self, before_ms: int, limit: int, least_days: int = 0) -> int:
        """Drop days on which nothing came after ``before_ms``, and ``limit`` other rows whose time is over.

        By arrival, not by date: a hub's clock may say anything. Returns how many rows and days went; ``limit`` or more
        means that there may be others. The newest ``least_days`` days stay, as in `noc.store.sqlite`.
        """
        with self._server.transaction() as db:
            kept = db.execute("SELECT day FROM day ORDER BY day DESC LIMIT %s", (least_days,)).fetchall()
            if len(kept) < least_days:
                return 0
            before_ms = min([before_ms, *(start_ms(day) for (day,) in kept[-1:])])
            gone = 0
            for table in ("hour", "due"):
                gone += db.execute(
                    f"DELETE FROM {table} WHERE (hour_ms, hub_id) IN"  # noqa: S608 - constants
                    f" (SELECT hour_ms, hub_id FROM {table} WHERE hour_ms < %s ORDER BY hour_ms LIMIT %s)",
                    (before_ms - HOURS_KEPT_MS, limit),
                ).rowcount
            days = db.execute("DELETE FROM day WHERE day < %s RETURNING day", (day_of(before_ms),)).fetchall()
            for (day,) in days:
                db.execute(f"DROP TABLE {postgres_schema.day_table(day)}")
            forgotten, place = postgres_forgetting.forget(db, self._forgot_up_to, before_ms)
        self._forgot_up_to = place
        return gone + forgotten + len(days)

    def facts(self, hub_id: str | None = None) -> tuple[HubFacts, ...]:
        """Tell what is known of one hub, or of all by name; none when the id is not in the inventory."""
        return self._facts(None if hub_id is None else (hub_id,))

    def facts_of(self, hub_ids: Collection[str]) -> tuple[HubFacts, ...]:
        """Tell what is known of some hubs, by name; of those that are not in the inventory nothing."""
        return self._facts(hub_ids)

    def records(self, hub_id: str, from_ms: int, to_ms: int) -> tuple[ArrivedRecord, ...]:
        """List a hub's records made from ``from_ms`` up to but without ``to_ms``, oldest first."""
        with self._server.reading() as db:
            return tuple(postgres_projection.span(db, hub_id, from_ms, to_ms))

    def hours(self, hub_id: str, from_ms: int, to_ms: int) -> tuple[Hour, ...]:
        """List a hub's hours that begin from ``from_ms`` up to but without ``to_ms``, oldest first."""
        with self._server.reading() as db:
            first, last = db.execute("SELECT min(hour_ms), max(hour_ms) FROM hour").fetchone() or (None, None)
            if first is None or last is None:
                return ()
            # The table is by hour, then by hub: each hour is looked up, so only those that there are.
            begin = rollup.hour_of(max(first, from_ms + rollup.HOUR_MS - 1))
            wanted = [*range(begin, min(last + 1, to_ms), rollup.HOUR_MS)]
            rows = db.execute(
                "SELECT hour_ms, records, samples FROM hour WHERE hour_ms = ANY(%s) AND hub_id = %s ORDER BY hour_ms",
                (wanted, hub_id),
            ).fetchall()
        return tuple(Hour(hub_id, hour_ms, records, rollup.unpack(samples)) for hour_ms, records, samples in rows)

    def put_sign(self, name: str, at_ms: int) -> None:
        """Note a sign of life of the NOC itself."""
        with self._server.transaction() as db:
            db.execute(
                "INSERT INTO sign VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET at_ms = excluded.at_ms",
                (name, at_ms),
            )

    def drop_signs(self, names: Collection[str]) -> None:
        """Forget the signs under some names; of those that there are not nothing."""
        with self._server.transaction() as db:
            db.execute("DELETE FROM sign WHERE name = ANY(%s)", ([*names],))

    def signs(self) -> Mapping[str, int]:
        """Tell the last sign under each name, in ms of UTC."""
        with self._server.reading() as db:
            return dict[str, int](db.execute("SELECT name, at_ms FROM sign").fetchall())

    def changed(self, mark: str) -> tuple[str, tuple[str, ...]]:
        """Name the hubs whose facts changed since a mark, those of longest ago first, and the next mark."""
        since = marks.number_of(self._epoch, mark)
        with self._server.reading() as db:
            rows = db.execute(
                "SELECT hub_id, touched FROM hub WHERE touched > %s ORDER BY touched", (since,)
            ).fetchall()
        return marks.numbered(self._epoch, rows[-1][1] if rows else since), tuple(hub_id for hub_id, _ in rows)

    def came(self, mark: str, limit: int) -> tuple[str, tuple[Came, ...]]:
        """Read at most ``limit`` reports that were committed since a mark, and the next mark."""
        found: list[Came] = []
        left, cells_left = limit, CELLS_MAX
        with self._server.reading() as db:
            committed = dict[str, int](db.execute("SELECT day, committed FROM day ORDER BY day").fetchall())
            read = marks.places_of(self._epoch, mark, committed)
            for day, last in committed.items():
                first = read.get(day, 0)
                if left <= 0 or cells_left <= 0 or first >= last:
                    continue
                batches = postgres_projection.after(db, day, first, last, left)
                left -= len(batches)
                read[day] = batches[-1].position if batches else last
                for position, each in marks.each_came(reading.decoded(batches)):
                    found.append(each)
                    cells_left -= cells_of(each.records)
                    if cells_left <= 0:
                        read[day] = position
                        break
        return marks.placed(self._epoch, read), tuple(found)

    def waiting(self, mark: str) -> int:
        """Count the reports that were committed since a mark."""
        with self._server.reading() as db:
            days = dict[str, int](db.execute("SELECT day, committed FROM day").fetchall())
        return marks.waiting(self._epoch, mark, days)

    def mark(self, follower: str) -> str:
        """Tell the mark that a follower kept here; empty where it kept none."""
        with self._server.reading() as db:
            row = db.execute("SELECT mark FROM follower WHERE name = %s", (follower,)).fetchone()
        return str(row[0]) if row else ""

    def put_mark(self, follower: str, mark: str) -> None:
        """Keep a follower's mark in place of its last."""
        with self._server.transaction() as db:
            db.execute(
                "INSERT INTO follower VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET mark = excluded.mark",
                (follower, mark),
            )

    def births(self, hub_id: str) -> tuple[Birth, ...]:
        """List the last connections that a hub opened, oldest first, at most `BIRTHS_KEPT`."""
        with self._server.reading() as db:
            rows = db.execute(
                "SELECT boot_id, session, received_ms FROM birth WHERE hub_id = %s ORDER BY position", (hub_id,)
            ).fetchall()
        return tuple(Birth(*row) for row in rows)

    def letter(self, digest: bytes) -> KeptMark | None:
        """Tell what a hub said of a letter; None where none did."""
        with self._server.reading() as db:
            return postgres_letters.get(db, digest)

    def aside_counts(self) -> dict[AsideKind, int]:
        """Count what was ever kept aside, dropped payloads included."""
        with self._server.reading() as db:
            return postgres_aside.counts(db)

    def aside(self, limit: int) -> tuple[SetAside, ...]:
        """List what is kept aside, newest first."""
        with self._server.reading() as db:
            return postgres_aside.kept(db, limit)

    def _facts(self, hub_ids: Collection[str] | None) -> tuple[HubFacts, ...]:
        with self._server.reading() as db:
            order = " ORDER BY name, hub.hub_id"
            if hub_ids is None:
                rows = db.execute(_FACTS + order).fetchall()
            else:
                rows = db.execute(f"{_FACTS} WHERE hub.hub_id = ANY(%s){order}", ([*hub_ids],)).fetchall()
            recent = postgres_projection.latest(db, hub_ids)
        return tuple(HubFacts(Hub(*row[:4]), row[4], _state(row), recent.get(row[0], ())) for row in rows)

    def _read_epoch(self) -> str:
        with self._server.reading() as db:
            row = db.execute("SELECT epoch FROM store").fetchone()
        if row is None:
            raise StoreError(f"{self._server.name}: has no epoch; restore a backup")
        return str(row[0])


def open_postgres_store(url: str) -> PostgresNocStore:
    """Open the store for writing, making its tables or bringing them up to date. Raises `StoreError`."""
    return _opened(Server(url), postgres_schema.bring_up)


def open_postgres_store_reading(url: str) -> PostgresNocStore:
    """Open the store for reading only, as the pages do. Raises `StoreError`."""
    return _opened(Server(url, read_only=True), postgres_schema.require_current)


def _opened(server: Server, prepare: Callable[[Server], None]) -> PostgresNocStore:
    try:
        prepare(server)
        return PostgresNocStore(server)
    except BaseException:
        server.close()
        raise


Rows = list[tuple[ArrivedBatch, Held | None]]


def _hold(db: Connection, batches: Sequence[ArrivedBatch]) -> tuple[int, dict[str, Rows]]:
    """Write down what of the batches was not there before; count it, and file the batches by day."""
    if not batches:
        return 0, {}
    wanted = [(batch, ranges.by_boot(batch.identities)) for batch in batches]
    near = _near(db, wanted)
    before = {key: dict(found) for key, found in near.items()}
    day = seen_day(max(batch.received_ms for batch in batches))
    new, by_day = 0, dict[str, Rows]()
    for batch, boots in wanted:
        added: Held = {}
        for boot_id, asked in boots.items():
            key = batch.hub_id, bytes.fromhex(boot_id)
            if missing := ranges.missing(asked, near[key]):
                added[boot_id] = missing
                near[key] = ranges.united(near[key], missing)
        if added:
            count = sum(map(ranges.count, added.values()))
            new += count
            held = None if count == len(batch.identities) else added
            by_day.setdefault(day_of(batch.received_ms), []).append((batch, held))
    _replace(db, before, near, day)
    return new, by_day


def _near(
    db: Connection, wanted: Sequence[tuple[ArrivedBatch, Mapping[str, list[ranges.Range]]]]
) -> dict[Key, list[ranges.Range]]:
    """The ranges that overlap or touch those from the first to the last wanted of each boot, in order."""
    spans: dict[Key, tuple[int, int]] = {}
    for batch, boots in wanted:
        for boot_id, asked in boots.items():
            key, first, last = (batch.hub_id, bytes.fromhex(boot_id)), asked[0][0], asked[-1][1]
            old = spans.get(key, (first, last))
            spans[key] = min(old[0], first), max(old[1], last)
    found: dict[Key, list[ranges.Range]] = {key: [] for key in spans}
    if not spans:
        return found
    rows = db.execute(
        "SELECT held.hub_id, held.boot_id, held.first, held.last"
        " FROM unnest(%s::text[], %s::bytea[], %s::bigint[], %s::bigint[]) AS asked (hub_id, boot_id, first, last)"
        " JOIN held ON held.hub_id = asked.hub_id AND held.boot_id = asked.boot_id"
        # PostgreSQL knows no greater number than the greatest sequence.
        " AND held.first - 1 <= asked.last AND held.last >= asked.first - 1 ORDER BY 1, 2, 3",
        ([hub for hub, _ in spans], [boot for _, boot in spans], *map(list, zip(*spans.values(), strict=True))),
        binary=True,
    )
    for hub_id, boot_id, first, last in rows:
        found[hub_id, boot_id].append((first, last))
    return found


def _replace(
    db: Connection, before: Mapping[Key, Mapping[int, int]], after: Mapping[Key, Sequence[ranges.Range]], day: int
) -> None:
    gone: list[tuple[str, bytes, int]] = []
    changed: list[tuple[str, bytes, int, int]] = []
    for key, found in after.items():
        old, now = before[key], dict(found)
        gone.extend((*key, first) for first in old if first not in now)
        changed.extend((*key, first, last) for first, last in found if old.get(first) != last)
    if gone:
        db.execute(
            "DELETE FROM held USING unnest(%s::text[], %s::bytea[], %s::bigint[]) AS gone (hub_id, boot_id, first)"
            " WHERE held.hub_id = gone.hub_id AND held.boot_id = gone.boot_id AND held.first = gone.first",
            [list(column) for column in zip(*gone, strict=True)],
        )
    if changed:
        db.execute(_STAGE)
        with db.cursor() as cursor, cursor.copy("COPY staged FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(("text", "bytea", "int8", "int8"))
            for row in changed:
                copy.write_row(row)
        db.execute(
            "INSERT INTO held (hub_id, boot_id, first, last, seen_day) SELECT staged.*, %s FROM staged"
            " ON CONFLICT (hub_id, boot_id, first) DO UPDATE SET last = excluded.last, seen_day = excluded.seen_day",
            (day,),
        )


def _append(db: Connection, day: str, rows: Rows) -> None:
    found = db.execute("SELECT committed FROM day WHERE day = %s", (day,)).fetchone()
    if found is None:
        postgres_schema.make_day(db, day)
    last = found[0] if found else 0
    with db.cursor() as cursor, cursor.copy("COPY batch FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(("text", "int8", "text", "int8", "int8", "int8", "bytea", "bytea"))
        for position, (each, held) in enumerate(rows, last + 1):
            copy.write_row(
                (day, position, each.hub_id, each.received_ms, each.from_ms, each.to_ms, pack_held(held), each.payload)
            )
    db.execute("UPDATE day SET committed = %s WHERE day = %s", (last + len(rows), day))


def _put_state(db: Connection, arrived: ArrivedState) -> None:
    """Keep a state unless it is of an older session of the same boot: a late will comes after the new birth."""
    state = arrived.state
    if state.online:
        _put_birth(db, arrived)
    row = db.execute("SELECT boot_id, session FROM state WHERE hub_id = %s", (arrived.hub_id,)).fetchone()
    if row is not None:
        boot_id, session = row
        if boot_id == state.boot_id and session > state.session:
            return
        if boot_id != state.boot_id and not state.online:
            return  # the will of a boot that is over
    db.execute(
        "INSERT INTO state (hub_id, boot_id, session, online, software_version, configuration_fingerprint,"
        " interval_seconds, batch_seconds, received_ms) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (hub_id) DO UPDATE SET"
        " (boot_id, session, online, software_version, configuration_fingerprint, interval_seconds, batch_seconds,"
        " received_ms) = (excluded.boot_id, excluded.session, excluded.online, excluded.software_version,"
        " excluded.configuration_fingerprint, excluded.interval_seconds, excluded.batch_seconds, excluded.received_ms)",
        (
            arrived.hub_id, state.boot_id, state.session, state.online, state.software_version,
            state.configuration_fingerprint, state.interval_seconds, state.batch_seconds, arrived.received_ms,
        ),
    )  # fmt: skip


def _put_birth(db: Connection, arrived: ArrivedState) -> None:
    # A will is the broker's word about a hub; a birth is the hub's own.
    db.execute(
        f"UPDATE hub SET last_contact_ms = CASE WHEN last_contact_ms > %s + {FUTURE_MS_MAX} THEN %s"  # noqa: S608 - constants
        " ELSE greatest(last_contact_ms, %s) END WHERE hub_id = %s",
        (*[arrived.received_ms] * 3, arrived.hub_id),
    )
    last = db.execute(
        "SELECT boot_id, session FROM birth WHERE hub_id = %s ORDER BY position DESC LIMIT 1", (arrived.hub_id,)
    ).fetchone()
    if last == (arrived.state.boot_id, arrived.state.session):
        return  # the broker delivered it twice
    db.execute(
        "INSERT INTO birth (hub_id, boot_id, session, received_ms) VALUES (%s, %s, %s, %s)",
        (arrived.hub_id, arrived.state.boot_id, arrived.state.session, arrived.received_ms),
    )
    db.execute(
        "DELETE FROM birth WHERE hub_id = %s AND position <= (SELECT position FROM birth WHERE hub_id = %s"
        " ORDER BY position DESC LIMIT 1 OFFSET %s)",
        (arrived.hub_id, arrived.hub_id, BIRTHS_KEPT),
    )


def _state(row: Sequence[Any]) -> ArrivedState | None:
    boot_id, session, online, version, fingerprint, interval_seconds, batch_seconds, received_ms = row[5:]
    if boot_id is None:
        return None
    said = State(boot_id, session, online, version, fingerprint, interval_seconds, batch_seconds)
    return ArrivedState(row[0], said, received_ms)
