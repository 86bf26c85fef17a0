"""The tables of vouchers. See `captive_portal.vouchers.store`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.store.migrations import Migrations

if TYPE_CHECKING:
    import sqlite_utils


MIGRATIONS: Final = Migrations("vouchers")


@MIGRATIONS()
def m001_vouchers(db: sqlite_utils.Database) -> None:
    """Batches, vouchers (a district's once they are used here), and who holds their places."""
    db.executescript(
        """
        CREATE TABLE voucher_batches (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            title TEXT NOT NULL,
            count INTEGER NOT NULL,
            devices INTEGER NOT NULL,
            duration_seconds INTEGER NOT NULL,
            quota_megabytes INTEGER NOT NULL,
            speed TEXT NOT NULL,
            valid_days INTEGER NOT NULL,
            last_day TEXT NOT NULL,
            made_by TEXT NOT NULL,
            made_wall INTEGER NOT NULL,
            salt BLOB NOT NULL
        ) STRICT;
        CREATE TABLE vouchers (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            digest BLOB NOT NULL UNIQUE,
            batch_id INTEGER REFERENCES voucher_batches (id),
            serial INTEGER NOT NULL,
            reference TEXT NOT NULL,
            devices INTEGER NOT NULL,
            duration_seconds INTEGER NOT NULL,
            quota_bytes INTEGER,
            speed TEXT NOT NULL,
            last_day TEXT NOT NULL,
            budget_id INTEGER REFERENCES budgets (id),
            first_used_wall INTEGER NOT NULL DEFAULT 0,
            is_void INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE UNIQUE INDEX vouchers_by_batch ON vouchers (batch_id, serial);
        CREATE INDEX vouchers_by_budget ON vouchers (budget_id);
        CREATE TABLE voucher_devices (
            voucher_id INTEGER NOT NULL REFERENCES vouchers (id),
            mac TEXT NOT NULL,
            address TEXT NOT NULL,
            boot_id TEXT NOT NULL,
            boot_seconds INTEGER NOT NULL,
            PRIMARY KEY (voucher_id, mac)
        ) STRICT;
        """
    )
