"""Room on the file system that holds the box's data, and how the disk below it is."""

from __future__ import annotations

import psutil

from agent.collectors import Around, Samples
from appliance.system import storage


def collect(around: Around) -> Samples:
    """Tell size and what is free to a program without privileges, in bytes; errors, age, and whether it is read-only.

    Raises:
        OSError, ValueError: something that is there cannot be read.
    """
    usage = psutil.disk_usage(str(around.state_directory))
    read_only = storage.is_read_only(around.state_directory, around.roots)
    samples: dict[str, int | None] = {
        "disk_size_bytes": usage.total,
        "disk_free_bytes": usage.free,
        "filesystem_read_only": None if read_only is None else int(read_only),
    }
    errors, used = storage.error_count(around.roots), storage.life_used_permille(around.roots)
    return (
        samples
        | ({} if errors is None else {"disk_error_count": errors})
        | ({} if used is None else {"disk_life_used_permille": used})
    )
