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

    quality = _wall_quality(roots)

    def now() -> Moment:
        boottime_ms = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
        return Moment(boot_id, boottime_ms, max(0, time.time_ns() // 1_000_000), quality())

    return now


def wall_quality(roots: Roots = REAL) -> WallQuality:
    """What set the wall clock in this boot."""
    return _wall_quality(roots)()


def _wall_quality(roots: Roots) -> Callable[[], WallQuality]:
    # Asked with every page: paths are put together once.
    synchronized, battery = roots.run / "systemd/timesync/synchronized", roots.sys / "class/rtc/rtc0"

    def quality() -> WallQuality:
        if synchronized.exists():
            return WallQuality.NTP
        return WallQuality.RTC if battery.exists() else WallQuality.UNKNOWN

    return quality
