"""The brake on guessing: failures in a row are counted for names, devices and pairs of them, and the next try waits.

Passwords and codes of a second factor share it. Functions work within a transaction of the store with the accounts.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from appliance.store.database import Database


@dataclass(frozen=True, slots=True)
class Brake:
    """After ``free`` failures in a row the next attempt waits ``first_seconds``, each further one twice as long."""

    free: int
    first_seconds: int
    longest_seconds: int


# Strict for one device that tries one name; a name alone is only slowed, since anybody may write anybody's name into
# the form. At 60 s a whole botnet has 1,440 tries a day at a password of at least 10 letters.
# Who tries codes of a second factor has the password already, and a code is six digits of which three are right at any
# moment: 24 tries a day find one in 40 years.
BRAKES: Final = {
    "pair": Brake(5, 30, 900),
    "device": Brake(20, 30, 900),
    "name": Brake(100, 2, 60),
    "code": Brake(10, 60, 3600),
}
# Where a person has logged in before, only their own mistakes there count: others cannot lock them out from elsewhere.
KNOWN_DEVICE_SECONDS: Final = 30 * 86_400
FAILURES_FORGOTTEN_AFTER_SECONDS: Final = 86_400
# A crowd of made-up names must not fill the disk; the oldest failures go first.
FAILURE_ROWS_MAX: Final = 15_000


def wait_after(kind: str, count: int) -> int:
    """Say for how many seconds an attempt must wait after ``count`` failures in a row; ``kind`` is one of `BRAKES`."""
    brake = BRAKES[kind]
    beyond = count - brake.free
    return 0 if beyond < 0 else min(brake.longest_seconds, brake.first_seconds * 2 ** min(beyond, 10))


def wait_seconds(db: Database, subjects: dict[str, str], now: int) -> int:
    """Say how long this try must wait, 0 when it need not."""
    longest = 0
    known = db.execute(
        "SELECT 1 FROM known_devices WHERE pair = ? AND seen_seconds > ?",
        [subjects["pair"], now - KNOWN_DEVICE_SECONDS],
    ).fetchone()
    for kind, subject in subjects.items():
        if known and kind != "pair":
            continue
        for row in db.rows("SELECT * FROM failures WHERE kind = ? AND subject = ?", [kind, subject]):
            if row["last_seconds"] > now:
                # The clock was set back: without this the wait would last until it has caught up.
                db.execute("UPDATE failures SET last_seconds = ? WHERE kind = ? AND subject = ?", [now, kind, subject])
            since = max(0, now - row["last_seconds"])
            longest = max(longest, wait_after(kind, row["count"]) - since)
    return longest


def count_failure(db: Database, subjects: dict[str, str], now: int) -> None:
    """Count a try that failed, or that is about to be judged."""
    db.execute("DELETE FROM failures WHERE last_seconds <= ?", [now - FAILURES_FORGOTTEN_AFTER_SECONDS])
    for kind, subject in subjects.items():
        db.execute(
            "INSERT INTO failures (kind, subject, count, last_seconds) VALUES (?, ?, 1, ?)"
            " ON CONFLICT (kind, subject) DO UPDATE SET count = count + 1, last_seconds = excluded.last_seconds",
            [kind, subject, now],
        )
    db.execute(
        "DELETE FROM failures WHERE rowid IN (SELECT rowid FROM failures ORDER BY last_seconds DESC LIMIT -1 OFFSET ?)",
        [FAILURE_ROWS_MAX],
    )


def subjects_of(name: str, device: str) -> dict[str, str]:
    """Say for whom a try of ``name`` from ``device`` is counted."""
    # Names as digests: people type their password into the wrong field.
    who = digest(name)
    return {"pair": f"{who}@{device}", "device": device, "name": who}


def forgive(db: Database, subjects: dict[str, str]) -> None:
    """Forget this name's failures here, and elsewhere only the one just counted: others guess from there too."""
    db.execute("DELETE FROM failures WHERE kind = 'pair' AND subject = ?", [subjects["pair"]])
    for kind in ("device", "name"):
        db.execute("UPDATE failures SET count = count - 1 WHERE kind = ? AND subject = ?", [kind, subjects[kind]])
    db.execute("DELETE FROM failures WHERE count <= 0")


def remember(db: Database, subjects: dict[str, str], now: int) -> None:
    """Remember that this person logged in at this device."""
    db.execute("DELETE FROM known_devices WHERE seen_seconds <= ?", [now - KNOWN_DEVICE_SECONDS])
    db.execute("INSERT OR REPLACE INTO known_devices (pair, seen_seconds) VALUES (?, ?)", [subjects["pair"], now])


def digest(text: str) -> str:
    """SHA-256 as hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
