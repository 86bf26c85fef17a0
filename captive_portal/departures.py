"""Who left by themselves: what the gate had counted for them, kept until the keeper has counted it too.

The gate's counters end with an admission. Who left and came back between two looks of the keeper would else use data
and time that nobody counts. Called within a transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from appliance.core.config.networks import Access
from appliance.gate.protocol import Admitted, Client
from appliance.store.database import Database
from captive_portal.now import Now
from captive_portal.rules import Budget, Grant


@dataclass(frozen=True, slots=True)
class Departure:
    """A grant that its device gave back, where the gate's counters stood then, and when of which boot."""

    grant: Grant
    sent_bytes: int
    received_bytes: int
    boot_id: str
    boot_seconds: int


def note(db: Database, grant: Grant, last: Admitted, now: Now) -> None:
    """Keep the gate's last word of a grant that ends now."""
    db.execute(
        "INSERT INTO departures (session_id, address, mac, way, voucher, budget_id, quota_bytes, began_boot_seconds,"
        " counted_sent, counted_received, counter_sent, counter_received, boot_id, boot_seconds)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (grant.session_id, grant.client.address, grant.client.mac, grant.way, grant.voucher, grant.budget.id,
         grant.budget.quota_bytes, grant.budget.boot_seconds, grant.counted_sent_bytes, grant.counted_received_bytes,
         last.sent_bytes, last.received_bytes, now.boot_id, now.boot_seconds),
    )  # fmt: skip


def all_of(db: Database) -> tuple[Departure, ...]:
    """Who left and is not counted yet, in their order."""
    rows = db.execute(
        "SELECT session_id, address, mac, way, voucher, budget_id, quota_bytes, began_boot_seconds, counted_sent,"
        " counted_received, counter_sent, counter_received, boot_id, boot_seconds FROM departures ORDER BY session_id"
    ).fetchall()
    return tuple(
        Departure(
            Grant(
                Client(address, mac), Budget(budget_id, 0, boot_id, begun, begun, quota_bytes), session_id, "",
                Access(way), 0, voucher=voucher, counted_sent_bytes=counted_sent,
                counted_received_bytes=counted_received,
            ),
            counter_sent, counter_received, boot_id, boot_seconds,
        )
        for (session_id, address, mac, way, voucher, budget_id, quota_bytes, begun, counted_sent, counted_received,
             counter_sent, counter_received, boot_id, boot_seconds) in rows
    )  # fmt: skip


def drop(db: Database, session_ids: Iterable[int]) -> None:
    """Forget who has been counted."""
    for number in session_ids:
        db.execute("DELETE FROM departures WHERE session_id = ?", (number,))
