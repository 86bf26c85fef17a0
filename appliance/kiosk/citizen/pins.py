"""NIK and PIN as a way in: who may, how often they may be wrong, and what it takes to check one.

A PIN has a million values. What keeps it is that nobody may try many: wrong tries are counted for the NIK, the device
and the box, in the database, so that no restart forgets them. A hash is slow all the same, and made with a pepper from
a file beside the database: who steals the database alone can try no PIN at all.

Time is an argument, whole seconds of wall time; see `appliance.store.brake` for clocks that are set back.

Source: OWASP Password Storage cheat sheet (peppering); NIST SP 800-63B, sections 5.1.1 and 5.2.2.
"""

from __future__ import annotations

import enum
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from appliance.kiosk.actors import RESIDENT, Actor
from appliance.kiosk.citizen.rules import PinProblem
from appliance.kiosk.citizen.sessions import Sessions, Where
from appliance.store import brake
from appliance.store.audit import Audit
from appliance.store.brake import Book, Brake
from appliance.store.database import Database, Store
from appliance.store.slow_hash import SlowHash

# A PIN that is no list's first is found by 24 tries a day in 57 years. Devices and the box are many people's, whose
# honest mistakes fade; the box is for who changes names and addresses: 288 tries a day at all PINs of a village.
BOOK: Final = Book(
    MappingProxyType(
        {
            "pair": Brake(5, 30, 3_600),
            "name": Brake(10, 60, 3_600),
            "device": Brake(20, 30, 900, fades_seconds=120),
            "box": Brake(100, 10, 300, fades_seconds=60),
        }
    ),
    "pin_failures",
    "pin_devices",
)
_THE_BOX: Final = "box"


class Outcome(enum.StrEnum):
    """What came of a NIK and a PIN."""

    WELCOME = "welcome"
    WRONG = "wrong"  # NIK or PIN, or nobody has it, or they moved away: which one is never said
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Entrance:
    """The answer: ``token`` and ``resident_id`` with WELCOME, ``wait_seconds`` with WAIT."""

    outcome: Outcome
    token: str = ""
    resident_id: int = 0
    wait_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """What came of a new PIN: the token of a new session, or what is wrong, or for how long to wait."""

    token: str = ""
    problem: PinProblem | None = None
    wait_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Try:
    """One try: what was typed, from which address, at what kind of screen, and when."""

    nik: str
    pin: str
    device: str
    where: Where
    now: int


@dataclass(frozen=True, slots=True)
class People:
    """What a login asks the register: whose a NIK is (None: of nobody who may log in), and whether one lives here."""

    id_of_nik: Callable[[str], int | None]
    is_living: Callable[[int], bool]


class Pins:
    """The PINs in one store, which was opened with `appliance.kiosk.citizen.store.MIGRATIONS` and the audit's.

    Args:
        store: where they are.
        people: the register.
        audit: where logins and new PINs are written down.
        hashing: makes and checks the hashes.
        pepper: at least 32 random bytes from a file outside the database.
    """

    def __init__(self, store: Store, people: People, audit: Audit, hashing: SlowHash, pepper: bytes) -> None:
        self.store, self.people, self.audit, self.hashing = store, people, audit, hashing
        self._pepper = hmac.digest(pepper, b"pin: hash", "sha256")
        self._index_key = hmac.digest(pepper, b"pin: index", "sha256")
        self.sessions = Sessions(store)

    def log_in(self, asked: Try) -> Entrance:
        """Check a NIK and its PIN, and begin a session.

        The try is counted before it is judged, so that tries at the same moment do not pass the brake together. A NIK
        that nobody has gets the same answer after the same work.

        Raises:
            StoreBusy: too many are being judged; this try was neither counted nor judged.
        """
        subjects = self._subjects(asked)
        with self.hashing.place():
            with self.store.transaction() as db:
                wait_seconds = brake.wait_seconds(db, subjects, asked.now, BOOK)
                if wait_seconds:
                    return Entrance(Outcome.WAIT, wait_seconds=wait_seconds)
                brake.count_failure(db, subjects, asked.now, BOOK)
            resident_id = self.people.id_of_nik(asked.nik)
            row = self._row(resident_id)
            digest = str(row["pin_hash"]) if row else self.hashing.nobody
            is_right = self.hashing.matches(digest, self._peppered(resident_id or 0, asked.pin))
        if row is None or resident_id is None or not is_right:
            return Entrance(Outcome.WRONG)
        with self.store.transaction() as db:
            # Between check and now the office may have given a new PIN.
            if not db.execute(
                "SELECT 1 FROM pins WHERE resident_id = ? AND pin_hash = ?", [resident_id, digest]
            ).fetchone():
                return Entrance(Outcome.WRONG)
            brake.forgive(db, subjects, BOOK)
            brake.remember(db, subjects, asked.now, BOOK)
            token = self.sessions.begin(db, resident_id, asked.where, asked.now)
            self.audit.note_in(
                db, RESIDENT.name, RESIDENT.role, "resident.logged_in", [resident_id], detail=asked.where
            )
        return Entrance(Outcome.WELCOME, token, resident_id)

    def give(self, actor: Actor, resident_id: int, nik: str, pin: str, now: int) -> None:
        """Give a resident a PIN from the office, to be changed at the first login; ends their sessions and lockouts.

        Args:
            actor: who of the office gives it.
            resident_id: to whom.
            nik: theirs: what was counted for it is forgotten.
            pin: as `appliance.kiosk.citizen.rules.make_pin` makes one.
            now: the time.
        """
        digest = self.hashing.make(self._peppered(resident_id, pin))
        with self.store.transaction() as db:
            self._end(db, resident_id)
            _write(db, resident_id, digest, must_change=True, now=now)
            brake.forget(db, self._index(nik), BOOK)
            self.audit.note_in(db, actor.name, actor.role, "pin.given", [resident_id])

    def take_away(self, actor: Actor, resident_id: int) -> None:
        """Let a resident in no more until the office gives a new PIN; ends their sessions."""
        with self.store.transaction() as db:
            db.execute("DELETE FROM pins WHERE resident_id = ?", [resident_id])
            self.audit.note_in(db, actor.name, actor.role, "pin.taken_away", [resident_id])

    def change(self, resident_id: int, new: str, asked: Try) -> Change:
        """Let a resident choose another PIN: all their sessions end, and a new one begins.

        A wrong old one counts as a wrong login: a session that was left open is no way around the brake.

        Args:
            resident_id: who is logged in.
            new: the new PIN, which `appliance.kiosk.citizen.rules.weaknesses` has nothing against.
            asked: their NIK and the PIN until now, as a try.

        Raises:
            StoreBusy: as `log_in`.
        """
        if asked.pin == new:
            return Change(problem=PinProblem.UNCHANGED)
        subjects = self._subjects(asked)
        with self.hashing.place():
            with self.store.transaction() as db:
                if wait_seconds := brake.wait_seconds(db, subjects, asked.now, BOOK):
                    return Change(wait_seconds=wait_seconds)
                brake.count_failure(db, subjects, asked.now, BOOK)
            row = self._row(resident_id)
            if row is None or not self.hashing.matches(row["pin_hash"], self._peppered(resident_id, asked.pin)):
                return Change(problem=PinProblem.OLD_WRONG)
            digest = self.hashing.make(self._peppered(resident_id, new))
        with self.store.transaction() as db:
            if self._row_in(db, resident_id) != row:
                return Change(problem=PinProblem.OLD_WRONG)
            self._end(db, resident_id)
            _write(db, resident_id, digest, must_change=False, now=asked.now)
            brake.forgive(db, subjects, BOOK)
            token = self.sessions.begin(db, resident_id, asked.where, asked.now)
            self.audit.note_in(db, RESIDENT.name, RESIDENT.role, "pin.changed", [resident_id])
        return Change(token)

    def since_seconds(self, resident_id: int) -> int | None:
        """Since when somebody has the PIN they have; None without one."""
        row = self._row(resident_id)
        return int(row["since_seconds"]) if row else None

    def _subjects(self, asked: Try) -> dict[str, str]:
        who = self._index(asked.nik)
        subjects = {"pair": f"{who}@{asked.device}", "device": asked.device, "name": who}
        # Whoever guesses over the air must not lock those out who stand in the hall.
        return subjects if asked.where is Where.HALL else subjects | {"box": _THE_BOX}

    def _index(self, nik: str) -> str:
        return hmac.digest(self._index_key, nik.encode("utf-8", "surrogatepass"), "sha256").hex()

    def _peppered(self, resident_id: int, pin: str) -> str:
        # With the number of its owner: a hash put into another's row opens nothing.
        text = f"{resident_id}\0{pin[:64]}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._pepper, text, "sha256").hex()

    def _row(self, resident_id: int | None) -> dict[str, Any] | None:
        with self.store.reading() as db:
            return self._row_in(db, resident_id)

    def _row_in(self, db: Database, resident_id: int | None) -> dict[str, Any] | None:
        return next(iter(db.rows("SELECT * FROM pins WHERE resident_id = ?", [resident_id or 0])), None)

    def _end(self, db: Database, resident_id: int) -> None:
        db.execute("DELETE FROM pin_sessions WHERE resident_id = ?", [resident_id])


def _write(db: Database, resident_id: int, digest: str, *, must_change: bool, now: int) -> None:
    db.execute(
        "INSERT INTO pins (resident_id, pin_hash, must_change, since_seconds) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (resident_id) DO UPDATE SET pin_hash = excluded.pin_hash, must_change = excluded.must_change,"
        " since_seconds = excluded.since_seconds",
        [resident_id, digest, must_change, now],
    )
