"""Marks of letters in PostgreSQL: as `noc.store.letters` keeps them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from noc.store.contract import ArrivedMarks, KeptMark, SetAside
from noc.store.letters import COLUMNS, foreign_letters, kept, values
from noc.store.postgres_server import Connection

_PUT: Final = (
    f"INSERT INTO letter (digest, {COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (digest) DO UPDATE SET"  # noqa: S608 - constants
    " received_ms = CASE WHEN excluded.is_void AND NOT letter.is_void THEN excluded.received_ms"
    " ELSE letter.received_ms END, is_void = letter.is_void OR excluded.is_void WHERE letter.hub_id = excluded.hub_id"
)


def put(db: Connection, arrived: Iterable[ArrivedMarks]) -> list[SetAside]:
    """Keep marks; return what is to go aside, since the letters are another hub's."""
    aside = []
    for one in arrived:
        foreign = [mark for mark in one.marks if not db.execute(_PUT, values(one, mark)).rowcount]
        aside += foreign_letters(one, foreign)
    return aside


def get(db: Connection, digest: bytes) -> KeptMark | None:
    """What is known of a letter; None where no hub has told of it."""
    row = db.execute(f"SELECT {COLUMNS} FROM letter WHERE digest = %s", (digest,)).fetchone()  # noqa: S608 - constants
    return None if row is None else kept(digest, row)
