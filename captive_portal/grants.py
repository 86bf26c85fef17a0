"""Grants, durable: who was let online, so that a reboot or a restart shuts nobody out.

One row per address, as in the gate: who gets an address that another device had takes its place. What has ended is
deleted; this is no record of who was online.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import sqlite_utils
from sqlite_utils import Migrations

from appliance.gate.protocol import Client
from appliance.store.database import Store, open_store
from captive_portal.rules import Decision, Grant, Now, remaining_seconds

# A checkpoint rewrites every live row. It rides along with a grant when the last one is this old, and with a clean
# shutdown: an SD card pays for pages, and what a power cut gives residents too much is theirs.
CHECKPOINT_SECONDS: Final = 300

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


def open_grants(path: Path) -> Grants:
    """Open the database of grants. Raises `appliance.core.errors.StoreError`."""
    return Grants(open_store(path, [MIGRATIONS]))


class Grants:
    """The grants in one store, which was opened with `MIGRATIONS`."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def keep(self, decision: Decision, now: Now) -> Grant:
        """Store what was decided; when this returns it survives a power cut.

        Raises:
            StoreError: nothing was stored.
            ValueError: the decision admits nobody.
        """
        if decision.client is None:
            raise ValueError(f"the decision is {decision.verdict}: there is nothing to keep")
        lease = decision.lease_seconds
        grant = Grant(decision.client, lease, now.boot_id, now.boot_seconds, lease, now.wall_seconds)
        with self.store.transaction() as db:
            if _is_checkpoint_due(db, now):
                _checkpoint(db, now)
            _write(db, grant)
        return grant

    def of(self, client: Client, now: Now) -> Grant | None:
        """The grant of exactly this client, or None when it has none or it has ended."""
        with self.store.reading() as db:
            rows = list(db.table("grants").rows_where("address = ? AND mac = ?", [client.address, client.mac]))
        grant = _grant(rows[0]) if rows else None
        return grant if grant is not None and remaining_seconds(grant, now) else None

    def drop(self, client: Client) -> None:
        """Forget a client's grant. One that has none is no error."""
        with self.store.transaction() as db:
            db.table("grants").delete_where("address = ? AND mac = ?", [client.address, client.mac])

    def checkpoint(self, now: Now) -> None:
        """Note how much each grant of this boot has left, and delete what has ended."""
        with self.store.transaction() as db:
            _checkpoint(db, now)

    def carry_over(self, now: Now) -> tuple[Grant, ...]:
        """Bring the grants of earlier boots into this one, and return all that are alive.

        Done twice in one boot it changes nothing more: the second time they are this boot's, and lose what has passed.
        """
        with self.store.transaction() as db:
            alive = []
            for row in list(db.table("grants").rows_where(order_by="address")):
                grant = _grant(row)
                left = remaining_seconds(grant, now)
                if not left:
                    db.table("grants").delete(grant.client.address)
                elif grant.boot_id != now.boot_id:
                    grant = Grant(grant.client, left, now.boot_id, now.boot_seconds, left, grant.wall_seconds)
                    _write(db, grant)
                if left:
                    alive.append(grant)
        return tuple(alive)


def _is_checkpoint_due(db: sqlite_utils.Database, now: Now) -> bool:
    row = db.execute("SELECT boot_seconds FROM checkpoints WHERE boot_id = ?", [now.boot_id]).fetchone()
    return row is None or now.boot_seconds - row[0] >= CHECKPOINT_SECONDS


def _checkpoint(db: sqlite_utils.Database, now: Now) -> None:
    values = {"boot_id": now.boot_id, "now": now.boot_seconds}
    db.execute("DELETE FROM grants WHERE boot_id = :boot_id AND :now - boot_seconds >= lease_seconds", values)
    db.execute(
        "UPDATE grants SET left_seconds = lease_seconds - (:now - boot_seconds) WHERE boot_id = :boot_id", values
    )
    db.execute("DELETE FROM checkpoints")
    db.execute("INSERT INTO checkpoints (boot_id, boot_seconds) VALUES (:boot_id, :now)", values)


def _write(db: sqlite_utils.Database, grant: Grant) -> None:
    db.table("grants").insert(
        {
            "address": grant.client.address,
            "mac": grant.client.mac,
            "lease_seconds": grant.lease_seconds,
            "boot_id": grant.boot_id,
            "boot_seconds": grant.boot_seconds,
            "left_seconds": grant.left_seconds,
            "wall_seconds": grant.wall_seconds,
        },
        pk="address",
        replace=True,
    )


def _grant(row: dict[str, Any]) -> Grant:
    values = {key: row[key] for key in ("lease_seconds", "boot_id", "boot_seconds", "left_seconds", "wall_seconds")}
    return Grant(Client(row["address"], row["mac"]), **values)
