"""Hours in a NOC's store for benches: one summary for many hubs, written in SQL."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

HOURS: Final = 7 * 24
_HOUR_MS: Final = 3_600_000


def fill_hours(path: Path, hub_ids: Sequence[str], now_ms: int, samples: bytes) -> None:
    """Give each hub seven days of hours until ``now_ms``, with the packed samples of one."""
    last = now_ms // _HOUR_MS
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        # Only while it is made: what is measured opens the file in its own way.
        db.execute("PRAGMA synchronous=OFF")
        for hour in range(last - HOURS, last):
            db.execute("BEGIN IMMEDIATE")
            rows = ((hour * _HOUR_MS, hub_id, samples) for hub_id in hub_ids)
            db.executemany("INSERT OR IGNORE INTO hour VALUES (?, ?, 60, ?)", rows)
            db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
