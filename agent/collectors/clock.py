"""By how much the box's clock is off, as a server on the internet dates its answers. Its quality is in each record."""

from __future__ import annotations

from agent.collectors import Around, Samples


def collect(around: Around) -> Samples:
    """Tell by how many ms the true time is ahead of this box's clock, to a second; None where nobody told lately."""
    return {"clock_offset_ms": around.clock_offset_ms}
