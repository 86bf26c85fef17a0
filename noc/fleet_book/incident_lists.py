"""Incidents for pages: lines, counts and one page of hubs at a time, of an incident of any size.

What `noc.rules.affected` says of one hub is said here in SQL of all of an incident; a test holds both to each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from appliance.store.database import Database
from noc.fleet import HubState
from noc.fleet_book import incidents
from noc.fleet_book.codes import BASES, CAUSES, CONDITIONS, STATE_NUMBERS, bounds, problem_bits, visible
from noc.fleet_book.contract import (
    IncidentCause,
    IncidentHub,
    IncidentLine,
    IncidentQuery,
    IncidentSize,
    PartQuery,
    PartSum,
    Scope,
)
from noc.rules.affected import CUT_OFF, JUDGED_MS_MAX, Part
from noc.rules.groups import Group, GroupKind
from noc.rules.problems import Problem
from noc.rules.states import Basis, Cause

LIMIT_MAX: Final = 20_000
# everyone, hubs, residents and zone are kept with each incident, so that a list of all counts nothing.
_LINE: Final = (
    "number, kind, name, problem, since_ms, opened_ms, ended_ms, acknowledged_by, acknowledged_ms, everyone, everyone,"
    " hubs, residents, timezone"
)


def lines(db: Database, query: IncidentQuery) -> tuple[tuple[IncidentLine, ...], int]:
    """List incidents, and say how many there are in all."""
    within, ranges = incidents.condition(query.scope, query.area)
    where, values = ("ended_ms IS NULL", []) if query.is_open else ("ended_ms >= ?", [query.from_ms])
    where, wanted = f"{where}{within}", [*values, *ranges]
    if query.problem is not None:
        where, wanted = f"{where} AND problem = ?", [*wanted, query.problem.value]
    total = db.execute(f"SELECT count(*) FROM incident WHERE {where}", wanted).fetchone()[0]  # noqa: S608 - constants
    order = "acknowledged_by != '', since_ms, number" if query.is_open else "ended_ms DESC, number DESC"
    rows = db.execute(
        f"SELECT {_LINE} FROM incident WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?",  # noqa: S608 - constants
        [*wanted, max(0, min(query.limit, LIMIT_MAX)), max(0, query.offset)],
    ).fetchall()
    return tuple(_line(db, row, query.scope) for row in rows), total


def line(db: Database, number: int, scope: Scope) -> IncidentLine | None:
    """Read one incident, None where it does not exist or lies wholly outside."""
    within, ranges = incidents.condition(scope)
    sql = f"SELECT {_LINE} FROM incident WHERE number = ?{within}"  # noqa: S608 - constants
    row = db.execute(sql, (number, *ranges)).fetchone()
    return None if row is None else _line(db, row, scope)


def of_hub(db: Database, hub_id: str) -> tuple[IncidentLine, ...]:
    """List the open incidents that a hub is in now, those that nobody cares for first."""
    rows = db.execute(
        f"SELECT {_LINE} FROM incident WHERE ended_ms IS NULL AND number IN"  # noqa: S608 - constants
        " (SELECT incident_hub.number FROM incident_hub JOIN hub ON hub.number = incident_hub.hub"
        " WHERE hub_id = ? AND is_gone = 0) ORDER BY acknowledged_by != '', since_ms, number",
        (hub_id,),
    ).fetchall()
    return tuple(_line(db, row, Scope()) for row in rows)


def _line(db: Database, row: Sequence[Any], scope: Scope) -> IncidentLine:
    number, kind, name, problem, since_ms, opened_ms, ended_ms, by, by_ms, everyone, *counted = row
    if scope.areas:
        seen, ranges = _seen(scope)
        counted = db.execute(
            "SELECT count(*), coalesce(sum(is_gone = 0), 0), coalesce(sum(residents * (is_gone = 0)), 0),"  # noqa: S608 - constants
            " coalesce(min(timezone), '') FROM incident_hub JOIN hub ON hub.number = hub"
            f" WHERE incident_hub.number = ? AND is_gone IN (0, 1) AND {seen}",
            (number, *ranges),
        ).fetchone()
    hubs_seen, hubs, residents, timezone = counted
    return IncidentLine(
        number, Group(GroupKind(kind), name), Problem(problem), since_ms, opened_ms, ended_ms, by, by_ms, everyone,
        hubs_seen, hubs, residents, timezone,
    )  # fmt: skip


def parts(db: Database, number: int, scope: Scope, now_ms: int) -> dict[Part, PartSum]:
    """Count the hubs of an incident within a scope by part; together they are all of them."""
    found = dict.fromkeys(Part, PartSum(0, 0))
    sql, values = _judged(db, number, scope, now_ms)
    counted = f"SELECT part, count(*), coalesce(sum(residents), 0) FROM ({sql}) GROUP BY part"  # noqa: S608 - constants
    for part, hubs, residents in db.execute(counted, values):
        found[Part(part)] = PartSum(hubs, residents)
    return found


def hubs_of(db: Database, query: PartQuery) -> tuple[IncidentHub, ...]:
    """Read a page of the hubs of one part, those with most residents first, with whom to call."""
    sql, values = _judged(db, query.number, query.scope, query.now_ms)
    page = db.execute(
        f"SELECT hub, is_gone FROM ({sql}) WHERE part = ? ORDER BY residents DESC, search LIMIT ? OFFSET ?",  # noqa: S608 - constants
        [*values, query.part.value, max(0, min(query.limit, LIMIT_MAX)), max(0, query.offset)],
    ).fetchall()
    return incidents.with_rows(db, page)


def _judged(db: Database, number: int, scope: Scope, now_ms: int) -> tuple[str, list[Any]]:
    """Each hub of an incident with its part, by the same rule as `noc.rules.affected.part_of`."""
    seen, ranges = _seen(scope)
    row = db.execute("SELECT problem FROM incident WHERE number = ?", (number,)).fetchone()
    problem = Problem(row[0]) if row is not None else Problem.NO_CONTACT
    judged = db.execute("SELECT value FROM kept WHERE name = 'judged_ms'").fetchone()
    is_awake = judged is not None and now_ms - judged[0] <= JUDGED_MS_MAX
    deaf = f"SELECT name FROM incident WHERE problem = '{Problem.NOC_DEAF}' AND ended_ms IS NULL"  # noqa: S608 - constants
    unknown = f"state = {STATE_NUMBERS[HubState.NEVER]} OR broker IN ({deaf})" if is_awake else "true"
    silent = "false" if problem in CUT_OFF else f"state = {STATE_NUMBERS[HubState.NO_CONTACT]}"
    bits = problem_bits(CUT_OFF if problem in CUT_OFF else (problem,))
    sql = (
        f"SELECT hub, is_gone, residents, search, CASE WHEN {unknown} OR {silent} THEN '{Part.UNKNOWN}'"  # noqa: S608 - constants
        f" WHEN problems & {bits} THEN '{Part.DARK}' ELSE '{Part.BACK}' END AS part"
        " FROM incident_hub JOIN hub ON hub.number = hub"
        f" WHERE incident_hub.number = ? AND is_gone IN (0, 1) AND {seen}"
    )
    return sql, [number, *ranges]


def sizes(db: Database, number: int) -> tuple[IncidentSize, ...]:
    """Read how an incident grew and shrank."""
    rows = db.execute("SELECT at_ms, everyone, hubs FROM incident_size WHERE number = ? ORDER BY at_ms", (number,))
    return tuple(IncidentSize(*row) for row in rows)


def causes(db: Database, number: int, scope: Scope) -> tuple[IncidentCause, ...]:
    """Count what the records of hubs that are back say of the time of an incident, the most frequent first.

    Of each hub counts its longest outage of that time; a hub whose outage is still open has brought no record.
    """
    seen, ranges = _seen(scope)
    rows = db.execute(
        "SELECT condition, cause, basis, count(*) AS hubs FROM (SELECT condition, cause, basis, max(duration_ms)"  # noqa: S608 - constants
        " FROM incident JOIN incident_hub ON incident_hub.number = incident.number AND is_gone = 1"
        " LEFT JOIN outage ON outage.hub = incident_hub.hub AND end_ms > incident.since_ms"
        " AND end_ms - duration_ms < coalesce(ended_ms, 1 << 60)"
        f" WHERE incident.number = ? AND {seen} GROUP BY incident_hub.hub) GROUP BY 1, 2, 3"
        " ORDER BY condition IS NULL, hubs DESC, 1, 2, 3",
        [number, *ranges],
    )
    return tuple(
        IncidentCause(None, Cause.NONE, Basis.NONE, hubs)
        if condition is None
        else IncidentCause(CONDITIONS[condition], CAUSES[cause], BASES[basis], hubs)
        for condition, cause, basis, hubs in rows
    )


def _seen(scope: Scope) -> tuple[str, list[str]]:
    """Which hubs of an incident an account sees."""
    areas = visible(scope, "")
    ranges = [value for area in areas for value in bounds(area)]
    return f"({' OR '.join(['(incident_hub.code >= ? AND incident_hub.code < ?)'] * len(areas))})", ranges
