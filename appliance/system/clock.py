"""How far this machine's wall clock can be believed. Source: systemd-timesyncd.service(8), rtc(4)."""

from __future__ import annotations

from appliance.core.clock import WallQuality
from appliance.system.roots import REAL, Roots


def wall_quality(roots: Roots = REAL) -> WallQuality:
    """What set the wall clock in this boot."""
    if (roots.run / "systemd/timesync/synchronized").exists():
        return WallQuality.NTP
    if (roots.sys / "class/rtc/rtc0").exists():
        return WallQuality.RTC
    return WallQuality.UNKNOWN
