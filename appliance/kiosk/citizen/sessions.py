"""Residents' sessions: short at the screen in the hall, longer on a phone of one's own. Time is an argument.

Whole seconds of wall time, as in `appliance.store.accounts`: a clock that was set back ends sessions that seem to begin
in the future.
"""

from __future__ import annotations

import enum
import secrets
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from appliance.store import brake
from appliance.store.accounts import CLOCK_STEP_SECONDS_MAX
from appliance.store.database import Database, Store


class Where(enum.StrEnum):
    """At what kind of screen a session was begun; it counts at no other."""

    HALL = "hall"  # shared: the next person stands behind
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class Limits:
    """A session ends ``idle_seconds`` after its last request, and ``absolute_seconds`` after the login."""

    idle_seconds: int
    absolute_seconds: int


LIMITS: Final = MappingProxyType({Where.HALL: Limits(60, 1_800), Where.PHONE: Limits(900, 7_200)})


@dataclass(frozen=True, slots=True)
class Visit:
    """A session that has not ended. ``must_change`` holds until the PIN from the office was replaced."""

    resident_id: int
    must_change: bool
    seconds_left: int


class Sessions:
    """The sessions in one store, which was opened with `appliance.kiosk.citizen.store.MIGRATIONS`."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def begin(self, db: Database, resident_id: int, where: Where, now: int) -> str:
        """Begin a session in the transaction of a login, and return its token, which is stored nowhere."""
        token = secrets.token_urlsafe(32)
        for each, limits in LIMITS.items():
            db.execute(
                "DELETE FROM pin_sessions WHERE place = ? AND (seen_seconds <= ? OR begun_seconds <= ?)",
                [each, now - limits.idle_seconds, now - limits.absolute_seconds],
            )
        db.execute(
            "INSERT INTO pin_sessions (token_sha256, resident_id, place, begun_seconds, seen_seconds)"
            " VALUES (?, ?, ?, ?, ?)",
            [brake.digest(token), resident_id, where, now, now],
        )
        return token

    def of(self, token: str, where: Where, now: int) -> Visit | None:
        """Say whose session this is, and note that it is used; None when there is none or it has ended."""
        key = brake.digest(token)
        with self.store.reading() as db:
            row = next(
                iter(
                    db.rows(
                        "SELECT * FROM pin_sessions JOIN pins USING (resident_id) WHERE token_sha256 = ? AND place = ?",
                        [key, where],
                    )
                ),
                None,
            )
        if row is None or _ended(row, LIMITS[where], now):
            return None
        # Not written at each request: an SD card pays for each commit.
        if abs(now - row["seen_seconds"]) >= LIMITS[where].idle_seconds // 12:
            with self.store.transaction() as db:
                db.execute("UPDATE pin_sessions SET seen_seconds = ? WHERE token_sha256 = ?", [now, key])
        left = row["begun_seconds"] + LIMITS[where].absolute_seconds - now
        return Visit(row["resident_id"], bool(row["must_change"]), min(left, LIMITS[where].idle_seconds))

    def end(self, token: str) -> None:
        """End a session. One that does not exist is no error."""
        with self.store.transaction() as db:
            db.execute("DELETE FROM pin_sessions WHERE token_sha256 = ?", [brake.digest(token)])


def _ended(row: dict[str, Any], limits: Limits, now: int) -> bool:
    idle, age = now - row["seen_seconds"], now - row["begun_seconds"]
    return bool(
        idle >= limits.idle_seconds or age >= limits.absolute_seconds or min(idle, age) < -CLOCK_STEP_SECONDS_MAX
    )
