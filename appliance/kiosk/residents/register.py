"""The register of residents: who lives here. Records are sealed, and each look at one is written down.

Whoever reads gives a `appliance.kiosk.actors.Look`, whoever changes an `Actor`. Nobody is deleted: who died or moved
away has another status.
"""

from __future__ import annotations

import datetime
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from zoneinfo import ZoneInfo

from appliance.core.errors import DesahubError
from appliance.kiosk.actors import Actor, Look
from appliance.kiosk.residents import nik as numbers
from appliance.kiosk.residents.census import Counts, count
from appliance.kiosk.residents.codes import StatusDasar
from appliance.kiosk.residents.person import STATUS_DATE, STATUS_NOTE, Draft, Resident, resident
from appliance.kiosk.residents.roll import Found, Roll
from appliance.store.audit import Audit
from appliance.store.database import Database, Store
from appliance.store.vault import Vault

ID_MAX: Final = 2**53 - 1  # a number that JSON and JavaScript keep whole
PAGE_LIMIT_MAX: Final = 100
T = TypeVar("T")


class RegisterError(DesahubError):
    """The register did not do what was asked; nothing was changed."""


class NikTaken(RegisterError):  # noqa: N818
    """Somebody else has this NIK."""

    def __init__(self, resident_id: int) -> None:
        self.resident_id = resident_id
        super().__init__("this NIK stands in the register already; look that record up and change it")


class Outdated(RegisterError):  # noqa: N818
    """Somebody else changed the record since it was read."""

    def __init__(self) -> None:
        super().__init__("the record was changed since it was read; read it again, then decide")


class ResidentUnknown(RegisterError):  # noqa: N818
    """There is no record with this number."""

    def __init__(self) -> None:
        super().__init__("there is no such record in the register")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Part of a list, and how long the whole is."""

    items: tuple[T, ...]
    total: int
    offset: int = 0


class Register:
    """The register in one store, which was opened with `appliance.kiosk.residents.tables.MIGRATIONS`.

    Args:
        store: where it is.
        vault: seals the records.
        audit: where looks and changes are written down.
        clock: seconds of wall time.
        timezone: the village's, which decides what day it is.
    """

    def __init__(
        self, store: Store, vault: Vault, audit: Audit, clock: Callable[[], float], timezone: str = "Asia/Jakarta"
    ) -> None:
        self.store, self.audit, self.clock = store, audit, clock
        self.safe = Safe(vault)
        self._zone = ZoneInfo(timezone)
        self._roll = Roll(self.safe.open)
        self._counts: tuple[int, Counts] | None = None

    def today(self) -> datetime.date:
        """The day in the village."""
        return datetime.datetime.fromtimestamp(self.clock(), self._zone).date()

    def get(self, look: Look, id_: int) -> Resident | None:
        """Read one record; None where there is none."""
        with self.store.transaction() as db:
            found = self.safe.find(db, id_)
            if found is not None:
                self.note(db, look.actor, "resident.seen", [id_], look.purpose)
        return found

    def find_nik(self, look: Look, nik: str) -> Resident | None:
        """Read the record of a NIK, as typed; None where there is none, or the text is no NIK."""
        id_ = self.id_of_nik(nik, living_only=False)
        return self.get(look, id_) if id_ is not None else None

    def id_of_nik(self, nik: str, *, living_only: bool = True) -> int | None:
        """Whose number this is; for a login, so that it is no look. Who is dead or gone is nobody here.

        Args:
            nik: as typed.
            living_only: else whatever has become of them.
        """
        try:
            digits = numbers.digits_of(nik)
        except numbers.NikInvalid:
            return None
        with self.store.reading() as db:
            id_ = self.safe.id_of_nik(db, digits)
            found = self.safe.find(db, id_) if id_ is not None and living_only else None
        return id_ if not living_only or (found and found.status is StatusDasar.HIDUP) else None

    def is_living(self, id_: int) -> bool:
        """Does somebody with this number live here? For sessions, so that it is no look."""
        with self.store.reading() as db:
            found = self.safe.find(db, id_)
        return found is not None and found.status is StatusDasar.HIDUP

    def search(
        self,
        look: Look,
        text: str = "",
        *,
        dusun: str = "",
        status: str = "hidup",
        offset: int = 0,
        limit: int = 20,
        after: int = 0,
    ) -> Page[Found]:
        """Find residents by the beginnings of their names, or by a whole NIK or family number, in the order of names.

        Args:
            look: who searches; whom they are shown is written down.
            text: as typed; "" for all.
            dusun: its name; "" for all.
            status: a `StatusDasar`; "" for all.
            offset: how many to leave out.
            limit: at most so many, and never more than `PAGE_LIMIT_MAX`.
            after: the number of whom the page before ended with: the list goes on behind them, wherever they stand
                now. Who is not in it any more leaves it to ``offset``.
        """
        with self.store.reading() as db:
            ids = self._ids_of_number(db, text)
            found = self._roll.search(db, "" if ids is not None else text, dusun, status)
        if ids is not None:
            found = [one for one in found if one.id in ids]
        if after:
            offset = next((place for place, one in enumerate(found, 1) if one.id == after), offset)
        shown = tuple(found[max(offset, 0) :][: min(limit, PAGE_LIMIT_MAX)])
        if shown:
            with self.store.transaction() as db:
                self.note(db, look.actor, "residents.listed", [one.id for one in shown], look.purpose)
        return Page(shown, len(found), offset)

    def dusuns(self) -> list[str]:
        """The names of all dusun somebody lives in."""
        with self.store.reading() as db:
            return self._roll.dusuns(db)

    def family(self, look: Look, id_: int) -> tuple[Resident, ...]:
        """The family of somebody, themselves among them: the head first, then as the family card has them."""
        with self.store.transaction() as db:
            row = self.safe.row(db, id_)
            if row is None:
                return ()
            if row["family_index"]:
                rows = db.rows("SELECT * FROM residents WHERE family_index = ?", [row["family_index"]])
            else:
                rows = [row]
            found = [self.safe.resident(each) for each in rows]
            self.note(db, look.actor, "family.seen", [one.id for one in found], look.purpose)
        last = datetime.date.max
        return tuple(sorted(found, key=lambda one: (one.family_role or 99, one.birth_date or last, one.name)))

    def add(self, actor: Actor, draft: Draft) -> int:
        """Add somebody, and return their number. Raises `NikTaken`."""
        id_ = new_id()
        values = dict(draft.values)
        with self.store.transaction() as db:
            self._require_free(db, values["nik"], id_)
            self.safe.insert(db, id_, values, b"")
            self.note(db, actor, "resident.added", [id_])
        return id_

    def change(self, actor: Actor, id_: int, draft: Draft, seen_version: int) -> Resident:
        """Change the columns that the draft names; a named one without a value becomes blank.

        Raises:
            ResidentUnknown: there is nobody with this number.
            Outdated: the record has another version than the one that was seen.
            NikTaken: the new NIK is somebody else's.
        """
        return self._change(
            actor, id_, seen_version, "resident.changed", dict.fromkeys(draft.names, "") | dict(draft.values)
        )

    def set_status(
        self,
        actor: Actor,
        id_: int,
        status: StatusDasar,
        seen_version: int,
        *,
        on: datetime.date | None = None,
        note: str = "",
    ) -> Resident:
        """Write down that somebody died, moved away, came back …; since when, and a line about it.

        Raises:
            ResidentUnknown, Outdated: as `change`.
        """
        new = {
            "status_dasar": str(status.code),
            STATUS_DATE: on.isoformat() if on else "",
            STATUS_NOTE: " ".join(note.split()),
        }
        return self._change(actor, id_, seen_version, "resident.status", new)

    def counts(self) -> Counts:
        """How many live here, by sex, age, dusun and so on; nobody's name."""
        with self.store.reading() as db:
            generation = self.safe.generation(db)
            if self._counts is None or self._counts[0] != generation:
                rows = db.execute("SELECT id, sealed FROM residents")
                made = count((resident(id_, 0, self.safe.open(id_, sealed)) for id_, sealed in rows), self.today())
                self._counts = generation, made
            return self._counts[1]

    def _change(self, actor: Actor, id_: int, seen_version: int, what: str, new: Mapping[str, str]) -> Resident:
        with self.store.transaction() as db:
            row = self.safe.row(db, id_)
            if row is None:
                raise ResidentUnknown
            if row["version"] != seen_version:
                raise Outdated
            old = self.safe.open(id_, row["sealed"])
            values = {name: value for name, value in {**old, **new}.items() if value}
            changed = sorted(name for name in {*old, *values} if old.get(name) != values.get(name))
            if not changed:
                return resident(id_, seen_version, values)
            if "nik" in changed:
                self._require_free(db, values["nik"], id_)
            self.safe.update(db, id_, values)
            self.note(db, actor, what, [id_], " ".join(changed))
        return resident(id_, seen_version + 1, values)

    def _ids_of_number(self, db: Database, text: str) -> set[int] | None:
        """Whose NIK or family number a text is; None where it is no such number, but perhaps a name."""
        try:
            digits = numbers.digits_of(text)
        except numbers.NikInvalid:
            return None
        own, family = self.safe.nik_index(digits), self.safe.family_index(digits)
        rows = db.execute("SELECT id FROM residents WHERE nik_index = ? OR family_index = ?", [own, family])
        return {id_ for (id_,) in rows}

    def _require_free(self, db: Database, nik: str, id_: int) -> None:
        other = self.safe.id_of_nik(db, nik)
        if other is not None and other != id_:
            raise NikTaken(other)

    def note(self, db: Database, actor: Actor, what: str, subjects: Sequence[int], detail: str = "") -> None:
        """Write down, within a transaction, who did what to whom."""
        self.audit.note_in(db, actor.name, actor.role, what, subjects=subjects, detail=detail)


class Safe:
    """How records lie in the tables: sealed, each for its own number, so that rows cannot be exchanged."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault

    def seal(self, id_: int, values: Mapping[str, str], part: str = "record") -> bytes:
        """Seal the columns of a resident."""
        text = json.dumps(dict(values), ensure_ascii=False, separators=(",", ":"))
        return self.vault.seal(text, f"residents.{part}/{id_}")

    def open(self, id_: int, sealed: bytes, part: str = "record") -> dict[str, str]:
        """The columns that were sealed. Raises `appliance.core.errors.StoreError` where the key is another."""
        found: dict[str, str] = json.loads(self.vault.open(sealed, f"residents.{part}/{id_}"))
        return found

    def nik_index(self, nik: str) -> bytes:
        """By what a NIK is found."""
        return self.vault.index(nik, "residents.nik")

    def family_index(self, no_kk: str) -> bytes:
        """By what a family is found; empty for none."""
        return self.vault.index(no_kk, "residents.no_kk") if no_kk else b""

    def id_of_nik(self, db: Database, nik: str) -> int | None:
        """Who has a NIK."""
        row = db.execute("SELECT id FROM residents WHERE nik_index = ?", [self.nik_index(nik)]).fetchone()
        return row[0] if row else None

    def find(self, db: Database, id_: int) -> Resident | None:
        """Read one record."""
        row = self.row(db, id_)
        return self.resident(row) if row else None

    def row(self, db: Database, id_: int) -> dict[str, Any] | None:
        """A row of the table as it lies there; any whole number may be asked for."""
        # Beyond 64 bits SQLite's own module raises.
        wanted = id_ if 0 < id_ <= ID_MAX else 0
        return next(iter(db.rows("SELECT * FROM residents WHERE id = ?", [wanted])), None)

    def resident(self, row: Mapping[str, Any]) -> Resident:
        """Read a row of the table."""
        return resident(row["id"], row["version"], self.open(row["id"], row["sealed"]))

    def generation(self, db: Database) -> int:
        """How often the register was written."""
        ((number,),) = db.execute("SELECT number FROM residents_generation")
        return int(number)

    def next_generation(self, db: Database) -> int:
        """Count a change of the register; each row that changes with it is given the number."""
        db.execute("UPDATE residents_generation SET number = number + 1")
        return self.generation(db)

    def insert(self, db: Database, id_: int, values: Mapping[str, str], imported: bytes) -> None:
        """Write a new record."""
        db.execute(
            "INSERT INTO residents (id, nik_index, family_index, version, generation, sealed, imported)"
            " VALUES (?, ?, ?, 1, ?, ?, ?)",
            [
                id_,
                self.nik_index(values["nik"]),
                self.family_index(values.get("no_kk", "")),
                self.next_generation(db),
                self.seal(id_, values),
                imported,
            ],
        )

    def update(self, db: Database, id_: int, values: Mapping[str, str]) -> None:
        """Write a record anew."""
        db.execute(
            "UPDATE residents SET nik_index = ?, family_index = ?, version = version + 1, generation = ?, sealed = ?"
            " WHERE id = ?",
            [
                self.nik_index(values["nik"]),
                self.family_index(values.get("no_kk", "")),
                self.next_generation(db),
                self.seal(id_, values),
                id_,
            ],
        )


def new_id() -> int:
    """A number for a new record: random, so that it tells neither order nor how many there are."""
    return secrets.randbelow(ID_MAX) + 1
