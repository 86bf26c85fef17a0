"""Accounts as far as the portal knows them: which were used here, their budgets, and who holds their places.

Whose they are, and their PINs, only the kiosk knows. Called within a transaction; what is written is durable with it.
"""

from __future__ import annotations

from collections.abc import Iterable

from appliance.core.config.networks import Access
from appliance.gate.protocol import Client
from appliance.store.database import Database
from appliance.wifi.accounts import Holding
from captive_portal import budgets, grants
from captive_portal.now import Now
from captive_portal.places import Place
from captive_portal.rules import End


def begin(db: Database, holding: Holding, session_seconds: int, now: Now) -> int:
    """Let an account's devices be logged in for ``session_seconds`` from now; returns the budget they share."""
    held = db.execute("SELECT budget_id FROM accounts WHERE reference = ?", (holding.reference,)).fetchone()
    if held is None:
        budget_id = budgets.make(db, session_seconds, None, now, is_shared=True)
        db.execute("INSERT INTO accounts VALUES (?, ?, ?)", (holding.reference, holding.generation, budget_id))
        return budget_id
    budgets.begin_anew(db, held[0], session_seconds, now)
    db.execute("UPDATE accounts SET generation = ? WHERE reference = ?", (holding.generation, holding.reference))
    return int(held[0])


def generation(db: Database, reference: str) -> int | None:
    """With which PIN an account was used here last; None for one that never was."""
    row = db.execute("SELECT generation FROM accounts WHERE reference = ?", (reference,)).fetchone()
    return int(row[0]) if row else None


def places(db: Database, reference: str) -> tuple[Place, ...]:
    """Who holds an account's places, longest first."""
    rows = db.rows("SELECT * FROM account_devices WHERE reference = ? ORDER BY rowid", (reference,))
    return tuple(Place(Client(row["address"], row["mac"]), row["boot_id"], row["boot_seconds"]) for row in rows)


def take_place(db: Database, reference: str, client: Client, now: Now, instead_of: str) -> None:
    """Give a device a place, instead of the MAC that held it."""
    for mac in (instead_of, client.mac):
        leave(db, reference, mac)
    db.execute(
        "INSERT INTO account_devices (reference, mac, address, boot_id, boot_seconds) VALUES (?, ?, ?, ?, ?)",
        (reference, client.mac, client.address, now.boot_id, now.boot_seconds),
    )


def leave(db: Database, reference: str, mac: str) -> None:
    """Free a device's place; one that has none is no error."""
    db.execute("DELETE FROM account_devices WHERE reference = ? AND mac = ?", (reference, mac))


def in_use(db: Database) -> frozenset[Holding]:
    """The accounts by which somebody is online, each with the PIN that was used last."""
    rows = db.execute(
        "SELECT DISTINCT reference, generation FROM grants JOIN accounts ON reference = voucher WHERE way = ?",
        (Access.ACCOUNT,),
    )
    return frozenset(Holding(reference, number) for reference, number in rows)


def end(db: Database, ended: Iterable[Holding], now: Now) -> tuple[Client, ...]:
    """End the grants of accounts that hold no more, unless somebody came in with a newer PIN; returns whose."""
    gone: list[Client] = []
    for one in ended:
        if generation(db, one.reference) == one.generation:
            gone += (grant.client for grant in grants.of_voucher(db, one.reference))
            db.execute("DELETE FROM account_devices WHERE reference = ?", (one.reference,))
    for client in gone:
        grants.take_back(db, client, End.ACCOUNT, now)
    return tuple(gone)


def forget_devices(db: Database) -> None:
    """Forget who held the places of accounts by which nobody is online: nobody needs to know any more."""
    db.execute(
        "DELETE FROM account_devices WHERE NOT EXISTS (SELECT 1 FROM grants WHERE voucher = account_devices.reference)"
    )
