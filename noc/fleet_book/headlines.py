"""The headline of each area: hubs alive and used these 7 days, and how fast repairs are.

The same as `noc.rules.outages.headline` says, for every area at once: the watch has it made now and then, pages read
it.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from appliance.store.database import Database
from noc.fleet_book.codes import CONDITION_NUMBERS, VILLAGE_LEVEL, above, bounds, level, visible
from noc.fleet_book.contract import Scope
from noc.fleet_book.lookup import NEVER_MS
from noc.rules.outages import LONG_MS, WEEK_MS, Headline
from noc.rules.states import Condition

_HUBS: Final = (
    f"SELECT number, code, CASE contact_ms WHEN {NEVER_MS} THEN coalesce(record_ms, -1) ELSE contact_ms END,"  # noqa: S608 - constants
    " coalesce(used_ms, -1) FROM hub JOIN standing ON hub = number WHERE code >= ? AND code < ?"
)
_REPAIRED: Final = (
    f"condition IN ({CONDITION_NUMBERS[Condition.LINK]}, {CONDITION_NUMBERS[Condition.POWER]})"
    f" AND known & 2 AND duration_ms > {LONG_MS} AND end_ms >= ? AND end_ms <= ?"
)


class _Gathered:
    """What is known of the hubs of one area."""

    def __init__(self) -> None:
        self.hubs = self.alive = self.alive_and_used = 0
        self.durations_ms: list[int] = []

    def add_hub(self, heard_ms: int, used_ms: int, since_ms: int) -> None:
        self.hubs += 1
        if heard_ms >= since_ms:
            self.alive += 1
            self.alive_and_used += used_ms >= since_ms

    def headline(self) -> Headline:
        median = round(statistics.median(self.durations_ms) / 1000) if self.durations_ms else None
        return Headline(self.hubs, self.alive, self.alive_and_used, len(self.durations_ms), median)


def of_all(db: Database, now_ms: int) -> dict[str, Headline]:
    """Make the headline of the country and each province, kabupaten and kecamatan."""
    found: dict[str, _Gathered] = {"": _Gathered()}
    places: dict[int, tuple[_Gathered, ...]] = {}
    for number, code, heard_ms, used_ms in db.execute(_HUBS, bounds("")):
        places[number] = tuple(found.setdefault(area, _Gathered()) for area in above(code))
        for each in places[number]:
            each.add_hub(heard_ms, used_ms, now_ms - WEEK_MS)
    for number, duration_ms in db.execute(
        f"SELECT hub, duration_ms FROM outage INDEXED BY outage_end WHERE {_REPAIRED}",  # noqa: S608 - constants
        (now_ms - WEEK_MS, now_ms),
    ):
        for each in places.get(number, ()):
            each.durations_ms.append(duration_ms)
    return {area: each.headline() for area, each in found.items()}


def keep(db: Database, made: Iterable[tuple[str, Headline]], now_ms: int) -> None:
    """Replace what was kept."""
    db.execute("DELETE FROM headline")
    db.executemany("INSERT INTO headline VALUES (?, ?, ?, ?, ?, ?, ?, ?)", _rows(made, now_ms))


def _rows(made: Iterable[tuple[str, Headline]], now_ms: int) -> Iterator[tuple[int | str | None, ...]]:
    for area, each in made:
        yield (
            level(area), area, each.hubs, each.alive, each.alive_and_used, each.repairs, each.median_repair_seconds,
            now_ms,
        )  # fmt: skip


def one(db: Database, scope: Scope, area: str, now_ms: int) -> Headline:
    """Read the headline of an area as far as an account sees it.

    Of a village, of parts of an area, and while none is kept, it is made now.
    """
    parts = visible(scope, area)
    if len(parts) == 1 and level(parts[0]) < VILLAGE_LEVEL:
        row = db.execute(
            "SELECT hubs, alive, alive_and_used, repairs, median_repair_seconds FROM headline"
            " WHERE level = ? AND code = ?",
            (level(parts[0]), parts[0]),
        ).fetchone()
        if row is not None:
            return Headline(*row)
    return _of_parts(db, parts, now_ms)


def _of_parts(db: Database, parts: Sequence[str], now_ms: int) -> Headline:
    found = _Gathered()
    for part in parts:
        for number, _, heard_ms, used_ms in db.execute(_HUBS, bounds(part)).fetchall():
            found.add_hub(heard_ms, used_ms, now_ms - WEEK_MS)
            found.durations_ms += (
                duration_ms
                for (duration_ms,) in db.execute(
                    f"SELECT duration_ms FROM outage WHERE hub = ? AND {_REPAIRED}",  # noqa: S608 - constants
                    (number, now_ms - WEEK_MS, now_ms),
                )
            )
    return found.headline()
