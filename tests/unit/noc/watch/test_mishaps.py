"""What one hub says, or what goes wrong with it, ends neither the watch of the others nor the alarms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.core.report import Number
from noc import fleet
from noc.fleet import HubState
from noc.fleet_book.contract import Day, FleetBook, Scope, Tail
from noc.rules.alert_state import Facts
from noc.rules.groups import Fleet
from noc.rules.history import KEPT_MS, observe
from noc.rules.reading import Terms
from noc.rules.sla import SlaClass
from noc.store.contract import Hub
from noc.watch import past, tails
from noc.watch import standings as room
from noc.watch.past import Around, Known, Reading
from tests.unit.noc.rules.making import T0_MS, A, minutes, record
from tests.unit.noc.watch.world import World

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
BAD = Hub("hub-0000", "Desa 0", "51.03.01.2000")
GOOD = Hub("hub-0001", "Desa 1", "51.03.01.2001")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, T0_MS, [BAD, GOOD])
    yield made
    made.book.close()
    made.store.close()


def speak(world: World, hub: Hub, *said: dict[str, Number | None], ago_ms: int = 0) -> None:
    """A record a minute, the last one so long ago."""
    start_ms = world.wall_ms - ago_ms - len(said) * MINUTE_MS
    world.send(
        *(
            record(A, i, i * MINUTE_MS, wall_ms=start_ms + i * MINUTE_MS, said={"uplink_state": 5, "boots": 1, **each})
            for i, each in enumerate(said, 1)
        ),
        hub_id=hub.hub_id,
    )


def days(world: World, hub: Hub) -> tuple[Day, ...]:
    return world.book.days(Scope(), hub.kode_wilayah, "2020-01-01", "2040-01-01", hub.hub_id)


def broken(hub: Hub, whole: Callable[..., Any], hub_id_of: Callable[[Any], str]) -> Callable[..., Any]:
    def made(first: Any, *rest: Any) -> Any:
        if hub_id_of(first) == hub.hub_id:
            raise ZeroDivisionError("nobody thought of that")
        return whole(first, *rest)

    return made


@pytest.mark.parametrize(
    "values",
    [
        [("clients_online", 1e300)],
        [("clients_online", -5)],
        [("interface_received_bytes.uplink", 0), ("interface_received_bytes.uplink", 1e300)],
        [("interface_received_bytes.uplink", -1e308), ("interface_received_bytes.uplink", 1e308)],
        [("logins", -(2**62)), ("logins", 2**62)],
    ],
)
@pytest.mark.parametrize("ago_ms", [0, 3 * HOUR_MS])
def test_a_number_that_cannot_be_is_unknown_and_stops_nothing(
    world: World, caplog: pytest.LogCaptureFixture, values: list[tuple[str, Number]], ago_ms: int
) -> None:
    both: dict[str, Number | None] = {"interface_sent_bytes.uplink": 0, "interface_received_bytes.uplink": 0}
    speak(world, BAD, *({**both, name: value} for name, value in values), ago_ms=ago_ms)
    speak(world, GOOD, {"clients_online": 3}, {"clients_online": 4}, ago_ms=ago_ms)
    world.turn()
    assert not caplog.records
    assert {each.state for each in world.book.standings([BAD.hub_id, GOOD.hub_id]).values()} == {HubState.ONLINE}
    if ago_ms:
        assert [(each.clients_peak, each.logins or 0) for each in days(world, BAD)] == [(None, 0)]
        assert [each.received_bytes or 0 for each in days(world, BAD)] == [0]
        assert [each.clients_peak for each in days(world, GOOD)] == [4]


def test_a_hub_that_cannot_be_learned_is_left_out_alone_and_learned_later(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(past, "learn", broken(BAD, past.learn, lambda known: known.hub_id))
        for hub in (BAD, GOOD):
            speak(world, hub, {}, {}, ago_ms=HOUR_MS)
        for _ in range(3):
            world.turns(20_000)
        assert days(world, GOOD)
        assert not days(world, BAD)
        assert world.book.followed_mark() != "", "or it would be tried for ever"
        assert [each.message.split(";")[0] for each in caplog.records] == [f"{BAD.hub_id}: its past is told later"]
    world.turns(3 * HOUR_MS, every_ms=HOUR_MS)
    assert days(world, BAD)
    assert BAD.hub_id in world.book.histories([BAD.hub_id]), "what it said meanwhile is kept"


def test_what_a_hub_said_that_cannot_be_read_is_left_out_alone(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    told = broken(BAD, tails.told, lambda came: came[0].hub_id)
    monkeypatch.setattr("noc.watch.following.tails.told", told)
    for hub in (BAD, GOOD):
        speak(world, hub, {}, {}, ago_ms=HOUR_MS)
    world.turns(20_000)
    assert days(world, GOOD)
    assert "what it said is left out" in caplog.text


def test_a_hub_that_cannot_be_judged_is_left_out_alone_and_judged_later(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(room, "judge", broken(BAD, fleet.judge, lambda facts: facts.hub.hub_id))
        for hub in (BAD, GOOD):
            speak(world, hub, {})
        world.turns(90_000)
        states = {hub_id: each.state for hub_id, each in world.book.standings([BAD.hub_id, GOOD.hub_id]).items()}
        assert states == {BAD.hub_id: HubState.NEVER, GOOD.hub_id: HubState.ONLINE}
        assert len(caplog.records) == 1, "once"
        assert world.watch._standings._unjudged.count >= 2
    world.turns(70_000)
    standing = world.book.standing(BAD.hub_id)
    assert standing is not None
    assert standing.state is HubState.ONLINE, "though nothing new came of it"


def test_alarms_go_on_where_nothing_can_be_followed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    class Desk:
        def __init__(self) -> None:
            self.seen: list[Facts] = []

        def turn(self, book: FleetBook, facts: Facts, fleet: Fleet, now_ms: int) -> None:
            self.seen.append(facts)

    desk = world.alarms = Desk()
    world.start()

    def fail(now_ms: int) -> bool:
        raise OverflowError

    monkeypatch.setattr(world.watch._follower, "step", fail)
    for hub in (BAD, GOOD):
        speak(world, hub, {})
    world.turns(HOUR_MS, every_ms=30_000)
    assert len(desk.seen) == 120
    assert set(desk.seen[-1].troubled) == {BAD.hub_id, GOOD.hub_id}, "silent, and the NOC does not think itself deaf"


def test_the_watchdog_hears_of_each_hub(world: World) -> None:
    alive: list[int] = []
    follower = world.watch._follower
    world.turn()
    for hub in (BAD, GOOD):
        speak(world, hub, {}, ago_ms=HOUR_MS)
    follower._alive = lambda: alive.append(1)
    world.turn()
    assert len(alive) == 4, "two read, two learned"


def test_a_day_whose_beginning_is_told_no_more_stays_as_it_was_written() -> None:
    now_ms, zone = T0_MS + 100 * DAY_MS + 5 * HOUR_MS, "Asia/Makassar"
    history = observe(minutes(A, T0_MS, 1, 60 * 24 * 30, number=1), Terms())
    again = Tail(GOOD.hub_id, {}, now_ms - HOUR_MS, now_ms - HOUR_MS, "by another contract")
    around = Around(now_ms, lambda *_: (), lambda _: None)
    learned = past.learn(Known(GOOD.hub_id, history, again), {}, Reading(zone), around)
    first = learned.followed.days[0]
    assert first.day == past.local_day(now_ms - KEPT_MS + DAY_MS, zone).isoformat()
    assert first.seconds[SlaClass.UNKNOWN] == 0


def test_of_too_many_boots_the_newest_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("noc.rules.history.BOOTS_MAX", 3)
    records = [
        record(f"{i:032x}", 0, 0, wall_ms=T0_MS + i * HOUR_MS, received_ms=T0_MS + i * HOUR_MS) for i in range(9)
    ]
    history = observe(records, Terms())
    around = Around(T0_MS + DAY_MS, lambda *_: (), lambda _: None)
    learned = past.learn(Known(GOOD.hub_id, {}, None), history, Reading("Asia/Jakarta"), around)
    assert sorted(learned.followed.history) == [f"{i:032x}" for i in (6, 7, 8)]
