"""Charts as SVG, drawn on the server: no script, no font from elsewhere, and gaps stay gaps."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask_babel import gettext
from markupsafe import escape

from appliance.faces.formats import number

_INK, _SOFT, _LINE, _SURFACE = "#1c2a27", "#4a5a55", "#e4e1d6", "#ffffff"
WIDTHS: Final = {True: 340, False: 1200}
HEIGHT: Final = 280
LABEL_LENGTH: Final = len("500 kbit/s")
RECEIVED_COLOUR: Final = "#0d5a4c"
SENT_COLOUR: Final = "#a8690c"
BOUND_COLOUR: Final = "#66716d"
DASHES: Final = "7, 5"
_FONT: Final = 'system-ui, "Noto Sans", sans-serif'


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart: its name, a value or a gap for each bucket, and how it is drawn.

    ``is_bound``: it says what the others cannot pass. It is drawn, and left out of the summary's words.
    """

    name: str
    values: tuple[float | None, ...]
    colour: str = RECEIVED_COLOUR
    dashes: str = ""
    is_bound: bool = False

    @property
    def known(self) -> list[float]:
        """The values without the gaps."""
        return [value for value in self.values if value is not None]


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart shows: its lines, and how its figures are written.

    ``least`` is the smallest height of the axis: below it, what is drawn would be noise.
    """

    lines: tuple[Line, ...]
    write: Callable[[float], str]
    least: float

    @property
    def is_empty(self) -> bool:
        """Nothing is known in this span."""
        return not any(line.known for line in self.lines if not line.is_bound)

    @property
    def summary(self) -> str:
        """The chart in a sentence a line, for who does not see it."""
        if self.is_empty:
            return str(gettext("Tidak ada data dalam rentang ini."))
        return " ".join(
            gettext(
                "%(name)s: terendah %(low)s, rata-rata %(mean)s, tertinggi %(high)s.",
                name=line.name,
                low=self.write(min(line.known)),
                mean=self.write(sum(line.known) / len(line.known)),
                high=self.write(max(line.known)),
            )
            for line in self.lines
            if line.known and not line.is_bound
        )


def draw(chart: Chart, starts_ms: Sequence[int], zone: ZoneInfo, *, narrow: bool) -> bytes:
    """Draw a chart. All charts of one span have the same time axis, at the same place.

    Args:
        chart: its lines have a value for each of ``starts_ms``.
        starts_ms: when each bucket begins, in ms of UTC.
        zone: in which hours are written.
        narrow: for a phone.
    """
    if chart.is_empty:
        return _empty(narrow=narrow)
    drawn = _chart(narrow=narrow, dots_size=_dots_size(chart), colours=tuple(line.colour for line in chart.lines))
    _label(drawn, starts_ms, zone, narrow=narrow)
    steps = ticks(max(max(line.known) for line in chart.lines if line.known), chart.least)
    drawn.range = (0, steps[-1])
    drawn.y_labels = [{"value": step, "label": _padded(chart.write(step))} for step in steps]
    drawn.y_labels_major = steps
    for line in chart.lines:
        dashes = {"dasharray": line.dashes} if line.dashes else {}
        drawn.add(line.name, line.values, stroke_style={"width": 2.5, **dashes}, show_dots=not line.is_bound)
    return str(drawn.render(is_unicode=True)).encode()


def ticks(highest: float, least: float) -> list[float]:
    """Where the axis is labelled: from 0 in three to six whole steps of 1, 2 or 5, with air above ``highest``."""
    top = max(highest * 1.05, least)
    power = 10.0 ** math.floor(math.log10(top / 3))
    step = next(power * factor for factor in (1, 2, 5, 10) if top / (power * factor) <= 5)
    return [step * i for i in range(math.ceil(top / step) + 1)]


def rate(bits_per_second: float) -> str:
    """``12400000`` -> ``12,4 Mbit/s``."""
    for unit in ("bit/s", "kbit/s", "Mbit/s"):
        if abs(bits_per_second) < 1000:
            return f"{number(round(bits_per_second, 0 if unit == 'bit/s' else 1))} {unit}"
        bits_per_second /= 1000
    return f"{number(round(bits_per_second, 1))} Gbit/s"


def _chart(*, narrow: bool, dots_size: float, colours: tuple[str, ...]) -> Any:
    # A hub pays for its memory only once somebody looks at a chart.
    import pygal  # noqa: PLC0415
    from pygal.style import Style  # noqa: PLC0415

    size = 15  # at the width it is made for, a picture's unit is a pixel
    style = Style(
        background=_SURFACE,
        plot_background=_SURFACE,
        foreground=_SOFT,
        foreground_strong=_INK,
        foreground_subtle=_LINE,
        colors=colours,
        font_family=_FONT,
        stroke_width="2.5",
        stroke_opacity="1",
        opacity="1",
        label_font_size=size,
        major_label_font_size=size,
        guide_stroke_color=_LINE,
        major_guide_stroke_color=_LINE,
        guide_stroke_dasharray="0",
        major_guide_stroke_dasharray="0",
    )
    chart = pygal.Line(
        style=style,
        js=(),
        width=WIDTHS[narrow],
        height=HEIGHT,
        explicit_size=True,
        allow_interruptions=True,
        show_dots=True,
        dots_size=dots_size,
        include_x_axis=True,
        show_legend=False,  # the page has one, in letters that grow with the page's
        margin=8,
        show_minor_x_labels=False,
        truncate_label=-1,
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


def _dots_size(chart: Chart) -> float:
    """Large dots where a line alone would not be seen: few points, or one between two gaps."""
    for line in (one for one in chart.lines if not one.is_bound):
        around = (None, *line.values, None)
        alone = any(
            one is not None and before is None and after is None
            for before, one, after in zip(around, around[1:], around[2:], strict=False)
        )
        if alone or 0 < len(line.known) < 12:
            return 4.0
    return 1.2


def _padded(label: str) -> str:
    """A label as wide as any: the margin follows the longest, and time axes must stand under one another."""
    return label.rjust(LABEL_LENGTH, "\u00a0")


def _empty(*, narrow: bool) -> bytes:
    """A picture that says that there is none: no axis, since there is nothing to measure."""
    words = escape(gettext("Tidak ada data dalam rentang ini"))
    width, height = WIDTHS[narrow], 80
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f'<text x="{width // 2}" y="46" text-anchor="middle" font-size="16" fill="{_SOFT}"'
        f' font-family="system-ui, sans-serif">{words}</text></svg>'
    ).encode()


def _label(chart: Any, starts_ms: Sequence[int], zone: ZoneInfo, *, narrow: bool) -> None:
    """Put local time under the chart, at whole steps of the clock; days where more than two are shown."""
    moments = [datetime.datetime.fromtimestamp(start / 1000, zone) for start in starts_ms]
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
