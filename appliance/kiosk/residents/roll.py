"""All residents by name, in memory: what a search looks through, since the database shows no names.

5,000 residents take about 4 MB. The roll follows the register by its generation, so that what another program changes
is seen with the next search, and only what changed is opened.
"""

from __future__ import annotations

import datetime
import sys
import threading
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from appliance.kiosk.residents import nik
from appliance.kiosk.residents.person import resident
from appliance.store.database import Database

Opened = Callable[[int, bytes], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Found:
    """Somebody whom a search found; no more than it takes to tell people of one name apart."""

    id: int
    name: str
    masked_nik: str
    birth_date: datetime.date | None
    dusun: str
    rw: str
    rt: str
    status: str


@dataclass(frozen=True, slots=True)
class _Line:
    """``folded`` is a space and the name in small plain letters, ``area`` likewise."""

    folded: str
    area: str
    status: str
    found: Found


class Roll:
    """The names of one register.

    Args:
        opened: gives the columns of a resident by number and sealed record.
    """

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._lock = threading.Lock()
        self._generation = -1
        self._by_id: dict[int, _Line] = {}
        self._sorted: list[_Line] = []
        self._dusuns: list[str] = []

    def search(self, db: Database, text: str, dusun: str, status: str) -> list[Found]:
        """Find by the beginnings of names, in their order; an empty text, dusun or status does not narrow."""
        lines = self._lines(db)
        if status:
            lines = [line for line in lines if line.status == status]
        if area := folded(dusun):
            lines = [line for line in lines if line.area == area]
        # One pass for each word: each is much shorter than the one before.
        for word in folded(text).split():
            begin = f" {word}"
            lines = [line for line in lines if begin in line.folded]
        return [line.found for line in lines]

    def dusuns(self, db: Database) -> list[str]:
        """The names of all dusun somebody lives in, in their order."""
        self._lines(db)
        return self._dusuns

    def _lines(self, db: Database) -> list[_Line]:
        with self._lock:
            ((generation,),) = db.execute("SELECT number FROM residents_generation")
            if generation != self._generation:
                self._follow(db, generation)
            return self._sorted

    def _follow(self, db: Database, generation: int) -> None:
        if generation < self._generation:  # another database came into its place
            self._generation = -1
            self._by_id = {}
        rows = db.execute("SELECT id, sealed FROM residents WHERE generation > ?", [self._generation])
        for id_, sealed in rows:
            self._by_id[id_] = _line(id_, self._opened(id_, sealed))
        self._sorted = sorted(self._by_id.values(), key=lambda line: (line.folded, line.found.id))
        by_area = {line.area: line.found.dusun for line in self._sorted if line.area}
        self._dusuns = [by_area[area] for area in sorted(by_area)]
        self._generation = generation


def folded(text: str) -> str:
    """Small letters without accents, and one space between words."""
    plain = text if text.isascii() else unicodedata.normalize("NFKD", text)
    return " ".join("".join(each if each.isalnum() else " " for each in plain.casefold() if each not in "'`’ʼ"
                            and not unicodedata.combining(each)).split())  # fmt: skip


def _line(id_: int, values: Mapping[str, str]) -> _Line:
    one = resident(id_, 0, values)
    same = sys.intern  # many live in one dusun
    found = Found(
        id_,
        one.name,
        nik.mask(one.nik),
        one.birth_date,
        same(one.dusun),
        same(one.rw),
        same(one.rt),
        same(one.status.value),
    )
    return _Line(f" {folded(one.name)}", same(folded(one.dusun)), found.status, found)
