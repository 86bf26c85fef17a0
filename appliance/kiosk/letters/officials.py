"""Officials: whose names stand below letters, and in whose name they sign."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from appliance.kiosk.actors import Actor, Look
from appliance.kiosk.letters import store
from appliance.kiosk.letters.letter import Official
from appliance.kiosk.letters.paper import Signing
from appliance.store.audit import Audit
from appliance.store.database import Database, Store
from appliance.store.vault import Vault

NIK: Final = "letter_officials.nik"


@dataclass(frozen=True, slots=True)
class Term:
    """The days in office, both included; None where that is open."""

    begins: datetime.date | None = None
    ends: datetime.date | None = None

    def columns(self) -> dict[str, object]:
        """As it is kept."""
        return {
            "begins": self.begins.isoformat() if self.begins else None,
            "ends": self.ends.isoformat() if self.ends else None,
        }


ALWAYS: Final = Term()


class OfficialChanged(Exception):  # noqa: N818 - reads as the sentence it is where it is caught
    """There is no such official, or somebody else has changed the entry meanwhile."""


class Officials:
    """The officials in one store. Entries are ended, never deleted: letters name them. Methods raise `StoreError`."""

    def __init__(self, kept: Store, vault: Vault, audit: Audit) -> None:
        self._store, self._vault, self._audit = kept, vault, audit

    def add(self, actor: Actor, signing: Signing, *, account: str = "", nik: str = "", term: Term = ALWAYS) -> int:
        """Add an official; returns its id.

        Args:
            actor: who may manage officials; the page has asked.
            signing: name, title, NIP and in whose name.
            account: of the office, whose owner this is; "" none.
            nik: for the electronic signature; "" none.
            term: the days in office.
        """
        days = term.columns()
        with self._store.transaction() as db:
            made = db.execute(
                "INSERT INTO letter_officials (version, signing, account, nik_sealed, is_active, begins, ends)"
                " VALUES (1, ?, ?, ?, 1, ?, ?)",
                [store.signing_text(signing), account, self._vault.seal(nik, NIK) if nik else None, *days.values()],
            ).lastrowid
            self._audit.note_in(db, actor.name, actor.role, "official.add", detail=str(made))
        return int(made or 0)

    def change(
        self,
        actor: Actor,
        official_id: int,
        seen_version: int,
        signing: Signing,
        *,
        account: str = "",
        nik: str | None = None,
        is_active: bool = True,
        term: Term = ALWAYS,
    ) -> None:
        """Write an entry anew; letters that were approved keep what they were approved with.

        Args:
            actor: as in `add`.
            official_id: which.
            seen_version: the version that was changed.
            signing: as in `add`.
            account: as in `add`.
            nik: None leaves it; "" takes it away.
            is_active: False ends the entry: nobody approves in this name any more.
            term: as in `add`.

        Raises:
            OfficialChanged: another version is there now.
        """
        columns: dict[str, object] = {
            "signing": store.signing_text(signing), "account": account, "is_active": is_active, **term.columns()
        }  # fmt: skip
        if nik is not None:
            columns["nik_sealed"] = self._vault.seal(nik, NIK) if nik else None
        names = ", ".join(f"{name} = ?" for name in columns)
        with self._store.transaction() as db:
            done = db.execute(
                f"UPDATE letter_officials SET version = version + 1, {names} WHERE id = ? AND version = ?",  # noqa: S608
                [*columns.values(), official_id, seen_version],
            ).rowcount
            if not done:
                raise OfficialChanged(official_id)
            self._audit.note_in(db, actor.name, actor.role, "official.change", detail=str(official_id))

    def every(self) -> tuple[Official, ...]:
        """All of them, those who sign first, each in the order of being added."""
        with self._store.reading() as db:
            rows = db.rows(f"{_OFFICIAL} ORDER BY is_active DESC, id")
        return tuple(_official(row) for row in rows)

    def active(self, day: datetime.date | None = None) -> tuple[Official, ...]:
        """Those in whose names letters are approved on a day; None: on whichever."""
        return tuple(each for each in self.every() if each.is_active and (day is None or each.holds_on(day)))

    def find(self, db: Database, official_id: int) -> Official | None:
        """One of them, within a transaction."""
        rows = db.rows(f"{_OFFICIAL} WHERE id = ?", [official_id])
        return _official(rows[0]) if rows else None

    def nik(self, look: Look, official_id: int) -> str:
        """The NIK by which the certificate is found; "" none. Writes the look down."""
        with self._store.transaction() as db:
            row = db.execute("SELECT nik_sealed FROM letter_officials WHERE id = ?", [official_id]).fetchone()
            actor = look.actor
            self._audit.note_in(db, actor.name, actor.role, "official.nik", detail=f"{official_id} {look.purpose}")
        return self._vault.open(row[0], NIK) if row is not None and row[0] is not None else ""


_OFFICIAL: Final = (
    "SELECT id, version, signing, account, is_active, nik_sealed IS NOT NULL AS has_nik, begins, ends"
    " FROM letter_officials"
)


def _official(row: Mapping[str, Any]) -> Official:
    return Official(
        id=row["id"],
        version=row["version"],
        signing=store.signing_of(row["signing"]),
        account=row["account"],
        has_nik=bool(row["has_nik"]),
        is_active=bool(row["is_active"]),
        begins=datetime.date.fromisoformat(row["begins"]) if row["begins"] else None,
        ends=datetime.date.fromisoformat(row["ends"]) if row["ends"] else None,
    )
