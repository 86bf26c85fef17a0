"""How hot the hottest sensor is."""

from __future__ import annotations

import psutil

from agent.collectors import Around, Samples


def collect(_around: Around) -> Samples:
    """Tell degrees Celsius; nothing at all on a machine without a sensor."""
    readings = [sensor.current for sensors in psutil.sensors_temperatures().values() for sensor in sensors]
    return {"temperature_celsius": max(readings)} if readings else {}
