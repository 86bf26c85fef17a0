"""Residents' PINs and sessions in the kiosk's database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.store.migrations import Migrations

if TYPE_CHECKING:
    import sqlite_utils

MIGRATIONS: Final = Migrations("citizen")


@MIGRATIONS()
def m001_pins(db: sqlite_utils.Database) -> None:
    """PINs as hashes, sessions by the digests of their tokens, and wrong tries."""
    db.executescript(
        """
        CREATE TABLE pins (
            resident_id INTEGER PRIMARY KEY,
            pin_hash TEXT NOT NULL,
            must_change INTEGER NOT NULL CHECK (must_change IN (0, 1)),
            since_seconds INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE pin_sessions (
            token_sha256 TEXT PRIMARY KEY,
            resident_id INTEGER NOT NULL REFERENCES pins (resident_id) ON DELETE CASCADE,
            place TEXT NOT NULL CHECK (place IN ('hall', 'phone')),
            begun_seconds INTEGER NOT NULL,
            seen_seconds INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX pin_sessions_by_resident ON pin_sessions (resident_id);
        CREATE TABLE pin_failures (
            kind TEXT NOT NULL,
            subject TEXT NOT NULL,
            count INTEGER NOT NULL,
            last_seconds INTEGER NOT NULL,
            PRIMARY KEY (kind, subject)
        ) STRICT;
        CREATE TABLE pin_devices (
            pair TEXT PRIMARY KEY,
            seen_seconds INTEGER NOT NULL
        ) STRICT;
        """
    )
