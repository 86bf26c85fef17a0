"""What was ordered of a hub and what it answered, as pages show it; the commands' own book stays with root."""

from __future__ import annotations

from typing import Final

from appliance.store.database import Database
from noc.fleet_book import lookup
from noc.fleet_book.contract import GivenCommand

KEPT: Final = 100  # of each hub; the commands' own book keeps all
_COLUMNS: Final = "command_id, who, action, issued_ms, expires_ms, status, reason, detail, answered_ms"


def put(db: Database, given: GivenCommand) -> None:
    """Add a command, or what is known of it now, and let go of the oldest of too many. Raises KeyError."""
    hub = lookup.number(db, given.hub_id)
    db.execute(
        f"INSERT OR REPLACE INTO given (hub, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants
        (
            hub, given.command_id, given.who, given.action, given.issued_ms, given.expires_ms, given.status,
            given.reason, given.detail, given.answered_ms,
        ),
    )  # fmt: skip
    db.execute(
        "DELETE FROM given WHERE hub = ? AND command_id NOT IN"
        " (SELECT command_id FROM given WHERE hub = ? ORDER BY issued_ms DESC, command_id LIMIT ?)",
        (hub, hub, KEPT),
    )


def of_hub(db: Database, hub_id: str, limit: int) -> tuple[GivenCommand, ...]:
    """Read the newest commands of a hub, newest first."""
    rows = db.execute(
        f"SELECT hub_id, {_COLUMNS} FROM given JOIN hub ON hub.number = given.hub WHERE hub_id = ?"  # noqa: S608 - constants
        " ORDER BY issued_ms DESC, command_id LIMIT ?",
        (hub_id, limit),
    )
    return tuple(GivenCommand(*row) for row in rows)
