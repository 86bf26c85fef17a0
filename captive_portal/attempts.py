"""The brake on guessing codes: who typed wrong ones, and how long they wait. Durable.

A device (its MAC, and its address) that types `FREE_COUNT` wrong codes waits, longer with each further one. Nothing a
device does makes another one wait: when the whole box hears more than `BOX_COUNT_MAX` wrong codes a minute, those who
type wrong ones wait sooner, and a right code of anybody else is taken as ever. Codes of 50 bits allow that: a /20
full of phones that each wait their time out tries six a second, and a year of that finds one of a thousand live
vouchers with a chance of 2 in 10,000.

A box has no clock that lasts. Waits are counted in seconds of one boot; one that an earlier boot began starts anew with
this boot, so that pulling the plug shortens none, and none outlasts its own length from the last start of the box.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from appliance.gate.protocol import Client
from appliance.store.database import Database
from appliance.store.migrations import Migrations
from captive_portal.now import Now

if TYPE_CHECKING:
    import sqlite_utils

FREE_COUNT: Final = 5
WINDOW_SECONDS: Final = 600  # wrong codes are forgotten so long after the last wait
FIRST_WAIT_SECONDS: Final = 30
LONGEST_WAIT_SECONDS: Final = 900
BOX_COUNT_MAX: Final = 60  # a minute
FREE_COUNT_UNDER_ATTACK: Final = 1
# Made-up MACs must not fill the disk; those who waited longest go first.
ROWS_MAX: Final = 10_000

_BOX: Final = ("box", "")

MIGRATIONS: Final = Migrations("attempts")


@MIGRATIONS()
def m001_attempts(db: sqlite_utils.Database) -> None:
    """Wrong codes by device, and by box."""
    db.executescript(
        """
        CREATE TABLE attempts (
            kind TEXT NOT NULL CHECK (kind IN ('mac', 'address', 'box')),
            subject TEXT NOT NULL,
            count INTEGER NOT NULL,
            wait_seconds INTEGER NOT NULL,
            boot_id TEXT NOT NULL,
            boot_seconds INTEGER NOT NULL,
            PRIMARY KEY (kind, subject)
        ) STRICT;
        """
    )


def wait_after(count: int, *, under_attack: bool = False) -> int:
    """For how many seconds a device waits after ``count`` wrong codes."""
    beyond = count - (FREE_COUNT_UNDER_ATTACK if under_attack else FREE_COUNT)
    return 0 if beyond < 0 else min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(beyond, 10))


def wait_seconds(db: Database, client: Client, now: Now) -> int:
    """For how many seconds a device must still wait; 0 when it may type a code."""
    longest = 0
    for subject in _subjects(client):
        row = _row(db, subject)
        if row:
            longest = max(longest, row["wait_seconds"] - _since(row, now))
    return longest


def count_wrong(db: Database, client: Client, now: Now) -> int:
    """Note a wrong code; returns for how many seconds the device waits now. For use within a transaction."""
    _forget(db, now)
    under_attack = _count_at_box(db, now) > BOX_COUNT_MAX
    longest = 0
    for subject in _subjects(client):
        row = _row(db, subject)
        count = 1 + (row["count"] if row else 0)
        wait = wait_after(count, under_attack=under_attack)
        _write(db, subject, count, wait, now)
        longest = max(longest, wait)
    return longest


def _count_at_box(db: Database, now: Now) -> int:
    """A bucket that leaks one each second: it holds more than a minute's worth only under attack."""
    row = _row(db, _BOX)
    level = max(0, row["count"] - _since(row, now) * BOX_COUNT_MAX // 60) if row else 0
    level = min(level + 1, 2 * BOX_COUNT_MAX)  # so that an attack is over a minute after its last code
    _write(db, _BOX, level, 0, now)
    return level


def _subjects(client: Client) -> tuple[tuple[str, str], ...]:
    return ("mac", client.mac), ("address", client.address)


def _row(db: Database, subject: tuple[str, str]) -> dict[str, Any] | None:
    return next(iter(db.rows("SELECT * FROM attempts WHERE kind = ? AND subject = ?", subject)), None)


def _since(row: dict[str, Any], now: Now) -> int:
    """Seconds since a row was written, as far as this boot knows: one of an earlier boot as if it was at its start."""
    return max(0, now.boot_seconds - (row["boot_seconds"] if row["boot_id"] == now.boot_id else 0))


def _write(db: Database, subject: tuple[str, str], count: int, wait: int, now: Now) -> None:
    db.execute(
        "INSERT OR REPLACE INTO attempts (kind, subject, count, wait_seconds, boot_id, boot_seconds)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [*subject, count, wait, now.boot_id, now.boot_seconds],
    )


def _forget(db: Database, now: Now) -> None:
    db.execute(
        "DELETE FROM attempts WHERE wait_seconds + :window <= :now - iif(boot_id = :boot_id, boot_seconds, 0)",
        {"window": WINDOW_SECONDS, "now": now.boot_seconds, "boot_id": now.boot_id},
    )
    if db.execute("SELECT count(*) FROM attempts").fetchone()[0] <= ROWS_MAX:
        return  # sorting them all for each wrong code would cost more than the code
    db.execute(
        "DELETE FROM attempts WHERE rowid IN (SELECT rowid FROM attempts WHERE kind != 'box'"
        " ORDER BY boot_id = ? DESC, boot_seconds DESC LIMIT -1 OFFSET ?)",
        [now.boot_id, ROWS_MAX],
    )
