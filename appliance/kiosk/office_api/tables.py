"""The tables of tokens, and of requests that must not be done twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.store.migrations import Migrations

if TYPE_CHECKING:
    import sqlite_utils

MIGRATIONS: Final = Migrations("office-api")


@MIGRATIONS()
def m001_tokens(db: sqlite_utils.Database) -> None:
    """Tokens as digests, and keys of requests that were done."""
    db.executescript(
        """
        CREATE TABLE office_tokens (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            owner TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
            name TEXT NOT NULL,
            scopes TEXT NOT NULL, -- with blanks between
            made_by TEXT NOT NULL,
            made_seconds INTEGER NOT NULL,
            ends_on TEXT NOT NULL, -- the last day, in the village
            token_sha256 TEXT UNIQUE, -- none until its owner took it; 256 random bits need no slow hash
            login_sha256 TEXT, -- of the owner's password hash and telephone when it was taken
            taken_seconds INTEGER,
            used_seconds INTEGER,
            ended_seconds INTEGER,
            ended_by TEXT NOT NULL DEFAULT ''
        ) STRICT;
        CREATE INDEX office_tokens_by_owner ON office_tokens (owner);
        CREATE TABLE office_token_keys (
            token INTEGER NOT NULL REFERENCES office_tokens (number) ON DELETE CASCADE,
            key BLOB NOT NULL, -- keyed digests, as of all that a request says: it may hold a NIK
            request BLOB NOT NULL,
            subject INTEGER NOT NULL, -- the resident or letter that came of it
            version INTEGER NOT NULL,
            at_seconds INTEGER NOT NULL,
            PRIMARY KEY (token, key)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX office_token_keys_by_time ON office_token_keys (at_seconds);
        """
    )
