"""The roll finds what looking at every line would find."""

from __future__ import annotations

import json
import sqlite3
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.kiosk.residents.codes import STATUS_OF_CODE, StatusDasar
from appliance.kiosk.residents.roll import Roll, folded
from appliance.store.database import Database

WORDS: Final = st.sampled_from(
    ["Made", "made", "I", "Mad", "Adé", "Ketut", "Ni", "Ma'ruf", "sri", "Sri-Wayan", "  ", "é"]
)
NAMES: Final = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)
PEOPLE: Final = st.lists(st.tuples(NAMES, st.sampled_from(["", "Kaja", "Kelod"]), st.sampled_from(["1", "2", "3"])))


def database() -> Database:
    """The two tables that the roll reads."""
    db = sqlite3.connect(":memory:", factory=Database)
    db.execute("CREATE TABLE residents (id INTEGER PRIMARY KEY, generation INTEGER, sealed TEXT)")
    db.execute("CREATE TABLE residents_generation (number INTEGER)")
    db.execute("INSERT INTO residents_generation VALUES (0)")
    return db


def write(db: Database, people: list[tuple[str, str, str]], first: int = 1) -> None:
    """Write people as the register does: with the next generation."""
    db.execute("UPDATE residents_generation SET number = number + 1")
    for id_, (name, dusun, status) in enumerate(people, first):
        record = json.dumps({"nama": name, "nik": "5103016508900001", "dusun": dusun, "status_dasar": status})
        db.execute(
            "INSERT OR REPLACE INTO residents SELECT ?, number, ? FROM residents_generation",
            [id_, record],
        )


def plainly(people: dict[int, tuple[str, str, str]], text: str, dusun: str, status: str) -> list[int]:
    """The same by looking at every line."""
    found = []
    for id_, (name, area, code) in people.items():
        words = folded(name).split()
        is_named = all(any(word.startswith(asked) for word in words) for asked in folded(text).split())
        is_there = not folded(dusun) or folded(area) == folded(dusun)
        is_so = not status or STATUS_OF_CODE[int(code)].value == status
        if is_named and is_there and is_so:
            found.append((folded(name), id_))
    return [id_ for _, id_ in sorted(found)]


@settings(deadline=None)
@given(
    people=PEOPLE,
    later=PEOPLE,
    text=st.lists(WORDS, max_size=3).map(" ".join),
    dusun=st.sampled_from(["", "kaja", "Kelod", "lain"]),
    status=st.sampled_from(["", *(each.value for each in StatusDasar)]),
)
def test_the_roll_finds_whom_looking_at_each_line_would_find(
    people: list[tuple[str, str, str]], later: list[tuple[str, str, str]], text: str, dusun: str, status: str
) -> None:
    db, known = database(), dict[int, tuple[str, str, str]]()
    roll = Roll(lambda _id, sealed: json.loads(sealed))
    for first, written in ((1, people), (3, later)):  # some are written anew
        write(db, written, first)
        known |= dict(enumerate(written, first))
        assert [one.id for one in roll.search(db, text, dusun, status)] == plainly(known, text, dusun, status)
    db.close()
