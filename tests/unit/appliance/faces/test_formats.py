"""Durations, sizes and moments as people say them."""

import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from appliance.faces import formats, web

WITA = ZoneInfo("Asia/Makassar")
NOW = datetime.datetime(2026, 3, 2, 4, 0, tzinfo=datetime.UTC)


@pytest.fixture(autouse=True)
def request_context() -> object:
    app = Flask("test", static_folder=None)
    web.install(app, web.Face("Desa", "Uji"), timezone="Asia/Makassar", catalogues=Path("none"))
    with app.test_request_context():
        yield


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "kurang dari 1 menit"),
        (59, "kurang dari 1 menit"),
        (60, "1 menit"),
        (3_599, "59 menit"),
        (3_600, "1 jam"),
        (14_399, "3 jam 59 menit"),
        (86_400, "1 hari"),
        (90_061, "1 hari 1 jam"),
    ],
)
def test_duration(seconds: int, text: str) -> None:
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 byte"),
        (999, "999 byte"),
        (1_000, "1 kB"),
        (12_400_000, "12,4 MB"),
        (340_000_000, "340 MB"),
        (1_500_000_000_000, "1,5 TB"),
        (10**18, "1.000.000 TB"),
    ],
)
def test_size(count: int, text: str) -> None:
    assert formats.size(count) == text


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime.datetime(2026, 3, 1, 23, 12, tzinfo=datetime.UTC), "pukul 07.12 WITA"),
        (datetime.datetime(2026, 3, 1, 15, 59, tzinfo=datetime.UTC), "kemarin pukul 23.59 WITA"),
        (datetime.datetime(2026, 2, 3, 0, 0, tzinfo=datetime.UTC), "3 Februari 2026 pukul 08.00 WITA"),
        (datetime.datetime(2026, 3, 9, 0, 0, tzinfo=datetime.UTC), "9 Maret 2026 pukul 08.00 WITA"),
    ],
)
def test_moment(moment: datetime.datetime, text: str) -> None:
    assert formats.moment(moment, NOW, WITA) == text


def test_number() -> None:
    assert formats.number(4210) == "4.210"
    assert [formats.number(value) for value in (-0.0, 0.0, 0)] == ["0", "0", "0"]


@given(st.integers(0, 10**9))
def test_a_promise_is_never_longer_than_what_is_left(seconds: int) -> None:
    units = {"hari": 86_400, "jam": 3_600, "menit": 60}
    words = formats.duration(seconds).removeprefix("kurang dari ").split()
    told = sum(int(count) * units[unit] for count, unit in zip(words[::2], words[1::2], strict=True))
    assert told <= max(seconds, 60)


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        ((), ""),
        (("mon-sun 05:00-22:00",), "setiap hari 05.00\u201322.00 WITA"),
        (("wed-tue 00:00-24:00",), "setiap hari 00.00\u201324.00 WITA"),
        (
            ("mon-fri 06:00-22:00", "sat 08:00-12:00"),
            "Senin\u2013Jumat 06.00\u201322.00, Sabtu 08.00\u201312.00 WITA",
        ),
        (("sat-mon 22:00-05:00",), "Sabtu\u2013Senin 22.00\u201305.00 WITA"),
    ],
)
def test_opening_hours(entries: tuple[str, ...], text: str) -> None:
    assert formats.opening_hours(entries, WITA) == text
