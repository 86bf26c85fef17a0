"""Who looked at what, and who did what: a chain that only grows. Each entry holds the SHA-256 of the one before.

Nothing personal stands in it: residents and letters by their opaque numbers, people of the office by the names of their
accounts. A changed, removed or inserted entry breaks the chain from there on; whoever rewrites all of it can not be
told from the file alone, so its end (`Audit.end`) is worth writing down elsewhere.

Source: UU 27/2022 (PDP), article 31 (a record of all processing), article 39 (protection against access without right).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from appliance.store.database import Database, Store
from appliance.store.migrations import Migrations

if TYPE_CHECKING:
    import sqlite_utils

SUBJECT_MAX: Final = 2**53 - 1
DETAIL_LENGTH_MAX: Final = 200
_FIRST: Final = bytes(32)
_NO_END: Final = 2**62
_WHAT: Final = re.compile(r"[a-z][a-z0-9_.]{0,47}")
# NIK and No. KK have 16 digits. A detail may come from a person's hand, and must not stop what it tells of.
_LONG_NUMBER: Final = re.compile(r"[0-9](?:[ .\-]?[0-9]){11,}")

MIGRATIONS: Final = Migrations("audit")


@MIGRATIONS()
def m001_audit(db: sqlite_utils.Database) -> None:
    """The entries, whom each is about, and how the chain ends."""
    db.executescript(
        """
        CREATE TABLE audit_entries (
            position INTEGER PRIMARY KEY,
            at_seconds INTEGER NOT NULL,
            name TEXT NOT NULL,
            role TEXT NOT NULL,
            what TEXT NOT NULL,
            detail TEXT NOT NULL,
            hash BLOB NOT NULL
        ) STRICT;
        CREATE INDEX audit_entries_by_name ON audit_entries (name, position);
        CREATE TABLE audit_subjects (
            position INTEGER NOT NULL,
            subject INTEGER NOT NULL,
            PRIMARY KEY (position, subject)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX audit_subjects_by_subject ON audit_subjects (subject, position);
        -- How many there are and how the last one ends: a chain that was shortened is not whole either.
        CREATE TABLE audit_end (position INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;
        INSERT INTO audit_end VALUES (0, zeroblob(32));
        CREATE TRIGGER audit_entries_stay BEFORE UPDATE ON audit_entries
            BEGIN SELECT raise(ABORT, 'audit entries are not changed'); END;
        CREATE TRIGGER audit_entries_remain BEFORE DELETE ON audit_entries
            BEGIN SELECT raise(ABORT, 'audit entries are not deleted'); END;
        CREATE TRIGGER audit_subjects_stay BEFORE UPDATE ON audit_subjects
            BEGIN SELECT raise(ABORT, 'audit entries are not changed'); END;
        CREATE TRIGGER audit_subjects_remain BEFORE DELETE ON audit_subjects
            BEGIN SELECT raise(ABORT, 'audit entries are not deleted'); END;
        """
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. ``subjects`` are in ascending order; ``at_seconds`` is wall time as the box believed it."""

    position: int
    at_seconds: int
    name: str
    role: str
    what: str
    subjects: tuple[int, ...]
    detail: str


class Audit:
    """The audit in one store, which was opened with `MIGRATIONS` among its migrations.

    Args:
        store: where it is.
        clock: seconds of wall time.
    """

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self.store = store
        self.clock = clock

    def note(self, actor_name: str, actor_role: str, what: str, subjects: Sequence[int] = (), detail: str = "") -> None:
        """Add an entry in a transaction of its own; it is durable when this returns.

        Args:
            actor_name: the account's, or ``warga``.
            actor_role: what the account was at that moment.
            what: a word for programs, such as ``resident.seen``: small letters, digits, dots and underscores.
            subjects: whose records, as opaque numbers.
            detail: one line. Anything like a NIK is blotted out, what is too long is cut.

        Raises:
            StoreFull: nothing was stored; what was to be seen must not be shown.
            ValueError: ``what`` or a subject has another form.
        """
        with self.store.transaction() as db:
            self.note_in(db, actor_name, actor_role, what, subjects, detail=detail)

    def note_in(
        self,
        db: Database,
        actor_name: str,
        actor_role: str,
        what: str,
        subjects: Sequence[int] = (),
        *,
        detail: str = "",
    ) -> None:
        """As `note`, in the transaction of what was done: both are kept, or neither."""
        about = tuple(sorted(set(subjects)))
        if not _WHAT.fullmatch(what):
            raise ValueError(f"{what!r}: allowed are up to 48 small letters, digits, dots and underscores")
        if about and (about[0] < 1 or about[-1] > SUBJECT_MAX):
            raise ValueError("a subject is a whole number from 1 to 2**53 - 1")
        position, before = db.execute("SELECT position, hash FROM audit_end").fetchone()
        entry = Entry(position + 1, int(self.clock()), _line(actor_name), _line(actor_role), what, about, _line(detail))
        link = _link(before, entry)
        db.execute(
            "INSERT INTO audit_entries (position, at_seconds, name, role, what, detail, hash)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [entry.position, entry.at_seconds, entry.name, entry.role, what, entry.detail, link],
        )
        db.executemany(
            "INSERT INTO audit_subjects (position, subject) VALUES (?, ?)", [(entry.position, each) for each in about]
        )
        db.execute("UPDATE audit_end SET position = ?, hash = ?", [entry.position, link])

    def latest(self, limit: int, *, before: int = 0) -> tuple[Entry, ...]:
        """The newest entries; of those before a position, counted from 1, where it is not 0."""
        return self._find("SELECT * FROM audit_entries WHERE position < ?", [before or _NO_END], limit)

    def by_actor(self, name: str, limit: int, *, before: int = 0) -> tuple[Entry, ...]:
        """The newest entries of one account: whose records it saw, and what it did."""
        sql = "SELECT * FROM audit_entries WHERE name = ? AND position < ?"
        return self._find(sql, [name, before or _NO_END], limit)

    def about(self, subject: int, limit: int, *, before: int = 0) -> tuple[Entry, ...]:
        """The newest entries about one record: who saw or changed it."""
        sql = (
            "SELECT * FROM audit_entries WHERE position IN"
            " (SELECT position FROM audit_subjects WHERE subject = ?) AND position < ?"
        )
        return self._find(sql, [subject, before or _NO_END], limit)

    def verify(self) -> int | None:
        """Find the position of the first entry that is not what was written, or is missing; None for a whole chain."""
        link, position = _FIRST, 0
        with self.store.reading() as db:
            subjects = _Subjects(db)
            for row in db.execute(
                "SELECT position, at_seconds, name, role, what, detail, hash FROM audit_entries ORDER BY position"
            ):
                position += 1
                entry = Entry(row[0], row[1], row[2], row[3], row[4], subjects.of(row[0]), row[5])
                link = _link(link, entry)
                if entry.position != position or row[6] != link:
                    return position
            end = db.execute("SELECT position, hash FROM audit_end").fetchone()
            return None if end == (position, link) and subjects.are_used_up() else position + 1

    def end(self) -> tuple[int, str]:
        """Say how many entries there are and the last hash: written down elsewhere, it proves all before it."""
        with self.store.reading() as db:
            position, link = db.execute("SELECT position, hash FROM audit_end").fetchone()
        return position, link.hex()

    def _find(self, sql: str, values: list[Any], limit: int) -> tuple[Entry, ...]:
        with self.store.reading() as db:
            rows = db.rows(f"{sql} ORDER BY position DESC LIMIT ?", [*values, limit])
            return tuple(_entry(db, row) for row in rows)


class _Subjects:
    """All subjects in the order of their entries, read along with them."""

    def __init__(self, db: Database) -> None:
        self._rows = db.execute("SELECT position, subject FROM audit_subjects ORDER BY position, subject")
        self._next = self._rows.fetchone()

    def of(self, position: int) -> tuple[int, ...]:
        """Those of one entry. Some that stand before it belong to none, and stay in the way."""
        found = []
        while self._next is not None and self._next[0] == position:
            found.append(self._next[1])
            self._next = self._rows.fetchone()
        return tuple(found)

    def are_used_up(self) -> bool:
        return self._next is None


def _entry(db: Database, row: dict[str, Any]) -> Entry:
    position = row["position"]
    about = db.execute("SELECT subject FROM audit_subjects WHERE position = ? ORDER BY subject", [position])
    subjects = tuple(subject for (subject,) in about)
    return Entry(position, row["at_seconds"], row["name"], row["role"], row["what"], subjects, row["detail"])


def _line(text: str) -> str:
    plain = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return _LONG_NUMBER.sub("[…]", plain)[:DETAIL_LENGTH_MAX]


def _link(before: bytes, entry: Entry) -> bytes:
    row = [
        entry.position,
        entry.at_seconds,
        entry.name,
        entry.role,
        entry.what,
        list(entry.subjects),
        entry.detail,
    ]
    return hashlib.sha256(before + json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass")).digest()
