"""What is new since a mark, in SQLite: whose facts changed, and which reports came.

Facts carry a number that grows with each transaction that changes some; reports have their day and their place in it.
Days are counted each by itself: after midnight a report of the day before may still be committed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from appliance.core.errors import StoreError
from appliance.store.database import Database, Store
from noc.store import reading
from noc.store.contract import Came
from noc.store.days import Days


def touch(db: Database, hub_ids: Iterable[str]) -> None:
    """Note in the transaction that changes their facts that these hubs have others now."""
    db.executemany(
        "INSERT INTO touched SELECT ?, coalesce(max(number), 0) + 1 FROM touched WHERE true"
        " ON CONFLICT (hub_id) DO UPDATE SET number = excluded.number",
        ((hub_id,) for hub_id in hub_ids),
    )


def changed(main: Store, epoch: str, mark: str) -> tuple[str, tuple[str, ...]]:
    """Name the hubs whose facts changed since a mark, those of longest ago first, and the next mark."""
    of, _, number = mark.rpartition(":")
    since = int(number) if of == epoch and number.isdecimal() else 0
    with main.reading() as db:
        rows = db.execute("SELECT hub_id, number FROM touched WHERE number > ? ORDER BY number", (since,)).fetchall()
    return f"{epoch}:{rows[-1][1] if rows else since}", tuple(hub_id for hub_id, _ in rows)


def came(main: Store, days: Days, epoch: str, mark: str, limit: int) -> tuple[str, tuple[Came, ...]]:
    """Read at most ``limit`` reports that were committed since a mark, and the next mark."""
    with main.reading() as db:
        committed = dict(db.execute("SELECT day, committed FROM day ORDER BY day").fetchall())
    read = _read_mark(epoch, mark, committed)
    found: list[Came] = []
    left = limit
    for day, last in committed.items():
        first = read.get(day, 0)
        if left <= 0 or first >= last:
            continue
        try:
            batches = days.after(day, first, last, left)
        except StoreError:
            if days.has(day):
                raise
            batches = []  # its time is over, and it went just now
        left -= len(batches)
        read[day] = batches[-1].position if batches else last
        for batch, report in reading.decoded(batches):
            records = tuple(each.record for each in reading.records(batch, report, {}))
            found.append(Came(batch.hub_id, batch.received_ms, report.sent_boot_id, report.sent_boottime_ms, records))
    return json.dumps({"epoch": epoch, "days": read}, separators=(",", ":")), tuple(found)


def _read_mark(epoch: str, mark: str, committed: Mapping[str, int]) -> dict[str, int]:
    """Say up to where each day that there is was read; a day that was made anew begins anew."""
    said = json.loads(mark) if mark else {}
    days = said["days"] if said.get("epoch") == epoch else {}
    return {day: days[day] for day, last in committed.items() if days.get(day, last + 1) <= last}
