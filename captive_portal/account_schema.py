"""The tables of accounts. See `captive_portal.account_store`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.store.migrations import Migrations

if TYPE_CHECKING:
    import sqlite_utils

MIGRATIONS: Final = Migrations("accounts")


@MIGRATIONS()
def m001_accounts(db: sqlite_utils.Database) -> None:
    """Accounts that were used here, their places, and on which days they got codes for other villages.

    A budget bounds how long devices stay logged in, and names the quota that the kernel lets all of them share.
    """
    db.executescript(
        """
        CREATE TABLE accounts (
            reference TEXT PRIMARY KEY,
            generation INTEGER NOT NULL,
            budget_id INTEGER NOT NULL REFERENCES budgets (id)
        ) STRICT;
        CREATE TABLE account_devices (
            reference TEXT NOT NULL REFERENCES accounts (reference),
            mac TEXT NOT NULL,
            address TEXT NOT NULL,
            boot_id TEXT NOT NULL,
            boot_seconds INTEGER NOT NULL,
            PRIMARY KEY (reference, mac)
        ) STRICT;
        CREATE TABLE travel_codes (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            reference TEXT NOT NULL,
            day TEXT NOT NULL
        ) STRICT;
        CREATE INDEX travel_codes_by_reference ON travel_codes (reference, day);
        """
    )
