"""How long the box runs, how often it was started, and why it was started last."""

from __future__ import annotations

from agent.collectors import Around, Samples


def collect(around: Around) -> Samples:
    """Tell seconds since boot (suspend included), the number of boots in which this box measured, and the reason."""
    return {
        "uptime_seconds": around.moment.boottime_ms // 1000,
        "boots": around.boots,
        "boot_reason": around.boot_reason,
    }
