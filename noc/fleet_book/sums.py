"""Seconds, cuts and bytes of areas by day or by month: changed with each hub's, read without reading hubs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from appliance.store.database import Database
from noc.fleet_book import lookup
from noc.fleet_book.codes import CLASSES, VILLAGE_LEVEL, above, bounds, day_number, day_text, level, seconds_of, visible
from noc.fleet_book.contract import AreaSum, Scope

_CLASSES: Final = [f"seconds_{number}" for number in range(len(CLASSES))]
_COLUMNS: Final = {
    "area_day": ("day", [*_CLASSES, "long_cuts", "short_cuts", "received_bytes", "sent_bytes", "logins"]),
    "area_month": ("month", [*_CLASSES, "long_cuts", "short_cuts"]),
}
_WIDTH: Final = len(CLASSES)


class Sums:
    """Changes to the sums of a table, gathered for one transaction."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._changes: dict[tuple[int, str], list[int]] = {}

    def add(self, code: str, when: int, row: Sequence[int], sign: int = 1) -> None:
        """Add a hub's row to all areas that the hub lies in, or with ``sign`` -1 take it away."""
        for area in above(code):
            sums = self._changes.setdefault((when, area), [0] * (len(row) + 1))
            sums[0] += sign
            for place, value in enumerate(row, 1):
                sums[place] += sign * value

    def store(self, db: Database) -> None:
        """Bring the table up to what was gathered."""
        time, columns = _COLUMNS[self._table]
        marks = ", ".join("?" * (len(columns) + 4))
        added = ", ".join(f"{each} = {each} + excluded.{each}" for each in ("hubs", *columns))
        db.executemany(
            f"INSERT INTO {self._table} (level, {time}, code, hubs, {', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - constants
            f" ON CONFLICT (level, {time}, code) DO UPDATE SET {added}",
            ((level(code), when, code, *sums) for (when, code), sums in self._changes.items() if any(sums)),
        )


def read(
    db: Database, table: str, parts: Sequence[str], depth: int, span: tuple[int, int], *, by_time: bool = True
) -> Iterator[tuple[int, str, list[int]]]:
    """Yield time, code and sums (hubs first) of all areas of a depth within ``parts``, which are not deeper.

    Without ``by_time`` the times of the span are added up, and told as the first of them.
    """
    time, columns = _COLUMNS[table]
    for part in parts:
        if depth < VILLAGE_LEVEL:
            names = ", ".join(f"sum({each})" for each in ("hubs", *columns))
            rows = db.execute(
                f"WITH RECURSIVE at(time) AS (VALUES (?) UNION ALL SELECT time + 1 FROM at WHERE time < ?)"  # noqa: S608 - constants
                f" SELECT min({time}), code, {names} FROM at JOIN {table} ON {time} = at.time"
                " WHERE level = ? AND code >= ? AND code < ? AND hubs <> 0"
                f" GROUP BY {_group(time, by_time=by_time)}",
                (*span, depth, *bounds(part)),
            )
        else:
            rows = _of_hubs(db, table, part, span, by_time=by_time)
        for when, code, *sums in rows:
            yield when, code, sums


def _group(time: str, *, by_time: bool) -> str:
    return f"{time}, code" if by_time else "code"


def _of_hubs(db: Database, table: str, part: str, span: tuple[int, int], *, by_time: bool) -> Any:
    time, columns = _COLUMNS[table]
    source = "day" if table == "area_day" else "month"
    later = "SELECT max(version) FROM month AS later WHERE later.month = month.month AND later.hub = number"
    is_latest = "" if source == "day" else f" AND version = ({later})"
    added = ", ".join(f"coalesce(sum({each}), 0)" for each in columns)
    return db.execute(
        f"WITH RECURSIVE at(time) AS (VALUES (?) UNION ALL SELECT time + 1 FROM at WHERE time < ?)"  # noqa: S608 - constants
        f" SELECT min({time}), code, count(*), {added} FROM hub CROSS JOIN at CROSS JOIN {source}"
        f" ON {time} = at.time AND {source}.hub = number{is_latest} WHERE code >= ? AND code < ?"
        f" GROUP BY {_group(time, by_time=by_time)}",
        (*span, *bounds(part)),
    )


def split(scope: Scope, area: str, depth: int) -> dict[int, list[str]]:
    """Say of which parts of an area sums must be read, by the depth to read them at: of a part within, its own."""
    found: dict[int, list[str]] = {}
    for part in visible(scope, area):
        found.setdefault(min(VILLAGE_LEVEL, max(depth, level(part))), []).append(part)
    return found


def days(db: Database, scope: Scope, area: str, span: tuple[str, str], *, by_day: bool) -> tuple[AreaSum, ...]:
    """Add up days, of the whole area for each day, or of all days for each area right below it."""
    first, last = map(day_number, span)
    kept = db.execute("SELECT min(day), max(day) FROM area_day WHERE level = 0").fetchone()
    if kept[0] is None:
        return ()
    first, last = max(first, kept[0]), min(last, kept[1])
    depth = level(area) if by_day else level(area) + 1
    added: dict[tuple[str, int], list[int]] = {}
    for each, parts in split(scope, area, depth).items():
        if first > last:
            continue
        for when, code, sums in read(db, "area_day", parts, each, (first, last), by_time=by_day):
            key = (area, when) if by_day else (".".join(code.split(".")[:depth]), 0)
            before = added.get(key)
            added[key] = sums if before is None else [a + b for a, b in zip(before, sums, strict=True)]
    names = lookup.area_names(db, {code for code, _ in added})
    return tuple(
        _day_sum(code, names.get(code, ""), day_text(when) if by_day else "", sums)
        for (code, when), sums in sorted(added.items())
    )


def _day_sum(code: str, name: str, day: str, sums: Sequence[int]) -> AreaSum:
    hub_days, *rest = sums
    long_cuts, short_cuts, received, sent, logins = rest[_WIDTH:]
    seconds = seconds_of(rest[:_WIDTH])
    return AreaSum(code, day, seconds, long_cuts, short_cuts, name, hub_days, received, sent, logins)
