"""How hot the hottest sensor is. Source: Documentation/driver-api/thermal/sysfs-api.rst (millidegrees Celsius)."""

from __future__ import annotations

from agent.collectors import Around, Samples


def collect(around: Around) -> Samples:
    """Tell degrees Celsius; nothing at all on a machine without a sensor."""
    zones = sorted(around.roots.sys.glob("class/thermal/thermal_zone*/temp"))
    if not zones:
        return {}
    return {"temperature_celsius": max(int(zone.read_text()) / 1000 for zone in zones)}
