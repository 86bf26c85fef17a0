"""How long the box runs, and how often it was started."""

from __future__ import annotations

from agent.collectors import Around, Samples


def collect(around: Around) -> Samples:
    """Tell seconds since boot (suspend included) and the number of boots in which this box measured."""
    return {"uptime_seconds": around.moment.boottime_ms / 1000, "boots": around.boots}
