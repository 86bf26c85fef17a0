"""Areas and how their hubs are: counts by state, changed with each hub, so that no page counts a country's hubs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from appliance.store.database import Database
from noc.fleet import HubState
from noc.fleet_book import lookup
from noc.fleet_book.codes import (
    STATES,
    VILLAGE_LEVEL,
    above,
    bounds,
    is_cut_off,
    level,
    problems_of,
    visible,
)
from noc.fleet_book.contract import AreaLine, Scope

Row = tuple[int, int, int, int, int]  # state, hubs, residents, residents cut off, clients online


@dataclass(frozen=True, slots=True)
class Counted:
    """What one hub adds to the counts of its areas."""

    state: int
    residents: int
    is_cut_off: bool
    clients: int


class Counts:
    """Changes to counts, gathered for one transaction."""

    def __init__(self) -> None:
        self._changes: dict[tuple[str, int], list[int]] = {}

    def add(self, code: str, counted: Counted, sign: int = 1) -> None:
        """Count a hub at ``code`` in, or with ``sign`` -1 out."""
        values = (1, counted.residents, counted.residents if counted.is_cut_off else 0, counted.clients)
        for area in above(code):
            sums = self._changes.setdefault((area, counted.state), [0, 0, 0, 0])
            for place, value in enumerate(values):
                sums[place] += sign * value

    def store(self, db: Database) -> None:
        """Bring the table up to what was gathered."""
        db.executemany(
            "INSERT INTO area_state VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (level, code, state) DO UPDATE SET"
            " hubs = hubs + excluded.hubs, residents = residents + excluded.residents,"
            " residents_cut_off = residents_cut_off + excluded.residents_cut_off,"
            " clients_online = clients_online + excluded.clients_online",
            ((level(code), code, state, *sums) for (code, state), sums in self._changes.items() if any(sums)),
        )


_HUB: Final = (
    "SELECT code, state, 1, coalesce(residents, 0), problems, coalesce(clients_online, 0)"
    " FROM hub JOIN standing ON hub = number"
)


def of_hub(db: Database, number: int) -> tuple[str, Counted]:
    """Read where a hub stands and what it adds."""
    code, state, _, residents, problems, clients = db.execute(f"{_HUB} WHERE number = ?", (number,)).fetchone()
    return code, Counted(state, residents, is_cut_off(STATES[state], problems_of(problems)), clients)


def states(db: Database, areas: Iterable[str]) -> Mapping[HubState, int]:
    """Count hubs by state in areas of which none lies in another."""
    return _line("", "", [row for area in areas for row in _of_area(db, area)]).states


def one(db: Database, scope: Scope, area: str) -> AreaLine | None:
    """Sum up one area, as far as an account sees it; None where there is no hub that it sees."""
    rows = [row for part in visible(scope, area) for row in _of_area(db, part)]
    return _line(area, lookup.area_names(db, [area]).get(area, ""), rows) if rows else None


def children(db: Database, scope: Scope, parent: str) -> tuple[AreaLine, ...]:
    """Sum up the areas right below one, by code, as far as an account sees them."""
    depth = level(parent) + 1
    found: dict[str, list[Row]] = {}
    for part in visible(scope, parent) if depth <= VILLAGE_LEVEL else ():
        if level(part) >= depth:
            child = ".".join(part.split(".")[:depth])
            found.setdefault(child, []).extend(_of_area(db, part))
        elif depth < VILLAGE_LEVEL:
            for code, *row in db.execute(
                "SELECT code, state, hubs, residents, residents_cut_off, clients_online FROM area_state"
                " WHERE level = ? AND code >= ? AND code < ? AND hubs > 0",
                (depth, *bounds(part)),
            ):
                found.setdefault(code, []).append((row[0], row[1], row[2], row[3], row[4]))
        else:
            for code, village_row in _villages(db, part):
                found.setdefault(code, []).append(village_row)
    names = lookup.area_names(db, found)
    if depth == VILLAGE_LEVEL:
        names = _village_names(db, found) | names
    return tuple(_line(code, names.get(code, ""), rows) for code, rows in sorted(found.items()) if rows)


def _of_area(db: Database, area: str) -> list[Row]:
    if level(area) >= VILLAGE_LEVEL:
        return [row for _, row in _villages(db, area)]
    rows = db.execute(
        "SELECT state, hubs, residents, residents_cut_off, clients_online FROM area_state"
        " WHERE level = ? AND code = ? AND hubs > 0",
        (level(area), area),
    ).fetchall()
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]


def _villages(db: Database, area: str) -> list[tuple[str, Row]]:
    found: list[tuple[str, Row]] = []
    for code, state, _, residents, problems, clients in db.execute(
        f"{_HUB} WHERE code >= ? AND code < ?", bounds(area)
    ):
        cut_off = residents if is_cut_off(STATES[state], problems_of(problems)) else 0
        found.append((code, (state, 1, residents, cut_off, clients)))
    return found


def _village_names(db: Database, codes: Iterable[str]) -> dict[str, str]:
    """A village that no list names is called as its hub is."""
    return {
        code: name
        for area in codes
        for code, name in db.execute("SELECT code, min(name) FROM hub WHERE code = ? GROUP BY code", (area,))
    }


def _line(code: str, name: str, rows: Sequence[Row]) -> AreaLine:
    counts = dict.fromkeys(HubState, 0)
    for state, hubs, *_ in rows:
        counts[STATES[state]] += hubs
    return AreaLine(
        code, name, sum(row[1] for row in rows), counts, sum(row[3] for row in rows), sum(row[4] for row in rows)
    )
