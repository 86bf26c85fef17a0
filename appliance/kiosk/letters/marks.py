"""What may be told outside of letters that are signed or void: rows that are only added, for the agent to bring away.

A row is written in the transaction of the step that makes a letter valid or void, so that neither is ever without the
other. Nothing personal stands in it (`appliance.core.letter_marks`). The agent, another user, is answered over a socket
(`appliance.kiosk.letters.marks_door`): it never opens the kiosk's database.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from appliance.core.letter_marks import (
    MARKS_AT_ONCE,
    START_CHAIN,
    Cursor,
    Found,
    Mark,
    next_chain,
    short_digest,
    title_that_fits,
)
from appliance.kiosk.letters.flow import SIGNED_STATES, State
from appliance.store.database import Database
from appliance.store.migrations import Migrations

if TYPE_CHECKING:
    import sqlite3

    import sqlite_utils

MIGRATIONS: Final = Migrations("letter_marks")
_LETTERS: Final = (
    "SELECT token_digest, kind_digest, n.date, valid_until, is_electronic, state FROM letters"
    " JOIN letter_numbers n ON n.letter_id = letters.id WHERE token_digest IS NOT NULL"
)


@MIGRATIONS()
def m001_marks(db: sqlite_utils.Database) -> None:
    """The marks, and one for each letter that was signed or void before there were any."""
    db.executescript(
        """
        CREATE TABLE letter_marks (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            digest BLOB NOT NULL CHECK (length(digest) = 16), -- of the token, its first half
            title TEXT NOT NULL,
            date TEXT NOT NULL,
            valid_days INTEGER,
            is_electronic INTEGER NOT NULL,
            is_void INTEGER NOT NULL,
            chain BLOB NOT NULL -- over all rows up to this one
        ) STRICT;
        CREATE INDEX letter_marks_by_digest ON letter_marks (digest, sequence);
        CREATE TRIGGER letter_marks_stay BEFORE UPDATE ON letter_marks
            BEGIN SELECT raise(ABORT, 'marks are not changed'); END;
        CREATE TRIGGER letter_marks_remain BEFORE DELETE ON letter_marks
            BEGIN SELECT raise(ABORT, 'marks are not deleted'); END;
        """
    )
    states = [*SIGNED_STATES, State.VOID]
    rows = db.conn.execute(
        f"{_LETTERS} AND state IN ({', '.join('?' * len(states))}) ORDER BY arrival",
        states,
    ).fetchall()
    titles: dict[bytes, str] = {}
    chain = START_CHAIN
    for row in rows:
        if row[1] not in titles:
            titles[row[1]] = _title(db.conn, row[1])
        chain = _insert(db.conn, _mark(row, titles[row[1]]), chain)


def note(db: Database, letter_id: int, then: State) -> None:
    """Mark a letter that has just become ``then``: signed, it is valid; void it is void, also if nobody signed it.

    For use within the transaction that makes it so. In every other state there is nothing to tell.
    """
    if then not in (State.SIGNED, State.VOID):
        return
    row = db.execute(f"{_LETTERS} AND letters.id = ?", [letter_id]).fetchone()
    if row is not None:
        last = db.execute("SELECT chain FROM letter_marks ORDER BY sequence DESC LIMIT 1").fetchone()
        _insert(db, _mark(row, _title(db, row[1])), last[0] if last else START_CHAIN)


def behind(db: Database, cursor: Cursor, limit: int = MARKS_AT_ONCE) -> Found:
    """The marks behind a cursor, oldest first, at most ``limit``.

    A letter that is void by now is told as void alone: whoever is sent everything anew must not read "valid" meanwhile.
    Where the cursor is of another book than this one, it is taken for the beginning.
    """
    begin = cursor.sequence if _holds(db, cursor) else 0
    rows = db.execute(
        "SELECT sequence, chain, digest, title, date, valid_days, is_electronic, is_void FROM letter_marks AS mark"
        " WHERE sequence > ? AND NOT EXISTS (SELECT 1 FROM letter_marks AS later WHERE later.digest = mark.digest"
        " AND later.sequence > mark.sequence) ORDER BY sequence LIMIT ?",
        [begin, limit],
    ).fetchall()
    is_all = len(rows) < limit
    last = db.execute("SELECT sequence, chain FROM letter_marks ORDER BY sequence DESC LIMIT 1").fetchone()
    until = last or (0, START_CHAIN) if is_all else rows[-1]
    marks = (
        Mark(digest, title, datetime.date.fromisoformat(date), valid_days, bool(is_electronic), bool(is_void))
        for _, _, digest, title, date, valid_days, is_electronic, is_void in rows
    )
    return Found(tuple(marks), Cursor(until[0], until[1]), is_all)


def _holds(db: Database, cursor: Cursor) -> bool:
    found = db.execute("SELECT chain FROM letter_marks WHERE sequence = ?", [cursor.sequence]).fetchone()
    return found is not None and found[0] == cursor.chain


def _title(db: sqlite3.Connection, kind_digest: bytes) -> str:
    (text,) = db.execute("SELECT text FROM letter_kinds WHERE digest = ?", [kind_digest]).fetchone()
    return title_that_fits(json.loads(text)["title"])


def _mark(row: Sequence[object], title: str) -> Mark:
    token_digest, _, date_text, until_text, is_electronic, state = row
    assert isinstance(token_digest, bytes) and isinstance(date_text, str)  # noqa: S101 - the table is STRICT
    date = datetime.date.fromisoformat(date_text)
    days = (datetime.date.fromisoformat(str(until_text)) - date).days if until_text else None
    return Mark(short_digest(token_digest), title, date, days, bool(is_electronic), state == State.VOID)


def _insert(db: sqlite3.Connection, mark: Mark, chain: bytes) -> bytes:
    made = next_chain(chain, mark)
    db.execute(
        "INSERT INTO letter_marks (digest, title, date, valid_days, is_electronic, is_void, chain)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [mark.digest, mark.title, mark.date.isoformat(), mark.valid_days, mark.is_electronic, mark.is_void, made],
    )
    return made
