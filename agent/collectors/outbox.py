"""How much waits for the NOC."""

from __future__ import annotations

from agent.collectors import Around, Samples


def collect(around: Around) -> Samples:
    """Tell waiting records, and those dropped and thinned for want of room; None while the outbox cannot be read."""
    waiting = around.waiting
    return {
        "outbox_waiting_records": waiting.waiting_records if waiting else None,
        "outbox_dropped_records": waiting.dropped_records if waiting else None,
        "outbox_thinned_records": waiting.thinned_records if waiting else None,
    }
