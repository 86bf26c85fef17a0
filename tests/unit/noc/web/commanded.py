"""Commands of a made-up fleet, for tests of pages and for looking at them."""

from __future__ import annotations

import json

from noc.fleet_book.contract import FleetBook, GivenCommand
from tests.unit.noc.seed import NOW_MS

MINUTE_MS = 60_000


def seed_commands(book: FleetBook, hub_id: str) -> None:
    """Give a hub one command of each kind of end."""
    orders = (
        ({"do": "restart", "unit": "desahub-dns.service"}, "done", "", ""),
        ({"do": "logs", "unit": "desahub-agent.service", "lines": 100}, "refused", "no_key", "no key is trusted here"),
        ({"do": "configure", "changes": ["portal.history_days"]}, "failed", "operation", "nft says no"),
        ({"do": "reboot"}, "", "", ""),
        ({"do": "speed_test", "megabytes": 10}, "begun", "", ""),
    )
    for number, (action, status, reason, detail) in enumerate(orders):
        issued_ms = NOW_MS - (len(orders) - number) * 60 * MINUTE_MS
        book.put_command(
            GivenCommand(
                hub_id, f"{number:032x}", "sari", json.dumps(action), issued_ms, issued_ms + 10 * MINUTE_MS, status,
                reason, detail, issued_ms + MINUTE_MS if status else None,
            )
        )  # fmt: skip
