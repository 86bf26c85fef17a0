"""How an incident grew and shrank over time, as a small chart of steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from flask_babel import gettext

from appliance.faces import charts
from appliance.faces.charts import BOUND_COLOUR, DASHES, HEIGHT, WIDTHS, Chart, Line
from appliance.faces.formats import number
from noc.fleet_book.contract import IncidentSize

POINTS: Final = 120
STEP_MS_MIN: Final = 60_000
__all__ = ["HEIGHT", "WIDTHS", "chart", "draw", "points"]


def points(sizes: Sequence[IncidentSize]) -> list[IncidentSize]:
    """Bring the sizes to even steps: each holds until the next one; the last is the last that is known."""
    if not sizes:
        return []
    first_ms, last_ms = sizes[0].at_ms, sizes[-1].at_ms
    step_ms = max(STEP_MS_MIN, -(-(last_ms - first_ms) // (POINTS - 1)))
    found, i = [], 0
    for at_ms in range(first_ms, last_ms + step_ms, step_ms):
        while i + 1 < len(sizes) and sizes[i + 1].at_ms <= at_ms:
            i += 1
        found.append(IncidentSize(at_ms, sizes[i].everyone, sizes[i].hubs))
    return found


def chart(sizes: Sequence[IncidentSize]) -> Chart:
    """What is drawn: who ever had it, and who has it."""
    steps = points(sizes)
    return Chart(
        (
            Line(gettext("Masih terdampak"), tuple(float(each.hubs) for each in steps)),
            Line(gettext("Pernah terdampak"), tuple(float(each.everyone) for each in steps), BOUND_COLOUR, DASHES),
        ),
        lambda value: str(number(round(value))),
        4,
    )


def draw(sizes: Sequence[IncidentSize], timezone: str, *, narrow: bool) -> bytes:
    """Draw it, in the time of its place."""
    return charts.draw(chart(sizes), [each.at_ms for each in points(sizes)], ZoneInfo(timezone), narrow=narrow)
