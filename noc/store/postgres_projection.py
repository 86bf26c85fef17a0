"""What follows from committed batches, in PostgreSQL: as `noc.store.projection` does it, a statement for many hubs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from noc.store import reading
from noc.store.budget import HourBudget
from noc.store.contract import ArrivedRecord
from noc.store.following import Followed, follow, move
from noc.store.kept import Kept, unpack_held
from noc.store.moments import FUTURE_MS_MAX, Anchor
from noc.store.postgres_server import Connection, Server
from noc.store.rollup import GAP_MS, HOUR_MS, pack, roll_up

_KEPT = "SELECT position, hub_id, received_ms, held, payload FROM batch WHERE "


def project(server: Server, limit: int, budget: HourBudget) -> int:
    """Bring what follows up to what is committed, by at most ``limit`` batches; return how many were taken."""
    with server.reading() as db:
        row = db.execute(
            "SELECT day, projected, committed FROM day WHERE projected < committed ORDER BY day LIMIT 1"
        ).fetchone()
        if row is None:
            return 0
        day, projected, committed = row
        batches = after(db, day, projected, committed, limit)
        hubs = _begin(db, {each.hub_id for each in batches})
    for part in reading.parts(reading.decoded(batches)):
        boots = {hub_id: found - hubs[hub_id].anchors.keys() for hub_id, found in reading.boots_of(part).items()}
        with server.reading() as db:
            for hub_id, known in anchors(db, boots).items():
                hubs[hub_id].anchors |= known
        for batch, report in part:
            follow(hubs[batch.hub_id], batch, report)
    for each in hubs.values():
        if each.moved:
            with server.reading() as db:
                loose = _batches(db, "hub_id = %s AND from_ms IS NULL ORDER BY day, position", each.hub_id)
            move(each, loose)
        each.hours = budget.take(each.hub_id, each.hours, each.contact_ms)
    position = batches[-1].position if batches else committed
    with server.transaction() as db:
        came = db.execute(
            "UPDATE day SET projected = %s WHERE day = %s AND projected = %s", (position, day, projected)
        ).rowcount
        if came:
            _write(db, [*hubs.values()])
    return len(batches)


def make_hours(server: Server, now_ms: int, limit: int) -> int:
    """Make up to ``limit`` hours that are over and that records have come for; return how many."""
    with server.reading() as db:
        due = db.execute(
            "SELECT hour_ms, hub_id, mark FROM due WHERE hour_ms <= %s ORDER BY hour_ms LIMIT %s",
            (now_ms - HOUR_MS, limit),
        ).fetchall()
        made = [
            (roll_up(hub_id, hour_ms, span(db, hub_id, hour_ms - GAP_MS, hour_ms + HOUR_MS)), mark)
            for hour_ms, hub_id, mark in due
        ]
    if not made:
        return 0
    with server.transaction() as db:
        for hour, mark in made:
            key = (hour.hour_ms, hour.hub_id)
            if hour.records:
                db.execute(
                    "INSERT INTO hour VALUES (%s, %s, %s, %s) ON CONFLICT (hour_ms, hub_id)"
                    " DO UPDATE SET records = excluded.records, samples = excluded.samples",
                    (*key, hour.records, pack(hour.samples)),
                )
            else:
                db.execute("DELETE FROM hour WHERE hour_ms = %s AND hub_id = %s", key)
            db.execute("DELETE FROM due WHERE hour_ms = %s AND hub_id = %s AND mark = %s", (*key, mark))
    return len(made)


def span(db: Connection, hub_id: str, from_ms: int, to_ms: int) -> list[ArrivedRecord]:
    """List a hub's records made from ``from_ms`` up to but without ``to_ms``, oldest first."""
    found: list[ArrivedRecord] = []
    kept = _batches(
        db,
        # No record is placed later than FUTURE_MS_MAX after it came: loose batches before that are not read.
        "hub_id = %s AND (from_ms < %s AND to_ms >= %s OR from_ms IS NULL AND received_ms >= %s)"
        " ORDER BY day, position",
        hub_id, to_ms, from_ms, from_ms - FUTURE_MS_MAX,
    )  # fmt: skip
    for part in reading.parts(reading.decoded(kept)):
        known = anchors(db, reading.boots_of(part)).get(hub_id, {})
        for batch, report in part:
            placed = reading.records(batch, report, known)
            found.extend(each for each in placed if each.time_ms is not None and from_ms <= each.time_ms < to_ms)
    return reading.in_order(found)


def after(db: Connection, day: str, position: int, committed: int, limit: int) -> list[Kept]:
    """Read a day's batches behind ``position``, in the order in which they came."""
    where = "day = %s AND position > %s AND position <= %s ORDER BY position LIMIT %s"
    return _batches(db, where, day, position, committed, limit)


def anchors(db: Connection, boots: Mapping[str, Collection[str]]) -> dict[str, dict[str, Anchor]]:
    """The anchors of some boots of some hubs. Of all a hub may have as many as it likes: they are kept for long."""
    found: dict[str, dict[str, Anchor]] = {}
    asked = [(hub_id, bytes.fromhex(boot_id)) for hub_id, boot_ids in boots.items() for boot_id in boot_ids]
    if not asked:
        return found
    for hub_id, boot_id, offset_ms, is_known in db.execute(
        "SELECT hub_id, boot_id, offset_ms, is_known FROM anchor"
        " JOIN unnest(%s::text[], %s::bytea[]) AS asked (hub_id, boot_id) USING (hub_id, boot_id)",
        _columns(asked),
    ):
        found.setdefault(hub_id, {})[boot_id.hex()] = Anchor(offset_ms, is_known)
    return found


def latest(db: Connection, hub_ids: Collection[str] | None) -> dict[str, tuple[ArrivedRecord, ...]]:
    """The latest records of some hubs, or of all, oldest first."""
    statement = "SELECT hub_id, records FROM latest"
    if hub_ids is None:
        rows = db.execute(statement).fetchall()
    else:
        rows = db.execute(f"{statement} WHERE hub_id = ANY(%s)", ([*hub_ids],)).fetchall()
    return {hub_id: reading.read(hub_id, records) for hub_id, records in rows}


def _batches(db: Connection, where: str, *values: object) -> list[Kept]:
    rows = db.execute(_KEPT + where, values).fetchall()
    return [
        Kept(position, hub_id, received_ms, unpack_held(held), payload)
        for position, hub_id, received_ms, held, payload in rows
    ]


def _begin(db: Connection, hub_ids: Collection[str]) -> dict[str, Followed]:
    recent = latest(db, hub_ids)
    known = anchors(db, {hub_id: {each.record.boot_id for each in records} for hub_id, records in recent.items()})
    return {each: Followed(each, known.get(each, {}), [*recent.get(each, ())]) for each in hub_ids}


def _write(db: Connection, hubs: Sequence[Followed]) -> None:
    # In the order of the hubs' ids: rows are touched in the same order by whoever touches them.
    db.execute(
        # As `noc.store.marks.CONTACT`: what a clock that was days ahead noted holds no longer.
        f"UPDATE hub SET last_contact_ms = CASE WHEN last_contact_ms > new.contact_ms + {FUTURE_MS_MAX}"  # noqa: S608 - constants
        " THEN new.contact_ms ELSE greatest(last_contact_ms, new.contact_ms) END, touched = nextval('touch')"
        " FROM unnest(%s::text[], %s::bigint[]) AS new (hub_id, contact_ms) WHERE hub.hub_id = new.hub_id",
        _columns((each.hub_id, each.contact_ms) for each in hubs),
    )
    db.execute(
        "INSERT INTO latest SELECT * FROM unnest(%s::text[], %s::bytea[])"
        " ON CONFLICT (hub_id) DO UPDATE SET records = excluded.records",
        _columns((each.hub_id, reading.write(each.recent)) for each in hubs),
    )
    better = [(each.hub_id, boot_id, anchor) for each in hubs for boot_id, anchor in each.better.items()]
    if better:
        db.execute(
            "INSERT INTO anchor SELECT * FROM unnest(%s::text[], %s::bytea[], %s::bigint[], %s::boolean[])"
            " ON CONFLICT (hub_id, boot_id) DO UPDATE SET offset_ms = excluded.offset_ms, is_known = excluded.is_known",
            _columns((hub_id, bytes.fromhex(boot), each.offset_ms, each.is_known) for hub_id, boot, each in better),
        )
    hours = [(hour_ms, each.hub_id) for each in hubs for hour_ms in each.hours]
    if hours:
        db.execute(
            "INSERT INTO due SELECT hour_ms, hub_id, 1 FROM unnest(%s::bigint[], %s::text[]) AS new (hour_ms, hub_id)"
            " ON CONFLICT (hour_ms, hub_id) DO UPDATE SET mark = due.mark + 1",
            _columns(hours),
        )


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
