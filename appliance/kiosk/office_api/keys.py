"""Requests that were done, by the key their sender gave them: sent again, one is answered again and not done again.

The key is written in the transaction of what was done, so that a power cut leaves both or neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from appliance.store.database import Database, Store

KEPT_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True)
class Key:
    """One request: whose token, its key and its content as keyed digests; what it will have done."""

    token: int
    key: bytes
    request: bytes
    version: int  # of what it concerns, once it is done


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a request."""

    subject: int
    version: int


class KeyUsed(Exception):  # noqa: N818 - reads as the sentence it is where it is caught
    """The key stands for another request."""


class KeyTaken(Exception):  # noqa: N818 - as above
    """The same request was done at this very moment by another connection: `find` knows what came of it."""


def find(store: Store, key: Key) -> Done | None:
    """What came of this request; None where it is new. Raises `KeyUsed`."""
    with store.reading() as db:
        return find_in(db, key)


def find_in(db: Database, key: Key) -> Done | None:
    """As `find`, within a transaction."""
    row = db.execute(
        "SELECT request, subject, version FROM office_token_keys WHERE token = ? AND key = ?", [key.token, key.key]
    ).fetchone()
    if row is None:
        return None
    if row[0] != key.request:
        raise KeyUsed
    return Done(row[1], row[2])


def keep_in(db: Database, key: Key, subject: int, now: int) -> None:
    """Write down what came of a request, in the transaction that does it. Raises `KeyUsed`, `KeyTaken`."""
    if find_in(db, key) is not None:
        raise KeyTaken
    db.execute("DELETE FROM office_token_keys WHERE at_seconds < ?", [now - KEPT_SECONDS])
    db.execute(
        "INSERT INTO office_token_keys (token, key, request, subject, version, at_seconds) VALUES (?, ?, ?, ?, ?, ?)",
        [key.token, key.key, key.request, subject, key.version, now],
    )
