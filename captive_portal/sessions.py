"""The history: who was connected, by device. A row is written when a session begins and when it ends, no oftener.

Called within a transaction. No row says what was looked at.
"""

from __future__ import annotations

from typing import Final

from appliance.gate.protocol import Client
from appliance.store.database import Database
from captive_portal import local_time
from captive_portal.now import Now
from captive_portal.rules import End, Grant, Offer

# Where the date is never known nothing grows old; this many rows are 30 MB.
ROWS_MAX: Final = 200_000


def begin(db: Database, client: Client, network: str, offer: Offer, now: Now) -> int:
    """Write that a session begins; return its id."""
    made = db.execute(
        "INSERT INTO sessions (address, mac, network, way, voucher, began_wall, began_boot_id, began_boot_seconds,"
        " began_is_known) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (client.address, client.mac, network, offer.way, offer.voucher, now.wall_seconds, now.boot_id,
         now.boot_seconds, int(local_time.is_known(now))),
    ).lastrowid  # fmt: skip
    assert made is not None  # noqa: S101 - an INSERT has one
    return made


def end(db: Database, grant: Grant, why: End, now: Now) -> None:
    """Write that a session has ended, with the bytes of the last checkpoint; the keeper adds what came after it."""
    db.execute(
        """
        UPDATE sessions SET end_reason = :why, sent_bytes = :sent, received_bytes = :received, duration_seconds =
            CASE began_boot_id WHEN :boot_id THEN max(0, :boot - began_boot_seconds) ELSE max(0, :wall - began_wall) END
        WHERE id = :id
        """,
        {"why": why, "sent": grant.sent_bytes, "received": grant.received_bytes, "id": grant.session_id,
         "boot_id": now.boot_id, "boot": now.boot_seconds, "wall": now.wall_seconds},
    )  # fmt: skip


def add_bytes(db: Database, session_id: int, sent_bytes: int, received_bytes: int) -> None:
    """Add what was counted after a session's last checkpoint."""
    db.execute(
        "UPDATE sessions SET sent_bytes = sent_bytes + ?, received_bytes = received_bytes + ? WHERE id = ?",
        (sent_bytes, received_bytes, session_id),
    )


def forget(db: Database, session_id: int) -> None:
    """Take a session out that was none."""
    db.execute("DELETE FROM sessions WHERE id = ?", (session_id,))


def name(db: Database, session_id: int, host_name: str) -> None:
    """Write what the device calls itself: hostile text, kept as it came and cleaned where it is shown."""
    db.execute("UPDATE sessions SET host_name = ? WHERE id = ? AND host_name != ?", (host_name, session_id, host_name))


def learn_time(db: Database, now: Now) -> None:
    """Give the sessions that began in this boot before its clock was set the time they began at."""
    db.execute(
        "UPDATE sessions SET began_wall = :wall - (:boot - began_boot_seconds), began_is_known = 1"
        " WHERE began_boot_id = :boot_id AND NOT began_is_known",
        {"wall": now.wall_seconds, "boot": now.boot_seconds, "boot_id": now.boot_id},
    )


def drop_old(db: Database, days: int, now: Now) -> None:
    """Forget sessions that began more than ``days`` ago and have ended, and the oldest beyond `ROWS_MAX`."""
    if local_time.is_known(now):
        db.execute(
            "DELETE FROM sessions WHERE began_wall < ? AND duration_seconds IS NOT NULL",
            (now.wall_seconds - days * local_time.DAY_SECONDS,),
        )
    db.execute(
        "DELETE FROM sessions WHERE duration_seconds IS NOT NULL AND id <= (SELECT max(id) FROM sessions) - ?",
        (ROWS_MAX,),
    )
