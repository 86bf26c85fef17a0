"""Residents' sessions: short in the hall, longer on a phone, over when they should be."""

from typing import Any

import pytest

from appliance.kiosk.citizen.sessions import LIMITS, Where

NOW = 1_790_000_000


def _begin(hall: Any, where: Where) -> str:
    with hall.world.store.transaction() as db:
        return str(hall.pins.sessions.begin(db, next(iter(hall.ids.values())), where, NOW))


@pytest.mark.parametrize("where", list(Where))
def test_it_ends_when_nobody_uses_it(hall: Any, where: Where) -> None:
    idle = LIMITS[where].idle_seconds
    token = _begin(hall, where)
    assert hall.pins.sessions.of(token, where, NOW + idle - 1) is not None
    assert hall.pins.sessions.of(token, where, NOW + 2 * idle - 2) is not None, "each use prolongs it"
    assert hall.pins.sessions.of(token, where, NOW + 3 * idle - 2) is None


@pytest.mark.parametrize("where", list(Where))
def test_it_ends_however_busy(hall: Any, where: Where) -> None:
    token, limits = _begin(hall, where), LIMITS[where]
    for at in range(0, limits.absolute_seconds, limits.idle_seconds - 1):
        visit = hall.pins.sessions.of(token, where, NOW + at)
        assert visit is not None and 0 < visit.seconds_left <= limits.idle_seconds
    assert hall.pins.sessions.of(token, where, NOW + limits.absolute_seconds) is None


def test_in_the_hall_it_is_a_minute() -> None:
    assert LIMITS[Where.HALL].idle_seconds == 60 < LIMITS[Where.PHONE].idle_seconds


def test_one_of_the_hall_counts_on_no_phone_and_the_other_way_round(hall: Any) -> None:
    for here, there in ((Where.HALL, Where.PHONE), (Where.PHONE, Where.HALL)):
        assert hall.pins.sessions.of(_begin(hall, here), there, NOW) is None


def test_one_that_begins_in_the_future_is_over_and_a_small_step_back_does_no_harm(hall: Any) -> None:
    token = _begin(hall, Where.PHONE)
    assert hall.pins.sessions.of(token, Where.PHONE, NOW - 300) is not None
    assert hall.pins.sessions.of(_begin(hall, Where.PHONE), Where.PHONE, NOW - 301) is None


def test_what_has_ended_is_swept_and_the_other_kind_stays(hall: Any) -> None:
    _begin(hall, Where.HALL)
    phone = _begin(hall, Where.PHONE)
    with hall.world.store.transaction() as db:
        hall.pins.sessions.begin(db, next(iter(hall.ids.values())), Where.HALL, NOW + 60)
        assert len(db.rows("SELECT * FROM pin_sessions")) == 2
    assert hall.pins.sessions.of(phone, Where.PHONE, NOW + 60) is not None


@pytest.mark.parametrize("token", ["", "x", "\ud800", "a" * 9999])
def test_a_made_up_token_is_nobodys(hall: Any, token: str) -> None:
    assert hall.pins.sessions.of(token, Where.HALL, NOW) is None
    hall.pins.sessions.end(token)
