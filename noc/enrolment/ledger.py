"""What the enrolment service keeps: claims, certificates, revocations, and who was given what. SQLite, its own file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.store.database import Database, Store, open_store
from appliance.store.migrations import Migrations
from noc.enrolment.rules import Claim, Known, PortalKey

if TYPE_CHECKING:
    import sqlite_utils

AUDIT_ROWS_MAX: Final = 100_000
PORTAL_KEY_SECONDS: Final = 2 * 366 * 86_400
_MIGRATIONS = Migrations("enrolment")


@_MIGRATIONS()
def m001_first(db: sqlite_utils.Database) -> None:
    """Make the tables."""
    for statement in (
        # The code itself is nowhere: salt and scrypt digest.
        "CREATE TABLE claim (hub_id TEXT PRIMARY KEY, salt BLOB NOT NULL, digest BLOB NOT NULL,"
        " made_s INTEGER NOT NULL, expires_s INTEGER NOT NULL, wrong_tries INTEGER NOT NULL DEFAULT 0,"
        " used_serial TEXT)",
        # serial is hexadecimal: it has 159 bits. key is the digest of the public key. pem only while it is the newest.
        "CREATE TABLE certificate (serial TEXT PRIMARY KEY, hub_id TEXT NOT NULL, key TEXT NOT NULL,"
        " issued_s INTEGER NOT NULL, ends_s INTEGER NOT NULL, pem BLOB, replaced_by TEXT)",
        "CREATE INDEX certificate_hub ON certificate (hub_id, issued_s)",
        # carried_out: the broker was seen to refuse it, and who was connected with it was thrown out.
        "CREATE TABLE revocation (serial TEXT PRIMARY KEY, hub_id TEXT NOT NULL, revoked_s INTEGER NOT NULL,"
        " ends_s INTEGER NOT NULL, carried_out INTEGER NOT NULL DEFAULT 0)",
        "CREATE TABLE revoked_hub (hub_id TEXT PRIMARY KEY, revoked_s INTEGER NOT NULL, why TEXT NOT NULL)",
        "CREATE TABLE audit (position INTEGER PRIMARY KEY AUTOINCREMENT, at_s INTEGER NOT NULL, hub_id TEXT NOT NULL,"
        " address TEXT NOT NULL, what TEXT NOT NULL)",
        "CREATE INDEX audit_hub ON audit (hub_id, position)",
    ):
        db.execute(statement)


@_MIGRATIONS()
def m002_portals(db: sqlite_utils.Database) -> None:
    """Make the tables of portals' names, and of keys that were asked with."""
    # A name is one hub's: no two rows can say otherwise.
    db.execute("CREATE TABLE portal_name (name TEXT PRIMARY KEY, hub_id TEXT NOT NULL, given_s INTEGER NOT NULL)")
    db.execute(
        "CREATE TABLE portal_key (key TEXT PRIMARY KEY, hub_id TEXT NOT NULL, names TEXT NOT NULL,"
        " asked_s INTEGER NOT NULL)"
    )
    db.execute("CREATE INDEX portal_key_hub ON portal_key (hub_id, asked_s)")
    db.execute("CREATE INDEX certificate_key ON certificate (key)")


@dataclass(frozen=True, slots=True)
class Issued:
    """A new certificate. ``serial`` is hexadecimal, ``key`` the digest of its public key."""

    serial: str
    hub_id: str
    key: str
    issued_s: int
    ends_s: int
    pem: bytes


@dataclass(frozen=True, slots=True)
class Standing:
    """How one hub stands, for an operator. ``refused`` is what was refused to it since its last success, or ""."""

    hub_id: str
    ends_s: int | None
    is_revoked: bool
    is_claim_open: bool
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Revocation:
    """A revoked certificate. ``serial`` is hexadecimal."""

    serial: str
    hub_id: str
    is_carried_out: bool


class Page:
    """One transaction: what is read is still so when something is written."""

    def __init__(self, db: Database, now_s: int) -> None:
        self._db, self.now_s = db, now_s

    def claim(self, hub_id: str) -> Claim | None:
        """Find the claim of a hub."""
        rows = self._db.rows(
            "SELECT salt, digest, expires_s, wrong_tries, coalesce(certificate.key, '') AS used_key"
            " FROM claim LEFT JOIN certificate ON certificate.serial = used_serial WHERE claim.hub_id = ?",
            [hub_id],
        )
        return Claim(hub_id, **rows[0]) if rows else None

    def count_wrong(self, hub_id: str) -> None:
        """Count a wrong code against the claim of a hub."""
        self._db.execute("UPDATE claim SET wrong_tries = wrong_tries + 1 WHERE hub_id = ?", [hub_id])

    def known(self, serial: str) -> Known | None:
        """Find a certificate."""
        rows = self._db.rows(
            "SELECT old.issued_s, EXISTS (SELECT 1 FROM revocation WHERE serial = old.serial) AS is_revoked,"
            " coalesce(new.key, '') AS replaced_by_key"
            " FROM certificate old LEFT JOIN certificate new ON new.serial = old.replaced_by WHERE old.serial = ?",
            [serial],
        )
        return Known(rows[0]["issued_s"], bool(rows[0]["is_revoked"]), rows[0]["replaced_by_key"]) if rows else None

    def is_revoked(self, hub_id: str) -> bool:
        """Tell whether the hub as such is revoked."""
        return bool(self._db.rows("SELECT 1 FROM revoked_hub WHERE hub_id = ?", [hub_id]))

    def replaced_s(self, hub_id: str) -> int:
        """Tell when the hub was last revoked or claimed, 0 if it never was: what it had before is another box's."""
        rows = self._db.rows(
            "SELECT coalesce(max(at_s), 0) AS at_s FROM audit WHERE hub_id = ?"
            " AND (what = 'claimed' OR what LIKE 'revoked: %')",
            [hub_id],
        )
        return int(rows[0]["at_s"])

    def newest_with(self, hub_id: str, key: str) -> bytes | None:
        """Find the certificate with this key, if it is the hub's newest and stands."""
        rows = self._db.rows(
            "SELECT pem FROM certificate WHERE hub_id = ? AND key = ? AND replaced_by IS NULL AND pem IS NOT NULL"
            " AND ends_s > ? AND serial NOT IN (SELECT serial FROM revocation)",
            [hub_id, key, self.now_s],
        )
        return bytes(rows[0]["pem"]) if rows else None

    def issue(self, issued: Issued, replaces: str = "") -> None:
        """Write a certificate down, and that it takes another's place."""
        self._db.execute(
            "INSERT INTO certificate (serial, hub_id, key, issued_s, ends_s, pem) VALUES (?, ?, ?, ?, ?, ?)",
            [issued.serial, issued.hub_id, issued.key, issued.issued_s, issued.ends_s, issued.pem],
        )
        self._db.execute(
            "UPDATE certificate SET replaced_by = ?, pem = NULL WHERE serial = ?", [issued.serial, replaces]
        )

    def use_claim(self, hub_id: str, serial: str) -> None:
        """Mark the claim of a hub as used, and revoke what the hub had before: the new box has taken its place."""
        self._db.execute("UPDATE claim SET used_serial = ? WHERE hub_id = ?", [serial, hub_id])
        self._revoke(hub_id, but=serial)

    def put_claim(self, claim: Claim) -> None:
        """Give a hub a new claim in place of an older one; a revoked hub may come back with it."""
        self._db.execute(
            "INSERT OR REPLACE INTO claim (hub_id, salt, digest, made_s, expires_s) VALUES (?, ?, ?, ?, ?)",
            [claim.hub_id, claim.salt, claim.digest, self.now_s, claim.expires_s],
        )
        self._db.execute("DELETE FROM revoked_hub WHERE hub_id = ?", [claim.hub_id])

    def revoke_hub(self, hub_id: str, why: str) -> int:
        """Revoke a hub: its certificates, its claim, and its way back. Returns how many that had not ended."""
        self._db.execute("INSERT OR REPLACE INTO revoked_hub VALUES (?, ?, ?)", [hub_id, self.now_s, why])
        self._db.execute("DELETE FROM claim WHERE hub_id = ?", [hub_id])
        return self._revoke(hub_id, but="")

    def portal_owner(self, name: str) -> str | None:
        """Find the hub to which an operator gave a name."""
        rows = self._db.rows("SELECT hub_id FROM portal_name WHERE name = ?", [name])
        return str(rows[0]["hub_id"]) if rows else None

    def give_portal_name(self, name: str, hub_id: str) -> None:
        """Give a hub a name; raises `StoreError` where it is another's, which is to be asked before."""
        self._db.execute(
            "INSERT INTO portal_name VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET given_s = given_s"
            " WHERE hub_id = excluded.hub_id",
            [name, hub_id, self.now_s],
        )

    def take_portal_name(self, name: str) -> None:
        """Take a name away from whose it is."""
        self._db.execute("DELETE FROM portal_name WHERE name = ?", [name])

    def portal_names(self) -> list[tuple[str, str]]:
        """List names that were given, with whose they are."""
        rows = self._db.rows("SELECT name, hub_id FROM portal_name ORDER BY hub_id, name", [])
        return [(row["name"], row["hub_id"]) for row in rows]

    def portal_key(self, key: str) -> PortalKey | None:
        """Find what was asked with a key."""
        rows = self._db.rows("SELECT hub_id, names, asked_s FROM portal_key WHERE key = ?", [key])
        return PortalKey(rows[0]["hub_id"], tuple(rows[0]["names"].split()), rows[0]["asked_s"]) if rows else None

    def newest_portal_key_s(self, hub_id: str) -> int:
        """Tell when a hub last asked with a new key, 0 if it never did."""
        rows = self._db.rows("SELECT coalesce(max(asked_s), 0) AS s FROM portal_key WHERE hub_id = ?", [hub_id])
        return int(rows[0]["s"])

    def portal_keys_since(self, hub_id: str, since_s: int) -> int:
        """Count the keys with which a hub asked after a moment."""
        rows = self._db.rows("SELECT count(*) AS n FROM portal_key WHERE hub_id = ? AND asked_s > ?", [hub_id, since_s])
        return int(rows[0]["n"])

    def put_portal_key(self, key: str, asked: PortalKey) -> None:
        """Note that a hub asks with a key; what is older than two years is forgotten."""
        self._db.execute("DELETE FROM portal_key WHERE asked_s < ?", [self.now_s - PORTAL_KEY_SECONDS])
        self._db.execute(
            "INSERT INTO portal_key VALUES (?, ?, ?, ?)", [key, asked.hub_id, " ".join(asked.names), asked.asked_s]
        )

    def is_identity_key(self, key: str) -> bool:
        """Tell whether a hub has or had this key for its identity."""
        return bool(self._db.rows("SELECT 1 FROM certificate WHERE key = ? LIMIT 1", [key]))

    def note(self, hub_id: str, address: str, what: str) -> None:
        """Write down who was given or refused what, and from where."""
        self._db.execute(
            "INSERT INTO audit (at_s, hub_id, address, what) VALUES (?, ?, ?, ?)",
            [self.now_s, hub_id[:64], address[:64], what[:200]],
        )
        self._db.execute("DELETE FROM audit WHERE position <= (SELECT max(position) FROM audit) - ?", [AUDIT_ROWS_MAX])

    def _revoke(self, hub_id: str, but: str) -> int:
        # Also those that have ended: the broker refuses them anyhow, but the key of one would still renew it.
        found = self._db.execute(
            "INSERT OR IGNORE INTO revocation (serial, hub_id, revoked_s, ends_s)"
            " SELECT serial, hub_id, ?, ends_s FROM certificate WHERE hub_id = ? AND serial <> ? RETURNING ends_s",
            [self.now_s, hub_id, but],
        ).fetchall()
        return sum(ends_s > self.now_s for (ends_s,) in found)


class Ledger:
    """The database, open for service and command line. Each method raises `StoreError` or `StoreFull`."""

    def __init__(self, store: Store, clock_s: Callable[[], int]) -> None:
        self._store, self._clock_s = store, clock_s

    @contextmanager
    def page(self) -> Iterator[Page]:
        """Read, then write, as one step."""
        with self._store.transaction() as db:
            yield Page(db, self._clock_s())

    def revocations(self) -> Sequence[Revocation]:
        """List revoked certificates that have not ended by themselves."""
        with self._store.reading() as db:
            return [
                Revocation(row["serial"], row["hub_id"], bool(row["carried_out"]))
                for row in db.rows(
                    "SELECT serial, hub_id, carried_out FROM revocation WHERE ends_s > ? ORDER BY serial",
                    [self._clock_s()],
                )
            ]

    def carried_out(self, serials: Sequence[str]) -> None:
        """Note that the broker refuses these, and that nobody is connected with them."""
        with self._store.transaction() as db:
            db.executemany("UPDATE revocation SET carried_out = 1 WHERE serial = ?", [(each,) for each in serials])

    def standings(self) -> dict[str, Standing]:
        """Tell how each hub stands that has or had a certificate or a claim."""
        with self._store.reading() as db:
            rows = db.rows(
                "WITH hub AS (SELECT hub_id FROM certificate UNION SELECT hub_id FROM claim"
                " UNION SELECT hub_id FROM revoked_hub) SELECT hub_id,"
                " (SELECT max(ends_s) FROM certificate c WHERE c.hub_id = hub.hub_id AND replaced_by IS NULL"
                "  AND serial NOT IN (SELECT serial FROM revocation)) AS ends_s,"
                " EXISTS (SELECT 1 FROM revoked_hub r WHERE r.hub_id = hub.hub_id) AS is_revoked,"
                " EXISTS (SELECT 1 FROM claim WHERE claim.hub_id = hub.hub_id AND used_serial IS NULL"
                "  AND expires_s > ?) AS is_claim_open,"
                " (SELECT what FROM audit a WHERE a.hub_id = hub.hub_id ORDER BY position DESC LIMIT 1) AS last"
                " FROM hub",
                [self._clock_s()],
            )
        return {
            row["hub_id"]: Standing(
                row["hub_id"],
                row["ends_s"],
                bool(row["is_revoked"]),
                bool(row["is_claim_open"]),
                row["last"].removeprefix("refused ") if (row["last"] or "").startswith("refused ") else "",
            )
            for row in rows
        }

    def close(self) -> None:
        """Close the database."""
        self._store.close()


def open_ledger(path: Path, clock_s: Callable[[], int]) -> Ledger:
    """Open the ledger, making it where there is none. Raises `StoreError`."""
    return Ledger(open_store(path, [_MIGRATIONS]), clock_s)
