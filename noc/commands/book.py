"""What was ordered, by whom, and what each hub answered: rows are added, none is changed or taken away."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.core.actions import action_document
from appliance.core.command_results import Result, Status
from appliance.core.commands import Command
from appliance.store.database import Store, open_store
from appliance.store.migrations import Migrations
from noc.commands.rules import went_back

if TYPE_CHECKING:
    import sqlite_utils

_MIGRATIONS = Migrations("commands")


@_MIGRATIONS()
def m001_first(db: sqlite_utils.Database) -> None:
    """Make the orders and the answers, which SQLite itself keeps from being changed."""
    db.execute(
        "CREATE TABLE ordered (id TEXT PRIMARY KEY, hub_id TEXT NOT NULL, counter INTEGER NOT NULL, who TEXT NOT NULL,"
        " action TEXT NOT NULL, issued_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, payload BLOB NOT NULL,"
        " UNIQUE (hub_id, counter))"
    )
    db.execute(
        "CREATE TABLE answer (position INTEGER PRIMARY KEY, id TEXT NOT NULL REFERENCES ordered,"
        " received_ms INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL,"
        " output TEXT NOT NULL, wall_ms INTEGER NOT NULL, wall_quality INTEGER NOT NULL, audit_rows INTEGER NOT NULL,"
        " audit_digest TEXT NOT NULL, UNIQUE (id, status, reason))"
    )
    for table in ("ordered", "answer"):
        for verb in ("UPDATE", "DELETE"):
            db.execute(
                f"CREATE TRIGGER {table}_{verb.lower()} BEFORE {verb} ON {table}"
                " BEGIN SELECT raise(ABORT, 'this book only grows'); END"
            )


@dataclass(frozen=True, slots=True)
class Ordered:
    """A command as it was given."""

    id: str
    hub_id: str
    counter: int
    who: str
    action: str
    issued_ms: int
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Line:
    """A command and the last that is known of it; ``status`` is None as long as the hub said nothing."""

    ordered: Ordered
    status: Status | None
    reason: str
    detail: str
    received_ms: int | None


class Book:
    """The book of commands. Each method raises `StoreError` or `StoreFull`.

    Args:
        store: its database.
        show: is told each line when it is written, and when an answer to it is.
    """

    def __init__(self, store: Store, show: Callable[[Line], None] = lambda _: None) -> None:
        self._store, self._show = store, show

    def close(self) -> None:
        """Close the database."""
        self._store.close()

    def last_counter(self, hub_id: str) -> int:
        """Tell the greatest counter that was given to a hub; 0 where there is none."""
        with self._store.reading() as db:
            (last,) = db.execute("SELECT coalesce(max(counter), 0) FROM ordered WHERE hub_id = ?", (hub_id,)).fetchone()
        return int(last)

    def order(self, command_id: str, command: Command, payload: bytes) -> None:
        """Write a command down, before it is sent."""
        action = json.dumps(action_document(command.action), separators=(",", ":"))
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO ordered VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    command_id, command.hub_id, command.counter, command.who, action, command.issued_ms,
                    command.expires_ms, payload,
                ),
            )  # fmt: skip
        self._tell(command_id)

    def answer(self, hub_id: str, result: Result, received_ms: int) -> bool:
        """Write an answer down, once; False when this hub was not asked this: nothing is then written."""
        with self._store.transaction() as db:
            row = db.execute("SELECT hub_id FROM ordered WHERE id = ?", (result.command,)).fetchone()
            if row is None or row[0] != hub_id:
                return False
            db.execute(
                "INSERT INTO answer (id, received_ms, status, reason, detail, output, wall_ms, wall_quality,"
                " audit_rows, audit_digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (
                    result.command, received_ms, result.status, result.reason, result.detail, result.output,
                    result.wall_ms, int(result.wall_quality), result.audit_rows, result.audit_digest,
                ),
            )  # fmt: skip
        self._tell(result.command)
        return True

    def book_went_back(self, hub_id: str, command_id: str) -> bool:
        """Tell whether a hub's own book is shorter, after this command, than it was after the one before it."""
        sql = (
            "SELECT max(answer.audit_rows) FROM ordered JOIN answer ON answer.id = ordered.id"
            " WHERE ordered.hub_id = ? AND answer.audit_rows > 0 AND ordered.counter"
        )
        with self._store.reading() as db:
            (counter,) = db.execute("SELECT counter FROM ordered WHERE id = ?", (command_id,)).fetchone()
            (before,) = db.execute(f"{sql} < ?", (hub_id, counter)).fetchone()
            (rows,) = db.execute(f"{sql} = ?", (hub_id, counter)).fetchone()
        return before is not None and rows is not None and went_back(before, rows)

    def output(self, command_id: str) -> str | None:
        """Tell what a hub sent; None where it has not, or the command is not known."""
        with self._store.reading() as db:
            row = db.execute(
                "SELECT output FROM answer WHERE id = ? ORDER BY position DESC LIMIT 1", (command_id,)
            ).fetchone()
        return None if row is None else str(row[0])

    def lines(self, limit: int, hub_id: str | None = None) -> Sequence[Line]:
        """List the newest commands, newest first."""
        return self._lines(limit, *(("", ()) if hub_id is None else (" WHERE ordered.hub_id = ?", (hub_id,))))

    def _tell(self, command_id: str) -> None:
        for line in self._lines(1, " WHERE ordered.id = ?", (command_id,)):
            self._show(line)

    def _lines(self, limit: int, where: str, values: tuple[str, ...]) -> Sequence[Line]:
        with self._store.reading() as db:
            rows = db.execute(
                "SELECT ordered.id, hub_id, counter, who, action, issued_ms, expires_ms, status, reason, detail,"  # noqa: S608 - constants
                " received_ms FROM ordered LEFT JOIN answer ON answer.position ="
                " (SELECT max(position) FROM answer WHERE answer.id = ordered.id)"
                f"{where} ORDER BY issued_ms DESC, hub_id LIMIT ?",
                (*values, limit),
            ).fetchall()
        return [_line(row) for row in rows]


def open_book(path: Path, show: Callable[[Line], None] = lambda _: None) -> Book:
    """Open (or make) the book, see `Book`. Raises `StoreError` as `open_store` does."""
    return Book(open_store(path, [_MIGRATIONS]), show)


def _line(row: Sequence[Any]) -> Line:
    status = None if row[7] is None else Status(row[7])
    return Line(Ordered(*row[:7]), status, row[8] or "", row[9] or "", row[10])
