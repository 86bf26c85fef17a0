"""Power: what the box can measure of it. Without a sensor or a UPS a cut is only inferred, from ``boot_reason``."""

from __future__ import annotations

from agent.collectors import Around, Samples
from appliance.core.clock import Moment
from appliance.core.config import Config
from appliance.system import power
from appliance.system.roots import Roots


class PowerWatch:
    """Looks at the power every ten seconds, and counts how often the voltage fell."""

    def __init__(self) -> None:
        self._last: power.Power | None = None
        self._falls = 0

    def __call__(self, around: Around) -> Samples:
        """Tell what is measured. Raises OSError, ValueError."""
        now = self._look(around.roots)
        samples: dict[str, int | None] = {"power_source_known": int(now.on_battery is not None)}
        if now.on_battery is not None:
            samples["power_on_battery"] = int(now.on_battery)
        if now.under_voltage is not None:
            samples["power_under_voltage"] = int(now.under_voltage)
            # What the firmware saw between two looks, or before the first, counts as one.
            samples["power_under_voltage_count"] = max(self._falls, int(now.was_under_voltage or False))
        if now.throttled is not None:
            samples["throttled"] = now.throttled
        return samples

    def glance(self, config: Config, roots: Roots, moment: Moment) -> Samples:  # noqa: ARG002 - as all that glance
        """Tell when the mains go and come, and when the voltage falls. Raises OSError, ValueError."""
        before, now = self._last, self._look(roots)
        if before is None:
            return {}
        events: dict[str, int | None] = {}
        if now.on_battery is not None and before.on_battery is not None and now.on_battery is not before.on_battery:
            events["event.power_lost" if now.on_battery else "event.power_back"] = 1
            events["power_on_battery"] = int(now.on_battery)
        if now.under_voltage and not before.under_voltage:
            events["event.under_voltage"] = 1
            events["power_under_voltage"] = 1
        return events

    def _look(self, roots: Roots) -> power.Power:
        now = power.read(roots)
        if now.under_voltage and not (self._last is not None and self._last.under_voltage):
            self._falls += 1
        self._last = now
        return now


def make() -> PowerWatch:
    """Begin to watch."""
    return PowerWatch()
