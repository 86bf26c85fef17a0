"""Words become numbers that never change, and areas become ranges of codes."""

from __future__ import annotations

import enum
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noc.fleet import HubState
from noc.fleet_book import codes
from noc.fleet_book.contract import Scope
from noc.rules.problems import Problem
from noc.rules.sla import Month, SlaClass
from noc.rules.states import Basis, Cause, Condition, Evidence

PART = st.integers(1, 3).map(lambda number: f"{number:02}")
VILLAGE = st.builds(lambda *parts: ".".join(parts), PART, PART, PART, st.sampled_from(["2001", "2002", "1001"]))
AREA = st.builds(lambda code, depth: ".".join(code.split(".")[:depth]), VILLAGE, st.integers(0, 4))


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (codes.STATES, HubState),
        (codes.PROBLEMS, Problem),
        (codes.CLASSES, SlaClass),
        (codes.CONDITIONS, Condition),
        (codes.CAUSES, Cause),
        (codes.BASES, Basis),
        (codes.EVIDENCE, Evidence),
    ],
)
def test_each_word_has_a_number(words: Sequence[enum.Enum], kind: type[enum.Enum]) -> None:
    assert sorted(words, key=str) == sorted(kind, key=str)


def test_numbers_that_are_in_files_stay() -> None:
    assert [codes.STATE_NUMBERS[each] for each in HubState] == [0, 1, 2, 3]
    assert codes.problem_bits((Problem.NO_CONTACT, Problem.HOT)) == 0b10000010
    assert (codes.CONDITION_NUMBERS[Condition.POWER], codes.CAUSE_NUMBERS[Cause.POWER_LOST]) == (3, 9)
    assert codes.evidence_text((Evidence.UNCLEAN_SHUTDOWN, Evidence.BOOT_GAP)) == "gf"
    assert (codes.day_number("2026-08-17"), codes.month_number(Month(2026, 8))) == (20_682, 24_319)


@given(st.sets(st.sampled_from(Problem)), st.lists(st.sampled_from(Evidence), unique=True), st.integers(0, 40_000))
def test_what_is_written_is_read(problems: set[Problem], evidence: list[Evidence], day: int) -> None:
    assert set(codes.problems_of(codes.problem_bits(problems))) == problems
    assert codes.evidence_of(codes.evidence_text(evidence)) == tuple(evidence)
    assert codes.day_number(codes.day_text(day)) == day


@given(AREA, VILLAGE)
def test_the_bounds_of_an_area_hold_its_villages_and_no_others(area: str, village: str) -> None:
    first, last = codes.bounds(area)
    assert (first <= village < last) == Scope((area,) if area else ()).sees(village)


@given(st.lists(AREA.filter(bool), max_size=4).map(tuple), AREA, VILLAGE)
def test_what_is_visible_is_what_scope_and_area_share(scope: tuple[str, ...], area: str, village: str) -> None:
    parts = codes.visible(Scope(scope), area)
    holding = [part for part in parts if codes.within(village, (part,))]
    is_there = Scope((area,) if area else ()).sees(village)
    assert len(holding) == (1 if is_there and Scope(scope).sees(village) else 0)


@given(VILLAGE)
def test_the_areas_above_a_village(village: str) -> None:
    above = codes.above(village)
    assert [codes.level(area) for area in above] == [0, 1, 2, 3]
    assert all(codes.within(village, (area,)) for area in above)


@pytest.mark.parametrize("day", ["2026-2-3", "2026-13-01", "kemarin", "", "2026-08-17T10:00"])
def test_what_is_no_day(day: str) -> None:
    with pytest.raises(ValueError, match="2026-08-17"):
        codes.day_number(day)
