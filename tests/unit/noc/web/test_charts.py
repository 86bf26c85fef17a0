"""Charts and strips: gaps stay gaps, one axis for all, and the same in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask_babel import Babel
from hypothesis import given
from hypothesis import strategies as st

from noc.rules.states import UP, Cause, Condition, Evidence, Span, measured, unknown
from noc.store.contract import Hour, Summary
from noc.web import charts, series, strips
from noc.web.series import DAY_MS, HOUR_MS, Axis
from tests.unit.noc.seed import NOW_MS
from tests.unit.noc.web.fleet import DETAILED, records_of

MINUTE_MS = 60_000
VALUES = st.lists(st.none() | st.floats(0, 1e12), min_size=1, max_size=40).map(tuple)


@pytest.fixture(autouse=True)
def _indonesian() -> Iterator[None]:
    app = Flask("test")
    Babel(app, default_locale="id")
    with app.test_request_context():
        yield


def test_a_gap_breaks_the_line_and_a_lone_point_is_seen() -> None:
    path = charts.path((5.0, 5.0, None, 10.0, None, None, 0.0, 5.0), 10)
    assert path == "M0.5 50L1.5 50M3.5 0h.4M6.5 100L7.5 50"


def test_the_highest_value_touches_the_top_and_does_not_read_minus_nothing() -> None:
    assert charts.path((93.92922054302325,), 93.92922054302325) == "M0.5 0h.4"


def test_bars_are_drawn_for_what_was() -> None:
    assert charts.bars((0.0, None, 5.0), 10) == "M2.1 100V50h.8V100z"


@given(VALUES, st.floats(0.1, 1e13))
def test_a_line_begins_anew_after_each_gap_and_stays_in_its_field(values: series.Values, top: float) -> None:
    path = charts.path(values, top)
    runs = sum(value is not None and (place == 0 or values[place - 1] is None) for place, value in enumerate(values))
    assert path.count("M") == runs
    heights = [float(height) for height in re.findall(r"[ML][\d.]+ ([\d.]+)", path)]
    assert all(0 <= height <= 100 for height in heights) and len(heights) == sum(v is not None for v in values)


@pytest.mark.parametrize("span", charts.SPANS)
def test_an_axis_ends_after_now_and_its_marks_are_whole(span: charts.Span) -> None:
    zone = ZoneInfo("Asia/Jayapura")
    axis = series.axis(zone, NOW_MS, span.hours, span.step_ms)
    assert axis.from_ms < NOW_MS < axis.to_ms and axis.to_ms - axis.from_ms == span.hours * HOUR_MS
    whole = HOUR_MS if span.hours <= 24 else DAY_MS
    assert (axis.to_ms + 9 * HOUR_MS) % whole == 0, "whole hours, or the hub's midnights"
    assert ((axis.to_ms - axis.from_ms) // span.marks) % HOUR_MS == 0


def test_records_lie_where_they_were_and_nowhere_else() -> None:
    axis = Axis(NOW_MS - DAY_MS, 10 * MINUTE_MS, 144)
    found = series.of_records(list(records_of(DETAILED, NOW_MS)), axis)
    clients, received = found["clients_online"], found["received"]
    assert all(clients[place] is None for place in range(101, 106)), "no word, no line"
    assert clients[98] is not None and clients[107] is not None
    assert received[101] is None and received[50] is not None
    assert found["uplink_loss_permille.t1"][32] == 1000 and found["uplink_latency_ms.t1"][32] is None
    peaks = found["interface_received_peak_kbit.uplink"]
    assert all(1000 * p >= r for p, r in zip(peaks, received, strict=True) if p is not None and r is not None)


def test_logins_are_counted_and_a_new_boot_takes_none_away() -> None:
    found = series.of_records(list(records_of(DETAILED, NOW_MS)), Axis(NOW_MS - DAY_MS, HOUR_MS, 24))
    assert all(value is None or value >= 0 for value in found["logins"])
    assert 60 <= sum(value or 0 for value in found["logins"]) <= 72


def test_an_hours_sum_is_its_mean_and_its_peak() -> None:
    samples = {
        "interface_received_bytes.uplink": Summary(60, 0, 0, 0, 450_000_000),
        "interface_received_peak_kbit.uplink": Summary(60, 60_000, 10, 9_000, 0),
        "uplink_latency_ms.t1": Summary(50, 2_500, 20, 900, 0),
        "temperature_celsius": Summary(60, 3_000, 40, 61.5, 0),
        "memory_available_bytes": Summary(60, 0, 250, 900, 0),
        "memory_total_bytes": Summary(60, 60_000, 1_000, 1_000, 0),
        "logins": Summary(60, 900, 1, 22, 21),
    }
    found = series.of_hours([Hour(DETAILED, NOW_MS, 60, samples)], Axis(NOW_MS - HOUR_MS, HOUR_MS, 3))
    assert found == {
        "received": (None, 1_000_000, None),
        "interface_received_peak_kbit.uplink": (None, 9_000, None),
        "uplink_latency_ms.t1": (None, 50, None),
        "temperature_celsius": (None, 61.5, None),
        "memory_used": (None, 75, None),
        "logins": (None, 21, None),
    }


def test_every_chart_is_said_in_words_and_those_without_a_word_are_not_there() -> None:
    found = series.of_records(list(records_of(DETAILED, NOW_MS)), Axis(NOW_MS - DAY_MS, 10 * MINUTE_MS, 144))
    drawn = charts.all_of(found, 144)
    keys = [each.key for each in drawn]
    assert keys == ["bandwidth", "latency", "jitter", "loss", "clients", "logins", "temperature", "use"]
    assert all("terendah" in each.summary and len(each.paths) == len(each.names) for each in drawn)
    assert {each.key: each.top for each in drawn if each.key in ("loss", "use")} == {"loss": "100 %", "use": "100 %"}
    assert drawn[0].names[2] == "Unduh, puncak 10 detik"
    assert charts.all_of({}, 144) == ()
    (alone,) = charts.all_of({"clients_online": (None, 3.0)}, 2)
    assert alone.summary == "Terbanyak: terendah 3, rata-rata 3, tertinggi 3."


LINK = measured(Condition.LINK, Cause.NO_LINK, Evidence.UPLINK_STATE)


def test_a_timeline_shows_even_a_short_cut_and_hides_nothing_down() -> None:
    spans = [
        Span(0, 40_000, UP), Span(40_000, 40_010, LINK), Span(40_010, 90_000, UP),
        Span(90_000, 100_000, unknown(Evidence.NO_RECORD)),
    ]  # fmt: skip
    layers = {layer.fill: layer.boxes for layer in strips.timeline(spans, 0, 100_000)}
    assert list(layers) == ["up", "unknown", "link"], "what is down is drawn last"
    assert layers["link"][0].x == 40 and layers["link"][0].width == 0.15
    assert layers["unknown"] == (strips.Box(90, 0, 10, 100),)


@given(st.lists(st.tuples(st.integers(1, 10_000), st.sampled_from(list(Condition))), min_size=1, max_size=30))
def test_a_timeline_covers_its_time_exactly(parts: list[tuple[int, Condition]]) -> None:
    spans, at = [], 0
    for length, condition in parts:
        spans.append(Span(at, at + length, measured(condition, Cause.NONE)))
        at += length
    whole = sum(box.width for layer in strips.timeline(spans, 0, at) for box in layer.boxes)
    assert 99.9 <= whole <= 100.1 + 0.15 * len(parts)
    assert all(0 <= box.x <= 100 for layer in strips.timeline(spans, 0, at) for box in layer.boxes)
