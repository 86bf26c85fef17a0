"""Which records were ever kept is not known for ever (`noc.store.forgetting`), in PostgreSQL."""

from __future__ import annotations

from noc.store.forgetting import BEGIN, HELD_KEPT_DAYS, SCANNED, Place
from noc.store.kept import DAY_MS
from noc.store.postgres_server import Connection


def forget(db: Connection, after: Place, before_ms: int) -> tuple[int, Place]:
    """Look through some rows behind ``after``, and delete those that were not written to for `HELD_KEPT_DAYS`."""
    day = before_ms // DAY_MS
    end = db.execute(
        "SELECT hub_id, boot_id, first FROM held WHERE (hub_id, boot_id, first) > (%s, %s, %s)"
        " ORDER BY hub_id, boot_id, first LIMIT 1 OFFSET %s",
        (*after, SCANNED - 1),
    ).fetchone()
    where, values = "(hub_id, boot_id, first) > (%s, %s, %s)", after
    if end is not None:
        where, values = f"{where} AND (hub_id, boot_id, first) <= (%s, %s, %s)", (*after, *end)
    gone = db.execute(
        f"DELETE FROM held WHERE {where} AND seen_day < %s AND seen_day > 0 RETURNING hub_id, boot_id",  # noqa: S608 - constants
        (*values, day - HELD_KEPT_DAYS),
    ).fetchall()
    db.execute(f"UPDATE held SET seen_day = %s WHERE {where} AND seen_day = 0", (day, *values))  # noqa: S608 - constants
    if gone:
        hubs, boots = zip(*set(gone), strict=True)
        db.execute(
            "DELETE FROM anchor USING unnest(%s::text[], %s::bytea[]) AS gone (hub_id, boot_id)"
            " WHERE anchor.hub_id = gone.hub_id AND anchor.boot_id = gone.boot_id AND NOT EXISTS"
            " (SELECT 1 FROM held WHERE held.hub_id = anchor.hub_id AND held.boot_id = anchor.boot_id)",
            (list(hubs), list(boots)),
        )
    return len(gone), (BEGIN if end is None else end)
