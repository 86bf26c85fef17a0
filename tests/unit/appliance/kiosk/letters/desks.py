"""A desk in a test's folder, with a clock in the test's hands and a register of one."""

from __future__ import annotations

import contextlib
import datetime
import functools
import sqlite3
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from appliance.core import config as hub_config
from appliance.kiosk.actors import RESIDENT, Actor, Look
from appliance.kiosk.letters import kinds, marks, tables
from appliance.kiosk.letters.answers import Answers
from appliance.kiosk.letters.desk import Desk
from appliance.kiosk.letters.flow import Step
from appliance.kiosk.letters.letter import Letter
from appliance.kiosk.letters.means import Means
from appliance.kiosk.letters.numbering import Number
from appliance.kiosk.letters.paper import Signing
from appliance.kiosk.residents.codes import Sex
from appliance.kiosk.residents.person import Resident
from appliance.store import audit
from appliance.store.audit import Audit
from appliance.store.database import Store, open_store
from appliance.store.vault import Vault
from tests.unit.appliance.kiosk.conftest import HUB_TOML

OPERATOR: Final = Actor("sri", "operator")
OTHER_OPERATOR: Final = Actor("wayan", "operator")
SECRETARY: Final = Actor("ketut", "sekretaris")
HEAD: Final = Actor("made", "kepala_desa")
LOOK: Final = Look(OPERATOR, "memeriksa surat")
SOMEBODY: Final = 4_711
NIK: Final = "5103016508900001"
# A kind that needs nothing but its answers, one that needs the RT's letter, and one that others sign too.
PLAIN: Final = "keterangan-penghasilan"
KEY: Final = b"v" * 32
ZONE: Final = ZoneInfo("Asia/Makassar")
NOON: Final = datetime.datetime(2026, 8, 17, 12, 0, tzinfo=ZONE).timestamp()
ALL_KINDS: Final = kinds.load_kinds(kinds.SHIPPED)
RT_KIND: Final = next(slug for slug, kind in ALL_KINDS.items() if kind.needs_rt_letter)
HAND_KIND: Final = next(slug for slug, kind in ALL_KINDS.items() if not kind.can_sign_electronically)


def ayu(**changes: object) -> Resident:
    """Somebody in the register."""
    known: dict[str, object] = {
        "id": SOMEBODY, "nik": NIK, "name": "Ni Luh Ayu Contoh", "no_kk": "5103010101080001", "sex": Sex.FEMALE,
        "birth_date": datetime.date(1990, 8, 25), "address": "Jalan Melati 7", "rt": "001", "rw": "002",
    }  # fmt: skip
    return Resident(**{**known, **changes})  # type: ignore[arg-type] # each test says what it changes


@dataclass
class OnePerson:
    """A register of one, whom a test may change."""

    resident: Resident = field(default_factory=ayu)
    looks: list[Look] = field(default_factory=list)

    def get(self, look: Look, resident_id: int, /) -> Resident | None:
        self.looks.append(look)
        return self.resident if resident_id == self.resident.id else None


@dataclass
class Bench:
    """A desk, and what stands around it."""

    folder: Path
    letters_toml: str = ""
    is_practice: bool = False
    now: float = NOON
    clock_is_known: bool = True
    register: OnePerson = field(default_factory=OnePerson)
    keys: int = 0

    def __post_init__(self) -> None:
        self.store = open_bench_store(self.folder)
        self.audit = Audit(self.store, lambda: self.now)
        self.vault = Vault(KEY)
        self.desk = self.another()
        self.official = self.desk.officials_book.add(
            HEAD, Signing("I Made Contoh", "Perbekel Sukamaju"), account="made"
        )

    def another(self, letters_toml: str | None = None) -> Desk:
        """A desk over the same store, as after a restart or with another hub.toml."""
        said = self.letters_toml if letters_toml is None else letters_toml
        return Desk(
            Means(
                store=self.store,
                vault=self.vault,
                audit=self.audit,
                register=self.register,
                kinds=ALL_KINDS,
                config=hub_config.parse(f"{HUB_TOML}\n{said}"),
                clock=lambda: self.now,
                clock_is_known=lambda: self.clock_is_known,
                is_practice=self.is_practice,
            )
        )

    def key(self) -> str:
        """A form's key that no other form has."""
        self.keys += 1
        return f"key-{self.keys:018d}"

    def submitted(self, slug: str = PLAIN, actor: Actor = RESIDENT) -> Letter:
        """A letter that has just been asked for."""
        receipt = self.desk.submit(actor, self.key(), slug, answers=NO_ANSWERS, resident_id=SOMEBODY)
        return self.seen(receipt.letter_id)

    def seen(self, letter_id: int) -> Letter:
        """The letter as it is now."""
        return self.desk.get(LOOK, letter_id)

    def verified(self, slug: str = PLAIN, actor: Actor = RESIDENT) -> Letter:
        """A letter that waits for approval."""
        letter = self.submitted(slug, actor)
        self.desk.verify(OPERATOR, letter.id, letter.version)
        return self.seen(letter.id)

    def approved(self, slug: str = PLAIN, date: datetime.date | None = None) -> Letter:
        """A letter with a number."""
        letter = self.verified(slug)
        self.desk.approve(HEAD, letter.id, self.official, letter.version, date)
        return self.seen(letter.id)

    def signed(self, slug: str = PLAIN) -> Letter:
        """A letter signed by hand."""
        letter = self.approved(slug)
        self.desk.sign_by_hand(OPERATOR, letter.id, letter.version)
        return self.seen(letter.id)

    def numbers(self) -> list[tuple[str, int, int]]:
        """All numbers that were given: series, year, serial."""
        with self.store.reading() as db:
            return [
                (series, year, serial)
                for series, year, serial in db.execute(
                    "SELECT series, year, serial FROM letter_numbers ORDER BY series, year, serial"
                )
            ]


NO_ANSWERS: Final = Answers({})
_TABLES: Final = (audit.MIGRATIONS, tables.MIGRATIONS, marks.MIGRATIONS)


def open_bench_store(folder: Path) -> Store:
    """The tables that a desk works on; made once, since making them takes half a second."""
    path = folder / "kiosk.db"
    if not path.exists():
        path.write_bytes(_empty())
    return open_store(path, _TABLES)


@functools.cache
def _empty() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kiosk.db"
        open_store(path, _TABLES).close()
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return path.read_bytes()


def give_number(bench: Bench, date: datetime.date | None = None, slug: str = PLAIN) -> Number:
    """Approve one more letter, and return its number."""
    number = bench.approved(slug, date).number
    assert number is not None
    return number


def steps_of(letter: Letter) -> list[Step]:
    """What was done with it, in its order."""
    return [past.step for past in letter.history]
