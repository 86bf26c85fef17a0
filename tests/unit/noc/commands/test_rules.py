"""Who is asked first, who follows, and until when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.command_results import Status
from appliance.core.commands import BootDeadline
from appliance.core.report import State
from noc.commands import rules
from noc.commands.rules import Contact, waves
from noc.store.contract import ArrivedState, Hub, HubFacts

BOOT = "ab" * 16
HUBS = [f"hub-{number:04}" for number in range(10)]


def test_of_many_a_few_in_contact_go_first() -> None:
    online = dict.fromkeys(HUBS[3:], True)
    assert waves(HUBS, online) == (tuple(HUBS[3:6]), (*HUBS[:3], *HUBS[6:]))
    assert waves(HUBS, online, 1) == ((HUBS[3],), tuple(each for each in HUBS if each != HUBS[3]))


def test_one_hub_needs_no_canary_and_nobody_in_contact_shows_nothing() -> None:
    assert waves(["hub-0001"], {}) == (("hub-0001",),)
    assert waves([], {}) == ()
    assert waves(HUBS, {}) == ()
    assert waves(HUBS[:2], dict.fromkeys(HUBS, True)) == ((HUBS[0],), (HUBS[1],))
    assert [len(wave) for wave in waves(HUBS[:5], dict.fromkeys(HUBS, True))] == [2, 3]
    with pytest.raises(ValueError, match="at least one"):
        waves(HUBS, {}, 0)


@given(st.lists(st.sampled_from(HUBS)), st.dictionaries(st.sampled_from(HUBS), st.booleans()), st.integers(1, 12))
def test_nobody_is_asked_twice_or_left_out_and_the_first_are_few(
    hubs: list[str], online: dict[str, bool], first: int
) -> None:
    found = waves(hubs, online, first)
    asked = [hub for wave in found for hub in wave]
    assert len(asked) == len(set(asked))
    if found:
        assert set(asked) == set(hubs)
    if len(found) == 2:
        assert len(found[0]) <= first
        assert all(online[hub] for hub in found[0])


@pytest.mark.parametrize("bad", [Status.FAILED, Status.REFUSED, Status.BEGUN, None])
def test_one_canary_that_has_not_done_it_stops_the_others(bad: Status | None) -> None:
    ends = {"a": Status.DONE, "b": Status.DONE}
    assert rules.may_go_on(("a", "b"), ends)
    assert not rules.may_go_on(("a", "b"), {"a": Status.DONE} | ({} if bad is None else {"b": bad}))
    assert not rules.may_go_on((), {})


def test_the_end_by_a_hubs_own_clock_is_taken_from_its_birth() -> None:
    state = State(BOOT, 90_000, True, "0.1.0", "")
    facts = HubFacts(Hub("hub-satu", "Satu", "51.03.01.2001"), 1, ArrivedState("hub-satu", state, 5_000_000), ())
    found = rules.contact(facts)
    assert found == Contact(BOOT, 90_000, 5_000_000, True)
    assert rules.deadline(found, 5_600_000) == BootDeadline(BOOT, 690_000)
    assert rules.deadline(found, 5_000_000) is None
    assert rules.deadline(None, 5_600_000) is None
    assert rules.contact(None) is None
    assert rules.deadline(Contact(BOOT, 90_000, 5_000_000, False), 5_600_000) is None, "a will tells no time"


def test_counters_grow_also_after_a_restored_backup() -> None:
    assert rules.next_counter(0, 1_000) == 1_000
    assert rules.next_counter(1_000, 1_000) == 1_001
    assert rules.next_counter(9_000, 1_000) == 9_001
