"""Memory of the box and of the agent itself."""

from __future__ import annotations

import psutil

from agent.collectors import Around, Samples


def collect(_around: Around) -> Samples:
    """Tell total and available bytes, and the agent's own share (PSS)."""
    memory = psutil.virtual_memory()
    return {
        "memory_total_bytes": memory.total,
        "memory_available_bytes": memory.available,
        "agent_memory_bytes": psutil.Process().memory_full_info().pss,
    }
