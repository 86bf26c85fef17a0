"""What the dashboard's charts show. They are drawn by `appliance.faces.charts`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from flask_babel import gettext

from appliance.faces import charts
from appliance.faces.charts import DASHES, SENT_COLOUR, Chart, Line, rate
from appliance.faces.formats import number
from noc.fleet import Bucket


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time a chart can show: its key in the address, its length and its number of points."""

    key: str
    hours: int
    points: int


SPANS: Final = (Span("1j", 1, 30), Span("24j", 24, 144), Span("7h", 168, 168))


def bandwidth(buckets: Sequence[Bucket]) -> Chart:
    """Bits per second from and to the internet."""
    received = tuple(None if b.rates is None else b.rates.received for b in buckets)
    sent = tuple(None if b.rates is None else b.rates.sent for b in buckets)
    return Chart((Line(gettext("Unduh"), received), Line(gettext("Unggah"), sent, SENT_COLOUR, DASHES)), rate, 10_000)


def round_trip(buckets: Sequence[Bucket]) -> Chart:
    """The time a connection to the internet takes to open, in milliseconds."""
    trips = tuple(None if b.round_trip_seconds is None else b.round_trip_seconds * 1000 for b in buckets)
    return Chart((Line(gettext("Waktu tanggap"), trips),), lambda value: f"{number(round(value, 1))} ms", 10)


def draw(chart: Chart, buckets: Sequence[Bucket], zone: ZoneInfo, *, narrow: bool) -> bytes:
    """Draw a chart of ``buckets``."""
    return charts.draw(chart, [bucket.start_ms for bucket in buckets], zone, narrow=narrow)
