"""Accounts for the Wi-Fi in the kiosk's database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.store.migrations import Migrations

if TYPE_CHECKING:
    import sqlite_utils

MIGRATIONS: Final = Migrations("wifi")


@MIGRATIONS()
def m001_wifi(db: sqlite_utils.Database) -> None:
    """One account a resident, devices that were let in with it (as keyed digests), and wrong tries.

    An account that has ended stays: who makes a new one gets no second share of the day.
    """
    db.executescript(
        """
        CREATE TABLE wifi_accounts (
            resident_id INTEGER PRIMARY KEY,
            reference TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL UNIQUE,
            pin_hash TEXT NOT NULL,
            generation INTEGER NOT NULL,
            is_open INTEGER NOT NULL CHECK (is_open IN (0, 1)),
            since_seconds INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE wifi_devices (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            reference TEXT NOT NULL,
            device BLOB NOT NULL,
            UNIQUE (reference, device)
        ) STRICT;
        CREATE TABLE wifi_tries (
            kind TEXT NOT NULL CHECK (kind IN ('name', 'mac', 'address', 'box')),
            subject TEXT NOT NULL,
            count INTEGER NOT NULL,
            wait_seconds INTEGER NOT NULL,
            boot_id TEXT NOT NULL,
            boot_seconds INTEGER NOT NULL,
            PRIMARY KEY (kind, subject)
        ) STRICT;
        """
    )
