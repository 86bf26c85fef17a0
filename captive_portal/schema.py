"""The portal's tables, of which the portal and its keeper share one database.

A budget is time and data; a grant of the terms has its own, all grants of a voucher or an account share its. Wherever
``voucher`` stands it is the reference of either. ``daily_use`` counts by MAC, or by `rules.day_subject`. A session is
one grant in the history. Wall times are labels; ``began_is_known`` says whether the clock had been set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.store.migrations import Migrations

if TYPE_CHECKING:
    import sqlite_utils


MIGRATIONS: Final = Migrations("grants")


@MIGRATIONS()
def m001_grants(db: sqlite_utils.Database) -> None:
    """Grants, and when their remaining time was last noted."""
    db.executescript(
        """
        CREATE TABLE grants (
            address TEXT PRIMARY KEY,
            mac TEXT NOT NULL,
            lease_seconds INTEGER NOT NULL CHECK (lease_seconds > 0),
            boot_id TEXT NOT NULL,
            boot_seconds INTEGER NOT NULL,
            left_seconds INTEGER NOT NULL,
            wall_seconds INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE checkpoints (
            boot_id TEXT PRIMARY KEY,
            boot_seconds INTEGER NOT NULL
        ) STRICT;
        """
    )


@MIGRATIONS()
def m002_leaving(db: sqlite_utils.Database) -> None:
    """Clients whose grant was taken back, until the gate has shut them out."""
    db.executescript(
        """
        CREATE TABLE leaving (
            address TEXT NOT NULL,
            mac TEXT NOT NULL,
            PRIMARY KEY (address, mac)
        ) STRICT;
        """
    )


@MIGRATIONS()
def m003_budgets(db: sqlite_utils.Database) -> None:
    """Budgets, sessions, daily use, blocks and use over time. Live grants go on; the keeper revokes who left."""
    db.executescript(
        """
        DROP TABLE leaving;
        ALTER TABLE grants RENAME TO old_grants;
        CREATE TABLE budgets (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            lease_seconds INTEGER NOT NULL CHECK (lease_seconds >= 0),
            boot_id TEXT NOT NULL,
            boot_seconds INTEGER NOT NULL,
            quota_bytes INTEGER CHECK (quota_bytes >= 0),
            used_bytes INTEGER NOT NULL DEFAULT 0,
            is_shared INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE TABLE sessions (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            address TEXT NOT NULL,
            mac TEXT NOT NULL,
            host_name TEXT NOT NULL DEFAULT '',
            network TEXT NOT NULL,
            way TEXT NOT NULL,
            voucher TEXT NOT NULL,
            began_wall INTEGER NOT NULL,
            began_boot_id TEXT NOT NULL,
            began_boot_seconds INTEGER NOT NULL,
            began_is_known INTEGER NOT NULL,
            duration_seconds INTEGER,
            end_reason TEXT NOT NULL DEFAULT '',
            sent_bytes INTEGER NOT NULL DEFAULT 0,
            received_bytes INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE INDEX sessions_by_began ON sessions (began_wall);
        CREATE TABLE grants (
            address TEXT PRIMARY KEY,
            mac TEXT NOT NULL,
            budget_id INTEGER NOT NULL REFERENCES budgets (id),
            session_id INTEGER NOT NULL,
            network TEXT NOT NULL,
            way TEXT NOT NULL,
            voucher TEXT NOT NULL,
            speed TEXT NOT NULL,
            wall_seconds INTEGER NOT NULL,
            sent_bytes INTEGER NOT NULL DEFAULT 0,
            received_bytes INTEGER NOT NULL DEFAULT 0,
            counter_sent INTEGER NOT NULL DEFAULT 0,
            counter_received INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE INDEX grants_by_mac ON grants (mac);
        CREATE TABLE daily_use (
            mac TEXT NOT NULL,
            day TEXT NOT NULL,
            seconds INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            PRIMARY KEY (mac, day)
        ) STRICT;
        CREATE TABLE blocks (
            mac TEXT PRIMARY KEY,
            budget_id INTEGER REFERENCES budgets (id),
            until_wall INTEGER,
            by TEXT NOT NULL,
            why TEXT NOT NULL,
            since_wall INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE usage (
            wall_seconds INTEGER PRIMARY KEY,
            sent_bytes INTEGER NOT NULL,
            received_bytes INTEGER NOT NULL,
            online_count INTEGER NOT NULL
        ) STRICT;
        INSERT INTO budgets (id, lease_seconds, boot_id, boot_seconds)
            SELECT rowid, lease_seconds, boot_id, boot_seconds FROM old_grants;
        INSERT INTO sessions (id, address, mac, network, way, voucher, began_wall, began_boot_id, began_boot_seconds,
                              began_is_known)
            SELECT rowid, address, mac, '', 'terms', '', wall_seconds, boot_id, boot_seconds, 0 FROM old_grants;
        INSERT INTO grants (address, mac, budget_id, session_id, network, way, voucher, speed, wall_seconds)
            SELECT address, mac, rowid, rowid, '', 'terms', '', '', wall_seconds FROM old_grants;
        DROP TABLE old_grants;
        """
    )


@MIGRATIONS()
def m004_departures(db: sqlite_utils.Database) -> None:
    """What the gate had counted for those who left, until the keeper has counted it: see `departures`."""
    db.executescript(
        """
        CREATE TABLE departures (
            session_id INTEGER PRIMARY KEY,
            address TEXT NOT NULL,
            mac TEXT NOT NULL,
            way TEXT NOT NULL,
            budget_id INTEGER NOT NULL,
            quota_bytes INTEGER,
            began_boot_seconds INTEGER NOT NULL,
            counted_sent INTEGER NOT NULL,
            counted_received INTEGER NOT NULL,
            counter_sent INTEGER NOT NULL,
            counter_received INTEGER NOT NULL,
            boot_id TEXT NOT NULL,
            boot_seconds INTEGER NOT NULL
        ) STRICT;
        """
    )


@MIGRATIONS()
def m005_departures_by_account(db: sqlite_utils.Database) -> None:
    """Who left may have used an account's day."""
    db.executescript("ALTER TABLE departures ADD COLUMN voucher TEXT NOT NULL DEFAULT ''")
