"""What is wrong: incidents and the hubs they ever had, as the watch writes and reads them."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any, Final

from appliance.store.database import Database
from noc.fleet_book import cards, lookup, standings
from noc.fleet_book.codes import bounds, visible
from noc.fleet_book.contract import IncidentHub, KeptIncident, Scope
from noc.rules.alert_state import Incident
from noc.rules.groups import Group, GroupKind
from noc.rules.problems import Problem

SIZE_STEP_MS: Final = 60_000  # sizes are kept by the minute: what changes within one is one point of a chart
_COLUMNS: Final = (
    "number, kind, name, problem, since_ms, joined_ms, told_hubs, quiet_ms, acknowledged_by, acknowledged_ms,"
    " opened_ms, ended_ms, told_ms, others"
)


def put(db: Database, opened: Sequence[Incident], ended: Sequence[Incident], now_ms: int) -> None:
    """Keep incidents as the watch sees them; who takes care of one is what people said, and stays."""
    for incident, is_over in (*((each, False) for each in opened), *((each, True) for each in ended)):
        now = frozenset[str]() if is_over else incident.hubs
        everyone = incident.everyone | incident.hubs
        numbers = lookup.numbers(db, everyone)
        others = json.dumps([sorted(each - numbers.keys()) for each in (now, everyone)])
        db.execute(
            "INSERT INTO incident VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', NULL, ?, ?, ?, ?, 0, 0, 0, '')"
            " ON CONFLICT (number) DO UPDATE SET kind = excluded.kind, name = excluded.name,"
            " since_ms = excluded.since_ms, joined_ms = excluded.joined_ms, told_hubs = excluded.told_hubs,"
            " quiet_ms = excluded.quiet_ms, ended_ms = excluded.ended_ms,"
            " told_ms = coalesce(told_ms, excluded.told_ms), others = excluded.others",
            (
                incident.number, incident.group.kind, incident.group.name, incident.problem, incident.since_ms,
                incident.joined_ms, incident.told_hubs, incident.quiet_ms, now_ms, now_ms if is_over else None,
                now_ms if incident.told_hubs else None, others,
            ),
        )  # fmt: skip
        _put_hubs(db, incident.number, {number: hub_id not in now for hub_id, number in numbers.items()})
        _count(db, incident.number, now_ms)


def _put_hubs(db: Database, incident: int, wanted: dict[int, bool]) -> None:
    kept = dict(db.execute("SELECT hub, is_gone FROM incident_hub WHERE number = ?", (incident,)).fetchall())
    changed = [(number, is_gone) for number, is_gone in wanted.items() if kept.get(number) != is_gone]
    gone = [(number, True) for number, was_gone in kept.items() if number not in wanted and not was_gone]
    for number, is_gone in (*changed, *gone):
        db.execute("DELETE FROM incident_hub WHERE hub = ? AND number = ?", (number, incident))
        db.execute(
            "INSERT INTO incident_hub SELECT ?, ?, code, number FROM hub WHERE number = ?", (incident, is_gone, number)
        )


def _count(db: Database, incident: int, now_ms: int) -> None:
    db.execute(
        "UPDATE incident SET (everyone, hubs, residents, timezone) = (SELECT count(*), coalesce(sum(NOT is_gone), 0),"
        " coalesce(sum(CASE is_gone WHEN 0 THEN residents END), 0), coalesce(min(timezone), '') FROM incident_hub"
        " JOIN hub ON hub.number = hub WHERE incident_hub.number = incident.number) WHERE number = ?",
        (incident,),
    )
    everyone, hubs = db.execute("SELECT everyone, hubs FROM incident WHERE number = ?", (incident,)).fetchone()
    last = db.execute(
        "SELECT everyone, hubs FROM incident_size WHERE number = ? ORDER BY at_ms DESC LIMIT 1", (incident,)
    ).fetchone()
    if last != (everyone, hubs):
        minute_ms = now_ms // SIZE_STEP_MS * SIZE_STEP_MS
        db.execute("INSERT OR REPLACE INTO incident_size VALUES (?, ?, ?, ?)", (incident, minute_ms, everyone, hubs))


def acknowledge(db: Database, number: int, by: str, at_ms: int, group: Group | None = None) -> None:
    """Note who takes care of an incident. Raises KeyError where it is not open, or is another group's."""
    row = db.execute("SELECT kind, name FROM incident WHERE number = ? AND ended_ms IS NULL", (number,)).fetchone()
    if row is None or (group is not None and Group(GroupKind(row[0]), row[1]) != group):
        raise KeyError(number)
    sql = "UPDATE incident SET acknowledged_by = ?, acknowledged_ms = ? WHERE number = ?"
    db.execute(sql, (by, at_ms, number))


def several(db: Database, scope: Scope, *, is_open: bool, limit: int) -> tuple[KeptIncident, ...]:
    """Read incidents with the ids of their hubs, newest first, as far as an account sees them."""
    within, values = condition(scope)
    ended, order = ("IS NULL", "since_ms") if is_open else ("IS NOT NULL", "ended_ms")
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM incident WHERE ended_ms {ended}{within} ORDER BY {order} DESC, number DESC LIMIT ?",  # noqa: S608 - constants
        (*values, limit),
    ).fetchall()
    return tuple(_kept(db, row, scope) for row in rows)


def one(db: Database, number: int, scope: Scope) -> KeptIncident | None:
    """Read one incident; None where there is none, or none that the account sees."""
    within, values = condition(scope)
    sql = f"SELECT {_COLUMNS} FROM incident WHERE number = ?{within}"  # noqa: S608 - constants
    row = db.execute(sql, (number, *values)).fetchone()
    return None if row is None else _kept(db, row, scope)


def condition(scope: Scope, area: str = "") -> tuple[str, tuple[str, ...]]:
    """The condition under which an incident is seen: one of its hubs lies in the account's part of an area."""
    parts = visible(scope, area)
    if parts == ("",):
        return "", ()
    ranges = " OR ".join(["code >= ? AND code < ?"] * len(parts)) or "false"
    found = f"incident.number IN (SELECT number FROM incident_hub INDEXED BY incident_hub_code WHERE {ranges})"  # noqa: S608 - constants
    # That the NOC itself hears nothing concerns everybody, wherever their hubs are.
    deaf = "" if area else f" OR problem = '{Problem.NOC_DEAF}'"
    return f" AND ({found}{deaf})", tuple(value for part in parts for value in bounds(part))


def hubs(db: Database, number: int, scope: Scope) -> tuple[IncidentHub, ...]:
    """Read the hubs that an incident ever had: those that have the problem first, each by code."""
    members: list[tuple[int, int]] = []
    for is_gone in (0, 1):
        for part in visible(scope, ""):
            members += db.execute(
                "SELECT hub, is_gone FROM incident_hub WHERE number = ? AND is_gone = ? AND code >= ? AND code < ?"
                " ORDER BY code, hub",
                (number, is_gone, *bounds(part)),
            ).fetchall()
    return with_rows(db, members)


def with_rows(db: Database, members: Sequence[tuple[int, Any]]) -> tuple[IncidentHub, ...]:
    """Bring numbers of hubs, and whether they have the problem no more, together with what is known of them."""
    numbers = [number for number, _ in members]
    rows, contacts = standings.rows(db, numbers), cards.contacts(db, numbers)
    return tuple(IncidentHub(rows[number], not is_gone, contacts[number]) for number, is_gone in members)


def _members(db: Database, number: int, is_gone: int, scope: Scope) -> Collection[str]:
    return [
        hub_id
        for part in visible(scope, "")
        for (hub_id,) in db.execute(
            "SELECT hub_id FROM incident_hub JOIN hub ON hub.number = hub WHERE incident_hub.number = ?"
            " AND is_gone = ? AND incident_hub.code >= ? AND incident_hub.code < ?",
            (number, is_gone, *bounds(part)),
        )
    ]


def _kept(db: Database, row: Sequence[Any], scope: Scope) -> KeptIncident:
    number, kind, name, problem, since_ms, joined_ms, told_hubs, quiet_ms, by, at_ms, *times, others = row
    now_others, ever_others = json.loads(others)
    now = frozenset((*_members(db, number, 0, scope), *now_others))
    everyone = frozenset((*now, *_members(db, number, 1, scope), *ever_others))
    incident = Incident(
        number, Group(GroupKind(kind), name), Problem(problem), since_ms, joined_ms, now, everyone, told_hubs,
        quiet_ms, by, at_ms,
    )  # fmt: skip
    return KeptIncident(incident, *times)
