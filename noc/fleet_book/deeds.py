"""Who did what: a chain that only grows. Each row holds the SHA-256 of the row before and of itself."""

from __future__ import annotations

import hashlib
import json
from typing import Final

from appliance.store.database import Database
from noc.fleet_book import checks
from noc.fleet_book.contract import KeptDeed
from noc.rules.alert_state import Deed

_FIRST: Final = bytes(32)
_NO_END: Final = 2**62
_COLUMNS: Final = "at_ms, by, what, subject, why"


def write(db: Database, deed: Deed) -> None:
    """Add a deed, in the transaction of what was done."""
    checks.require(checks.of_deed(deed))
    position, before = db.execute("SELECT position, hash FROM deed_end").fetchone()
    link = _link(before, position + 1, deed)
    row = (deed.at_ms, deed.by, deed.what, deed.subject, deed.why)
    db.execute(
        f"INSERT INTO deed (position, {_COLUMNS}, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants
        (position + 1, *row, link),
    )
    db.execute("UPDATE deed_end SET position = ?, hash = ?", (position + 1, link))


def latest(db: Database, limit: int, subject: str, before: int) -> tuple[Deed, ...]:
    """List the newest deeds, or those of one subject; of those before a position, counted from 1, where it is not 0."""
    only, values = ("subject = ? AND ", (subject,)) if subject else ("", ())
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM deed WHERE {only}position < ? ORDER BY position DESC LIMIT ?",  # noqa: S608 - constants
        (*values, before or _NO_END, limit),
    ).fetchall()
    return tuple(Deed(*row) for row in rows)


def find(db: Database, limit: int, *, by: str, what: str, subject: str, before: int) -> tuple[KeptDeed, ...]:
    """List the newest deeds that are all of what is not ``""``, each with its position."""
    wanted = [(column, value) for column, value in (("by", by), ("what", what), ("subject", subject)) if value]
    only = "".join(f"{column} = ? AND " for column, _ in wanted)
    rows = db.execute(
        f"SELECT position, {_COLUMNS} FROM deed WHERE {only}position < ? ORDER BY position DESC LIMIT ?",  # noqa: S608 - constants
        (*(value for _, value in wanted), before or _NO_END, limit),
    ).fetchall()
    return tuple(KeptDeed(row[0], Deed(*row[1:])) for row in rows)


def first_broken(db: Database) -> int | None:
    """Find the first row that is not what was written, or is missing; None where the chain is whole."""
    link, position = _FIRST, 0
    for found, *row, kept in db.execute(f"SELECT position, {_COLUMNS}, hash FROM deed ORDER BY position"):  # noqa: S608 - constants
        position += 1
        link = _link(link, position, Deed(*row))
        if found != position or kept != link:
            return position
    end = db.execute("SELECT position, hash FROM deed_end").fetchone()
    return None if end == (position, link) else position + 1


def end(db: Database) -> tuple[int, str]:
    """Say how many deeds there are and the last hash: written down elsewhere, it proves all before it."""
    position, link = db.execute("SELECT position, hash FROM deed_end").fetchone()
    return position, link.hex()


def _link(before: bytes, position: int, deed: Deed) -> bytes:
    row = [position, deed.at_ms, deed.by, deed.what, deed.subject, deed.why]
    return hashlib.sha256(before + json.dumps(row, ensure_ascii=False).encode()).digest()
