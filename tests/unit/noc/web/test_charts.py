"""What charts say in labels, figures and gaps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask_babel import Babel
from hypothesis import given
from hypothesis import strategies as st

from appliance.faces.charts import Chart, ticks
from noc.fleet import Bucket, Rates
from noc.web import charts

ZONE = ZoneInfo("Asia/Makassar")
START_MS = 1_780_000_200_000
Values = list[float | None]


@pytest.fixture(autouse=True)
def _indonesian() -> Iterator[None]:
    app = Flask("test")
    Babel(app, default_locale="id")
    with app.test_request_context():
        yield


def _buckets(values: Values, trips: Values | None = None) -> list[Bucket]:
    return [
        Bucket(START_MS + i * 120_000, None if value is None else Rates(value, value / 10), trip)
        for i, (value, trip) in enumerate(zip(values, trips or [None] * len(values), strict=True))
    ]


def _draw(chart: Chart, buckets: list[Bucket], *, narrow: bool = False) -> str:
    return charts.draw(chart, buckets, ZONE, narrow=narrow).decode()


def _texts(svg: str) -> list[str]:
    return [text.replace("\u00a0", " ").strip() for text in re.findall(r"<text[^>]*>([^<]+)</text>", svg)]


@pytest.mark.parametrize("narrow", [True, False])
def test_nothing_known_draws_no_axis(narrow: bool) -> None:
    buckets = _buckets([None] * 30)
    chart = charts.bandwidth(buckets)
    assert chart.is_empty and chart.summary == "Tidak ada data dalam rentang ini."
    assert _texts(_draw(chart, buckets, narrow=narrow)) == ["Tidak ada data dalam rentang ini"]


@pytest.mark.parametrize(
    ("highest", "labels"),
    [
        (0.0, ["0 bit/s", "2 kbit/s", "4 kbit/s", "6 kbit/s", "8 kbit/s", "10 kbit/s"]),
        (2_400_000.0, ["0 bit/s", "1 Mbit/s", "2 Mbit/s", "3 Mbit/s"]),
        (90_000_000.0, ["0 bit/s", "20 Mbit/s", "40 Mbit/s", "60 Mbit/s", "80 Mbit/s", "100 Mbit/s"]),
    ],
)
def test_the_axis_has_whole_steps_that_differ(highest: float, labels: list[str]) -> None:
    buckets = _buckets([highest] * 30)
    texts = _texts(_draw(charts.bandwidth(buckets), buckets))
    assert [text for text in texts if text.endswith("bit/s")] == labels


@given(st.floats(0, 1e12), st.floats(1, 1e5))
def test_steps_hold_every_value_and_are_few(highest: float, least: float) -> None:
    steps = ticks(highest, least)
    assert steps[0] == 0 and steps[-1] >= max(highest, least)
    assert 3 <= len(steps) <= 7
    assert steps == sorted(set(steps))


def test_a_gap_breaks_the_line_and_one_point_between_gaps_is_seen() -> None:
    values: Values = [5e6] * 14 + [None] * 2 + [5e6] * 14
    whole = _buckets([1e6] * 30, [0.1] * 30)
    gap = _buckets(values)
    assert _draw(charts.bandwidth(whole), whole).count('class="line reactive nofill"') == 2
    assert _draw(charts.bandwidth(gap), gap).count('class="line reactive nofill"') == 4
    assert 'r="4.0"' not in _draw(charts.bandwidth(gap), gap)
    lone = _buckets([*values[:14], None, 5e6, None, *values[17:]])
    assert 'r="4.0"' in _draw(charts.bandwidth(lone), lone)


@pytest.mark.parametrize("narrow", [True, False])
def test_one_point_is_drawn_and_said(narrow: bool) -> None:
    buckets = _buckets([None] * 30, [None] * 29 + [0.0456])
    chart = charts.round_trip(buckets)
    assert chart.summary == "Waktu tanggap: terendah 45,6 ms, rata-rata 45,6 ms, tertinggi 45,6 ms."
    assert _draw(chart, buckets, narrow=narrow).count("<circle") == 1


def test_the_summary_leaves_gaps_out() -> None:
    assert charts.bandwidth(_buckets([1e6, None, 3e6])).summary == (
        "Unduh: terendah 1 Mbit/s, rata-rata 2 Mbit/s, tertinggi 3 Mbit/s. "
        "Unggah: terendah 100 kbit/s, rata-rata 200 kbit/s, tertinggi 300 kbit/s."
    )


@pytest.mark.parametrize("narrow", [True, False])
def test_both_charts_have_one_time_axis(narrow: bool) -> None:
    buckets = _buckets([1e6] * 30, [0.1] * 30)

    def plot_and_hours(chart: Chart) -> tuple[list[str], list[str]]:
        svg = _draw(chart, buckets, narrow=narrow)
        plots = re.findall(r'<g transform="translate\(([\d.]+), [\d.]+\)" class="plot"', svg)
        return plots, re.findall(r'<text x="([\d.]+)"[^>]*>\d\d\.\d\d</text>', svg)

    one, other = plot_and_hours(charts.bandwidth(buckets)), plot_and_hours(charts.round_trip(buckets))
    assert one == other and one[0] and one[1]
