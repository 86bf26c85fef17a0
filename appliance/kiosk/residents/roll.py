"""All residents by name, in memory: what a search looks through, since the database shows no names.

5,000 residents take about 4 MB. The roll follows the register by its generation, so that what another program changes
is seen with the next search, and only what changed is opened.
"""

from __future__ import annotations

import bisect
import datetime
import itertools
import sys
import threading
import unicodedata
from array import array
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


class _Page:
    """All lines in their order, and their names in one text: to find a word takes one pass in C, not one a line."""

    def __init__(self, lines: list[_Line]) -> None:
        self._lines = lines
        self._text = "\n".join(line.folded for line in lines)
        # Where each line begins in the text.
        self._begins = array("I", itertools.accumulate((len(line.folded) + 1 for line in lines), initial=0))
        self._of_status: dict[str, list[_Line]] = {"": lines}
        for line in lines:
            self._of_status.setdefault(line.status, []).append(line)

    def of_status(self, status: str) -> list[_Line]:
        """Those of one status; of all where it is empty."""
        return self._of_status.get(status, [])

    def with_word(self, word: str) -> list[_Line]:
        """Those with a word that begins so."""
        found, begin, at = [], f" {word}", 0
        while (at := self._text.find(begin, at)) >= 0:
            number = bisect.bisect_right(self._begins, at) - 1
            found.append(self._lines[number])
            at = self._begins[number + 1] - 1  # the end of that line
        return found


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
        self._page = _Page([])
        self._dusuns: list[str] = []

    def search(self, db: Database, text: str, dusun: str, status: str) -> list[Found]:
        """Find by the beginnings of names, in their order; an empty text, dusun or status does not narrow."""
        page = self._current(db)
        # The longest word narrows most; each further one is looked for in much shorter a list.
        words = sorted(set(folded(text).split()), key=len, reverse=True)
        lines = page.with_word(words[0]) if words else page.of_status(status)
        if words and status:
            lines = [line for line in lines if line.status == status]
        if area := folded(dusun):
            lines = [line for line in lines if line.area == area]
        for word in words[1:]:
            begin = f" {word}"
            lines = [line for line in lines if begin in line.folded]
        return [line.found for line in lines]

    def dusuns(self, db: Database) -> list[str]:
        """The names of all dusun somebody lives in, in their order."""
        self._current(db)
        return self._dusuns

    def _current(self, db: Database) -> _Page:
        with self._lock:
            ((generation,),) = db.execute("SELECT number FROM residents_generation")
            if generation != self._generation:
                self._follow(db, generation)
            return self._page

    def _follow(self, db: Database, generation: int) -> None:
        if generation < self._generation:  # another database came into its place
            self._generation = -1
            self._by_id = {}
        rows = db.execute("SELECT id, sealed FROM residents WHERE generation > ?", [self._generation])
        for id_, sealed in rows:
            self._by_id[id_] = _line(id_, self._opened(id_, sealed))
        lines = sorted(self._by_id.values(), key=lambda line: (line.folded, line.found.id))
        self._page = _Page(lines)
        by_area = {line.area: line.found.dusun for line in lines if line.area}
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
