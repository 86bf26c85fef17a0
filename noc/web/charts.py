"""Charts as SVG, drawn on the server: no script, no font from elsewhere, and gaps stay gaps."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import pygal
from flask_babel import gettext
from pygal.style import Style

from appliance.faces.formats import number
from noc.fleet import Bucket

_INK, _SOFT, _LINE, _SURFACE = "#1c2a27", "#4a5a55", "#e4e1d6", "#ffffff"
RECEIVED_COLOUR: Final = "#0d5a4c"
SENT_COLOUR: Final = "#a8690c"
_FONT: Final = 'system-ui, "Noto Sans", sans-serif'


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time a chart can show: its key in the address, its length and its number of points."""

    key: str
    hours: int
    points: int


SPANS: Final = (Span("1j", 1, 30), Span("24j", 24, 144), Span("7h", 168, 168))


def bandwidth(buckets: Sequence[Bucket], zone: ZoneInfo, *, narrow: bool) -> bytes:
    """Draw bits per second from and to the internet."""
    chart = _chart(narrow=narrow, formatter=rate)
    _label(chart, buckets, zone, narrow=narrow)
    chart.add(gettext("Unduh"), [None if b.rates is None else b.rates.received for b in buckets])
    chart.add(
        gettext("Unggah (putus-putus)"),
        [None if b.rates is None else b.rates.sent for b in buckets],
        stroke_style={"width": 2.5, "dasharray": "6, 4"},
    )
    _headroom(chart, [max(b.rates.received, b.rates.sent) for b in buckets if b.rates is not None])
    return str(chart.render(is_unicode=True)).encode()


def round_trip(buckets: Sequence[Bucket], zone: ZoneInfo, *, narrow: bool) -> bytes:
    """Draw the time a connection to the internet takes to open, in milliseconds."""
    chart = _chart(narrow=narrow, formatter=lambda value: f"{number(round(value, 1))} ms")
    _label(chart, buckets, zone, narrow=narrow)
    chart.show_legend = False  # one line, named by the heading
    trips = [None if b.round_trip_seconds is None else b.round_trip_seconds * 1000 for b in buckets]
    chart.add(gettext("Waktu sambung"), trips)
    _headroom(chart, [trip for trip in trips if trip is not None])
    return str(chart.render(is_unicode=True)).encode()


def rate(bits_per_second: float) -> str:
    """``12400000`` -> ``12,4 Mbit/s``."""
    for unit in ("bit/s", "kbit/s", "Mbit/s"):
        if abs(bits_per_second) < 1000:
            return f"{number(round(bits_per_second, 0 if unit == 'bit/s' else 1))} {unit}"
        bits_per_second /= 1000
    return f"{number(round(bits_per_second, 1))} Gbit/s"


def _chart(*, narrow: bool, formatter: Callable[[float], str]) -> Any:
    size = 12 if narrow else 14
    style = Style(
        background=_SURFACE,
        plot_background=_SURFACE,
        foreground=_SOFT,
        foreground_strong=_INK,
        foreground_subtle=_LINE,
        colors=(RECEIVED_COLOUR, SENT_COLOUR),
        font_family=_FONT,
        label_font_size=size,
        major_label_font_size=size,
        legend_font_size=size,
        no_data_font_size=size + 2,
        guide_stroke_color=_LINE,
        major_guide_stroke_color=_LINE,
        guide_stroke_dasharray="0",
        major_guide_stroke_dasharray="0",
    )
    chart = pygal.Line(
        style=style,
        js=(),
        width=420 if narrow else 1200,
        height=280,
        explicit_size=True,
        allow_interruptions=True,
        show_dots=True,
        dots_size=1.2,
        stroke_style={"width": 2.5},
        include_x_axis=True,
        legend_at_bottom=True,
        legend_at_bottom_columns=2,
        legend_box_size=12,
        margin=8,
        show_minor_x_labels=False,
        truncate_label=-1,
        truncate_legend=-1,
        value_formatter=formatter,
        no_data_text=gettext("Belum ada data"),
        max_scale=5,
        disable_xml_declaration=True,
    )
    chart.add_xml_filter(_without_scripts)
    return chart


def _without_scripts(root: Any) -> Any:
    """Take out the settings that pygal writes as a script even when it is given none."""
    for parent in list(root.iter()):
        for child in [each for each in parent if str(each.tag).endswith("script")]:
            parent.remove(child)
    return root


def _headroom(chart: Any, values: Sequence[float]) -> None:
    """Begin at zero and leave air above the highest point."""
    if values:
        chart.range = (0, max(max(values) * 1.1, 1.0))


def _label(chart: Any, buckets: Sequence[Bucket], zone: ZoneInfo, *, narrow: bool) -> None:
    """Put local time under the chart, at whole steps of the clock; days where more than two are shown."""
    moments = [datetime.datetime.fromtimestamp(b.start_ms / 1000, zone) for b in buckets]
    many_days = len({moment.date() for moment in moments}) > 2
    labels = [f"{moment:%d/%m}" if many_days else f"{moment:%H.%M}" for moment in moments]
    whole = [i for i, moment in enumerate(moments) if moment.minute == 0 and (moment.hour == 0 or not many_days)]
    if len(whole) < 3:
        whole = [i for i, moment in enumerate(moments) if moment.minute % 10 == 0]
    chart.x_labels = labels
    keep = whole[:: max(1, len(whole) // (3 if narrow else 8))]
    # By position, not by text: "04.00" may stand on both ends of a day.
    chart.x_labels = [label if i in keep else "" for i, label in enumerate(labels)]
    chart.x_labels_major = [labels[i] for i in keep]
