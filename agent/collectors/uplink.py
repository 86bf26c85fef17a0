"""Does the internet answer, and how fast? What `agent.line` found at its last look."""

from __future__ import annotations

from agent.collectors import Around, Samples


def collect(around: Around) -> Samples:
    """Tell ``uplink_up`` (1 or 0), where the line ends, and the time a connection took to open; None if unknown."""
    line = around.line
    return {
        "uplink_up": None if line.up is None else int(line.up),
        "uplink_state": None if line.state is None else int(line.state),
        "uplink_round_trip_seconds": None if line.round_trip_seconds is None else round(line.round_trip_seconds, 3),
    }
