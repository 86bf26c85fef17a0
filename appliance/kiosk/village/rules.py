"""What can be said about the village from its configuration. Pure."""

from __future__ import annotations

from appliance.core.config.village import Village


def people_per_square_kilometre(village: Village) -> int | None:
    """Density as BPS counts it, rounded; None where a figure is missing."""
    if village.population is None or village.area_hectares is None:
        return None
    return round(village.population * 100 / village.area_hectares)
