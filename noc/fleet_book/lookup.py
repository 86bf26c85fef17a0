"""Which hub has which number, and what areas are called."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Final

from appliance.store.database import Database

NEVER_MS: Final = 1 << 60  # in place of a contact that never was: such hubs stand last in a list by contact
CARD_COLUMNS: Final = (
    "hub_id, name, code, timezone, residents, provider, upstream, broker, download_kbit, upload_kbit, address,"
    " latitude, longitude"
)


def numbers(db: Database, hub_ids: Collection[str]) -> dict[str, int]:
    """Find the numbers of hubs; those that have no card are not among them."""
    rows = db.execute(
        "SELECT hub_id, number FROM hub WHERE hub_id IN (SELECT value FROM json_each(?))", (json.dumps([*hub_ids]),)
    )
    return dict(rows.fetchall())


def number(db: Database, hub_id: str) -> int:
    """Find the number of a hub. Raises KeyError where it has no card."""
    row = db.execute("SELECT number FROM hub WHERE hub_id = ?", (hub_id,)).fetchone()
    if row is None:
        raise KeyError(hub_id)
    return int(row[0])


def required(db: Database, hub_ids: Collection[str]) -> dict[str, int]:
    """Find the numbers of hubs. Raises KeyError with one that has no card."""
    found = numbers(db, hub_ids)
    for hub_id in hub_ids:
        if hub_id not in found:
            raise KeyError(hub_id)
    return found


def area_names(db: Database, codes: Iterable[str]) -> dict[str, str]:
    """Name areas; those without a name are not among them."""
    return dict(
        db.execute(
            "SELECT code, name FROM area_name WHERE code IN (SELECT value FROM json_each(?))", (json.dumps([*codes]),)
        ).fetchall()
    )


def keep(db: Database, name: str, value: int | str) -> None:
    """Keep a single value."""
    db.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (name, value))


def kept(db: Database, name: str) -> int | str | None:
    """Read a single value."""
    row = db.execute("SELECT value FROM kept WHERE name = ?", (name,)).fetchone()
    return None if row is None else row[0]
