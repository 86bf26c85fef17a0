"""Who rang for an officer, in the kiosk's database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.kiosk.hall.rules import CALL_SECONDS, Call
from appliance.store.database import Database, Store
from appliance.store.migrations import Migrations

if TYPE_CHECKING:
    import sqlite_utils

MIGRATIONS: Final = Migrations("hall")


@MIGRATIONS()
def m001_calls(db: sqlite_utils.Database) -> None:
    """Who rang, from which page, and who went there."""
    db.executescript(
        """
        CREATE TABLE hall_calls (
            id INTEGER PRIMARY KEY,
            called_at INTEGER NOT NULL,
            page TEXT NOT NULL,
            answered_at INTEGER,
            answered_by TEXT
        ) STRICT;
        """
    )


class Calls:
    """The bell of the screen in the hall. ``store`` was opened with `MIGRATIONS`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def ring(self, where: str, now: int) -> None:
        """Ring for an officer; while a bell waits it is not rung twice."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM hall_calls WHERE called_at < ?", [now - 7 * CALL_SECONDS])
            if not self._waiting(db, now):
                db.execute("INSERT INTO hall_calls (called_at, page) VALUES (?, ?)", [now, where])

    def waiting(self, now: int) -> Call | None:
        """The bell that nobody has answered yet."""
        with self._store.reading() as db:
            return self._waiting(db, now)

    def answer(self, call_id: int, name: str, now: int) -> None:
        """An officer goes there; a bell that was answered stays as it was."""
        with self._store.transaction() as db:
            db.execute(
                "UPDATE hall_calls SET answered_at = ?, answered_by = ? WHERE id = ? AND answered_at IS NULL",
                [now, name, call_id],
            )

    def _waiting(self, db: Database, now: int) -> Call | None:
        # A clock that was set back must not hide a bell.
        rows = db.rows(
            "SELECT id, called_at, page FROM hall_calls WHERE answered_at IS NULL AND called_at > ?"
            " ORDER BY id DESC LIMIT 1",
            [now - CALL_SECONDS],
        )
        return Call(rows[0]["id"], rows[0]["called_at"], rows[0]["page"]) if rows else None
