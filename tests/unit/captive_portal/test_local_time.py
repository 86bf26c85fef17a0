"""The village's own time, as far as the box knows it."""

import datetime
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.clock import WallQuality
from appliance.core.config.village import Timezone
from captive_portal import local_time
from captive_portal.now import Now

# Offsets are what they are since 1988; before that the zones were others.
walls = st.integers(600_000_000, 4_000_000_000)


def _now(wall: int, boot: int = 0, quality: WallQuality = WallQuality.NTP) -> Now:
    return Now("a" * 32, boot, wall, quality)


@given(walls, st.sampled_from(list(Timezone)))
def test_dates_and_midnights_are_those_of_the_zone(wall: int, timezone: Timezone) -> None:
    there = datetime.datetime.fromtimestamp(wall, zoneinfo.ZoneInfo(timezone))
    now = _now(wall)
    assert local_time.day(now, timezone) == there.date().isoformat()
    midnight = there.replace(hour=0, minute=0, second=0) + datetime.timedelta(days=1)
    assert local_time.seconds_left_today(now, timezone) == (midnight - there).total_seconds()
    assert local_time.day_begins(local_time.day(now, timezone), timezone) + 86_400 == midnight.timestamp()


@given(walls, st.sampled_from(list(Timezone)))
def test_open_until_it_closes_and_closed_until_it_opens(wall: int, timezone: Timezone) -> None:
    entries = ("mon-fri 05:00-23:00", "sat 22:00-02:00")
    left = local_time.seconds_open(entries, _now(wall), timezone)
    opens = local_time.seconds_until_open(entries, _now(wall), timezone)
    assert left is not None and (left > 0) is (opens == 0)
    if left:
        assert local_time.seconds_open(entries, _now(wall + left - 1), timezone) == 1
        assert local_time.seconds_open(entries, _now(wall + left), timezone) == 0
    else:
        assert local_time.seconds_open(entries, _now(wall + opens - 1), timezone) == 0
        assert local_time.seconds_until_open(entries, _now(wall + opens), timezone) == 0
    there = datetime.datetime.fromtimestamp(wall, zoneinfo.ZoneInfo(timezone))
    weekday, hour = there.weekday(), there.hour
    assert (left > 0) is (
        (weekday < 5 and 5 <= hour < 23) or (weekday == 5 and hour >= 22) or (weekday == 6 and hour < 2)
    )


@pytest.mark.parametrize("entries", [(), ("mon-sun 00:00-24:00",)])
def test_what_is_always_open_has_no_end(entries: tuple[str, ...]) -> None:
    assert local_time.seconds_open(entries, _now(10**9), Timezone.WIB) is None
    assert local_time.seconds_until_open(entries, _now(10**9), Timezone.WIB) == 0


def test_without_the_date_a_day_is_24_hours_of_a_boot() -> None:
    early, late = (_now(10**9, boot, WallQuality.UNKNOWN) for boot in (86_399, 86_400))
    assert local_time.day(early, Timezone.WIB) != local_time.day(late, Timezone.WIB)
    assert local_time.seconds_left_today(early, Timezone.WIB) == 1
    assert local_time.seconds_open(("mon 00:00-00:01",), early, Timezone.WIB) is None
