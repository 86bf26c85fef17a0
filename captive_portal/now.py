"""One reading of the clocks, as rules take it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.core.clock import WallQuality


@dataclass(frozen=True, slots=True)
class Now:
    """Boot id, whole seconds of CLOCK_BOOTTIME, and wall time (UTC, s) with how far it can be believed.

    Durations come from the boot's seconds alone; wall time labels, and decides opening hours and dates where known.
    """

    boot_id: str
    boot_seconds: int
    wall_seconds: int
    wall_quality: WallQuality = WallQuality.UNKNOWN
