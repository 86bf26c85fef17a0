"""Records that came before batches were kept as they came: read where they are, gone as they grow old."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from appliance.core.clock import WallQuality
from appliance.core.report import Record
from appliance.store.database import Database
from noc.store.contract import ArrivedRecord

_COLUMNS = "hub_id, boot_id, sequence, boottime_ms, wall_ms, wall_quality, samples, time_ms, received_ms"


def records(db: Database, hub_id: str, from_ms: int, to_ms: int) -> list[ArrivedRecord]:
    """List a hub's records of a span of time."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM record WHERE hub_id = ? AND time_ms >= ? AND time_ms < ?",  # noqa: S608 - constants
        (hub_id, from_ms, to_ms),
    ).fetchall()
    return [_arrived(row) for row in rows]


def latest(db: Database, hub_id: str, limit: int) -> list[ArrivedRecord]:
    """List a hub's latest records, oldest first."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM record WHERE hub_id = ? AND time_ms IS NOT NULL"  # noqa: S608 - constants
        " ORDER BY time_ms DESC LIMIT ?",
        (hub_id, limit),
    ).fetchall()
    return [_arrived(row) for row in reversed(rows)]


def delete(db: Database, before_ms: int, limit: int) -> int:
    """Delete a few that came before ``before_ms``; return how many."""
    return db.execute(
        "DELETE FROM record WHERE (hub_id, boot_id, sequence) IN ("
        " SELECT hub_id, boot_id, sequence FROM record WHERE received_ms < ? ORDER BY received_ms LIMIT ?)",
        (before_ms, limit),
    ).rowcount


def _arrived(row: Sequence[Any]) -> ArrivedRecord:
    hub_id, boot_id, sequence, boottime_ms, wall_ms, quality, samples, time_ms, received_ms = row
    record = Record(boot_id, sequence, boottime_ms, wall_ms, WallQuality(quality), json.loads(samples))
    return ArrivedRecord(hub_id, record, time_ms, received_ms)
