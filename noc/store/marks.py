"""What is new since a mark: whose facts changed, and which reports came; marks of any store, the rest in SQLite.

Facts carry a number that grows with each transaction that changes some; reports have their day and their place in it.
Days are counted each by itself: after midnight a report of the day before may still be committed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from appliance.core.errors import StoreError
from appliance.core.report import Report
from appliance.store.database import Database, Store
from noc.store import reading
from noc.store.contract import CELLS_MAX, Came, cells_of
from noc.store.days import Days
from noc.store.kept import Kept
from noc.store.moments import FUTURE_MS_MAX

# The later one; but one that lies days ahead was noted by a clock that was wrong, and must not hold for years.
CONTACT: Final = f"CASE WHEN last_contact_ms > ? + {FUTURE_MS_MAX} THEN ? ELSE max(coalesce(last_contact_ms, 0), ?) END"


def touch(db: Database, hub_ids: Iterable[str]) -> None:
    """Note in the transaction that changes their facts that these hubs have others now."""
    db.executemany(
        "INSERT INTO touched SELECT ?, coalesce(max(number), 0) + 1 FROM touched WHERE true"
        " ON CONFLICT (hub_id) DO UPDATE SET number = excluded.number",
        ((hub_id,) for hub_id in hub_ids),
    )


def changed(main: Store, epoch: str, mark: str) -> tuple[str, tuple[str, ...]]:
    """Name the hubs whose facts changed since a mark, those of longest ago first, and the next mark."""
    since = number_of(epoch, mark)
    with main.reading() as db:
        rows = db.execute("SELECT hub_id, number FROM touched WHERE number > ? ORDER BY number", (since,)).fetchall()
    return numbered(epoch, rows[-1][1] if rows else since), tuple(hub_id for hub_id, _ in rows)


def came(main: Store, days: Days, epoch: str, mark: str, limit: int) -> tuple[str, tuple[Came, ...]]:
    """Read at most ``limit`` reports that were committed since a mark, and the next mark."""
    with main.reading() as db:
        committed = dict(db.execute("SELECT day, committed FROM day ORDER BY day").fetchall())
    read = places_of(epoch, mark, committed)
    found: list[Came] = []
    left, cells_left = limit, CELLS_MAX
    for day, last in committed.items():
        first = read.get(day, 0)
        if left <= 0 or cells_left <= 0 or first >= last:
            continue
        try:
            batches = days.after(day, first, last, left)
        except StoreError:
            if days.has(day):
                raise
            batches = []  # its time is over, and it went just now
        left -= len(batches)
        read[day] = batches[-1].position if batches else last
        for position, each in each_came(reading.decoded(batches)):
            found.append(each)
            cells_left -= cells_of(each.records)
            if cells_left <= 0:
                read[day] = position
                break
    return placed(epoch, read), tuple(found)


def each_came(batches: Iterable[tuple[Kept, Report]]) -> Iterator[tuple[int, Came]]:
    """Tell of reports what came with them for the first time, and their position."""
    for batch, report in batches:
        records = tuple(each.record for each in reading.records(batch, report, {}))
        came = Came(batch.hub_id, batch.received_ms, report.sent_boot_id, report.sent_boottime_ms, records)
        yield batch.position, came


def numbered(epoch: str, number: int) -> str:
    """Write the mark of a number."""
    return f"{epoch}:{number}"


def number_of(epoch: str, mark: str) -> int:
    """Read it; 0 for a mark of another store."""
    of, _, number = mark.rpartition(":")
    return int(number) if of == epoch and number.isdecimal() else 0


def placed(epoch: str, read: Mapping[str, int]) -> str:
    """Write the mark of a place in each day."""
    return json.dumps({"epoch": epoch, "days": read}, separators=(",", ":"))


def places_of(epoch: str, mark: str, committed: Mapping[str, int]) -> dict[str, int]:
    """Read it: up to where was each day that there is read; a day that was made anew begins anew."""
    said = json.loads(mark) if mark else {}
    days = said["days"] if said.get("epoch") == epoch else {}
    return {day: days[day] for day, last in committed.items() if days.get(day, last + 1) <= last}


def waiting(epoch: str, mark: str, committed: Mapping[str, int]) -> int:
    """Count the reports behind a mark, of the days that there are."""
    read = places_of(epoch, mark, committed)
    return sum(last - read.get(day, 0) for day, last in committed.items())
