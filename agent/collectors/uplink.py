"""Does the internet answer, and how fast? What `agent.line` found at its last look."""

from __future__ import annotations

from agent.collectors import Around, Samples


def collect(around: Around) -> Samples:
    """Tell ``uplink_up`` (1 or 0) and the time a connection took to open; None for what is not known."""
    up = around.line.up
    return {
        "uplink_up": None if up is None else int(up),
        "uplink_round_trip_seconds": around.line.round_trip_seconds,
    }
