"""What follows from committed batches, in SQLite: each hub's latest records, anchors of boots, hours to be made.

A step reads and decodes without holding the database, then writes all that follows and how far it came in one
transaction; where another was quicker it does nothing. A kill leaves the step undone, never half done.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from appliance.store.database import Database, Store
from noc.store import earlier, marks, reading
from noc.store.budget import HourBudget
from noc.store.contract import ArrivedRecord
from noc.store.days import Days
from noc.store.following import RECENT_RECORDS, Followed, follow, move
from noc.store.moments import Anchor
from noc.store.rollup import GAP_MS, HOUR_MS, pack, roll_up


def project(main: Store, days: Days, limit: int, budget: HourBudget) -> int:
    """Bring what follows up to what is committed, by at most ``limit`` batches; return how many were taken."""
    with main.reading() as db:
        row = db.execute(
            "SELECT day, projected, committed FROM day WHERE projected < committed ORDER BY day"
        ).fetchone()
    if row is None:
        return 0
    day, projected, committed = row
    batches = days.after(day, projected, committed, limit)
    with main.reading() as db:
        hubs = {hub_id: _begin(db, hub_id) for hub_id in {each.hub_id for each in batches}}
    for part in reading.parts(reading.decoded(batches)):
        with main.reading() as db:
            for hub_id, boots in reading.boots_of(part).items():
                hubs[hub_id].anchors |= known_anchors(db, hub_id, boots - hubs[hub_id].anchors.keys())
        for batch, report in part:
            follow(hubs[batch.hub_id], batch, report)
    for each in hubs.values():
        _move(main, days, each)
        each.hours = budget.take(each.hub_id, each.hours, each.contact_ms)
    position = batches[-1].position if batches else committed
    with main.transaction() as db:
        came = db.execute(
            "UPDATE day SET projected = ? WHERE day = ? AND projected = ?", (position, day, projected)
        ).rowcount
        if came:
            for each in hubs.values():
                _write(db, each)
            marks.touch(db, hubs)
    return len(batches)


def make_hours(main: Store, days: Days, now_ms: int, limit: int) -> int:
    """Make up to ``limit`` hours that are over and that records have come for; return how many."""
    with main.reading() as db:
        due = db.execute(
            "SELECT hour_ms, hub_id, mark FROM due WHERE hour_ms <= ? ORDER BY hour_ms LIMIT ?",
            (now_ms - HOUR_MS, limit),
        ).fetchall()
    made = [
        (roll_up(hub_id, hour_ms, span(main, days, hub_id, hour_ms - GAP_MS, hour_ms + HOUR_MS)), mark)
        for hour_ms, hub_id, mark in due
    ]
    if not made:
        return 0
    with main.transaction() as db:
        for hour, mark in made:
            key = (hour.hour_ms, hour.hub_id)
            if hour.records:
                db.execute("INSERT OR REPLACE INTO hour VALUES (?, ?, ?, ?)", (*key, hour.records, pack(hour.samples)))
            else:
                db.execute("DELETE FROM hour WHERE hour_ms = ? AND hub_id = ?", key)
            db.execute("DELETE FROM due WHERE hour_ms = ? AND hub_id = ? AND mark = ?", (*key, mark))
    return len(made)


def span(main: Store, days: Days, hub_id: str, from_ms: int, to_ms: int) -> list[ArrivedRecord]:
    """List a hub's records made from ``from_ms`` up to but without ``to_ms``, oldest first."""
    with main.reading() as db:
        found = earlier.records(db, hub_id, from_ms, to_ms)
        kept = db.execute("SELECT day, committed FROM day ORDER BY day").fetchall()
    for day, committed in kept:
        for part in reading.parts(reading.decoded(days.of_hub(day, committed, hub_id, from_ms, to_ms))):
            with main.reading() as db:
                known = known_anchors(db, hub_id, reading.boots_of(part)[hub_id])
            for batch, report in part:
                placed = reading.records(batch, report, known)
                found.extend(each for each in placed if each.time_ms is not None and from_ms <= each.time_ms < to_ms)
    return reading.in_order(found)


def known_anchors(db: Database, hub_id: str, boot_ids: Iterable[str]) -> dict[str, Anchor]:
    """The anchors of some of a hub's boots. Of all it may have as many as it likes: they are kept for long."""
    found: dict[str, Anchor] = {}
    for boot_id in boot_ids:
        row = db.execute(
            "SELECT offset_ms, is_known FROM anchor WHERE hub_id = ? AND boot_id = ?", (hub_id, bytes.fromhex(boot_id))
        ).fetchone()
        if row is not None:
            found[boot_id] = Anchor(row[0], bool(row[1]))
    return found


def latest(db: Database, hub_id: str) -> tuple[ArrivedRecord, ...]:
    """A hub's latest records, oldest first."""
    row = db.execute("SELECT records FROM latest WHERE hub_id = ?", (hub_id,)).fetchone()
    if row is not None:
        return reading.read(hub_id, row[0])
    return tuple(earlier.latest(db, hub_id, RECENT_RECORDS))


def _begin(db: Database, hub_id: str) -> Followed:
    recent = latest(db, hub_id)
    return Followed(hub_id, known_anchors(db, hub_id, {each.record.boot_id for each in recent}), [*recent])


def _move(main: Store, days: Days, hub: Followed) -> None:
    if not hub.moved:
        return
    with main.reading() as db:
        kept = db.execute("SELECT day, committed FROM day ORDER BY day").fetchall()
    move(hub, itertools.chain.from_iterable(days.loose(day, committed, hub.hub_id) for day, committed in kept))


def _write(db: Database, hub: Followed) -> None:
    db.execute(
        f"UPDATE hub SET last_contact_ms = {marks.CONTACT} WHERE hub_id = ?",  # noqa: S608 - constants
        (*[hub.contact_ms] * 3, hub.hub_id),
    )
    db.execute("INSERT OR REPLACE INTO latest VALUES (?, ?)", (hub.hub_id, reading.write(hub.recent)))
    db.executemany(
        "INSERT OR REPLACE INTO anchor VALUES (?, ?, ?, ?)",
        (
            (hub.hub_id, bytes.fromhex(boot_id), anchor.offset_ms, anchor.is_known)
            for boot_id, anchor in hub.better.items()
        ),
    )
    db.executemany(
        "INSERT INTO due VALUES (?, ?, 1) ON CONFLICT (hour_ms, hub_id) DO UPDATE SET mark = mark + 1",
        ((hour_ms, hub.hub_id) for hour_ms in hub.hours),
    )
