"""The brake on guessing codes: who typed wrong ones, and how long they wait. Durable.

A device is counted by its MAC, and by its address. Nothing a device does makes another one wait. Codes of 50 bits allow
that: a /20 full of phones that each wait their time out tries six a second, and a year of that finds one of a thousand
live vouchers with a chance of 2 in 10,000. How waits are counted: `appliance.store.boot_brake`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.gate.protocol import Client
from appliance.store.boot_brake import BootBrake
from appliance.store.database import Database
from appliance.store.migrations import Migrations
from captive_portal.now import Now

if TYPE_CHECKING:
    import sqlite_utils

_BRAKE: Final = BootBrake("attempts")

MIGRATIONS: Final = Migrations("attempts")


@MIGRATIONS()
def m001_attempts(db: sqlite_utils.Database) -> None:
    """Wrong codes by device, and by box."""
    db.executescript(
        """
        CREATE TABLE attempts (
            kind TEXT NOT NULL CHECK (kind IN ('mac', 'address', 'box')),
            subject TEXT NOT NULL,
            count INTEGER NOT NULL,
            wait_seconds INTEGER NOT NULL,
            boot_id TEXT NOT NULL,
            boot_seconds INTEGER NOT NULL,
            PRIMARY KEY (kind, subject)
        ) STRICT;
        """
    )


def wait_seconds(db: Database, client: Client, now: Now) -> int:
    """For how many seconds a device must still wait; 0 when it may type a code."""
    return _BRAKE.wait_seconds(db, _subjects(client), now)


def count_wrong(db: Database, client: Client, now: Now) -> int:
    """Note a wrong code; returns for how many seconds the device waits now. For use within a transaction."""
    return _BRAKE.count_wrong(db, _subjects(client), now)


def _subjects(client: Client) -> tuple[tuple[str, str], ...]:
    return ("mac", client.mac), ("address", client.address)
