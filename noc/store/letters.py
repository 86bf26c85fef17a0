"""Marks of letters in SQLite: one row for each letter, for ever."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Any, Final

from appliance.core.letter_marks import Mark
from appliance.store.database import Database
from noc.store.contract import ArrivedMarks, AsideKind, KeptMark, SetAside

COLUMNS: Final = "hub_id, title, date, valid_days, is_electronic, is_void, received_ms"
# What was said first stays, but for "void", which is said once and for ever. The row of another hub is left alone.
_PUT: Final = (
    f"INSERT INTO letter (digest, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (digest) DO UPDATE SET"  # noqa: S608 - constants
    " received_ms = CASE WHEN excluded.is_void > letter.is_void THEN excluded.received_ms ELSE letter.received_ms END,"
    " is_void = max(letter.is_void, excluded.is_void) WHERE letter.hub_id = excluded.hub_id"
)


def put(db: Database, arrived: Iterable[ArrivedMarks]) -> list[SetAside]:
    """Keep marks; return what is to go aside, since the letters are another hub's."""
    aside = []
    for one in arrived:
        foreign = [mark for mark in one.marks if not db.execute(_PUT, values(one, mark)).rowcount]
        aside += foreign_letters(one, foreign)
    return aside


def get(db: Database, digest: bytes) -> KeptMark | None:
    """What is known of a letter; None where no hub has told of it."""
    row = db.execute(f"SELECT {COLUMNS} FROM letter WHERE digest = ?", (digest,)).fetchone()  # noqa: S608 - constants
    return None if row is None else kept(digest, row)


def values(arrived: ArrivedMarks, mark: Mark) -> tuple[object, ...]:
    """A row."""
    return (
        mark.digest, arrived.hub_id, mark.title, mark.date.isoformat(), mark.valid_days, mark.is_electronic,
        mark.is_void, arrived.received_ms,
    )  # fmt: skip


def kept(digest: bytes, row: Sequence[Any]) -> KeptMark:
    """The opposite of `values`, but for the digest."""
    hub_id, title, date, valid_days, is_electronic, is_void, received_ms = row
    day = datetime.date.fromisoformat(date)
    return KeptMark(hub_id, Mark(digest, title, day, valid_days, bool(is_electronic), bool(is_void)), received_ms)


def foreign_letters(arrived: ArrivedMarks, foreign: Sequence[Mark]) -> list[SetAside]:
    """What is kept aside of a hub that tells of another's letters: how many, and their digests."""
    if not foreign:
        return []
    reason = f"{len(foreign)} letters of which another hub told first"
    topic, digests = f"desahub/1/{arrived.hub_id}/letter-marks", b"".join(each.digest for each in foreign)
    return [SetAside(topic, AsideKind.OTHER_HUBS_LETTER, reason, digests, arrived.received_ms)]
