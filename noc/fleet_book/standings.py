"""How each hub is now, as the watch judged it last."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any, Final

from appliance.store.database import Database
from noc.fleet_book import areas, lookup
from noc.fleet_book.codes import STATE_NUMBERS, STATES, is_cut_off, problem_bits, problems_of
from noc.fleet_book.contract import Card, Row, Standing
from noc.fleet_book.lookup import CARD_COLUMNS, NEVER_MS

_COLUMNS: Final = (
    "state, problems, since_ms, contact_ms, record_ms, clients_online, uptime_seconds, received_kbit, sent_kbit,"
    " round_trip_ms, software_version, configuration_fingerprint, used_ms, is_clone"
)
_CARD_WIDTH: Final = CARD_COLUMNS.count(",") + 1
_ROWS: Final = f"SELECT number, {CARD_COLUMNS}, {_COLUMNS} FROM hub JOIN standing ON hub = number"  # noqa: S608 - constants


def put(db: Database, standings: Sequence[Standing]) -> None:
    """Replace the standings of these hubs. Raises KeyError with a hub that has no card."""
    numbers = lookup.required(db, [each.hub_id for each in standings])
    counted = areas.Counts()
    for standing in standings:
        _put(db, numbers[standing.hub_id], standing, counted)
    counted.store(db)


def _put(db: Database, number: int, standing: Standing, counted: areas.Counts) -> None:
    code, before = areas.of_hub(db, number)
    state, bits = STATE_NUMBERS[standing.state], problem_bits(standing.problems)
    now = areas.Counted(
        state, before.residents, is_cut_off(standing.state, standing.problems), standing.clients_online or 0
    )
    if now != before:
        counted.add(code, before, -1)
        counted.add(code, now)
    # Written only where it differs: every list stands in an index by these.
    db.execute(
        "UPDATE hub SET state = ?, problems = ?, since_ms = ? WHERE number = ?"
        " AND (state, problems, since_ms) IS NOT (?, ?, ?)",
        (state, bits, standing.since_ms, number, state, bits, standing.since_ms),
    )
    db.execute(
        "UPDATE standing SET contact_ms = ?, record_ms = ?, clients_online = ?, uptime_seconds = ?, received_kbit = ?,"
        " sent_kbit = ?, round_trip_ms = ?, used_ms = ?, is_clone = ?, software_version = ?,"
        " configuration_fingerprint = ? WHERE hub = ?",
        (
            NEVER_MS if standing.contact_ms is None else standing.contact_ms, standing.record_ms,
            standing.clients_online, standing.uptime_seconds, standing.received_kbit, standing.sent_kbit,
            standing.round_trip_ms, standing.used_ms, standing.is_clone, standing.software_version,
            standing.configuration_fingerprint, number,
        ),
    )  # fmt: skip


def rows(db: Database, numbers: Collection[int]) -> dict[int, Row]:
    """Read cards and standings of hubs by number."""
    found = db.execute(f"{_ROWS} WHERE number IN (SELECT value FROM json_each(?))", (json.dumps([*numbers]),))  # noqa: S608 - constants
    return {row[0]: _row(row) for row in found}


def by_id(db: Database, hub_ids: Collection[str]) -> dict[str, Standing]:
    """Read standings of hubs by id; those without a card are not among them."""
    found = db.execute(f"{_ROWS} WHERE hub_id IN (SELECT value FROM json_each(?))", (json.dumps([*hub_ids]),))  # noqa: S608 - constants
    return {row[1]: _row(row).standing for row in found}


def _row(row: Sequence[Any]) -> Row:
    card = Card(*row[1 : 1 + _CARD_WIDTH])
    state, problems, since_ms, contact_ms, *rest = row[1 + _CARD_WIDTH :]
    rest[-1] = bool(rest[-1])
    contact = None if contact_ms == NEVER_MS else contact_ms
    return Row(card, Standing(card.hub_id, STATES[state], problems_of(problems), since_ms, contact, *rest))
