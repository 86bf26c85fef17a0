"""What the pictures of use show. They are drawn by `appliance.faces.charts`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flask_babel import gettext

from appliance.core.config.uplink import Uplink
from appliance.faces.charts import BOUND_COLOUR, DASHES, SENT_COLOUR, Chart, Line, rate
from appliance.faces.formats import number
from appliance.hotspot.protocol import USAGE_STEP_SECONDS, UsagePoint


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time: its key in the address, its length, the width of one point, and of one row of the table."""

    key: str
    hours: int
    step_seconds: int
    row_seconds: int


SPANS: Final = (Span("1j", 1, 300, 300), Span("24j", 24, 600, 3_600), Span("48j", 48, 1_200, 7_200))


@dataclass(frozen=True, slots=True)
class Bucket:
    """What went on in one step: mean rates in bits per second and most devices at once; None where nobody looked."""

    start_seconds: int
    received: float | None
    sent: float | None
    online: int | None


def buckets(points: Sequence[UsagePoint], now_seconds: int, hours: int, step_seconds: int) -> tuple[Bucket, ...]:
    """Cut the last ``hours`` into steps. The step that still runs is left out: it would look like a fall.

    Args:
        points: as the keeper gives them, `USAGE_STEP_SECONDS` each.
        now_seconds: wall time.
        hours: how far back.
        step_seconds: of one bucket; a whole number of `USAGE_STEP_SECONDS`.
    """
    end = now_seconds // USAGE_STEP_SECONDS * USAGE_STEP_SECONDS
    # On whole steps of the clock, so that a point does not move each time the page is looked at.
    last = -(-end // step_seconds) * step_seconds
    starts = range(last - hours * 3_600, last, step_seconds)
    found: dict[int, list[UsagePoint]] = {}
    for point in points:
        if point.wall_seconds + USAGE_STEP_SECONDS <= end:
            found.setdefault(point.wall_seconds // step_seconds * step_seconds, []).append(point)
    return tuple(_bucket(start, found.get(start, [])) for start in starts)


def _bucket(start: int, points: Sequence[UsagePoint]) -> Bucket:
    if not points:
        return Bucket(start, None, None, None)
    seconds = len(points) * USAGE_STEP_SECONDS
    return Bucket(
        start,
        8 * sum(point.received_bytes for point in points) / seconds,
        8 * sum(point.sent_bytes for point in points) / seconds,
        max(point.online_count for point in points),
    )


def received(found: Sequence[Bucket], uplink: Uplink) -> Chart:
    """Towards the village, under the line's own speed."""
    line = Line(gettext("Unduh"), tuple(bucket.received for bucket in found))
    return Chart((line, _bound(len(found), uplink.download_kbit)), rate, 10_000)


def sent(found: Sequence[Bucket], uplink: Uplink) -> Chart:
    """From the village, under the line's own speed."""
    line = Line(gettext("Unggah"), tuple(bucket.sent for bucket in found), SENT_COLOUR)
    return Chart((line, _bound(len(found), uplink.upload_kbit)), rate, 10_000)


def online(found: Sequence[Bucket]) -> Chart:
    """How many devices were online at once."""
    values = tuple(None if bucket.online is None else float(bucket.online) for bucket in found)
    return Chart((Line(gettext("Perangkat"), values),), lambda value: number(round(value, 1)), 5)


def _bound(count: int, kbit: int) -> Line:
    return Line(gettext("Kecepatan jalur"), (kbit * 1_000.0,) * count, BOUND_COLOUR, DASHES, is_bound=True)
