"""What follows from committed batches, in SQLite: each hub's latest records, anchors of boots, hours to be made.

A step reads and decodes without holding the database, then writes all that follows and how far it came in one
transaction; where another was quicker it does nothing. A kill leaves the step undone, never half done.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from appliance.core.report import Report
from appliance.store.database import Database, Store
from noc.store import earlier, reading
from noc.store.contract import ArrivedRecord
from noc.store.days import Days, Kept
from noc.store.moments import Anchor, anchors, better, placed_ms
from noc.store.rollup import GAP_MS, HOUR_MS, hour_of, pack, roll_up

RECENT_RECORDS: Final = 5


@dataclass(slots=True)
class _Followed:
    """What a step found for one hub."""

    hub_id: str
    anchors: dict[str, Anchor]
    recent: list[ArrivedRecord]
    contact_ms: int = 0
    moved: dict[str, tuple[Anchor, Anchor]] = field(default_factory=dict)
    better: dict[str, Anchor] = field(default_factory=dict)
    hours: set[int] = field(default_factory=set)


def project(main: Store, days: Days, limit: int) -> int:
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
    for batch, report in reading.decoded(batches):
        _follow(hubs[batch.hub_id], batch, report)
    for each in hubs.values():
        _move(main, days, each)
    position = batches[-1].position if batches else committed
    with main.transaction() as db:
        came = db.execute(
            "UPDATE day SET projected = ? WHERE day = ? AND projected = ?", (position, day, projected)
        ).rowcount
        if came:
            for each in hubs.values():
                _write(db, each)
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
        known = known_anchors(db, hub_id)
        kept = db.execute("SELECT day, committed FROM day ORDER BY day").fetchall()
    for day, committed in kept:
        for batch, report in reading.decoded(days.of_hub(day, committed, hub_id, from_ms, to_ms)):
            placed = reading.records(batch, report, known)
            found.extend(each for each in placed if each.time_ms is not None and from_ms <= each.time_ms < to_ms)
    return reading.in_order(found)


def known_anchors(db: Database, hub_id: str) -> dict[str, Anchor]:
    """The anchors of a hub's boots."""
    rows = db.execute("SELECT boot_id, offset_ms, is_known FROM anchor WHERE hub_id = ?", (hub_id,))
    return {boot_id.hex(): Anchor(offset_ms, bool(is_known)) for boot_id, offset_ms, is_known in rows}


def latest(db: Database, hub_id: str) -> tuple[ArrivedRecord, ...]:
    """A hub's latest records, oldest first."""
    row = db.execute("SELECT records FROM latest WHERE hub_id = ?", (hub_id,)).fetchone()
    if row is not None:
        return reading.read(hub_id, row[0])
    return tuple(earlier.latest(db, hub_id, RECENT_RECORDS))


def _begin(db: Database, hub_id: str) -> _Followed:
    return _Followed(hub_id, known_anchors(db, hub_id), list(latest(db, hub_id)))


def _follow(hub: _Followed, batch: Kept, report: Report) -> None:
    hub.contact_ms = max(hub.contact_ms, batch.received_ms)
    for boot_id, anchor in anchors(report, batch.received_ms).items():
        old = hub.anchors.get(boot_id)
        chosen = better(old, anchor)
        if chosen != old:
            hub.anchors[boot_id] = hub.better[boot_id] = chosen
            if old is not None:
                hub.moved[boot_id] = hub.moved.get(boot_id, (old,))[0], chosen
    placed = [each for each in reading.records(batch, report, hub.anchors) if each.time_ms is not None]
    hub.hours.update(_hours(each.time_ms for each in placed if each.time_ms is not None))
    hub.recent = reading.in_order([*hub.recent, *placed])[-RECENT_RECORDS:]


def _hours(times: Iterable[int]) -> set[int]:
    # What a counter moved in the first minutes of an hour is the difference to the last record of the hour before.
    return {hour_of(time_ms + ahead) for time_ms in times for ahead in (0, GAP_MS)}


def _move(main: Store, days: Days, hub: _Followed) -> None:
    """Find the hours that records leave and enter, where a boot turned out to have begun at another moment."""
    if not hub.moved:
        return
    with main.reading() as db:
        kept = db.execute("SELECT day, committed FROM day ORDER BY day").fetchall()
    for day, committed in kept:
        for batch, report in reading.decoded(days.loose(day, committed, hub.hub_id)):
            hub.hours.update(_moved_hours(report, batch.received_ms, hub))
    hub.recent = reading.in_order(_placed_anew(hub.recent, hub.anchors))


def _moved_hours(report: Report, received_ms: int, hub: _Followed) -> set[int]:
    times = {
        placed_ms(record, {record.boot_id: anchor}, received_ms)
        for record in report.records
        for anchor in hub.moved.get(record.boot_id, ())
    }
    return _hours(each for each in times if each is not None)


def _placed_anew(found: Sequence[ArrivedRecord], known: dict[str, Anchor]) -> list[ArrivedRecord]:
    return [
        ArrivedRecord(each.hub_id, each.record, placed_ms(each.record, known, each.received_ms), each.received_ms)
        for each in found
    ]


def _write(db: Database, hub: _Followed) -> None:
    db.execute(
        "UPDATE hub SET last_contact_ms = max(coalesce(last_contact_ms, 0), ?) WHERE hub_id = ?",
        (hub.contact_ms, hub.hub_id),
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
