"""How it was: histories, outages and days, and the days of areas added up."""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

import cbor2

from appliance.store.database import Database
from noc.fleet_book import lookup, months, sums
from noc.fleet_book.codes import (
    BASES,
    BASIS_NUMBERS,
    CAUSE_NUMBERS,
    CAUSES,
    CLASSES,
    CONDITION_NUMBERS,
    CONDITIONS,
    bounds,
    class_seconds,
    day_number,
    day_text,
    evidence_of,
    evidence_text,
    seconds_of,
    visible,
    within,
)
from noc.fleet_book.contract import Day, Followed, KeptOutage, Scope, Tail
from noc.rules.history import History, as_plain, from_plain
from noc.rules.outages import Outage

_WIDTH: Final = len(CLASSES)
_DAY_MARKS: Final = ", ".join("?" * (2 + _WIDTH + 6))
# Two questions: of one for both SQLite reads the whole table.
DAYS_SPAN: Final = "SELECT (SELECT min(day) FROM day), (SELECT max(day) FROM day)"
_OUTAGE: Final = "end_ms, duration_ms, condition, cause, basis, evidence, known"


def histories(db: Database, hub_ids: Collection[str]) -> dict[str, History]:
    """Read all that is known of these hubs; those without a history are not among them."""
    found: dict[str, History] = {}
    for hub_id, number in lookup.numbers(db, hub_ids).items():
        row = db.execute("SELECT history FROM history WHERE hub = ?", (number,)).fetchone()
        if row is not None:
            found[hub_id] = _unpacked(row[0])
    return found


def put(db: Database, followed: Sequence[Followed]) -> None:
    """Keep what the watch learned. Raises KeyError with a hub that has no card."""
    numbers = lookup.required(db, [each.hub_id for each in followed])
    counted = sums.Sums("area_day")
    for each in followed:
        number = numbers[each.hub_id]
        db.execute("INSERT OR REPLACE INTO history VALUES (?, ?)", (number, _packed(each.history)))
        db.execute("DELETE FROM outage WHERE hub = ? AND end_ms > ?", (number, each.since_ms))
        db.executemany(
            "INSERT OR REPLACE INTO outage VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            ((number, *_plain(outage)) for outage in each.outages),
        )
        _put_days(db, number, each.days, counted)
    counted.store(db)
    for each in followed:
        months.put(db, [(each.hub_id, version) for version in each.versions])


def _put_days(db: Database, number: int, days: Sequence[Day], counted: sums.Sums) -> None:
    if not days:
        return
    (code,) = db.execute("SELECT code FROM hub WHERE number = ?", (number,)).fetchone()
    for day in days:
        at = day_number(day.day)
        row = (
            *class_seconds(day.seconds), day.long_cuts, day.short_cuts, day.received_bytes, day.sent_bytes,
            day.clients_peak, day.logins,
        )  # fmt: skip
        before = db.execute("SELECT * FROM day WHERE day = ? AND hub = ?", (at, number)).fetchone()
        if before is not None:
            counted.add(code, at, _summed(before[2:]), -1)
        counted.add(code, at, _summed(row))
        db.execute(f"INSERT OR REPLACE INTO day VALUES ({_DAY_MARKS})", (at, number, *row))  # noqa: S608 - constants


def _summed(row: Sequence[Any]) -> tuple[int, ...]:
    """What of a day is added up: seconds, cuts, bytes, logins; not the peak."""
    received, sent, _, logins = row[-4:]
    return (*row[:-4], received or 0, sent or 0, logins or 0)


def move_days(db: Database, number: int, before: str, after: str) -> None:
    """Let the days of a hub that moves count where it is now."""
    counted = sums.Sums("area_day")
    # There is no index by hub: a day of a hub is looked up in each day that there is.
    first, last = db.execute(DAYS_SPAN).fetchone()
    for row in () if first is None else _days_of(db, number, first, last):
        counted.add(before, row[0], _summed(row[1:]), -1)
        counted.add(after, row[0], _summed(row[1:]))
    counted.store(db)


def _days_of(db: Database, number: int, first: int, last: int) -> Iterator[tuple[Any, ...]]:
    for at in range(first, last + 1):
        for day, _, *row in db.execute("SELECT * FROM day WHERE day = ? AND hub = ?", (at, number)):
            yield day, *row


def days(db: Database, scope: Scope, area: str, span: tuple[str, str], hub_id: str) -> Iterator[Day]:
    """Read days from the first to the last, both included, of one hub, or of an area by code; each oldest first."""
    first, last = map(day_number, span)
    kept = db.execute(DAYS_SPAN).fetchone()
    if kept[0] is None:
        return
    first, last = max(first, kept[0]), min(last, kept[1])
    for found, number in _hubs(db, scope, area, hub_id):
        for at, *row in _days_of(db, number, first, last):
            seconds = seconds_of(row[:_WIDTH])
            long_cuts, short_cuts, received, sent, peak, logins = row[_WIDTH:]
            yield Day(found, day_text(at), seconds, long_cuts, short_cuts, received, sent, peak, logins)


def _hubs(db: Database, scope: Scope, area: str, hub_id: str) -> list[tuple[str, int]]:
    if hub_id:
        row = db.execute("SELECT hub_id, number, code FROM hub WHERE hub_id = ?", (hub_id,)).fetchone()
        return [row[:2]] if row is not None and within(row[2], visible(scope, area)) else []
    return [
        row
        for part in visible(scope, area)
        for row in db.execute(
            "SELECT hub_id, number FROM hub WHERE code >= ? AND code < ? ORDER BY code, hub_id", bounds(part)
        )
    ]


def outages(db: Database, scope: Scope, area: str, span: tuple[int, int], hub_id: str) -> Iterator[KeptOutage]:
    """Read outages that lie within a time or reach into it, oldest first at each hub."""
    from_ms, to_ms = span
    for found, number in _hubs(db, scope, area, hub_id):
        for row in db.execute(
            f"SELECT {_OUTAGE} FROM outage WHERE hub = ? AND end_ms > ? AND end_ms - duration_ms < ? ORDER BY end_ms",  # noqa: S608 - constants
            (number, from_ms, to_ms),
        ):
            yield KeptOutage(found, _outage(row))


def _plain(outage: Outage) -> tuple[int | str, ...]:
    return (
        outage.end_ms, outage.duration_ms, CONDITION_NUMBERS[outage.condition], CAUSE_NUMBERS[outage.cause],
        BASIS_NUMBERS[outage.basis], evidence_text(outage.evidence), outage.is_begin_known + 2 * outage.is_end_known,
    )  # fmt: skip


def _outage(row: Sequence[Any]) -> Outage:
    end_ms, duration_ms, condition, cause, basis, evidence, known = row
    return Outage(
        end_ms - duration_ms, end_ms, CONDITIONS[condition], CAUSES[cause], BASES[basis], evidence_of(evidence),
        is_begin_known=bool(known & 1), is_end_known=bool(known & 2),
    )  # fmt: skip


def forget(db: Database, before_ms: int, limit: int) -> int:
    """Delete outages and days whose time is over, at most ``limit`` of each; the sums of areas stay."""
    day = before_ms // 86_400_000
    gone = db.execute(
        "DELETE FROM day WHERE (day, hub) IN (SELECT day, hub FROM day WHERE day < ? ORDER BY day LIMIT ?)",
        (day, limit),
    ).rowcount
    gone += db.execute(
        "DELETE FROM outage WHERE (hub, end_ms) IN"
        " (SELECT hub, end_ms FROM outage INDEXED BY outage_end WHERE end_ms < ? ORDER BY end_ms LIMIT ?)",
        (before_ms, limit),
    ).rowcount
    return int(gone)


def put_tails(db: Database, tails: Sequence[Tail]) -> None:
    """Replace the tails of these hubs. Raises KeyError with a hub that has no card."""
    numbers = lookup.required(db, [each.hub_id for each in tails])
    db.executemany(
        "INSERT OR REPLACE INTO tail VALUES (?, ?, ?, ?, ?)",
        ((numbers[each.hub_id], each.followed_ms, each.again_ms, each.read_by, _packed(each.said)) for each in tails),
    )


def tails(db: Database, hub_ids: Collection[str]) -> dict[str, Tail]:
    """Read the tails of these hubs; those without one are not among them."""
    rows = db.execute(
        "SELECT hub_id, said, followed_ms, again_ms, read_by FROM hub JOIN tail ON hub = number"
        " WHERE hub_id IN (SELECT value FROM json_each(?))",
        (json.dumps([*hub_ids]),),
    )
    return {row[0]: Tail(row[0], _unpacked(row[1]), *row[2:]) for row in rows}


def stale(db: Database, before_ms: int, limit: int) -> tuple[str, ...]:
    """Name hubs that were followed before a moment, longest ago first."""
    rows = db.execute(
        "SELECT hub_id FROM tail JOIN hub ON number = hub WHERE followed_ms < ? ORDER BY followed_ms LIMIT ?",
        (before_ms, limit),
    )
    return tuple(hub_id for (hub_id,) in rows)


def _packed(history: History) -> bytes:
    return zlib.compress(cbor2.dumps(as_plain(history)), 1)


def _unpacked(packed: bytes) -> History:
    return from_plain(cbor2.loads(zlib.decompress(packed)))
