"""Where boots stand in time, and how far that can be wrong."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.clock import WallQuality
from noc.rules import anchors
from noc.rules.anchors import Anchor, Source, place
from noc.rules.history import Arrival, merge, observe
from noc.rules.reading import Terms
from noc.store.contract import ArrivedRecord
from tests.unit.noc.rules.making import T0_MS, A, B, C, D, minutes, record

TERMS = Terms()
HOUR_MS = 3_600_000


def placed(*records: ArrivedRecord, arrivals: tuple[Arrival, ...] = ()) -> dict[str, Anchor]:
    return {anchor.boot.boot_id: anchor for anchor in place(observe(records, TERMS, arrivals))}


def test_a_time_servers_word_places_a_boot_to_half_a_second() -> None:
    found = placed(*minutes(A, T0_MS, 1, 5, number=1))[A]
    assert (found.start_ms, found.early_ms, found.late_ms, found.source) == (T0_MS, 500, 500, Source.NTP)
    assert found.end_ms == T0_MS + 300_000


def test_an_arrival_is_an_upper_bound_and_the_quickest_tells_most() -> None:
    slow = record(A, 60_000, 60_000, time_ms=T0_MS + 90_000, received_ms=T0_MS + 90_000)
    quick = record(A, 60_001, 120_000, time_ms=T0_MS + 121_000, received_ms=T0_MS + 121_000)
    for records in ((slow, quick), (quick, slow)):
        found = placed(*records)[A]
        assert (found.start_ms, found.late_ms, found.source) == (T0_MS + 1_000, 0, Source.ARRIVAL)
    by_itself = placed(slow, arrivals=(Arrival(A, 60_000, T0_MS + 60_500),))[A]
    assert by_itself.start_ms == T0_MS + 500


def test_when_the_clock_becomes_known_the_boot_moves() -> None:
    early = observe([record(A, 60_000, 60_000, time_ms=T0_MS + 75_000, received_ms=T0_MS + 75_000)], TERMS)
    assert place(early)[0].start_ms == T0_MS + 15_000
    later = merge(early, observe([record(A, 60_001, 120_000, wall_ms=T0_MS + 120_000)], TERMS), TERMS)
    assert (place(later)[0].start_ms, place(later)[0].source) == (T0_MS, Source.NTP)


@pytest.mark.parametrize("wrong_ms", [10 * 365 * 24 * HOUR_MS, 24 * HOUR_MS, 60_000])
def test_nothing_is_placed_in_the_future(wrong_ms: int) -> None:
    received_ms = T0_MS + 61_000
    lying = record(A, 60_000, 60_000, wall_ms=T0_MS + 60_000 + wrong_ms, received_ms=received_ms)
    assert A not in placed(lying)
    unset = record(A, 60_001, 120_000, time_ms=T0_MS + 120_500, received_ms=T0_MS + 121_000)
    assert placed(lying, unset)[A].start_ms == T0_MS + 500


def test_a_clock_a_moment_ahead_is_believed_but_not_beyond_the_arrival() -> None:
    found = placed(record(A, 60_000, 60_000, wall_ms=T0_MS + 61_000, received_ms=T0_MS + 60_200))[A]
    assert (found.start_ms, found.late_ms) == (T0_MS + 200, 0)


def test_of_two_dates_the_one_that_held_longer_is_believed() -> None:
    steady = minutes(A, T0_MS, 1, 30, number=1)
    stray = record(A, 60_030, 31 * 60_000, wall_ms=T0_MS - 24 * HOUR_MS, received_ms=T0_MS + HOUR_MS)
    assert placed(*steady, stray)[A].start_ms == T0_MS


def test_a_clock_that_creeps_widens_the_error() -> None:
    creeping = [
        record(A, 60_000 + i, 60_000 * i, wall_ms=T0_MS + 60_000 * i + 500 * i, received_ms=T0_MS + HOUR_MS)
        for i in range(1, 9)
    ]
    found = placed(*creeping)[A]
    assert found.start_ms == T0_MS + 2_250
    assert found.early_ms == found.late_ms == 500 + 1_750


def test_a_day_behind_falls_onto_another_boot_and_is_doubted() -> None:
    earlier = [
        record(A, 60_000 + i, 60_000 * (i + 1), wall_ms=T0_MS + 60_000 * (i + 1), received_ms=T0_MS + 60_000 * (i + 2))
        for i in range(200)
    ]
    start_ms = T0_MS + 24 * HOUR_MS
    behind = record(
        B, 60_000, 60_000, wall_ms=start_ms + 60_000 - 24 * HOUR_MS + HOUR_MS, received_ms=start_ms + 70_000
    )
    sent = record(B, 60_001, 120_000, time_ms=start_ms + 120_400, received_ms=start_ms + 121_000)
    found = placed(*earlier, behind, sent)
    assert found[A].source is Source.NTP
    assert found[B].start_ms == start_ms + 400
    assert found[B].source is Source.ARRIVAL


def test_a_battery_is_the_last_resort() -> None:
    found = placed(record(A, 60_000, 60_000, wall_ms=T0_MS + 60_000, quality=WallQuality.RTC, time_ms=T0_MS + 60_000))[
        A
    ]
    assert (found.start_ms, found.source) == (T0_MS, Source.BATTERY)
    assert found.early_ms == 300_000


def test_a_later_boot_bounds_the_end_of_one_that_arrived_late() -> None:
    one = [record(A, 60_000 + i, 60_000 * (i + 1), time_ms=T0_MS + 60_000 * (i + 1) + 20_000) for i in range(60)]
    other = minutes(B, T0_MS + HOUR_MS + 5_000, 1, 3, number=2)
    found = placed(*one, *other)
    assert found[A].end_ms == found[B].start_ms == T0_MS + HOUR_MS + 5_000
    assert found[A].start_ms == T0_MS + 5_000
    assert not found[A].is_doubled


def test_two_boxes_with_one_identity_show() -> None:
    one = [
        record(A, 60_000 + i, 60_000 * i, wall_ms=T0_MS + 60_000 * i, received_ms=T0_MS + 60_000 * i + 500)
        for i in range(1, 200)
    ]
    other = [
        record(
            B, 60_000 + i, 60_000 * i, wall_ms=T0_MS + HOUR_MS + 60_000 * i, received_ms=T0_MS + HOUR_MS + 60_000 * i
        )
        for i in range(1, 200)
    ]
    found = placed(*one, *other)
    assert found[A].is_doubled
    assert found[A].end_ms == found[B].start_ms


def test_boots_that_know_nothing_lie_between_those_that_do() -> None:
    first, last = minutes(A, T0_MS, 1, 10, number=1), minutes(D, T0_MS + 5 * HOUR_MS, 1, 10, number=4)
    second, third = (minutes(boot, 0, 1, 60, number=n, known=False) for boot, n in ((B, 2), (C, 3)))
    found = placed(*first, *second, *third, *last)
    end_ms = T0_MS + 600_000
    assert found[B].source is found[C].source is Source.ORDER
    assert found[B].start_ms - found[B].early_ms == end_ms
    assert found[C].start_ms - found[C].early_ms == end_ms + HOUR_MS
    assert found[C].start_ms == T0_MS + 4 * HOUR_MS
    assert found[B].start_ms == T0_MS + 3 * HOUR_MS


def test_numbers_that_began_anew_tell_no_order() -> None:
    first, last = minutes(A, T0_MS, 1, 10, number=40), minutes(D, T0_MS + 5 * HOUR_MS, 1, 10, number=1)
    assert set(placed(*first, *minutes(B, 0, 1, 60, number=7, known=False), *last)) == {A, D}


def by_the_book(doubted: list[Anchor]) -> list[Anchor]:
    """`_without_lies` as it is said: of the first two that overlap the liar goes, and all is looked at again."""
    known = sorted(doubted, key=anchors._order)
    while True:
        for one, other in itertools.pairwise(known):
            liar = max(one, other, key=lambda a: (a.boot.latest_start_ms - a.start_ms, anchors._order(a)))
            is_overlap = one.end_ms - other.start_ms > anchors.CLOCK_WRONG_MS
            is_late = liar.boot.latest_start_ms - liar.start_ms > anchors.CLOCK_WRONG_MS
            if is_overlap and is_late and liar.source is not Source.ARRIVAL:
                break
        else:
            return known
        known.remove(liar)
        if (start_ms := liar.boot.arrival_start_ms) is not None:
            known.append(anchors._anchor(liar.boot, start_ms, anchors.ARRIVAL_ERROR_MS, 0, Source.ARRIVAL))
            known.sort(key=anchors._order)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 40), st.integers(0, 20), st.integers(0, 40), st.booleans(), st.none() | st.integers(0, 20)
        ),
        max_size=12,
    )
)
def test_who_lied_is_found_as_if_all_were_looked_at_again(boots: list[tuple[int, int, int, bool, int | None]]) -> None:
    doubted = []
    for i, (start, runs, late, is_dated, way) in enumerate(boots):
        boot_id, runs_ms, start_ms = f"{i:032x}", runs * 60_000, T0_MS + start * 60_000
        received_ms = start_ms + runs_ms + late * 60_000
        said = record(boot_id, 1, runs_ms, wall_ms=start_ms + runs_ms if is_dated else None, received_ms=received_ms)
        sent = () if way is None else (Arrival(boot_id, runs_ms, received_ms + way * 60_000),)
        doubted += [
            found for boot in observe([said], TERMS, sent).values() if (found := anchors._own(boot)) is not None
        ]
    assert anchors._without_lies(doubted) == by_the_book(doubted)


def test_many_lies_cost_no_more_than_as_many_truths(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report brings a thousand boots: what grew with their square kept the watch from all others for minutes."""
    looked = 0
    whole: Callable[[Anchor], Any] = anchors._order

    def counted(anchor: Anchor) -> Any:
        nonlocal looked
        looked += 1
        return whole(anchor)

    monkeypatch.setattr(anchors, "_order", counted)
    number, ran_ms = 1_000, 240 * HOUR_MS
    truths = [record(f"{i:032x}", 0, 0, wall_ms=T0_MS + i * 1_000) for i in range(number)]
    lies = [record(f"{number + i:032x}", 0, ran_ms, wall_ms=T0_MS + ran_ms + i * 1_000) for i in range(number)]
    place(observe([*truths, *lies], TERMS))
    assert looked < 40 * number
