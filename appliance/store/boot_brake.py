"""A brake on guessing that counts in seconds of one boot: for a box whose wall clock may be wrong, and may jump.

Who is wrong `FREE_COUNT` times waits, longer with each further time. When the whole box hears more than
`BOX_COUNT_MAX` wrong ones a minute, those who are wrong wait sooner, and who is right is let in as ever.

A wait that an earlier boot began starts anew with this boot, so that pulling the plug shortens none, and none outlasts
its own length from the last start of the box. Functions work within a transaction of the store that has the table, with
the columns ``kind``, ``subject`` (the two are its key), ``count``, ``wait_seconds``, ``boot_id`` and ``boot_seconds``.

`appliance.store.brake` counts in wall time, for people who log in on the NOC or in the office.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Protocol

from appliance.store.database import Database

FREE_COUNT: Final = 5
WINDOW_SECONDS: Final = 600  # wrong ones are forgotten so long after the last wait
FIRST_WAIT_SECONDS: Final = 30
LONGEST_WAIT_SECONDS: Final = 900
BOX_COUNT_MAX: Final = 60  # a minute
FREE_COUNT_UNDER_ATTACK: Final = 1
# Made-up MACs must not fill the disk; those who waited longest go first.
ROWS_MAX: Final = 10_000

_BOX: Final = ("box", "")


class Moment(Protocol):
    """A second of one boot."""

    @property
    def boot_id(self) -> str: ...

    @property
    def boot_seconds(self) -> int: ...


def wait_after(count: int, *, under_attack: bool = False) -> int:
    """For how many seconds one waits after ``count`` wrong ones."""
    beyond = count - (FREE_COUNT_UNDER_ATTACK if under_attack else FREE_COUNT)
    return 0 if beyond < 0 else min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(beyond, 10))


class BootBrake:
    """Who was wrong, and how long they wait.

    Args:
        table: its name, a constant of the program.
    """

    def __init__(self, table: str) -> None:
        self._table = table

    def wait_seconds(self, db: Database, subjects: Iterable[tuple[str, str]], now: Moment) -> int:
        """For how many seconds the next try must still wait; 0 when it need not.

        Args:
            db: in a transaction, or to read.
            subjects: who tries: pairs of a kind, such as ``mac``, and which one.
            now: the boot's clock.
        """
        longest = 0
        for subject in subjects:
            row = self._row(db, subject)
            if row:
                longest = max(longest, row["wait_seconds"] - _since(row, now))
        return longest

    def count_wrong(self, db: Database, subjects: Iterable[tuple[str, str]], now: Moment) -> int:
        """Note a wrong one; returns for how many seconds its subjects wait now."""
        self._forget(db, now)
        under_attack = self._count_at_box(db, now) > BOX_COUNT_MAX
        longest = 0
        for subject in subjects:
            row = self._row(db, subject)
            count = 1 + (row["count"] if row else 0)
            wait = wait_after(count, under_attack=under_attack)
            self._write(db, subject, count, wait, now)
            longest = max(longest, wait)
        return longest

    def forgive(self, db: Database, subject: tuple[str, str]) -> None:
        """Forget what was counted for one subject."""
        db.execute(f"DELETE FROM {self._table} WHERE kind = ? AND subject = ?", subject)  # noqa: S608 - a constant

    def _count_at_box(self, db: Database, now: Moment) -> int:
        """A bucket that leaks one each second: it holds more than a minute's worth only under attack."""
        row = self._row(db, _BOX)
        level = max(0, row["count"] - _since(row, now) * BOX_COUNT_MAX // 60) if row else 0
        level = min(level + 1, 2 * BOX_COUNT_MAX)  # so that an attack is over a minute after its last try
        self._write(db, _BOX, level, 0, now)
        return level

    def _row(self, db: Database, subject: tuple[str, str]) -> dict[str, Any] | None:
        sql = f"SELECT * FROM {self._table} WHERE kind = ? AND subject = ?"  # noqa: S608 - a constant
        return next(iter(db.rows(sql, subject)), None)

    def _write(self, db: Database, subject: tuple[str, str], count: int, wait: int, now: Moment) -> None:
        db.execute(
            f"INSERT OR REPLACE INTO {self._table} (kind, subject, count, wait_seconds, boot_id, boot_seconds)"  # noqa: S608 - a constant
            " VALUES (?, ?, ?, ?, ?, ?)",
            [*subject, count, wait, now.boot_id, now.boot_seconds],
        )

    def _forget(self, db: Database, now: Moment) -> None:
        db.execute(
            f"DELETE FROM {self._table}"  # noqa: S608 - a constant
            " WHERE wait_seconds + :window <= :now - iif(boot_id = :boot_id, boot_seconds, 0)",
            {"window": WINDOW_SECONDS, "now": now.boot_seconds, "boot_id": now.boot_id},
        )
        if db.execute(f"SELECT count(*) FROM {self._table}").fetchone()[0] <= ROWS_MAX:  # noqa: S608 - a constant
            return  # sorting them all for each wrong one would cost more than the try
        db.execute(
            f"DELETE FROM {self._table} WHERE rowid IN (SELECT rowid FROM {self._table} WHERE kind != 'box'"  # noqa: S608 - a constant
            " ORDER BY boot_id = ? DESC, boot_seconds DESC LIMIT -1 OFFSET ?)",
            [now.boot_id, ROWS_MAX],
        )


def _since(row: dict[str, Any], now: Moment) -> int:
    """Seconds since a row was written, as far as this boot knows: one of an earlier boot as if it was at its start."""
    return max(0, now.boot_seconds - (row["boot_seconds"] if row["boot_id"] == now.boot_id else 0))
