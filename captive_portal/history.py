"""What the database tells a resident of their own device: how its last connection ended, and who shares its voucher."""

from __future__ import annotations

from typing import Final

from appliance.gate.protocol import Client
from appliance.store.database import Store
from captive_portal.rules import End

# A device whose last connection is further back than this many is told no more than that it is not connected; the
# history has no index by device, and a page must not read through a month of it.
_LOOK_BACK_COUNT: Final = 1_000


def last_end(store: Store, client: Client) -> End | None:
    """Why the last connection of ``client`` ended; None when nothing is known of one."""
    with store.reading() as db:
        row = db.execute(
            "SELECT end_reason FROM sessions WHERE id > (SELECT max(id) FROM sessions) - ? AND mac = ? AND address = ?"
            " ORDER BY id DESC LIMIT 1",
            (_LOOK_BACK_COUNT, client.mac, client.address),
        ).fetchone()
    return End(row[0]) if row and row[0] in set(End) else None


def device_count(store: Store, reference: str) -> int:
    """How many devices are connected with a voucher or an account."""
    with store.reading() as db:
        row = db.execute("SELECT count(*) FROM grants WHERE voucher = ?", (reference,)).fetchone()
    return int(row[0])


def places(store: Store, voucher: str) -> tuple[int, int] | None:
    """How many devices are connected with a voucher, and for how many it is; None for one that is not known."""
    with store.reading() as db:
        row = db.execute(
            "SELECT (SELECT count(*) FROM grants WHERE voucher = :voucher), devices FROM vouchers"
            " WHERE reference = :voucher ORDER BY id DESC LIMIT 1",
            {"voucher": voucher},
        ).fetchone()
    return (row[0], row[1]) if row else None
