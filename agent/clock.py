"""The box's clocks, read from the kernel. Source: clock_gettime(2), random(4)."""

from __future__ import annotations

import time

from appliance.core.clock import Moment, parse_boot_id
from appliance.system.clock import wall_quality
from appliance.system.roots import REAL, Roots


class KernelClock:
    """Reads all clocks at once. Raises `OSError` or `ValueError` when the kernel tells no boot id."""

    def __init__(self, roots: Roots = REAL) -> None:
        self._roots = roots
        self._boot_id = parse_boot_id((roots.proc / "sys/kernel/random/boot_id").read_text())

    def now(self) -> Moment:
        """Read boottime and wall time, both in milliseconds."""
        return Moment(
            self._boot_id,
            time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000,
            max(0, time.time_ns() // 1_000_000),
            wall_quality(self._roots),
        )
