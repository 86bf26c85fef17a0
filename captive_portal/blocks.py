"""Devices that the office keeps out. Called within a transaction, so that the action is written down with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from appliance.store.database import Database
from captive_portal import budgets, local_time
from captive_portal.now import Now
from captive_portal.rules import Block, remaining_seconds


def add(db: Database, block: Block, now: Now) -> None:
    """Keep a device out for its ``remaining_seconds`` from now, or until `remove`; a block that it had is replaced.

    The keeper ends what it has within 2 s.
    """
    remove(db, block.mac)
    seconds = block.remaining_seconds
    budget_id = budgets.make(db, seconds, None, now, is_shared=True) if seconds is not None else None
    until_wall = now.wall_seconds + seconds if seconds is not None and local_time.is_known(now) else None
    db.execute(
        "INSERT INTO blocks (mac, budget_id, until_wall, by, why, since_wall) VALUES (?, ?, ?, ?, ?, ?)",
        (block.mac, budget_id, until_wall, block.by, block.why, block.since_wall_seconds),
    )


def remove(db: Database, mac: str) -> bool:
    """Let ``mac`` in again; tell whether it was kept out."""
    row = db.execute("DELETE FROM blocks WHERE mac = ? RETURNING budget_id", (mac,)).fetchone()
    if row and row[0] is not None:
        budgets.drop(db, row[0])
    return row is not None


def of(db: Database, mac: str, now: Now) -> Block | None:
    """The block of ``mac`` that holds now."""
    return in_force(db, now, mac).get(mac)


def in_force(db: Database, now: Now, mac: str | None = None) -> Mapping[str, Block]:
    """All blocks that hold now (or that of one ``mac``), newest first."""
    cursor = db.execute(
        f"SELECT blocks.*, {budgets.COLUMNS} FROM blocks LEFT JOIN budgets ON budgets.id = blocks.budget_id"  # noqa: S608
        f" {budgets.NOTED} WHERE blocks.mac = coalesce(:mac, blocks.mac) ORDER BY since_wall DESC, blocks.rowid DESC",
        {"mac": mac},
    )
    names = [column[0] for column in cursor.description]
    found = (_block(dict(zip(names, row, strict=True)), now) for row in cursor)
    return {block.mac: block for block in found if block.remaining_seconds != 0}


def drop_ended(db: Database, now: Now) -> None:
    """Forget blocks that have ended."""
    held = in_force(db, now)
    for (mac,) in db.execute("SELECT mac FROM blocks").fetchall():
        if mac not in held:
            remove(db, mac)


def _block(row: dict[str, Any], now: Now) -> Block:
    """Counted in the box's own time; where the date was and is known, it ends no later than said."""
    left = None if row["budget_id"] is None else remaining_seconds(budgets.budget(row), now)
    if left is not None and row["until_wall"] is not None and local_time.is_known(now):
        left = max(0, min(left, row["until_wall"] - now.wall_seconds))
    return Block(row["mac"], left, row["by"], row["why"], row["since_wall"])
