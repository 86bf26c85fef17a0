"""What the keeper writes down: use, the day, the picture of the last two days; and what it throws away.

One commit at most once a minute, since an SD card wears out by writing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from appliance.store.database import Database
from captive_portal import account_store, blocks, budgets, departures, local_time, sessions
from captive_portal.keeper.metering import Notes
from captive_portal.now import Now
from captive_portal.vouchers import store as vouchers

USAGE_STEP_SECONDS: Final = 300
USAGE_SECONDS: Final = 48 * 3_600


@dataclass(slots=True)
class Usage:
    """Use of all residents in one step of 5 minutes."""

    wall_seconds: int
    sent_bytes: int = 0
    received_bytes: int = 0
    online_count: int = 0

    @classmethod
    def begin(cls, now: Now) -> Usage:
        """The step that ``now`` is in."""
        return cls(now.wall_seconds - now.wall_seconds % USAGE_STEP_SECONDS)

    @property
    def is_empty(self) -> bool:
        """Was nobody there?"""
        return not (self.sent_bytes or self.received_bytes or self.online_count)


def write(db: Database, notes: Notes, day: str, now: Now) -> None:
    """Write what was used since the last time, and how far this boot came."""
    budgets.note(db, now)
    for one in notes.sessions:
        held = db.execute(
            "UPDATE grants SET sent_bytes = sent_bytes + ?, received_bytes = received_bytes + ?, counter_sent = ?,"
            " counter_received = ? WHERE session_id = ?",
            (one.sent_bytes, one.received_bytes, one.counter_sent, one.counter_received, one.session_id),
        ).rowcount
        if not held:
            sessions.add_bytes(db, one.session_id, one.sent_bytes, one.received_bytes)
    for number, used in notes.budget_bytes.items():
        db.execute("UPDATE budgets SET used_bytes = used_bytes + ? WHERE id = ?", (used, number))
    departures.drop(db, notes.departed)
    for mac in sorted({*notes.day_seconds, *notes.day_bytes}):
        add_to_day(db, mac, day, notes.day_seconds.get(mac, 0), notes.day_bytes.get(mac, 0))


def add_to_day(db: Database, mac: str, day: str, seconds: int, used_bytes: int) -> None:
    """Add to what a device used on a day; or an account, see `rules.day_subject`."""
    db.execute(
        "INSERT INTO daily_use (mac, day, seconds, bytes) VALUES (?, ?, ?, ?) ON CONFLICT (mac, day)"
        " DO UPDATE SET seconds = seconds + excluded.seconds, bytes = bytes + excluded.bytes",
        (mac, day, seconds, used_bytes),
    )


def write_usage(db: Database, usage: Usage) -> None:
    """Write a step, or add to one that was written before a restart; drop those of more than two days ago."""
    db.execute(
        "INSERT INTO usage (wall_seconds, sent_bytes, received_bytes, online_count) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (wall_seconds) DO UPDATE SET sent_bytes = sent_bytes + excluded.sent_bytes,"
        " received_bytes = received_bytes + excluded.received_bytes,"
        " online_count = max(online_count, excluded.online_count)",
        (usage.wall_seconds, usage.sent_bytes, usage.received_bytes, usage.online_count),
    )
    # By number too: a clock that was wrong once may have left steps in the future.
    db.execute("DELETE FROM usage WHERE wall_seconds <= ?", (usage.wall_seconds - USAGE_SECONDS,))
    db.execute(
        "DELETE FROM usage WHERE wall_seconds NOT IN (SELECT wall_seconds FROM usage ORDER BY rowid DESC LIMIT ?)",
        (USAGE_SECONDS // USAGE_STEP_SECONDS,),
    )


def usage_since(db: Database, wall_seconds: int) -> list[Usage]:
    """The steps since a wall time, oldest first."""
    rows = db.execute(
        "SELECT wall_seconds, sent_bytes, received_bytes, online_count FROM usage WHERE wall_seconds > ?"
        " ORDER BY wall_seconds",
        (wall_seconds,),
    )
    return [Usage(*row) for row in rows]


def learn_time(db: Database, day: str, now: Now) -> None:
    """The clock is set: what was counted in this boot without a date belongs to ``day``."""
    sessions.learn_time(db, now)
    undated = f"{local_time.UNDATED}{now.boot_id}:%"
    rows = db.execute("SELECT mac, seconds, bytes FROM daily_use WHERE day LIKE ?", (undated,)).fetchall()
    for mac, seconds, used_bytes in rows:
        add_to_day(db, mac, day, seconds, used_bytes)
    db.execute("DELETE FROM daily_use WHERE day LIKE ?", (undated,))


def tidy(db: Database, history_days: int, day: str, now: Now) -> None:
    """Throw away what is of no use any more: other days, old sessions, ended blocks, and who used which voucher."""
    is_dated = not day.startswith(local_time.UNDATED)
    # Before the clock is set, today may still be the day that was dated last: a start of the box brings no new share.
    of_no_use = "day != ?" if is_dated else "day != ? AND day LIKE 'boot:%'"
    db.execute(f"DELETE FROM daily_use WHERE {of_no_use}", (day,))  # noqa: S608 - constants of this function
    sessions.drop_old(db, history_days, now)
    blocks.drop_ended(db, now)
    vouchers.forget_devices(db, now)
    account_store.forget_devices(db)
    if is_dated:
        vouchers.learn_date(db, day)


def is_anything_running(db: Database, now: Now) -> bool:
    """Does any budget lose time just now?"""
    found = db.execute(
        # An account's bounds logins: without one nothing of it is lost.
        "SELECT EXISTS (SELECT 1 FROM budgets WHERE boot_id = ? AND boot_seconds + lease_seconds > ? AND"
        " (id IN (SELECT budget_id FROM grants) OR id NOT IN (SELECT budget_id FROM accounts)))",
        (now.boot_id, now.boot_seconds),
    ).fetchone()
    return bool(found[0])
