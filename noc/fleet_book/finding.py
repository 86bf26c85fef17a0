"""The list of hubs: filters, order, pages.

Of an area what fits is read once and sorted. Of the whole country an index gives the page in its order; a filter there
either fits few hubs, which are sorted, or so many that walking the index up to the page finds them soon.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from appliance.store.database import Database
from noc.fleet import HubState
from noc.fleet_book import areas, standings
from noc.fleet_book.codes import STATE_NUMBERS, STATES, bounds, problem_bits, visible
from noc.fleet_book.contract import Found, Order, Query

TEXT_MAX: Final = 64
LIMIT_MAX: Final = 500
_FEW: Final = 2_000
_COUNTRY: Final = ("",)

# number, state, code, residents, contact_ms, search
_Hub = tuple[int, int, str, int | None, int, str]
_KEYS: Final[Mapping[Order, Callable[[_Hub], Any]]] = {
    Order.URGENCY: lambda hub: (hub[1], hub[5]),
    Order.NAME: lambda hub: hub[5],
    Order.AREA: lambda hub: (hub[2], hub[5]),
    Order.CONTACT: lambda hub: (hub[4], hub[5]),
    Order.RESIDENTS: lambda hub: (1 if hub[3] is None else -hub[3], hub[5]),
}
_SORTED: Final = {
    Order.URGENCY: "state, search",
    Order.NAME: "search",
    Order.AREA: "code, search",
    Order.CONTACT: "contact_ms, search",
    Order.RESIDENTS: "residents DESC, search",
}
_WALKED: Final = {
    Order.URGENCY: "hub INDEXED BY hub_urgency",
    Order.NAME: "hub INDEXED BY hub_name",
    Order.AREA: "hub INDEXED BY hub_area",
    Order.CONTACT: "standing INDEXED BY standing_contact CROSS JOIN hub ON number = hub",
    Order.RESIDENTS: "hub INDEXED BY hub_residents",
}


def find(db: Database, query: Query) -> Found:
    """Find a page of hubs. A scope, an area or a text that fits nothing finds nothing."""
    parts = visible(query.scope, query.area)
    states = sorted(STATE_NUMBERS[state] for state in set(query.states))
    if parts == _COUNTRY:
        counts, numbers = _of_country(db, query, states)
    else:
        counts, numbers = _of_parts(db, query, parts, states)
    rows = standings.rows(db, numbers)
    total = sum(count for state, count in counts.items() if not states or STATE_NUMBERS[state] in states)
    return Found(tuple(rows[number] for number in numbers), total, counts)


def _page(query: Query) -> tuple[int, int]:
    return max(0, min(query.limit, LIMIT_MAX)), max(0, query.offset)


def _of_country(db: Database, query: Query, states: Sequence[int]) -> tuple[dict[HubState, int], list[int]]:
    where, values = _filter(query)
    if where:
        few = db.execute(
            "SELECT number, state, code, residents, contact_ms, search FROM hub INDEXED BY hub_find"  # noqa: S608 - constants
            f" CROSS JOIN standing ON hub = number WHERE {where} LIMIT {_FEW + 1}",
            values,
        ).fetchall()
        if len(few) <= _FEW:
            return _sorted(few, query, states)
        rows = db.execute(
            f"SELECT state, count(*) FROM hub INDEXED BY hub_find WHERE {where} GROUP BY state",  # noqa: S608 - constants
            values,
        )
        counts = dict.fromkeys(HubState, 0) | {STATES[state]: count for state, count in rows}
    else:
        counts = dict(areas.states(db, _COUNTRY))
    if states:
        where = " AND ".join(filter(None, (where, _of_states(states))))
    if states and sum(counts[STATES[state]] for state in states) <= _FEW:
        source = "hub INDEXED BY hub_urgency CROSS JOIN standing ON hub = number"
    else:
        source = _WALKED[query.order]
    found = db.execute(
        f"SELECT number FROM {source}{' WHERE ' if where else ''}{where} ORDER BY {_SORTED[query.order]}"  # noqa: S608 - constants
        " LIMIT ? OFFSET ?",
        (*values, *_page(query)),
    )
    return counts, [number for (number,) in found]


def _sorted(few: list[_Hub], query: Query, states: Sequence[int]) -> tuple[dict[HubState, int], list[int]]:
    counted = Counter(hub[1] for hub in few)
    wanted = [hub for hub in few if not states or hub[1] in states]
    wanted.sort(key=_KEYS[query.order])
    limit, offset = _page(query)
    counts = {state: counted[STATE_NUMBERS[state]] for state in HubState}
    return counts, [hub[0] for hub in wanted[offset : offset + limit]]


def _of_parts(
    db: Database, query: Query, parts: Sequence[str], states: Sequence[int]
) -> tuple[dict[HubState, int], list[int]]:
    """Read what fits once, count it by state, and sort it up to the page."""
    counts, numbers = dict.fromkeys(HubState, 0), list[int]()
    if not parts:
        return counts, numbers
    where, values = _filter(query)
    columns, source = "number, code, state, residents, search", "hub INDEXED BY hub_find"
    if query.order is Order.CONTACT:
        columns, source = f"{columns}, contact_ms", f"{source} CROSS JOIN standing ON hub = number"
    one = f"SELECT {columns} FROM {source} WHERE code >= ? AND code < ?{' AND ' if where else ''}{where}"  # noqa: S608 - constants
    of_state = f" WHERE {_of_states(states)}" if states else ""
    found = db.execute(
        f"WITH fits AS MATERIALIZED ({' UNION ALL '.join([one] * len(parts))})"  # noqa: S608 - constants
        " SELECT -1, state, count(*) FROM fits GROUP BY state UNION ALL SELECT * FROM (SELECT number, 0, 0 FROM fits"
        f"{of_state} ORDER BY {_SORTED[query.order]} LIMIT ? OFFSET ?)",
        [*(value for part in parts for value in (*bounds(part), *values)), *_page(query)],
    )
    for number, state, count in found:
        if number == -1:
            counts[STATES[state]] = count
        else:
            numbers.append(number)
    return counts, numbers


def _of_states(states: Sequence[int]) -> str:
    return f"state IN ({', '.join(map(str, states))})"


def _filter(query: Query) -> tuple[str, list[Any]]:
    conditions, values = list[str](), list[Any]()
    if query.problem is not None:
        conditions.append("problems & ? != 0")
        values.append(problem_bits((query.problem,)))
    if query.provider:
        conditions.append("provider = ?")
        values.append(query.provider)
    if text := query.text.strip()[:TEXT_MAX].casefold():
        conditions.append("instr(search, ?) > 0")
        values.append(text)
    return " AND ".join(conditions), values
