"""The list of hubs: filters, order, pages. Without filters an index gives the page; with them one pass over another."""

from __future__ import annotations

from typing import Any, Final

from appliance.store.database import Database
from noc.fleet import HubState
from noc.fleet_book import areas, standings
from noc.fleet_book.codes import STATE_NUMBERS, STATES, bounds, problem_bits, visible
from noc.fleet_book.contract import Found, Order, Query

TEXT_MAX: Final = 64
LIMIT_MAX: Final = 500
_SORTED: Final = {
    Order.URGENCY: "state, search",
    Order.NAME: "search",
    Order.AREA: "code, search",
    Order.CONTACT: "contact_ms, search",
    Order.RESIDENTS: "residents DESC, search",
}
# Of the whole country without a filter: walked in its order up to the page.
_WALKED: Final = {
    Order.URGENCY: "SELECT number FROM hub INDEXED BY hub_urgency{} ORDER BY state, search",
    Order.NAME: "SELECT number FROM hub INDEXED BY hub_name{} ORDER BY search",
    Order.AREA: "SELECT number FROM hub INDEXED BY hub_find{} ORDER BY code, search",
    Order.CONTACT: "SELECT hub FROM standing INDEXED BY standing_contact{} ORDER BY contact_ms, hub",
    Order.RESIDENTS: "SELECT number FROM hub INDEXED BY hub_residents{} ORDER BY residents DESC, search",
}
_STATE_INDEXED: Final = (Order.URGENCY, Order.NAME, Order.AREA)


def find(db: Database, query: Query) -> Found:
    """Find a page of hubs. A scope, an area or a text that fits nothing finds nothing."""
    parts = visible(query.scope, query.area)
    states = sorted(STATE_NUMBERS[state] for state in set(query.states))
    is_filtered = bool(query.problem or query.provider or query.text.strip())
    if parts == ("",) and not is_filtered and (not states or query.order in _STATE_INDEXED):
        counts = dict(areas.states(db, parts))
        numbers = _walk(db, query, states)
    else:
        counts, numbers = _pass(db, query, parts, states)
    rows = standings.rows(db, numbers)
    total = sum(count for state, count in counts.items() if not states or STATE_NUMBERS[state] in states)
    return Found(tuple(rows[number] for number in numbers), total, counts)


def _page(query: Query) -> tuple[int, int]:
    return max(0, min(query.limit, LIMIT_MAX)), max(0, query.offset)


def _walk(db: Database, query: Query, states: list[int]) -> list[int]:
    where = f" WHERE state IN ({', '.join(map(str, states))})" if states else ""
    sql = _WALKED[query.order].format(where)
    return [number for (number,) in db.execute(f"{sql} LIMIT ? OFFSET ?", _page(query))]


def _pass(
    db: Database, query: Query, parts: tuple[str, ...], states: list[int]
) -> tuple[dict[HubState, int], list[int]]:
    """Read what fits once, count it by state, and sort it up to the page."""
    counts, numbers = dict.fromkeys(HubState, 0), list[int]()
    if not parts:
        return counts, numbers
    where, values = _filter(query)
    columns = "number, code, state, residents, search"
    source = "hub INDEXED BY hub_find"
    if query.order is Order.CONTACT:
        columns, source = f"{columns}, contact_ms", f"{source} JOIN standing ON hub = number"
    one = f"SELECT {columns} FROM {source} WHERE code >= ? AND code < ?{where}"  # noqa: S608 - constants
    of_state = f" WHERE state IN ({', '.join(map(str, states))})" if states else ""
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


def _filter(query: Query) -> tuple[str, list[Any]]:
    where, values = "", list[Any]()
    if query.problem is not None:
        where, values = f"{where} AND problems & ? != 0", [*values, problem_bits((query.problem,))]
    if query.provider:
        where, values = f"{where} AND provider = ?", [*values, query.provider]
    if text := query.text.strip()[:TEXT_MAX].casefold():
        where, values = f"{where} AND instr(search, ?) > 0", [*values, text]
    return where, values


def providers(db: Database, limit: int) -> tuple[str, ...]:
    """List the providers that hubs have, by name. Steps from one to the next in the index."""
    rows = db.execute(
        "WITH RECURSIVE step(found) AS (SELECT min(provider) FROM hub WHERE provider > '' UNION ALL"
        " SELECT (SELECT min(provider) FROM hub WHERE provider > found) FROM step WHERE found IS NOT NULL)"
        " SELECT found FROM step WHERE found IS NOT NULL LIMIT ?",
        (limit,),
    )
    return tuple(name for (name,) in rows)
