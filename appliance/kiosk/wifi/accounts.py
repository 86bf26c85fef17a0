"""Accounts in the kiosk's database: made, renewed and ended here. `appliance.kiosk.wifi.checks` checks them."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from appliance.kiosk.actors import Actor
from appliance.kiosk.wifi import rules
from appliance.kiosk.wifi.rules import Slip
from appliance.store.audit import Audit
from appliance.store.database import Database, Store
from appliance.store.slow_hash import SlowHash

_TRIES_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class Account:
    """A resident's account, as its owner and the office see it.

    ``since_seconds``: of its PIN, in wall time; 0 where the box did not know it.
    """

    resident_id: int
    reference: str
    name: str
    is_open: bool
    since_seconds: int

    @property
    def name_shown(self) -> str:
        """The name as it is shown."""
        return Slip(self.name, "").name_shown


class WifiAccounts:
    """The accounts in one store, which was opened with `appliance.kiosk.wifi.store.MIGRATIONS` and the audit's.

    Args:
        store: where they are.
        audit: where new and ended accounts are written down.
        hashing: makes the hashes.
        pepper: at least 32 random bytes from a file outside the database.
        make_slip: makes names and PINs.
    """

    def __init__(
        self,
        store: Store,
        audit: Audit,
        hashing: SlowHash,
        pepper: bytes,
        make_slip: Callable[[], Slip] = rules.make_slip,
    ) -> None:
        self.store, self.hashing, self._audit, self._make_slip = store, hashing, audit, make_slip
        self._key = hmac.digest(pepper, b"wifi: hash", "sha256")

    def of(self, resident_id: int) -> Account | None:
        """A resident's account, also one that has ended; None for who never had one."""
        with self.store.reading() as db:
            row = _row(db, "resident_id", resident_id)
        return _account(row) if row else None

    def give(self, actor: Actor, resident_id: int, now: int) -> Slip:
        """Make somebody's account, or give it a new PIN: with the next look of the portal, devices are logged out.

        Args:
            actor: who does it: somebody of the office, or the resident.
            resident_id: whose it is.
            now: wall time in seconds, 0 for one that is not known.

        Returns:
            What is shown once and kept nowhere: of the PIN there is a hash alone.

        Raises:
            StoreBusy: too many hashes are awaited; nothing was changed.
        """
        with self.hashing.place():
            return self._give(actor, resident_id, now)

    def _give(self, actor: Actor, resident_id: int, now: int) -> Slip:
        for _ in range(_TRIES_MAX):
            slip, held = self._make_slip(), self.of(resident_id)
            reference = held.reference if held else rules.make_reference()
            # An account keeps its name, so that only the PIN is new to learn.
            name = held.name if held else slip.name
            digest = self.hashing.make(self.peppered(reference, slip.pin))
            with self.store.transaction() as db:
                row = _row(db, "resident_id", resident_id)
                if (row is None) is not (held is None) or (row is None and named(db, name)):
                    continue  # somebody else has this name, or another page made the account just now
                db.execute(
                    "INSERT INTO wifi_accounts (resident_id, reference, name, pin_hash, generation, is_open,"
                    " since_seconds) VALUES (?, ?, ?, ?, 1, 1, ?) ON CONFLICT (resident_id) DO UPDATE SET"
                    " pin_hash = excluded.pin_hash, generation = generation + 1, is_open = 1,"
                    " since_seconds = excluded.since_seconds",
                    [resident_id, reference, name, digest, now],
                )
                self._forget(db, reference, name)
                self._audit.note_in(db, actor.name, actor.role, "wifi.given", [resident_id])
            return Slip(name, slip.pin)
        raise RuntimeError("no name is free")

    def end(self, actor: Actor, resident_id: int) -> None:
        """Let nobody in with this account any more; one that has ended, or never was, is no error."""
        with self.store.transaction() as db:
            row = _row(db, "resident_id", resident_id)
            if row is None or not row["is_open"]:
                return
            db.execute("UPDATE wifi_accounts SET is_open = 0 WHERE resident_id = ?", [resident_id])
            self._forget(db, row["reference"], row["name"])
            self._audit.note_in(db, actor.name, actor.role, "wifi.ended", [resident_id])

    def peppered(self, reference: str, pin: str) -> str:
        """What is hashed. With the account it belongs to: a hash put into another's row opens nothing."""
        text = f"{reference}\0{pin}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, text, "sha256").hex()

    def digest(self, *parts: str) -> bytes:
        """What stands for a name or a device where it is only to be known again."""
        text = "\0".join(parts).encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, b"index\0" + text, "sha256")[:16]

    def _forget(self, db: Database, reference: str, name: str) -> None:
        """Devices that knew the PIN until now are strangers again, and so is who guessed at it."""
        db.execute("DELETE FROM wifi_devices WHERE reference = ?", [reference])
        db.execute("DELETE FROM wifi_tries WHERE kind = 'name' AND subject = ?", [self.digest(name).hex()])


def named(db: Database, name: str) -> dict[str, Any] | None:
    """Within a transaction: the row of an account by its name."""
    return _row(db, "name", name)


def referred(db: Database, reference: str) -> dict[str, Any] | None:
    """Within a transaction: the row of an account by its reference."""
    return _row(db, "reference", reference)


def _row(db: Database, column: str, value: object) -> dict[str, Any] | None:
    return next(iter(db.rows(f"SELECT * FROM wifi_accounts WHERE {column} = ?", [value])), None)  # noqa: S608 - a constant


def _account(row: dict[str, Any]) -> Account:
    return Account(row["resident_id"], row["reference"], row["name"], bool(row["is_open"]), row["since_seconds"])
