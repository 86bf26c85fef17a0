"""Budgets in the database: time and data, for one grant or for all devices of a voucher or an account.

A budget's time is not written down as it passes. Its lease began at a second of one boot; how far that boot came is one
row for all (`note`). A new boot gives each budget what was left then (`carry_over`).
"""

from __future__ import annotations

from typing import Any, Final

from appliance.store.database import Database
from captive_portal.now import Now
from captive_portal.rules import Budget

COLUMNS: Final = (
    "budgets.id AS budget, lease_seconds, budgets.boot_id, budgets.boot_seconds, quota_bytes, used_bytes,"
    " coalesce(checkpoints.boot_seconds, budgets.boot_seconds) AS noted_boot_seconds"
)
NOTED: Final = "LEFT JOIN checkpoints ON checkpoints.boot_id = budgets.boot_id"


def make(db: Database, lease_seconds: int, quota_bytes: int | None, now: Now, *, is_shared: bool = False) -> int:
    """Make a budget that begins now; return its id. One that is shared outlives its grants: `drop` it yourself."""
    made = db.execute(
        "INSERT INTO budgets (lease_seconds, boot_id, boot_seconds, quota_bytes, is_shared) VALUES (?, ?, ?, ?, ?)",
        (lease_seconds, now.boot_id, now.boot_seconds, quota_bytes, int(is_shared)),
    ).lastrowid
    assert made is not None  # noqa: S101 - an INSERT has one
    return made


def get(db: Database, budget_id: int) -> Budget | None:
    """One budget, as noted last."""
    cursor = db.execute(f"SELECT {COLUMNS} FROM budgets {NOTED} WHERE budgets.id = ?", (budget_id,))  # noqa: S608
    row = cursor.fetchone()
    return budget(dict(zip((column[0] for column in cursor.description), row, strict=True))) if row else None


def extend(db: Database, budget_id: int, seconds: int, now: Now) -> None:
    """Give a budget so many seconds more, from now if it has ended."""
    held = get(db, budget_id)
    if held is None or held.boot_id != now.boot_id:
        return  # an earlier boot's is carried over first, within a second of the start
    begun = max(held.boot_seconds, now.boot_seconds - held.lease_seconds)
    db.execute(
        "UPDATE budgets SET lease_seconds = lease_seconds + ?, boot_seconds = ? WHERE id = ?",
        (seconds, begun, budget_id),
    )


def begin_anew(db: Database, budget_id: int, lease_seconds: int, now: Now) -> None:
    """Let a budget give ``lease_seconds`` from now, whatever it gave before."""
    db.execute(
        "UPDATE budgets SET lease_seconds = ?, boot_id = ?, boot_seconds = ? WHERE id = ?",
        (lease_seconds, now.boot_id, now.boot_seconds, budget_id),
    )


def drop(db: Database, budget_id: int) -> None:
    """Forget a budget that no grant names any more."""
    db.execute("DELETE FROM budgets WHERE id = ?", (budget_id,))


def note(db: Database, now: Now) -> None:
    """Note how far this boot came: what its budgets have left if the power goes now."""
    db.execute(
        "INSERT INTO checkpoints (boot_id, boot_seconds) VALUES (?, ?)"
        " ON CONFLICT (boot_id) DO UPDATE SET boot_seconds = excluded.boot_seconds",
        (now.boot_id, now.boot_seconds),
    )


def noted(db: Database, now: Now) -> int | None:
    """The second of this boot that was noted last, None before the first."""
    row = db.execute("SELECT boot_seconds FROM checkpoints WHERE boot_id = ?", (now.boot_id,)).fetchone()
    return int(row[0]) if row else None


def carry_over(db: Database, now: Now) -> int:
    """Bring the budgets of earlier boots into this one; return the second of this boot that was noted last.

    Done twice in a boot it changes nothing more.
    """
    values = {"boot_id": now.boot_id, "now": now.boot_seconds}
    db.execute(
        """
        UPDATE budgets SET boot_id = :boot_id, boot_seconds = :now, lease_seconds = max(0, lease_seconds - max(0,
            coalesce((SELECT boot_seconds FROM checkpoints WHERE boot_id = budgets.boot_id), 0) - boot_seconds))
        WHERE boot_id != :boot_id
        """,
        values,
    )
    # The kernel began to count at 0 again.
    db.execute("UPDATE grants SET counter_sent = 0, counter_received = 0 WHERE NOT EXISTS"
               " (SELECT 1 FROM checkpoints WHERE boot_id = :boot_id)", values)  # fmt: skip
    db.execute("DELETE FROM checkpoints WHERE boot_id != :boot_id", values)
    before = noted(db, now)
    if before is None:
        note(db, now)
    return now.boot_seconds if before is None else before


def budget(row: dict[str, Any]) -> Budget:
    """Make a budget of a row with `COLUMNS`."""
    return Budget(
        row["budget"], row["lease_seconds"], row["boot_id"], row["boot_seconds"],
        max(row["boot_seconds"], row["noted_boot_seconds"]), row["quota_bytes"], row["used_bytes"],
    )  # fmt: skip
