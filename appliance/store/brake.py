"""The brake on guessing: failures in a row are counted for names, devices and pairs of them, and the next try waits.

Passwords and codes of a second factor share one `Book`; residents' PINs have another. Functions work within a
transaction of the store with the book's tables.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from appliance.store.database import Database


@dataclass(frozen=True, slots=True)
class Brake:
    """After ``free`` failures in a row the next attempt waits ``first_seconds``, each further one twice as long.

    Where ``fades_seconds`` is set, one failure is forgotten for each so many seconds without any: what many people
    share would otherwise add up their honest mistakes for ever.
    """

    free: int
    first_seconds: int
    longest_seconds: int
    fades_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Book:
    """What is counted, and in which tables of the database."""

    brakes: Mapping[str, Brake]
    failures: str
    known_devices: str


# Strict for one device that tries one name; a name alone is only slowed, since anybody may write anybody's name into
# the form. At 60 s a whole botnet has 1,440 tries a day at a password of at least 10 letters.
# Who tries codes of a second factor has the password already, and a code is six digits of which three are right at any
# moment: 24 tries a day find one in 40 years.
BRAKES: Final = MappingProxyType(
    {
        "pair": Brake(5, 30, 900),
        "device": Brake(20, 30, 900),
        "name": Brake(100, 2, 60),
        "code": Brake(10, 60, 3600),
    }
)
ACCOUNTS: Final = Book(BRAKES, "failures", "known_devices")
# Where a person has logged in before, only their own mistakes there count: others cannot lock them out from elsewhere.
KNOWN_DEVICE_SECONDS: Final = 30 * 86_400
FAILURES_FORGOTTEN_AFTER_SECONDS: Final = 86_400
# A crowd of made-up names must not fill the disk; the oldest failures go first.
FAILURE_ROWS_MAX: Final = 15_000
# Counted for a try that turns out right, and taken back then: others guess from there, and at this name, too.
_TAKEN_BACK: Final = ("device", "name", "box")


def wait_after(brake: Brake, count: int) -> int:
    """Say for how many seconds an attempt must wait after ``count`` failures in a row."""
    beyond = count - brake.free
    return 0 if beyond < 0 else min(brake.longest_seconds, brake.first_seconds * 2 ** min(beyond, 10))


def wait_seconds(db: Database, subjects: dict[str, str], now: int, book: Book = ACCOUNTS) -> int:
    """Say how long this try must wait, 0 when it need not."""
    longest = 0
    known = db.execute(
        f"SELECT 1 FROM {book.known_devices} WHERE pair = ? AND seen_seconds > ?",  # noqa: S608 - a constant
        [subjects["pair"], now - KNOWN_DEVICE_SECONDS],
    ).fetchone()
    for kind, subject in subjects.items():
        if known and kind != "pair":
            continue
        brake, where = book.brakes[kind], "WHERE kind = ? AND subject = ?"
        for row in db.rows(f"SELECT * FROM {book.failures} {where}", [kind, subject]):  # noqa: S608 - constants
            if row["last_seconds"] > now:
                # The clock was set back: without this the wait would last until it has caught up.
                db.execute(f"UPDATE {book.failures} SET last_seconds = ? {where}", [now, kind, subject])  # noqa: S608
            since = max(0, now - row["last_seconds"])
            faded = since // brake.fades_seconds if brake.fades_seconds else 0
            longest = max(longest, wait_after(brake, row["count"] - faded) - since)
    return longest


def count_failure(db: Database, subjects: dict[str, str], now: int, book: Book = ACCOUNTS) -> None:
    """Count a try that failed, or that is about to be judged."""
    table = book.failures
    db.execute(
        f"DELETE FROM {table} WHERE last_seconds <= ?",  # noqa: S608 - a constant
        [now - FAILURES_FORGOTTEN_AFTER_SECONDS],
    )
    for kind, subject in subjects.items():
        fades = book.brakes[kind].fades_seconds or FAILURES_FORGOTTEN_AFTER_SECONDS
        db.execute(
            f"INSERT INTO {table} (kind, subject, count, last_seconds) VALUES (?, ?, 1, ?)"  # noqa: S608 - a constant
            " ON CONFLICT (kind, subject) DO UPDATE SET last_seconds = excluded.last_seconds,"
            " count = max(0, count - max(0, excluded.last_seconds - last_seconds) / ?) + 1",
            [kind, subject, now, fades],
        )
    db.execute(
        f"DELETE FROM {table} WHERE rowid IN"  # noqa: S608 - a constant
        f" (SELECT rowid FROM {table} ORDER BY last_seconds DESC LIMIT -1 OFFSET ?)",
        [FAILURE_ROWS_MAX],
    )


def subjects_of(name: str, device: str) -> dict[str, str]:
    """Say for whom a try of ``name`` from ``device`` is counted."""
    # Names as digests: people type their password into the wrong field.
    who = digest(name)
    return {"pair": f"{who}@{device}", "device": device, "name": who}


def forgive(db: Database, subjects: dict[str, str], book: Book = ACCOUNTS) -> None:
    """Forget this name's failures here, and elsewhere only the one just counted: others guess from there too."""
    table = book.failures
    db.execute(f"DELETE FROM {table} WHERE kind = 'pair' AND subject = ?", [subjects["pair"]])  # noqa: S608 - a constant
    for kind in subjects.keys() & set(_TAKEN_BACK):
        where = "WHERE kind = ? AND subject = ?"
        db.execute(f"UPDATE {table} SET count = count - 1 {where}", [kind, subjects[kind]])  # noqa: S608 - constants
    db.execute(f"DELETE FROM {table} WHERE count <= 0")  # noqa: S608 - a constant


def remember(db: Database, subjects: dict[str, str], now: int, book: Book = ACCOUNTS) -> None:
    """Remember that this person logged in at this device."""
    table = book.known_devices
    db.execute(f"DELETE FROM {table} WHERE seen_seconds <= ?", [now - KNOWN_DEVICE_SECONDS])  # noqa: S608 - a constant
    db.execute(
        f"INSERT OR REPLACE INTO {table} (pair, seen_seconds) VALUES (?, ?)",  # noqa: S608 - a constant
        [subjects["pair"], now],
    )


def forget(db: Database, who: str, book: Book = ACCOUNTS) -> None:
    """Forget all that was counted for one person, and where they have logged in: after a reset.

    Args:
        db: in a transaction.
        who: the person as the subject of ``name``; a digest.
        book: where it was counted.
    """
    db.execute(
        f"DELETE FROM {book.failures} WHERE kind IN ('name', 'pair', 'code') AND (subject = ? OR subject LIKE ?)",  # noqa: S608 - a constant
        [who, f"{who}@%"],
    )
    db.execute(f"DELETE FROM {book.known_devices} WHERE pair LIKE ?", [f"{who}@%"])  # noqa: S608 - a constant


def digest(text: str) -> str:
    """SHA-256 as hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
