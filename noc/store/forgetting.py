"""Which records were ever kept is not known for ever: what of a boot was not heard for 400 days is let go, in SQLite.

No box sends records that old twice, but one that lay switched off for more than a year with some that were never
acknowledged to it. They would then be kept again; hours, days and outages that old are not made any more (ADR 0084).
"""

from __future__ import annotations

from typing import Final

from appliance.store.database import Database
from noc.store.kept import DAY_MS

HELD_KEPT_DAYS: Final = 400
SCANNED: Final = 20_000  # rows of one step: a few milliseconds, and some days for all of a country's

Place = tuple[str, bytes, int]
BEGIN: Final[Place] = ("", b"", -1)
_DAY_MIN: Final = 18_262  # 2020-01-01: what a NOC wrote down earlier than that it wrote by a clock that was wrong


def seen_day(received_ms: int) -> int:
    """Count the days from 1970 to that on which something came; 0, which a later look replaces, if absurd."""
    day = received_ms // DAY_MS
    return day if day >= _DAY_MIN else 0


def forget(db: Database, after: Place, before_ms: int) -> tuple[int, Place]:
    """Look through some rows behind ``after``, and delete those that were not written to for `HELD_KEPT_DAYS`.

    Counted back from ``before_ms``. Returns how many went, and from where to go on: from the beginning after the last.
    Rows of earlier releases have no day yet, and get one.
    """
    day = before_ms // DAY_MS
    end = db.execute(
        "SELECT hub_id, boot_id, first FROM held WHERE (hub_id, boot_id, first) > (?, ?, ?)"
        " ORDER BY hub_id, boot_id, first LIMIT 1 OFFSET ?",
        (*after, SCANNED - 1),
    ).fetchone()
    where, values = "(hub_id, boot_id, first) > (?, ?, ?)", after
    if end is not None:
        where, values = f"{where} AND (hub_id, boot_id, first) <= (?, ?, ?)", (*after, *end)
    db.execute(f"UPDATE held SET seen_day = ? WHERE {where} AND seen_day = 0", (day, *values))  # noqa: S608 - constants
    gone = db.execute(
        f"DELETE FROM held WHERE {where} AND seen_day < ? RETURNING hub_id, boot_id",  # noqa: S608 - constants
        (*values, day - HELD_KEPT_DAYS),
    ).fetchall()
    # Of a boot that has no record any more it need not be known when it began.
    db.executemany(
        "DELETE FROM anchor WHERE hub_id = ? AND boot_id = ? AND NOT EXISTS"
        " (SELECT 1 FROM held WHERE held.hub_id = anchor.hub_id AND held.boot_id = anchor.boot_id)",
        sorted(set(gone)),
    )
    return len(gone), (BEGIN if end is None else end)
