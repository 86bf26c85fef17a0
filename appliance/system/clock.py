"""The box's clocks, read from the kernel. Source: clock_gettime(2), random(4), systemd-timesyncd.service(8), rtc(4)."""

from __future__ import annotations

import time
from collections.abc import Callable

from appliance.core.clock import Moment, WallQuality, parse_boot_id
from appliance.core.errors import OperationError
from appliance.system.roots import REAL, Roots


def kernel_clock(roots: Roots = REAL) -> Callable[[], Moment]:
    """Make a clock that reads all at once: boot id, boottime and wall time, and how far that can be believed.

    Raises:
        OperationError: the kernel tells no boot id.
    """
    path = roots.proc / "sys/kernel/random/boot_id"
    try:
        boot_id = parse_boot_id(path.read_text("ascii", "replace"))
    except (OSError, ValueError) as error:
        raise OperationError(f"{path}: {error}") from None

    def now() -> Moment:
        boottime_ms = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
        return Moment(boot_id, boottime_ms, max(0, time.time_ns() // 1_000_000), wall_quality(roots))

    return now


def wall_quality(roots: Roots = REAL) -> WallQuality:
    """What set the wall clock in this boot."""
    if (roots.run / "systemd/timesync/synchronized").exists():
        return WallQuality.NTP
    if (roots.sys / "class/rtc/rtc0").exists():
        return WallQuality.RTC
    return WallQuality.UNKNOWN
