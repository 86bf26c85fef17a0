"""An incident's hubs: affected, back, still dark and unknown add up in every state of the world."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noc.fleet import HubState
from noc.rules.affected import CUT_OFF, Part, count, part_of
from noc.rules.problems import Problem

Hub = tuple[HubState, frozenset[Problem], bool]
hubs: st.SearchStrategy[list[Hub]] = st.lists(
    st.tuples(st.sampled_from(HubState), st.frozensets(st.sampled_from(Problem)), st.booleans()), max_size=60
)


@given(hubs, st.sampled_from(Problem))
def test_the_parts_add_up_to_all(world: list[Hub], problem: Problem) -> None:
    found = count(part_of(problem, state, problems, is_heard=heard) for state, problems, heard in world)
    assert set(found) == set(Part)
    assert sum(found.values()) == len(world)


@given(st.sampled_from(HubState), st.frozensets(st.sampled_from(Problem)), st.sampled_from(Problem))
def test_nobody_is_called_back_or_dark_whom_nobody_hears(
    state: HubState, problems: frozenset[Problem], incident: Problem
) -> None:
    assert part_of(incident, state, problems, is_heard=False) is Part.UNKNOWN
    assert part_of(incident, HubState.NEVER, problems, is_heard=True) is Part.UNKNOWN


@pytest.mark.parametrize(
    ("incident", "state", "problems", "part"),
    [
        (Problem.NO_CONTACT, HubState.NO_CONTACT, {Problem.NO_CONTACT}, Part.DARK),
        (Problem.NO_CONTACT, HubState.ONLINE, set(), Part.BACK),
        (Problem.NO_CONTACT, HubState.ATTENTION, {Problem.HOT}, Part.BACK),
        (Problem.NO_CONTACT, HubState.ATTENTION, {Problem.UPLINK_DOWN}, Part.DARK),
        (Problem.UPLINK_DOWN, HubState.NO_CONTACT, {Problem.NO_CONTACT}, Part.DARK),
        (Problem.HOT, HubState.ATTENTION, {Problem.HOT}, Part.DARK),
        (Problem.HOT, HubState.ATTENTION, {Problem.DISK_FULL}, Part.BACK),
        (Problem.HOT, HubState.NO_CONTACT, {Problem.NO_CONTACT}, Part.UNKNOWN),
    ],
)
def test_where_a_hub_is_counted(incident: Problem, state: HubState, problems: set[Problem], part: Part) -> None:
    assert part_of(incident, state, problems, is_heard=True) is part
    assert (Part.DARK is part_of(incident, state, problems, is_heard=True)) <= bool(problems & ({incident} | CUT_OFF))
