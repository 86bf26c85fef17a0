"""The charts of a hub: one time axis for all, small SVG in the page itself, and each said in words too."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from flask_babel import gettext

from appliance.faces.charts import Chart, Line, rate, ticks
from appliance.faces.formats import number
from noc.web.series import Values

MINUTE_MS: Final = 60_000
_TARGETS: Final = ("t1", "t2", "t3", "t4")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time that a hub's page can show: its key in the address, its length, its steps and tick marks."""

    key: str
    hours: int
    step_ms: int
    marks: int


SPANS: Final = (
    Span("6j", 6, 2 * MINUTE_MS, 6),
    Span("24j", 24, 10 * MINUTE_MS, 6),
    Span("7h", 7 * 24, 60 * MINUTE_MS, 7),
    Span("30h", 30 * 24, 24 * 60 * MINUTE_MS, 6),
    Span("90h", 90 * 24, 24 * 60 * MINUTE_MS, 6),
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart as it stands in the page: paths in a field of ``count`` by 100, and the words of its axis."""

    key: str
    title: str
    names: tuple[str, ...]
    paths: tuple[str, ...]
    count: int
    top: str
    summary: str
    is_bars: bool = False


def span_of(key: str) -> Span:
    """Find a span by its key; the shortest where it has none."""
    return next((span for span in SPANS if span.key == key), SPANS[0])


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a chart is called, how its figures are written, and the least and greatest height of its axis."""

    key: str
    title: str
    write: Callable[[float], str]
    least: float
    most: float = math.inf
    is_bars: bool = False


Named = tuple[tuple[str, Values | None], ...]


def all_of(found: Mapping[str, Values], count: int) -> tuple[Drawn, ...]:
    """Draw every chart of which something is known."""
    peaks = [_times(found.get(f"interface_{way}_peak_kbit.uplink"), 1000) for way in ("received", "sent")]
    plans: tuple[tuple[_Plan, Named], ...] = (
        (_Plan("bandwidth", gettext("Bandwidth"), rate, 10_000), (
            (gettext("Unduh"), found.get("received")),
            (gettext("Unggah"), found.get("sent")),
            (gettext("Unduh, puncak 10 detik"), peaks[0]),
            (gettext("Unggah, puncak 10 detik"), peaks[1]),
        )),
        (_Plan("latency", gettext("Waktu tanggap (latensi)"), _milliseconds, 10),
            _targets(found, "uplink_latency_ms")),
        (_Plan("jitter", gettext("Perubahan waktu tanggap (jitter)"), _milliseconds, 10),
            _targets(found, "uplink_jitter_ms")),
        (_Plan("loss", gettext("Paket hilang"), _percent, 5, 100), _targets(found, "uplink_loss_permille", 0.1)),
        (_Plan("clients", gettext("Perangkat tersambung"), _whole, 5), (
            (gettext("Terbanyak"), found.get("clients_online")),
        )),
        (_Plan("logins", gettext("Perangkat yang masuk"), _whole, 5, is_bars=True), (
            (gettext("Masuk"), found.get("logins")),
        )),
        (_Plan("temperature", gettext("Suhu"), _celsius, 60), (
            (gettext("Tertinggi"), found.get("temperature_celsius")),
        )),
        (_Plan("use", gettext("Memori dan penyimpanan terpakai"), _percent, 100, 100), (
            (gettext("Memori"), found.get("memory_used")),
            (gettext("Penyimpanan"), found.get("disk_used")),
        )),
    )  # fmt: skip
    charts = (_chart(plan, lines, count) for plan, lines in plans)
    return tuple(chart for chart in charts if chart is not None)


def _targets(found: Mapping[str, Values], name: str, factor: float = 1) -> Named:
    return tuple(
        (gettext("Sasaran %(number)d", number=place), _times(found.get(f"{name}.{target}"), factor))
        for place, target in enumerate(_TARGETS, 1)
    )


def _chart(plan: _Plan, lines: Named, count: int) -> Drawn | None:
    known = tuple(Line(name, values) for name, values in lines if values is not None)
    chart = Chart(known, plan.write, plan.least)
    if chart.is_empty:
        return None
    top = min(plan.most, ticks(max(max(line.known) for line in known if line.known), plan.least)[-1])
    draw = bars if plan.is_bars else path
    return Drawn(
        plan.key, plan.title, tuple(line.name for line in known), tuple(draw(line.values, top) for line in known),
        count, plan.write(top), chart.summary, plan.is_bars,
    )  # fmt: skip


def path(values: Values, top: float) -> str:
    """Write a line through values: it breaks where one is missing, and a lone one is a short dash."""
    pieces: list[str] = []
    for place, value in enumerate(values):
        if value is None:
            continue
        is_new = place == 0 or values[place - 1] is None
        pieces.append(f"{'M' if is_new else 'L'}{place}.5 {_height(value, top)}")
        if is_new and (place + 1 == len(values) or values[place + 1] is None):
            pieces.append("h.4")
    return "".join(pieces)


def bars(values: Values, top: float) -> str:
    """Write a bar for each value that is not 0."""
    return "".join(
        f"M{place}.1 100V{_height(value, top)}h.8V100z"
        for place, value in enumerate(values)
        if value is not None and value
    )


def _height(value: float, top: float) -> str:
    # What is rounded may lie a hair above the top, and would read -0.
    return f"{max(0.0, 100 - 100 * max(0.0, min(value, top)) / top):.1f}".removesuffix(".0")


def _times(values: Values | None, factor: float) -> Values | None:
    return None if values is None else tuple(None if value is None else value * factor for value in values)


def _whole(value: float) -> str:
    return number(round(value, 1))


def _milliseconds(value: float) -> str:
    return f"{number(round(value, 1))} ms"


def _celsius(value: float) -> str:
    return f"{number(round(value, 1))} °C"


def _percent(value: float) -> str:
    return f"{number(round(value, 1))} %"
