"""Forms that must count once: a second press of a button, or a page loaded again, does not do the thing twice."""

from __future__ import annotations

import enum
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.store.database import Store
from appliance.store.migrations import Migrations

if TYPE_CHECKING:
    import sqlite_utils

KEPT_SECONDS: Final = 86_400
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22}")

MIGRATIONS: Final = Migrations("hotspot_forms")


@MIGRATIONS()
def m001_forms(db: sqlite_utils.Database) -> None:
    """Tokens of forms that were sent, and what came of them."""
    db.executescript(
        """
        CREATE TABLE hotspot_forms (
            token TEXT PRIMARY KEY,
            sent_seconds INTEGER NOT NULL,
            result INTEGER
        ) STRICT;
        """
    )


class FormState(enum.StrEnum):
    """Where a form is."""

    NEW = "new"  # do what it asks, then `Forms.finish`
    UNKNOWN = "unknown"  # sent before, and nobody knows what came of it: still running, or the keeper fell silent
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Sent:
    """What is known of a form. ``result`` is set with DONE: what `Forms.finish` was given."""

    state: FormState
    result: int = 0


def make_token() -> str:
    """A token for a form that is being shown."""
    return secrets.token_urlsafe(16)


def is_token(text: str) -> bool:
    """Has it the form of a token?"""
    return _TOKEN.fullmatch(text) is not None


class Forms:
    """The tokens in one store, which was opened with `MIGRATIONS`. ``now`` is wall time in whole seconds."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, token: str, now: int) -> Sent:
        """Take the token. Of two that come at once one is NEW. Raises `StoreError`."""
        with self._store.transaction() as db:
            # Both ways: a clock that was ahead must not keep tokens for years.
            db.execute(
                "DELETE FROM hotspot_forms WHERE sent_seconds NOT BETWEEN ? AND ?",
                (now - KEPT_SECONDS, now + KEPT_SECONDS),
            )
            row = db.execute("SELECT result FROM hotspot_forms WHERE token = ?", (token,)).fetchone()
            if row is None:
                db.execute("INSERT INTO hotspot_forms (token, sent_seconds) VALUES (?, ?)", (token, now))
                return Sent(FormState.NEW)
        return Sent(FormState.UNKNOWN) if row[0] is None else Sent(FormState.DONE, int(row[0]))

    def finish(self, token: str, result: int) -> None:
        """Remember what came of it. Raises `StoreError`."""
        with self._store.transaction() as db:
            db.execute("UPDATE hotspot_forms SET result = ? WHERE token = ?", (result, token))

    def forget(self, token: str) -> None:
        """Nothing came of it: it may be sent again. Raises `StoreError`."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM hotspot_forms WHERE token = ?", (token,))
