"""The inventory's other half: cards of hubs, names of areas, contacts, assets, visits."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple, replace
from typing import Any, Final

from appliance.store.database import Database
from noc.fleet import HubState
from noc.fleet_book import areas, checks, months, past
from noc.fleet_book.codes import STATE_NUMBERS, bounds, visible
from noc.fleet_book.contract import Asset, Card, Contact, Scope, Visit
from noc.fleet_book.lookup import CARD_COLUMNS, NEVER_MS, number, numbers
from noc.store.contract import Hub

_NEVER: Final = STATE_NUMBERS[HubState.NEVER]


def put(db: Database, cards: Sequence[Card]) -> None:
    """Add or replace cards. A hub that moves takes its counts along. Raises ValueError."""
    for card in cards:
        checks.require(checks.of_card(card))
    known = numbers(db, [card.hub_id for card in cards])
    counted = areas.Counts()
    for card in cards:
        found = known.get(card.hub_id)
        if found is None:
            known[card.hub_id] = _insert(db, card)
            counted.add(card.kode_wilayah, areas.Counted(_NEVER, card.residents or 0, is_cut_off=False, clients=0))
        else:
            _replace(db, found, card, counted)
    counted.store(db)


def take_over(db: Database, hubs: Sequence[Hub]) -> frozenset[str]:
    """Bring cards of the inventory's hubs up to its names, codes and time zones; return whose card changed."""
    known = {
        row[0]: Card(*row)
        for row in db.execute(
            f"SELECT {CARD_COLUMNS} FROM hub WHERE hub_id IN (SELECT value FROM json_each(?))",  # noqa: S608 - constants
            (json.dumps([hub.hub_id for hub in hubs]),),
        )
    }
    changed = []
    for hub in hubs:
        card = known.get(hub.hub_id, Card(hub.hub_id, hub.name, hub.kode_wilayah, hub.timezone))
        now = replace(card, name=hub.name, kode_wilayah=hub.kode_wilayah, timezone=hub.timezone)
        if now != known.get(hub.hub_id):
            changed.append(now)
    put(db, changed)
    return frozenset(card.hub_id for card in changed)


def _insert(db: Database, card: Card) -> int:
    cursor = db.execute(
        f"INSERT INTO hub ({CARD_COLUMNS}, search, state, problems)"  # noqa: S608 - constants
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
        (*astuple(card), search_text(card), _NEVER),
    )
    db.execute(
        "INSERT INTO standing (hub, contact_ms, is_clone, software_version, configuration_fingerprint)"
        " VALUES (?, ?, 0, '', '')",
        (cursor.lastrowid, NEVER_MS),
    )
    return int(cursor.lastrowid or 0)


def _replace(db: Database, found: int, card: Card, counted: areas.Counts) -> None:
    code, counts = areas.of_hub(db, found)
    db.execute(
        f"UPDATE hub SET ({CARD_COLUMNS}, search) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE number = ?",  # noqa: S608 - constants
        (*astuple(card), search_text(card), found),
    )
    counted.add(code, counts, -1)
    counted.add(card.kode_wilayah, areas.of_hub(db, found)[1])
    if code != card.kode_wilayah:
        past.move_days(db, found, code, card.kode_wilayah)
        months.move(db, found, code, card.kode_wilayah)
        db.execute("UPDATE incident_hub SET code = ? WHERE hub = ?", (card.kode_wilayah, found))


def search_text(card: Card) -> str:
    """Write what a text is looked for in. The name stands first: lists are sorted by this."""
    return "\x1f".join((card.name.casefold(), card.hub_id, card.kode_wilayah))


def one(db: Database, hub_id: str) -> Card | None:
    """Read a card."""
    row = db.execute(f"SELECT {CARD_COLUMNS} FROM hub WHERE hub_id = ?", (hub_id,)).fetchone()  # noqa: S608 - constants
    return None if row is None else Card(*row)


def several(db: Database, scope: Scope, area: str) -> tuple[Card, ...]:
    """Read the cards of an area by code."""
    found: list[Card] = []
    for part in visible(scope, area):
        rows = db.execute(
            f"SELECT {CARD_COLUMNS} FROM hub WHERE code >= ? AND code < ? ORDER BY code, hub_id",  # noqa: S608 - constants
            bounds(part),
        )
        found += (Card(*row) for row in rows)
    return tuple(found)


def put_area_names(db: Database, names: Mapping[str, str]) -> None:
    """Add or replace names of areas. Raises ValueError."""
    for code, name in names.items():
        checks.require(checks.of_area_name(code, name))
    db.executemany("INSERT OR REPLACE INTO area_name VALUES (?, ?)", names.items())


def contacts(db: Database, found: Collection[int]) -> dict[int, tuple[Contact, ...]]:
    """Read whom to call at each of these hubs, by its number."""
    rows = db.execute(
        "SELECT hub, contact.number, hub_id, contact.name, role, phone, position FROM contact"
        " JOIN hub ON hub.number = contact.hub WHERE hub IN (SELECT value FROM json_each(?))"
        " ORDER BY hub, position, contact.number",
        (json.dumps([*found]),),
    ).fetchall()
    made: dict[int, tuple[Contact, ...]] = dict.fromkeys(found, ())
    for row in rows:
        made[row[0]] += (Contact(*row[1:]),)
    return made


def put_contact(db: Database, contact: Contact) -> int:
    """Add a contact (its id is 0), or change one."""
    checks.require(checks.of_contact(contact))
    values = (number(db, contact.hub_id), contact.name, contact.role, contact.phone, contact.order)
    return _put(db, "contact", "hub, name, role, phone, position", contact.contact_id, values)


def assets(db: Database, hub_id: str) -> tuple[Asset, ...]:
    """Read what stands at a hub."""
    rows = db.execute(
        "SELECT asset.number, hub_id, kind, model, serial, since_day, until_day FROM asset"
        " JOIN hub ON hub.number = asset.hub WHERE hub_id = ? ORDER BY kind, asset.number",
        (hub_id,),
    )
    return tuple(Asset(*row) for row in rows)


def put_asset(db: Database, asset: Asset) -> int:
    """Add an asset (its id is 0), or change one."""
    checks.require(checks.of_asset(asset))
    values = (number(db, asset.hub_id), asset.kind, asset.model, asset.serial, asset.since_day, asset.until_day)
    return _put(db, "asset", "hub, kind, model, serial, since_day, until_day", asset.asset_id, values)


def visits(db: Database, hub_id: str) -> tuple[Visit, ...]:
    """Read who was, or will be, at a hub, newest first."""
    rows = db.execute(
        "SELECT visit.number, hub_id, day, by, what, reversed_why FROM visit JOIN hub ON hub.number = visit.hub"
        " WHERE hub_id = ? ORDER BY day DESC, visit.number DESC",
        (hub_id,),
    )
    return tuple(Visit(*row) for row in rows)


def put_visit(db: Database, visit: Visit) -> int:
    """Add a visit (its id is 0), or change one."""
    checks.require(checks.of_visit(visit))
    values = (number(db, visit.hub_id), visit.day, visit.by, visit.what, visit.reversed_why)
    return _put(db, "visit", "hub, day, by, what, reversed_why", visit.visit_id, values)


def drop_contact(db: Database, contact_id: int) -> None:
    """Delete a contact. Raises KeyError where there is none."""
    if db.execute("DELETE FROM contact WHERE number = ?", (contact_id,)).rowcount == 0:
        raise KeyError(contact_id)


def _put(db: Database, table: str, columns: str, found: int, values: tuple[Any, ...]) -> int:
    """Insert a row, or change the one of that number at the same hub. Raises KeyError where there is none."""
    marks = ", ".join("?" * len(values))
    if found == 0:
        return int(db.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", values).lastrowid or 0)  # noqa: S608
    if (
        db.execute(
            f"UPDATE {table} SET ({columns}) = ({marks}) WHERE number = ? AND hub = ?",  # noqa: S608 - constants
            (*values, found, values[0]),
        ).rowcount
        == 0
    ):
        raise KeyError(found)
    return found
