"""What the operator remembers, durably: the last counter, what became of each command, and a book of all of it.

The book only grows at its end, and each row holds the digest of the row before it: one that is taken out or changed
shows (`check`). Its oldest rows go when there are more than `AUDIT_ROWS_MAX`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from appliance.core.clock import Moment
from appliance.core.command_results import Reason, Result, Status, decode_result, encode_result
from appliance.core.commands import Command, action_document
from appliance.core.errors import StoreError
from appliance.store.database import Database, Store, open_store
from appliance.store.migrations import Migrations

if TYPE_CHECKING:
    import sqlite_utils

AUDIT_ROWS_MAX: Final = 20_000
AUDIT_ROWS_SPARE: Final = 1_000
COMMANDS_MAX: Final = 100
# Whoever can bring messages must not fill the card with their refusals.
REFUSALS_AN_HOUR_MAX: Final = 60
_HOUR_MS: Final = 3_600_000
_FIRST_DIGEST: Final = "0" * 64
_MIGRATIONS = Migrations("operator")


@_MIGRATIONS()
def m001_first(db: sqlite_utils.Database) -> None:
    """Make the counter, the commands and the book."""
    for statement in (
        "CREATE TABLE counter (last INTEGER NOT NULL)",
        "INSERT INTO counter VALUES (0)",
        # Without a result it is under way, or was when the power went.
        "CREATE TABLE command (id TEXT PRIMARY KEY, counter INTEGER NOT NULL UNIQUE, boot_id TEXT NOT NULL,"
        " said TEXT NOT NULL, result BLOB)",
        "CREATE TABLE audit (position INTEGER PRIMARY KEY AUTOINCREMENT, boot_id TEXT NOT NULL,"
        " boottime_ms INTEGER NOT NULL, wall_ms INTEGER NOT NULL, wall_quality INTEGER NOT NULL, event TEXT NOT NULL,"
        " said TEXT NOT NULL, previous TEXT NOT NULL, digest TEXT NOT NULL)",
    ):
        db.execute(statement)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the book: when, what (a `Status`, ``accepted``, ``again`` or ``uncounted``), and the facts."""

    position: int
    boot_id: str
    boottime_ms: int
    wall_ms: int
    wall_quality: int
    event: str
    said: str
    previous: str
    digest: str


@dataclass(frozen=True, slots=True)
class Known:
    """A command that was accepted before: the boot it began in, and its result as it travels, None without an end."""

    boot_id: str
    result: bytes | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went, without the when."""

    status: Status
    reason: Reason = Reason.NONE
    detail: str = ""
    output: str = ""


class Book:
    """The operator's database. Each method raises `StoreError` or `StoreFull`, and has then kept nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._uncounted = 0

    def close(self) -> None:
        """Close the database."""
        self._store.close()

    def last_counter(self) -> int:
        """Tell the counter of the newest command that was accepted."""
        with self._store.reading() as db:
            return _last_counter(db)

    def known(self, command_id: str) -> Known | None:
        """Tell what is known of a command that was accepted; None of any other, and of those of long ago."""
        with self._store.reading() as db:
            row = db.execute("SELECT boot_id, result FROM command WHERE id = ?", (command_id,)).fetchone()
        return None if row is None else Known(*row)

    def accept(self, command_id: str, command: Command, now: Moment) -> None:
        """Take a command's counter and write it down, before anything is done.

        Raises:
            StoreError: likewise when the counter is not newer than the last: one process alone writes here.
        """
        said = {"counter": command.counter, "who": command.who, "action": action_document(command.action)}
        with self._store.transaction() as db:
            if command.counter <= _last_counter(db):
                raise StoreError(f"counter {command.counter} is not newer than the last one")
            db.execute("UPDATE counter SET last = ?", (command.counter,))
            db.execute(
                "INSERT INTO command VALUES (?, ?, ?, ?, NULL)",
                (command_id, command.counter, now.boot_id, json.dumps(said)),
            )
            db.execute(
                "DELETE FROM command WHERE counter <= (SELECT counter FROM command ORDER BY counter DESC"
                " LIMIT 1 OFFSET ?)",
                (COMMANDS_MAX,),
            )
            _append(db, now, "accepted", {"command": command_id, **said})

    def finish(self, command_id: str, outcome: Outcome, now: Moment) -> bytes:
        """Write down how a command ended, and its result as it travels; asked again, it is answered with the same."""
        with self._store.transaction() as db:
            payload = _write(db, command_id, outcome, now)
            db.execute("UPDATE command SET result = ? WHERE id = ?", (payload, command_id))
        return payload

    def tell(self, command_id: str, outcome: Outcome, now: Moment) -> bytes:
        """Write down what did not become a command's end: a refusal, or a beginning; return it as it travels."""
        with self._store.transaction() as db:
            if outcome.status is Status.REFUSED and not self._counts(db, now):
                return _result(db, command_id, outcome, now)
            return _write(db, command_id, outcome, now)

    def unkept(self, command_id: str, outcome: Outcome, now: Moment) -> bytes:
        """Make an answer that nothing was written down of, since nothing could be."""
        return _encode(command_id, outcome, now, 0, _FIRST_DIGEST)

    def again(self, command_id: str, now: Moment) -> None:
        """Write down that a command came again which has its end."""
        with self._store.transaction() as db:
            if self._counts(db, now):
                _append(db, now, "again", {"command": command_id})

    def flush(self, now: Moment) -> None:
        """Write down how many were not written one by one."""
        if self._uncounted:
            with self._store.transaction() as db:
                _append(db, now, "uncounted", {"messages": self._uncounted})
            self._uncounted = 0

    def entries(self) -> Iterator[Entry]:
        """All rows of the book, oldest first."""
        with self._store.reading() as db:
            rows = db.execute("SELECT * FROM audit ORDER BY position").fetchall()
        return (Entry(*row) for row in rows)

    def _counts(self, db: Database, now: Moment) -> bool:
        (rows,) = db.execute(
            "SELECT count(*) FROM audit WHERE event IN ('refused', 'again') AND boot_id = ? AND boottime_ms > ?",
            (now.boot_id, now.boottime_ms - _HOUR_MS),
        ).fetchone()
        if rows < REFUSALS_AN_HOUR_MAX:
            return True
        self._uncounted += 1
        return False


def open_book(path: Path) -> Book:
    """Open (or make) the book. Raises `StoreError` as `open_store` does."""
    return Book(open_store(path, [_MIGRATIONS]))


def check(entries: Iterator[Entry]) -> int:
    """Follow the chain; return the number of rows.

    Raises:
        ValueError: at the first row that was changed, or does not follow the one before it.
    """
    before: Entry | None = None
    count = 0
    for each in entries:
        follows = before is None or (each.position == before.position + 1 and each.previous == before.digest)
        if before is None and each.position == 1:
            follows = each.previous == _FIRST_DIGEST
        facts = (each.boot_id, each.boottime_ms, each.wall_ms, each.wall_quality, each.event, each.said)
        if not follows or each.digest != _digest(each.previous, each.position, *facts):
            raise ValueError(f"row {each.position} was changed, or a row before it is missing")
        before = each
        count += 1
    return count


def answered(payload: bytes) -> Status:
    """Tell the status in a result that was kept. Raises `CommandMalformed`."""
    return decode_result(payload).status


def _last_counter(db: Database) -> int:
    (last,) = db.execute("SELECT last FROM counter").fetchone()
    return int(last)


def _write(db: Database, command_id: str, outcome: Outcome, now: Moment) -> bytes:
    said: dict[str, Any] = {"command": command_id, "reason": outcome.reason, "detail": outcome.detail}
    if outcome.output:
        said["output_sha256"] = hashlib.sha256(outcome.output.encode()).hexdigest()
    _append(db, now, outcome.status, said)
    return _result(db, command_id, outcome, now)


def _result(db: Database, command_id: str, outcome: Outcome, now: Moment) -> bytes:
    row = db.execute("SELECT position, digest FROM audit ORDER BY position DESC LIMIT 1").fetchone()
    return _encode(command_id, outcome, now, *(row or (0, _FIRST_DIGEST)))


def _encode(command_id: str, outcome: Outcome, now: Moment, rows: int, digest: str) -> bytes:
    return encode_result(
        Result(
            command_id, outcome.status, outcome.reason, outcome.detail, outcome.output, now.wall_ms, now.wall_quality,
            rows, digest,
        )
    )  # fmt: skip


def _append(db: Database, now: Moment, event: str, said: dict[str, Any]) -> None:
    row = db.execute("SELECT position, digest FROM audit ORDER BY position DESC LIMIT 1").fetchone()
    position, previous = (row[0] + 1, row[1]) if row else (1, _FIRST_DIGEST)
    facts = (now.boot_id, now.boottime_ms, now.wall_ms, int(now.wall_quality), str(event), json.dumps(said))
    digest = _digest(previous, position, *facts)
    db.execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (position, *facts, previous, digest))
    (first,) = db.execute("SELECT min(position) FROM audit").fetchone()
    if position - first >= AUDIT_ROWS_MAX + AUDIT_ROWS_SPARE:
        db.execute("DELETE FROM audit WHERE position <= ?", (position - AUDIT_ROWS_MAX,))


def _digest(previous: str, position: int, *facts: str | int) -> str:
    return hashlib.sha256(json.dumps([previous, position, *facts]).encode()).hexdigest()
