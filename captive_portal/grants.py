"""Grants, durable: who was let online, so that a reboot or a restart shuts nobody out.

One row per address, as in the gate: who gets an address that another device had takes its place. What has ended is
deleted; this is no record of who was online.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import sqlite3
from pathlib import Path
from typing import Any, Final

import sqlite_utils
from sqlite_utils import Migrations

from appliance.gate.protocol import Client
from appliance.store.database import BUSY_TIMEOUT_SECONDS, Store, open_store
from captive_portal.rules import Decision, Grant, Now, remaining_seconds

# A checkpoint rewrites every live row. It rides along with a grant when the last one is this old, and with a clean
# shutdown: an SD card pays for pages, and what a power cut gives residents too much is theirs.
CHECKPOINT_SECONDS: Final = 300
# A phone has one address; some take a second after a while. More is one device that fills the village's places.
ADDRESSES_PER_MAC_MAX: Final = 4

log = logging.getLogger(__name__)
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


def open_grants(path: Path) -> Grants:
    """Open the database of grants. A damaged one is set aside, loudly: nobody in the village would repair it.

    Its residents press the button once more; what is in the gate runs on until `captive_portal.restore` compares.

    Raises:
        StoreError: it cannot be opened, and is not damaged.
    """
    if path.exists() and (damage := _damage(path)):
        aside = _set_aside(path)
        log.error("%s: damaged (%s); set aside as %s, and begun anew without grants", path, damage, aside.name)
    return Grants(open_store(path, [MIGRATIONS]))


def _damage(path: Path) -> str:
    """What SQLite finds wrong with the file itself; empty when it is whole, or when only something else is wrong."""
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_SECONDS)) as connection:
            found: str = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        return str(error) if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) else ""
    return "" if found == "ok" else found


def _set_aside(path: Path) -> Path:
    """Rename the database with its log to the first free ``NAME.damaged-N``; older ones stay."""
    aside = next(
        name for number in itertools.count(1) if not (name := path.with_name(f"{path.name}.damaged-{number}")).exists()
    )
    for part in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + part).rename(aside.with_name(aside.name + part))
    path.rename(aside)
    return aside


class Grants:
    """The grants in one store, which was opened with `MIGRATIONS`."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def keep(self, decision: Decision, now: Now) -> Grant:
        """Store what was decided; when this returns it survives a power cut.

        A device's oldest grants beyond `ADDRESSES_PER_MAC_MAX` are taken back: they are `leaving`.

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
            # The gate shuts out whoever had this address, by itself.
            db.table("leaving").delete_where("address = ?", [grant.client.address])
            for client in _too_many(db, grant.client, now):
                _take_back(db, client)
        return grant

    def of(self, client: Client, now: Now) -> Grant | None:
        """The grant of exactly this client, or None when it has none or it has ended."""
        with self.store.reading() as db:
            rows = list(db.table("grants").rows_where("address = ? AND mac = ?", [client.address, client.mac]))
        grant = _grant(rows[0]) if rows else None
        return grant if grant is not None and remaining_seconds(grant, now) else None

    def take_back(self, client: Client) -> None:
        """Forget a client's grant, and note durably that the gate must shut it out; `shut_out` ends it."""
        with self.store.transaction() as db:
            _take_back(db, client)

    def leaving(self) -> tuple[Client, ...]:
        """Whom the gate must still shut out."""
        with self.store.reading() as db:
            return tuple(Client(row["address"], row["mac"]) for row in db.table("leaving").rows)

    def shut_out(self, client: Client) -> None:
        """Note that the gate has shut a client out."""
        with self.store.transaction() as db:
            db.table("leaving").delete_where("address = ? AND mac = ?", [client.address, client.mac])

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


def _take_back(db: sqlite_utils.Database, client: Client) -> None:
    db.table("grants").delete_where("address = ? AND mac = ?", [client.address, client.mac])
    db.table("leaving").insert({"address": client.address, "mac": client.mac}, replace=True, pk=("address", "mac"))


def _too_many(db: sqlite_utils.Database, newest: Client, now: Now) -> list[Client]:
    """A device's other live grants beyond the limit; those of earlier boots are the oldest."""
    rows = db.table("grants").rows_where(
        "mac = ? AND address != ?",
        [newest.mac, newest.address],
    )
    others = [grant for grant in map(_grant, rows) if remaining_seconds(grant, now)]
    others.sort(key=lambda grant: (grant.boot_id == now.boot_id, grant.boot_seconds), reverse=True)
    return [grant.client for grant in others][ADDRESSES_PER_MAC_MAX - 1 :]


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
