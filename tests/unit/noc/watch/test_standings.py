"""How hubs are, as the watch writes it: in time, for what changed alone, and never by the NOC's own fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.core.report import State
from noc.alarms.step import AlarmDesk
from noc.fleet import HubState
from noc.fleet_book.contract import FleetBook, KeptWindow, Scope, Standing
from noc.fleet_book.sqlite import SqliteFleetBook
from noc.rules.alert_state import Facts
from noc.rules.groups import Fleet
from noc.rules.problems import Problem
from noc.rules.states import Window
from noc.store.contract import Arrivals, ArrivedState, Hub, HubFacts
from tests.unit.noc.rules.making import T0_MS, A, B, record
from tests.unit.noc.watch.world import BY_ADMIN, World

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
HUBS = [Hub(f"hub-{i:04d}", f"Desa {i}", f"51.03.01.{2000 + i}") for i in range(6)]
YEARS_MS = 3_650 * DAY_MS


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, T0_MS, HUBS)
    yield made
    made.book.close()
    made.store.close()


def speak(world: World, hubs: Sequence[Hub] = HUBS, **samples: float) -> None:
    for hub in hubs:
        seconds = (world.ticks_ms - 900_000) // 1000
        said = {"uplink_state": 5, "uplink_up": 1, "clients_online": 4, "boots": 1, **samples}
        world.send(record(A, seconds, seconds * 1000, wall_ms=world.wall_ms, said=said), hub_id=hub.hub_id)


def every_five_minutes(world: World, hubs: Sequence[Hub] = HUBS) -> Callable[[], None]:
    last = [world.ticks_ms]

    def each() -> None:
        if world.ticks_ms - last[0] >= 300_000:
            last[0] = world.ticks_ms
            speak(world, hubs)

    return each


def states(world: World) -> set[HubState]:
    return {each.state for each in world.book.standings([hub.hub_id for hub in HUBS]).values()}


def state(world: World, hub: Hub = HUBS[0]) -> HubState:
    found = world.book.standing(hub.hub_id)
    assert found is not None
    return found.state


def test_the_inventory_is_taken_over_and_followed(world: World) -> None:
    world.turn()
    assert {card.hub_id for card in world.book.cards(Scope())} == {hub.hub_id for hub in HUBS}
    assert states(world) == {HubState.NEVER}
    late = Hub("hub-9999", "Baru", "52.01.01.2001", "Asia/Makassar")
    world.store.add_hub(late)
    speak(world, [late])
    world.turns(20_000)
    card = world.book.card(late.hub_id)
    assert card is not None
    assert (card.name, card.timezone) == ("Baru", "Asia/Makassar")
    assert state(world, late) is HubState.ONLINE


def test_a_silent_hub_shows_no_contact_within_450_s_and_a_turn(world: World) -> None:
    speak(world)
    world.turn()
    began_ms = world.wall_ms
    keeps = every_five_minutes(world, HUBS[1:])
    seen: dict[HubState, int] = {}

    def look() -> None:
        keeps()
        seen.setdefault(state(world), world.wall_ms - began_ms)

    world.turns(900_000, each=look)
    # `look` runs before its turn: what it sees, the turn before wrote.
    assert 450_000 < seen[HubState.NO_CONTACT] <= 450_000 + 2 * 10_000
    standing = world.book.standing(HUBS[0].hub_id)
    assert standing is not None
    assert (standing.since_ms, standing.problems) == (began_ms, (Problem.NO_CONTACT,))
    assert state(world, HUBS[1]) is HubState.ONLINE


def born(world: World, boot: str, interval_seconds: int, batch_seconds: int, *, online: bool = True) -> None:
    said = State(boot, 1, online, "0.1.0", "3f9a1c22b0de", interval_seconds, batch_seconds)
    world.store.commit(Arrivals(states=[ArrivedState(HUBS[0].hub_id, said, world.wall_ms)]))


def test_a_hub_that_reports_each_half_hour_is_not_silent_in_between(world: World) -> None:
    born(world, A, 600, 1_800)
    speak(world)
    world.turn()
    seen: dict[HubState, int] = {}
    began_ms = world.wall_ms

    def look() -> None:
        seen.setdefault(state(world), world.wall_ms - began_ms)

    world.turns(3_600_000, each=look)
    assert 2_700_000 < seen[HubState.NO_CONTACT] <= 2_700_000 + 2 * 10_000, "half as late again as its batches"
    assert state(world, HUBS[1]) is HubState.NO_CONTACT
    found = world.book.standing(HUBS[0].hub_id)
    assert found is not None and found.clients_online is None


def test_of_a_hub_that_reports_seldom_the_broker_s_word_counts_at_once(world: World) -> None:
    born(world, A, 600, 1_800)
    speak(world)
    world.turn()
    world.turns(440_000, every_ms=40_000)
    assert state(world) is HubState.ONLINE
    born(world, A, 600, 1_800, online=False)
    world.turns(10_000)
    assert state(world) is HubState.NO_CONTACT


def test_no_hub_hides_its_silence_by_saying_that_it_reports_once_a_day(world: World) -> None:
    born(world, A, 86_400, 86_400)
    speak(world)
    world.turn()
    world.turns(5_450_000, every_ms=50_000)
    assert state(world) is HubState.NO_CONTACT


def test_figures_grow_old_though_nothing_comes(world: World) -> None:
    speak(world)
    world.turn()
    found = world.book.standing(HUBS[0].hub_id)
    assert found is not None
    assert (found.clients_online, found.used_ms) == (4, world.wall_ms)
    world.turns(1_200_000)
    found = world.book.standing(HUBS[0].hub_id)
    assert found is not None
    assert (found.clients_online, found.used_ms) == (None, T0_MS)


def test_a_will_is_seen_at_the_next_turn(world: World) -> None:
    speak(world)
    world.turn()
    gone = State(A, 3, False, "0.1.0", "3f9a1c22b0de")
    world.store.commit(Arrivals(states=[ArrivedState(HUBS[0].hub_id, gone, world.wall_ms + 5_000)]))
    world.turns(10_000)
    assert state(world) is HubState.NO_CONTACT


def test_a_deaf_noc_marks_no_hub_down_and_gives_all_time_to_come_back(world: World) -> None:
    speak(world)
    world.turn()
    world.is_hearing = False
    world.turns(HOUR_MS, every_ms=60_000)
    assert states(world) == {HubState.ONLINE}
    world.is_hearing = True
    world.turns(600_000, every_ms=60_000)
    assert states(world) == {HubState.ONLINE}, "they come back spread over a quarter of an hour"
    speak(world, HUBS[1:])
    world.turns(400_000, every_ms=60_000)
    assert (state(world), state(world, HUBS[1])) == (HubState.NO_CONTACT, HubState.ONLINE)


def test_a_watch_that_was_away_with_all_of_the_noc_marks_no_hub_down(world: World) -> None:
    speak(world)
    world.turn()
    world.pass_ms(HOUR_MS)
    world.start()
    world.turn()
    assert states(world) == {HubState.ONLINE}
    world.turns(800_000, every_ms=60_000)
    assert states(world) == {HubState.ONLINE}
    world.turns(200_000, every_ms=60_000)
    assert states(world) == {HubState.NO_CONTACT}


def test_a_clock_that_jumps_ahead_and_back_misjudges_nobody_and_deletes_nothing(world: World) -> None:
    keeps = every_five_minutes(world)
    speak(world)
    world.turns(20 * MINUTE_MS, every_ms=60_000, each=keeps)
    speak(world, HUBS[:1], uplink_up=0, uplink_state=3)
    world.turns(40 * MINUTE_MS, every_ms=60_000, each=keeps)
    seen: set[HubState] = set()

    def look() -> None:
        keeps()
        seen.update(states(world))

    days = world.book.days(Scope(), "", "2020-01-01", "2030-01-01")
    outages = world.book.outages(Scope(), "", 0, 1 << 50)
    assert days
    for step_ms in (YEARS_MS, -YEARS_MS):
        world.wall_ms += step_ms
        world.turn()
        seen.update(states(world))
        world.turns(40 * MINUTE_MS, every_ms=30_000, each=look)
    assert seen == {HubState.ONLINE}
    assert len(world.book.days(Scope(), "", "2020-01-01", "2030-01-01")) >= len(days)
    assert set(outages) <= set(world.book.outages(Scope(), "", 0, 1 << 50))
    world.turns(900_000, each=every_five_minutes(world, HUBS[1:]))
    assert state(world) is HubState.NO_CONTACT, "one that falls silent afterwards is seen again"


def test_only_what_changed_is_read_and_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    speak(world)
    world.turn()
    read: list[str] = []
    written: list[Standing] = []
    facts_of = world.store.facts_of

    def reads(hub_ids: Sequence[str]) -> tuple[HubFacts, ...]:
        read.extend(hub_ids)
        return facts_of(hub_ids)

    class Book(SqliteFleetBook):
        def put_standings(self, standings: Sequence[Standing], now_ms: int) -> None:
            written.extend(standings)
            super().put_standings(standings, now_ms)

    world.start(Book(world.book._store))
    world.turn()
    assert written == [], "after a restart all are looked at, and nothing is written that is there"
    monkeypatch.setattr(world.store, "facts_of", reads)
    world.turns(60_000)
    assert read == []
    speak(world, HUBS[:2])
    world.turns(60_000)
    assert sorted(set(read)) == [hub.hub_id for hub in HUBS[:2]]
    assert [each.hub_id for each in written] == [hub.hub_id for hub in HUBS[:2]]


def test_two_boxes_of_one_card_are_marked_for_a_day(world: World) -> None:
    for session, boot in enumerate((A, B, A, B)):
        born = State(boot, session, True, "0.1.0", "3f9a1c22b0de")
        world.store.commit(Arrivals(states=[ArrivedState(HUBS[0].hub_id, born, world.wall_ms + session)]))
    world.turns(10_000)

    def is_clone(hub: Hub) -> bool:
        found = world.book.standing(hub.hub_id)
        return found is not None and found.is_clone

    assert (is_clone(HUBS[0]), is_clone(HUBS[1])) == (True, False)
    found = world.book.standing(HUBS[0].hub_id)
    assert found is not None and (found.state, found.problems) == (HubState.ATTENTION, (Problem.TWO_BOXES,))
    world.turns(DAY_MS + HOUR_MS, every_ms=HOUR_MS)
    assert not is_clone(HUBS[0])
    found = world.book.standing(HUBS[0].hub_id)
    assert found is not None and Problem.TWO_BOXES not in found.problems


def test_two_boxes_of_one_card_are_an_alarm_whether_or_not_one_is_heard_now(world: World) -> None:
    world.alarms = told = Told()
    world.start()
    for session, boot in enumerate((A, B, A, B)):
        born = State(boot, session, True, "0.1.0", "3f9a1c22b0de")
        world.store.commit(Arrivals(states=[ArrivedState(HUBS[0].hub_id, born, world.wall_ms + session)]))
    world.turns(10_000)
    assert told.facts[-1][0].troubled == {HUBS[0].hub_id: (Problem.TWO_BOXES,)}
    world.turns(HOUR_MS, every_ms=60_000)
    assert set(told.facts[-1][0].troubled[HUBS[0].hub_id]) == {Problem.NO_CONTACT, Problem.TWO_BOXES}


def test_a_certificate_that_was_not_renewed_is_an_alarm_of_a_hub_that_is_heard(world: World) -> None:
    speak(world)
    world.turns(10_000)
    world.ending = frozenset((HUBS[0].hub_id,))
    world.turns(10_000)
    found = world.book.standing(HUBS[0].hub_id)
    assert found is not None and found.problems == (Problem.CERTIFICATE_ENDS,)
    world.ending = frozenset()
    world.turns(10_000)
    found = world.book.standing(HUBS[0].hub_id)
    assert found is not None and found.problems == ()


def test_whatever_is_an_alarm_makes_a_hub_one_that_needs_somebody(world: World) -> None:
    speak(world, filesystem_read_only=1)
    world.turns(10_000)
    found = world.book.standing(HUBS[0].hub_id)
    assert found is not None and (found.state, found.problems) == (HubState.ATTENTION, (Problem.READ_ONLY,))
    speak(world, filesystem_read_only=0)
    world.turns(10_000)
    assert states(world) == {HubState.ONLINE}


class Told:
    """Alarms that note what they are told."""

    def __init__(self) -> None:
        self.facts: list[tuple[Facts, int]] = []
        self.fleet = Fleet(())

    def turn(self, book: FleetBook, facts: Facts, fleet: Fleet, now_ms: int) -> None:
        assert book.judged_ms() is not None
        self.facts.append((facts, now_ms))
        self.fleet = fleet


def test_alarms_are_told_what_is_wrong_where_it_is_heard_and_what_is_excused(world: World) -> None:
    world.turn()
    world.alarms = told = Told()
    window = Window(world.wall_ms, world.wall_ms + HOUR_MS)
    world.book.put_window(KeptWindow(0, "", HUBS[1].hub_id, window, "admin", "tower"), BY_ADMIN)
    world.start()
    speak(world, HUBS[:3], uplink_up=0)
    world.turn()
    facts, now_ms = told.facts[-1]
    assert {hub_id: tuple(each) for hub_id, each in facts.troubled.items()} == {
        hub.hub_id: (Problem.UPLINK_DOWN,) for hub in HUBS[:3]
    }
    assert (facts.excused, [ear.last_sign_ms for ear in facts.ears]) == ({HUBS[1].hub_id}, [now_ms])
    assert told.fleet.groups(HUBS[0].hub_id)
    world.turns(HOUR_MS + 20_000, every_ms=60_000)
    assert told.facts[-1][0].excused == frozenset()


def test_the_headline_is_made_now_and_then(world: World) -> None:
    speak(world, HUBS[:4])
    world.turns(20_000)
    found = world.book.headline(Scope(), "", world.wall_ms)
    assert (found.hubs, found.alive, found.alive_and_used) == (6, 4, 4)


def test_a_card_that_names_a_broker_without_an_ear_is_not_marked_down_by_a_deaf_noc(world: World) -> None:
    world.turn()
    card = world.book.card(HUBS[0].hub_id)
    assert card is not None
    world.book.put_cards([replace(card, broker="timur")], BY_ADMIN)
    speak(world)
    world.turns(20_000)
    world.is_hearing = False
    world.turns(HOUR_MS, every_ms=60_000)
    assert states(world) == {HubState.ONLINE}
    world.is_hearing = True
    world.turns(2 * HOUR_MS, every_ms=60_000)
    assert states(world) == {HubState.NO_CONTACT}, "heard again for long enough, and still silent"


def test_a_watch_that_is_started_again_while_hubs_come_back_marks_no_hub_down(world: World, tmp_path: Path) -> None:
    speak(world)
    world.turn()
    world.alarms = desk = AlarmDesk(tmp_path / "alarms.toml")
    world.start()
    world.is_hearing = False
    world.turns(HOUR_MS, every_ms=60_000)
    world.is_hearing = True
    world.turns(60_000)
    for _ in range(3):
        world.start()
        world.turns(60_000)
        assert states(world) == {HubState.ONLINE}
    world.turns(900_000)
    assert states(world) == {HubState.NO_CONTACT}
    desk.close()
