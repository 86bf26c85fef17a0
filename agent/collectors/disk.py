"""Room on the file system that holds the box's data."""

from __future__ import annotations

import psutil

from agent.collectors import Around, Samples


def collect(around: Around) -> Samples:
    """Tell its size and what is free to a program without privileges, in bytes."""
    usage = psutil.disk_usage(str(around.state_directory))
    return {"disk_size_bytes": usage.total, "disk_free_bytes": usage.free}
