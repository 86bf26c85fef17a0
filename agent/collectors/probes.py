"""How good the line is: latency, jitter and loss by target, names and pages, and what asking cost."""

from __future__ import annotations

from agent.collectors import Around, Samples


def collect(around: Around) -> Samples:
    """Tell what `agent.line` was told; None for what nobody answered lately."""
    return around.probed
