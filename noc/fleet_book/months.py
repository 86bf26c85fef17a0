"""Months of hubs for the SLA, in versions, and the months of areas added up."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from appliance.store.database import Database
from noc.fleet_book import lookup, sums
from noc.fleet_book.codes import CLASSES, bounds, class_seconds, level, month_number, seconds_of, visible
from noc.fleet_book.contract import Card, HubMonth, MonthSum, Scope
from noc.rules.sla import Change, Month, Sla, SlaClass, Version

# Two questions: of one for both SQLite reads the whole table.
MONTHS_SPAN: Final = "SELECT (SELECT min(month) FROM month), (SELECT max(month) FROM month)"
_CARD_WIDTH: Final = lookup.CARD_COLUMNS.count(",") + 1
_WIDTH: Final = len(CLASSES)
_SECONDS: Final = ", ".join(f"seconds_{number}" for number in range(_WIDTH))
_VERSION: Final = f"version, made_ms, {_SECONDS}, long_cuts, short_cuts, changes"
_IS_LATEST: Final = "version = (SELECT max(version) FROM month AS later WHERE later.month = ? AND later.hub = number)"
_MARKS: Final = ", ".join("?" * (2 + 2 + _WIDTH + 3))


def versions(db: Database, hub_ids: Collection[str], month: Month) -> dict[str, Version]:
    """Read the latest version of a month of each of these hubs that has one."""
    at = month_number(month)
    rows = db.execute(
        f"SELECT hub_id, {_VERSION} FROM hub CROSS JOIN month ON month = ? AND hub = number AND {_IS_LATEST}"  # noqa: S608 - constants
        " WHERE hub_id IN (SELECT value FROM json_each(?))",
        (at, at, json.dumps([*hub_ids])),
    )
    return {row[0]: _version(month, row[1:]) for row in rows}


def all_versions(db: Database, hub_id: str, month: Month) -> tuple[Version, ...]:
    """Read every version of a month of a hub, oldest first."""
    rows = db.execute(
        f"SELECT {_VERSION} FROM hub JOIN month ON hub = number WHERE hub_id = ? AND month = ? ORDER BY version",  # noqa: S608 - constants
        (hub_id, month_number(month)),
    )
    return tuple(_version(month, row) for row in rows)


def put(db: Database, made: Collection[tuple[str, Version]]) -> None:
    """Keep versions; of a month that still ran at ``made_ms`` no earlier one.

    Raises KeyError with a hub that has no card, ValueError where a version does not follow.
    """
    numbers = lookup.required(db, [hub_id for hub_id, _ in made])
    counted = sums.Sums("area_month")
    for hub_id, version in made:
        number, at = numbers[hub_id], month_number(version.sla.month)
        code, timezone = db.execute("SELECT code, timezone FROM hub WHERE number = ?", (number,)).fetchone()
        before = _latest(db, number, at)
        if version.number != (1 if before is None else before[0] + 1):
            raise ValueError(
                f"{hub_id}: version {version.number} of {version.sla.month} does not follow"
                f" {'none' if before is None else before[0]}"
            )
        row = (*class_seconds(version.sla.seconds), version.sla.long_cuts, version.sla.short_cuts)
        if before is not None:
            counted.add(code, at, before[1:], -1)
        counted.add(code, at, row)
        changes = [[CLASSES.index(c.sla_class), c.before_seconds, c.after_seconds] for c in version.changes]
        db.execute(
            f"INSERT INTO month VALUES ({_MARKS})",  # noqa: S608 - constants
            (at, number, version.number, version.made_ms, *row, json.dumps(changes) if changes else ""),
        )
        _, end_ms = version.sla.month.bounds_ms(timezone)
        if version.made_ms < end_ms:
            # One a day for ever is too much; what counts of a month that still runs is how it stands.
            db.execute(
                "DELETE FROM month WHERE month = ? AND hub = ? AND version < ? AND made_ms < ?",
                (at, number, version.number, end_ms),
            )
    counted.store(db)


def _latest(db: Database, number: int, at: int) -> tuple[int, ...] | None:
    row: tuple[int, ...] | None = db.execute(
        f"SELECT version, {_SECONDS}, long_cuts, short_cuts FROM month WHERE month = ? AND hub = ?"  # noqa: S608 - constants
        " ORDER BY version DESC LIMIT 1",
        (at, number),
    ).fetchone()
    return row


def move(db: Database, number: int, before: str, after: str) -> None:
    """Let the months of a hub that moves count where it is now."""
    counted = sums.Sums("area_month")
    first, last = db.execute(MONTHS_SPAN).fetchone()
    for at in () if first is None else range(first, last + 1):
        row = _latest(db, number, at)
        if row is not None:
            counted.add(before, at, row[1:], -1)
            counted.add(after, at, row[1:])
    counted.store(db)


def by_area(db: Database, scope: Scope, area: str, month: Month) -> tuple[MonthSum, ...]:
    """Add up a month for each area right below one, by code."""
    at, depth = month_number(month), level(area) + 1
    added: dict[str, list[int]] = {}
    for each, parts in sums.split(scope, area, depth).items():
        for _, code, row in sums.read(db, "area_month", parts, each, (at, at)):
            key = ".".join(code.split(".")[:depth])
            before = added.get(key)
            added[key] = row if before is None else [a + b for a, b in zip(before, row, strict=True)]
    names = lookup.area_names(db, added)
    return tuple(
        MonthSum(code, names.get(code, ""), row[0], _sla(month, row[1:])) for code, row in sorted(added.items())
    )


def of_area(db: Database, scope: Scope, area: str, month: Month) -> Iterator[HubMonth]:
    """Read the latest version of a month of every hub of an area that has one, by code."""
    at = month_number(month)
    for part in visible(scope, area):
        for row in db.execute(
            f"SELECT {lookup.CARD_COLUMNS}, {_VERSION} FROM hub CROSS JOIN month"  # noqa: S608 - constants
            f" ON month = ? AND hub = number AND {_IS_LATEST} WHERE code >= ? AND code < ? ORDER BY code, hub_id",
            (at, at, *bounds(part)),
        ):
            yield HubMonth(Card(*row[:_CARD_WIDTH]), _version(month, row[_CARD_WIDTH:]))


def _version(month: Month, row: Sequence[Any]) -> Version:
    number, made_ms, *rest, changes = row
    return Version(
        number,
        made_ms,
        _sla(month, rest),
        tuple(Change(CLASSES[which], before, after) for which, before, after in json.loads(changes or "[]")),
    )


def _sla(month: Month, row: Sequence[int]) -> Sla:
    seconds: dict[SlaClass, int] = seconds_of(row[:_WIDTH])
    return Sla(month, seconds, row[_WIDTH], row[_WIDTH + 1])
