"""What the alerts remember survives a restart, and what was told is never told again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from noc.fleet_book.contract import FleetBook, Scope
from noc.fleet_book.sqlite import open_fleet_book
from noc.rules import alerts
from noc.rules.alert_state import ChannelState, Deed, Facts, Letter, NewsKind, Silence, State
from noc.rules.groups import Fleet, Group, GroupKind
from noc.rules.hearing import Ear
from noc.rules.problems import Problem
from tests.unit.noc.rules.test_alerts import DOWN, HUB_0, MINUTE_MS, START_MS, places

STEP_MS = 60_000


@pytest.fixture
def book(tmp_path: Path) -> Iterator[FleetBook]:
    with contextlib.closing(open_fleet_book(tmp_path / "fleet.db")) as made:
        yield made


def letter(number: int, kind: NewsKind = NewsKind.RAISED, channel: str = "piket", hubs: int = 1) -> Letter:
    return Letter(channel, number, kind, hubs, Problem.NO_CONTACT, HUB_0, START_MS, START_MS + number, False)


def test_what_is_remembered_is_the_same_after_each_step(book: FleetBook) -> None:
    """Through single cases, a shared one that spreads, a deaf NOC, ends: what is read is what was kept."""
    everyone = places(400)
    fleet, state, now_ms = Fleet(everyone), book.alert_state(START_MS), START_MS
    assert state == State()
    single, some = {"hub-00399": DOWN}, {place.hub_id: DOWN for place in everyone[:12]}
    many = {place.hub_id: DOWN for place in everyone[:200]}
    told = 0
    for minutes, troubled, is_deaf in (
        (30, single, False), (15, some, False), (30, many, False), (20, many, True), (40, single, False),
        (40, {}, False),
    ):  # fmt: skip
        heard_ms = now_ms
        for _ in range(minutes):
            now_ms += STEP_MS
            ears = (Ear("noc", heard_ms if is_deaf else now_ms),)
            after, notification = alerts.step(state, Facts(troubled, ears), fleet, now_ms)
            told += notification is not None
            book.put_alerts(state, after, (), now_ms)
            assert book.alert_state(now_ms) == replace(
                after, incidents=tuple(sorted(after.incidents, key=lambda each: each.number))
            )
            state = after
    assert told >= 5
    assert state.incidents == ()
    kept = book.incidents(Scope(), is_open=False, limit=99)
    assert {each.incident.problem for each in kept} == {Problem.NO_CONTACT, Problem.NOC_DEAF}
    assert all(each.told_ms is not None and each.ended_ms is not None for each in kept)


def test_what_people_decide_is_theirs(book: FleetBook) -> None:
    fleet, state = Fleet(places(40)), State()
    for minute in range(1, 30):
        after, _ = alerts.step(state, Facts({"hub-00000": DOWN}), fleet, START_MS + minute * MINUTE_MS)
        book.put_alerts(state, after, (), START_MS + minute * MINUTE_MS)
        state = after
    now_ms = START_MS + 29 * MINUTE_MS
    (incident,) = state.incidents
    book.acknowledge(incident.number, Deed(now_ms, "ayu", "acknowledge", str(incident.number)))
    quiet = Silence(HUB_0, now_ms + 1000, "ayu", "dikunjungi", Problem.NO_CONTACT)
    book.put_silence(quiet, Deed(now_ms, "ayu", "silence", "hub hub-00000", quiet.why))
    people = book.people(now_ms)
    assert (people.silences, people.cared) == ((quiet,), {incident.number: ("ayu", now_ms)})
    assert book.people(now_ms + 1000).silences == ()
    # A step that knows nothing of it, because it was under way: the book keeps what people said.
    after, _ = alerts.step(state, Facts({"hub-00000": DOWN}), fleet, now_ms + STEP_MS)
    book.put_alerts(
        state, replace(after, incidents=tuple(replace(i, joined_ms=9) for i in after.incidents)), (), now_ms
    )
    (kept,) = book.incidents(Scope(), is_open=True)
    assert (kept.incident.acknowledged_by, kept.incident.acknowledged_ms) == ("ayu", now_ms)


def test_an_incident_that_was_opened_and_ended_between_two_writes_is_seen(book: FleetBook) -> None:
    group = Group(GroupKind.BROKER, "noc")
    from noc.rules.alert_state import Incident

    over = Incident(1, group, Problem.NOC_DEAF, 1, 2, frozenset(), frozenset(("noc",)), 1)
    book.put_alerts(State(), State(cleared=(over,), last_number=1), (), 50)
    assert book.alert_state(50).cleared == (over,)
    assert [each.ended_ms for each in book.incidents(Scope(), is_open=False)] == [50]
    book.put_alerts(State(cleared=(over,), last_number=1), State(last_number=1), (), 60)
    assert book.alert_state(60) == State(last_number=1)


def test_letters_wait_until_they_are_sent_and_are_taken_once(book: FleetBook) -> None:
    book.keep_channels({"piket", "dinas"})
    assert book.channels() == (ChannelState("dinas"), ChannelState("piket"))
    one, two, other = letter(1), letter(2), letter(1, channel="dinas")
    book.put_alerts(State(), State(), (one, two, other, one), START_MS)
    book.put_alerts(State(), State(), (one, replace(one, at_ms=5)), START_MS)
    assert book.waiting_letters("piket") == (one, two)
    failing = ChannelState("piket", None, START_MS, 3, START_MS + 5, "ditolak")
    book.put_sent((), failing, START_MS)
    assert book.channels() == (ChannelState("dinas"), failing)
    book.put_sent((one,), ChannelState("piket", START_MS), START_MS)
    book.put_alerts(State(), State(), (one,), START_MS)
    assert book.waiting_letters("piket") == (two,)
    # What the book never saw, because its disk was full then, is noted as sent all the same.
    book.put_sent((letter(7),), ChannelState("piket", START_MS), START_MS)
    book.put_alerts(State(), State(), (letter(7),), START_MS)
    assert book.waiting_letters("piket") == (two,)
    book.keep_channels({"piket"})
    assert (book.waiting_letters("dinas"), [each.name for each in book.channels()]) == ((), ["piket"])


def test_old_letters_are_forgotten_once_they_were_sent(book: FleetBook) -> None:
    book.put_sent((letter(1),), ChannelState("piket", START_MS), START_MS)
    week_later_ms = START_MS + 8 * 86_400_000
    book.put_sent((letter(2),), ChannelState("piket", week_later_ms), week_later_ms)
    book.put_alerts(State(), State(), (letter(1), letter(2)), week_later_ms)
    assert book.waiting_letters("piket") == (letter(1),)
