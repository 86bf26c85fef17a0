"""What the office did: who, what, when, why. Written in the transaction that does it. Nothing here is ever changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.hotspot.protocol import PAGE_SIZE, Action, ActionKind, Actions
from appliance.store.database import Database
from appliance.store.migrations import Migrations
from captive_portal import local_time
from captive_portal.now import Now

if TYPE_CHECKING:
    import sqlite_utils

KEPT_SECONDS: Final = 365 * 86_400
ROWS_MAX: Final = 50_000  # where the date is never known nothing grows old

MIGRATIONS: Final = Migrations("actions")


@MIGRATIONS()
def m001_actions(db: sqlite_utils.Database) -> None:
    """The list; ``wall_seconds`` is 0 where the box did not know the time."""
    db.executescript(
        """
        CREATE TABLE actions (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            wall_seconds INTEGER NOT NULL,
            by TEXT NOT NULL,
            kind TEXT NOT NULL,
            what TEXT NOT NULL,
            detail TEXT NOT NULL,
            why TEXT NOT NULL
        ) STRICT;
        """
    )


def add(db: Database, now: Now, by: str, kind: ActionKind, *, what: str = "", detail: str = "", why: str = "") -> None:
    """Within a transaction: write an action down; see `Action` for the words. What is older than a year goes."""
    wall_seconds = now.wall_seconds if local_time.is_known(now) else 0
    if wall_seconds:
        db.execute("DELETE FROM actions WHERE wall_seconds BETWEEN 1 AND ?", (wall_seconds - KEPT_SECONDS,))
    db.execute(
        "INSERT INTO actions (wall_seconds, by, kind, what, detail, why) VALUES (?, ?, ?, ?, ?, ?)",
        (wall_seconds, by, kind, what, detail, why),
    )
    db.execute("DELETE FROM actions WHERE number <= (SELECT max(number) FROM actions) - ?", (ROWS_MAX,))


def page(db: Database, wanted: int) -> Actions:
    """One page, newest first; the last page where there are fewer."""
    count = db.execute("SELECT count(*) FROM actions").fetchone()[0]
    pages = max(1, -(-count // PAGE_SIZE))
    shown = min(wanted, pages - 1)
    rows = db.execute(
        "SELECT number, wall_seconds, by, kind, what, detail, why FROM actions ORDER BY number DESC LIMIT ? OFFSET ?",
        (PAGE_SIZE, shown * PAGE_SIZE),
    )
    found = (
        Action(number, wall_seconds, by, ActionKind(kind), what, detail, why)
        for number, wall_seconds, by, kind, what, detail, why in rows
    )
    return Actions(shown, pages, tuple(found))
