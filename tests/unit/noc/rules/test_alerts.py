"""The alerts: told when it lasts, once for many, never for what the NOC itself does not hear, and calm on calm days."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

import pytest

from noc.rules import alerts
from noc.rules.alert_state import Deed, Facts, NewsKind, Notification, Silence, State
from noc.rules.groups import Fleet, Group, GroupKind, Place, explain
from noc.rules.hearing import RECONNECT_MS, WATCH, Ear, heard_until_ms, listen
from noc.rules.problems import Problem

START_MS = 1_780_000_000_000
MINUTE_MS = 60_000
STEP_MS = 60_000
DOWN = frozenset((Problem.NO_CONTACT,))
Troubled = Mapping[str, Collection[Problem]]


def places(hubs: int, per_district: int = 20, upstream: Callable[[int], str] = lambda i: "") -> list[Place]:
    return [
        Place(
            f"hub-{i:05d}",
            f"51.{1 + i // (per_district * 20):02d}.{1 + i // per_district % 20:02d}.2{i % per_district:03d}",
            upstream(i),
            "noc",
        )
        for i in range(hubs)
    ]


@dataclass
class Desk:
    """An operator's desk: runs the rules through time and keeps what it was told."""

    fleet: Fleet
    state: State = field(default_factory=State)
    now_ms: int = START_MS
    told: list[Notification] = field(default_factory=list)
    most_open: int = 0

    def run(
        self,
        minutes: float,
        troubled: Troubled | Callable[[int], Troubled],
        *,
        excused: Collection[str] = (),
        heard_ms: int | None = None,
    ) -> None:
        """Let time go by. ``heard_ms`` is the last sign from the broker, None while it is heard."""
        end_ms = self.now_ms + int(minutes * MINUTE_MS)
        while self.now_ms < end_ms:
            self.now_ms += STEP_MS
            found = troubled(self.now_ms) if callable(troubled) else troubled
            ears = (Ear("noc", self.now_ms if heard_ms is None else heard_ms),)
            self.state, notification = alerts.step(self.state, Facts(found, ears, excused), self.fleet, self.now_ms)
            self.told += [] if notification is None else [notification]
            self.most_open = max(self.most_open, len(self.state.incidents))

    def lines(self) -> list[tuple[NewsKind, Group, Problem, int]]:
        return [
            (news.kind, news.incident.group, news.incident.problem, len(news.incident.everyone))
            for each in self.told
            for news in each.news
        ]


HUB_0 = Group(GroupKind.HUB, "hub-00000")


def test_what_passes_is_not_told_and_what_lasts_is_told_once() -> None:
    desk = Desk(Fleet(places(40)))
    for _ in range(5):
        desk.run(19, {"hub-00000": DOWN})
        desk.run(5, {})
    assert desk.told == []
    desk.run(300, {"hub-00000": DOWN})
    assert desk.lines() == [(NewsKind.RAISED, HUB_0, Problem.NO_CONTACT, 1)]


def test_it_is_over_when_it_stays_away() -> None:
    desk = Desk(Fleet(places(40)))
    desk.run(30, {"hub-00000": DOWN})
    for _ in range(6):
        desk.run(9, {})
        desk.run(2, {"hub-00000": DOWN})
    assert len(desk.told) == 1
    desk.run(30, {})
    assert [line[0] for line in desk.lines()] == [NewsKind.RAISED, NewsKind.CLEARED]
    assert desk.state.incidents == ()


def test_two_thousand_hubs_behind_one_failure_are_one_incident() -> None:
    everyone = places(6_000, upstream=lambda i: "ring-timur" if i % 3 == 0 else f"vsat-{i}")
    behind = [place.hub_id for place in everyone if place.upstream == "ring-timur"]
    falls = {hub_id: START_MS + i * 150 for i, hub_id in enumerate(behind)}  # within a keepalive of five minutes

    desk = Desk(Fleet(everyone))
    desk.run(60, lambda now: {hub_id: DOWN for hub_id, since in falls.items() if since <= now})
    ring = Group(GroupKind.UPSTREAM, "ring-timur")
    assert desk.lines() == [(NewsKind.RAISED, ring, Problem.NO_CONTACT, 2_000)]
    assert desk.told[0].is_urgent
    assert [(each.group, len(each.hubs)) for each in desk.state.incidents] == [(ring, 2_000)]
    # Half are back, then all but three: no part of it becomes an incident of its own meanwhile.
    desk.run(60, dict.fromkeys(behind[:900], DOWN))
    assert desk.most_open == 1
    desk.run(60, dict.fromkeys(behind[:3], DOWN))
    assert [line[:2] for line in desk.lines()[1:]] == [
        (NewsKind.CLEARED, ring),
        *[(NewsKind.RAISED, Group(GroupKind.HUB, hub_id)) for hub_id in behind[:3]],
    ]


def test_a_failure_that_spreads_stays_one_incident_and_is_told_when_it_has_grown() -> None:
    everyone = places(800)
    desk = Desk(Fleet([*everyone, *(Place(f"far-{i:04d}", f"52.01.01.2{i:03d}", "", "noc") for i in range(300))]))
    desk.run(20, {place.hub_id: DOWN for place in everyone[:20]})
    desk.run(30, {place.hub_id: DOWN for place in everyone[:400]})
    assert [(line[0], line[1].kind, line[3]) for line in desk.lines()] == [
        (NewsKind.RAISED, GroupKind.DISTRICT, 20),
        (NewsKind.GROWN, GroupKind.REGENCY, 400),
    ]
    assert len({news.incident.number for each in desk.told for news in each.news}) == 1


def test_a_later_case_in_the_same_place_is_a_case_of_its_own() -> None:
    everyone = places(400)
    desk = Desk(Fleet(everyone))
    first = {place.hub_id: DOWN for place in everyone[:15]}
    desk.run(120, first)
    desk.run(60, {**first, "hub-00017": DOWN})
    assert [line[1].kind for line in desk.lines()] == [GroupKind.DISTRICT, GroupKind.HUB]


def test_a_deaf_noc_marks_no_hub_down() -> None:
    everyone = places(400)
    desk = Desk(Fleet(everyone))
    desk.run(30, {"hub-00007": DOWN})
    all_silent = {place.hub_id: DOWN for place in everyone}
    broken_ms = desk.now_ms
    desk.run(180, all_silent, heard_ms=broken_ms)
    assert desk.lines()[1:] == [(NewsKind.RAISED, Group(GroupKind.BROKER, "noc"), Problem.NOC_DEAF, 1)]
    assert desk.told[1].is_urgent
    assert [each.problem for each in desk.state.incidents] == [Problem.NO_CONTACT, Problem.NOC_DEAF]
    # They come back spread over a quarter of an hour; what then is still silent is silent itself.
    desk.run(14, all_silent)
    desk.run(15, {"hub-00007": DOWN, "hub-00008": DOWN})
    assert [(line[0], line[1].kind) for line in desk.lines()[2:]] == [(NewsKind.CLEARED, GroupKind.BROKER)]
    desk.run(30, {"hub-00007": DOWN, "hub-00008": DOWN})
    assert desk.lines()[3:] == [(NewsKind.RAISED, Group(GroupKind.HUB, "hub-00008"), Problem.NO_CONTACT, 1)]


def test_a_shared_incident_does_not_end_while_nobody_can_hear() -> None:
    everyone = places(400)
    desk = Desk(Fleet(everyone))
    fallen = {place.hub_id: DOWN for place in everyone[:15]}
    desk.run(10, fallen)
    assert [line[:2] for line in desk.lines()] == [(NewsKind.RAISED, Group(GroupKind.DISTRICT, "51.01.01"))]
    broken_ms = desk.now_ms
    desk.run(2, fallen, heard_ms=broken_ms)
    desk.run(60, {}, heard_ms=broken_ms)
    desk.run(14, {})
    assert [line[0] for line in desk.lines()] == [NewsKind.RAISED, NewsKind.RAISED, NewsKind.CLEARED]
    assert len([each for each in desk.state.incidents if each.problem is Problem.NO_CONTACT]) == 1
    desk.run(20, {})
    assert desk.lines()[-1][:2] == (NewsKind.CLEARED, Group(GroupKind.DISTRICT, "51.01.01"))


def test_a_watch_that_stood_still_judges_anew_and_says_so_once() -> None:
    desk = Desk(Fleet(places(40)))
    down = {"hub-00000": DOWN}
    desk.run(15, down)
    desk.now_ms += 5 * MINUTE_MS
    desk.run(19, down)
    assert desk.told == [], "five minutes in which nobody looked count for nothing, and are not worth a message"
    desk.now_ms += 60 * MINUTE_MS
    desk.run(19, down)
    assert desk.lines()[:1] == [(NewsKind.RAISED, Group(GroupKind.BROKER, WATCH), Problem.NOC_DEAF, 1)]
    desk.run(30, down)
    assert [line[:3] for line in desk.lines()] == [
        (NewsKind.RAISED, Group(GroupKind.BROKER, WATCH), Problem.NOC_DEAF),
        (NewsKind.CLEARED, Group(GroupKind.BROKER, WATCH), Problem.NOC_DEAF),
        (NewsKind.RAISED, HUB_0, Problem.NO_CONTACT),
    ]


def test_what_was_gone_before_a_standstill_must_stay_away_after_it() -> None:
    desk = Desk(Fleet(places(40)))
    desk.run(30, {"hub-00000": DOWN})
    desk.run(5, {})
    desk.now_ms += 8 * MINUTE_MS
    desk.run(5, {})
    assert [line[0] for line in desk.lines()] == [NewsKind.RAISED]
    desk.run(16, {})
    assert [line[0] for line in desk.lines()] == [NewsKind.RAISED, NewsKind.CLEARED]


def test_when_all_are_silent_the_broker_is_looked_at_first() -> None:
    everyone = places(400)
    desk = Desk(Fleet(everyone))
    desk.run(30, {place.hub_id: DOWN for place in everyone[:395]})
    assert [line[1] for line in desk.lines()] == [Group(GroupKind.BROKER, "noc")]


def test_deafness_ends_a_while_after_the_broker_is_heard_again() -> None:
    deaf = listen({}, [Ear("a", START_MS), Ear("b", START_MS + 200_000)], START_MS + 200_000)
    assert heard_until_ms(deaf.get("a"), START_MS + 200_000) == START_MS
    assert heard_until_ms(deaf.get("b"), START_MS + 200_000) == START_MS + 200_000
    back_ms = START_MS + 400_000
    deaf = listen(deaf, [Ear("a", back_ms)], back_ms)
    assert heard_until_ms(deaf.get("a"), back_ms) == START_MS
    again = listen(deaf, [Ear("a", back_ms)], back_ms + 200_000)
    assert heard_until_ms(again.get("a"), back_ms + 200_000) == START_MS
    assert listen(deaf, [Ear("a", back_ms + RECONNECT_MS)], back_ms + RECONNECT_MS) == {}


def test_maintenance_is_neither_told_nor_called_over() -> None:
    desk = Desk(Fleet(places(40)))
    desk.run(60, {"hub-00000": DOWN}, excused=["hub-00000"])
    assert desk.told == []
    desk.run(30, {"hub-00000": DOWN})
    desk.run(60, {}, excused=["hub-00000"])
    assert [line[0] for line in desk.lines()] == [NewsKind.RAISED]
    desk.run(30, {})
    assert [line[0] for line in desk.lines()] == [NewsKind.RAISED, NewsKind.CLEARED]


def test_silence_and_acknowledgement_and_who_did_it() -> None:
    desk = Desk(Fleet(places(400)))
    quiet = Silence(Group(GroupKind.DISTRICT, "51.01.01"), START_MS + 3 * 60 * MINUTE_MS, "ayu", "PLN memelihara gardu")
    desk.state, deed = alerts.silence(desk.state, quiet, START_MS)
    assert deed == Deed(START_MS, "ayu", "silence", "district 51.01.01", "PLN memelihara gardu")
    desk.run(60, {"hub-00000": DOWN, "hub-00100": DOWN})
    assert [line[1].name for line in desk.lines()] == ["hub-00100"]
    desk.state, deed = alerts.acknowledge(desk.state, desk.state.incidents[1].number, "budi", desk.now_ms)
    assert (deed.by, deed.what) == ("budi", "acknowledge")
    assert alerts.oldest_unacknowledged_ms(desk.state) is None
    desk.state, deed = alerts.lift(desk.state, quiet, "ayu", desk.now_ms)
    desk.run(15, {"hub-00000": DOWN, "hub-00100": DOWN})
    assert [line[1].name for line in desk.lines()] == ["hub-00100", "hub-00000"]
    assert alerts.oldest_unacknowledged_ms(desk.state) == START_MS + STEP_MS
    with pytest.raises(KeyError):
        alerts.acknowledge(desk.state, 99, "budi", desk.now_ms)
    with pytest.raises(ValueError, match="needs a reason"):
        alerts.silence(desk.state, Silence(HUB_0, desk.now_ms + 1, "ayu", " "), desk.now_ms)
    with pytest.raises(ValueError, match="that is to come"):
        alerts.silence(desk.state, Silence(HUB_0, desk.now_ms, "ayu", "x"), desk.now_ms)


def test_a_silence_ends_by_itself() -> None:
    desk = Desk(Fleet(places(40)))
    desk.state, _ = alerts.silence(desk.state, Silence(HUB_0, START_MS + 60 * MINUTE_MS, "ayu", "dikunjungi"), START_MS)
    desk.run(59, {"hub-00000": DOWN})
    assert desk.told == []
    desk.run(2, {"hub-00000": DOWN})
    assert len(desk.told) == 1


def test_small_groups_explain_nothing() -> None:
    fleet = Fleet(places(400))
    assert explain({f"hub-{i:05d}" for i in range(4)}, fleet) == {}
    assert explain({f"hub-{i:05d}" for i in range(9)}, fleet) == {}
    assert list(explain({f"hub-{i:05d}" for i in range(10)}, fleet)) == [Group(GroupKind.DISTRICT, "51.01.01")]


def ordinary_day(seed: int, hubs: int) -> dict[str, list[tuple[int, int]]]:
    """A day of a district: lines that flap, mains that go, some boxes that have long been dead.

    Each line is cut three times a day, for three minutes in the middle, one time in twelve for more than half an hour
    (log-normal); twice a day the mains of a feeder go, with four to twelve neighbouring villages, for twenty minutes to
    three hours; one line in forty flaps all day.
    """
    luck = random.Random(seed)
    day_ms = 24 * 60 * MINUTE_MS
    cuts: dict[str, list[tuple[int, int]]] = {}

    def cut(hub: int, start_ms: int, duration_ms: int) -> None:
        # The NOC sees it 450 s later, and the end at once.
        if duration_ms > 450_000:
            cuts.setdefault(f"hub-{hub:05d}", []).append((start_ms + 450_000, start_ms + duration_ms))

    for hub in range(hubs):
        for _ in range(3):
            cut(hub, luck.randrange(day_ms), int(luck.lognormvariate(5.2, 1.65) * 1000))
        if hub % 40 == 7:
            for start_ms in range(luck.randrange(900_000), day_ms, 1_500_000):
                cut(hub, start_ms, luck.randrange(200_000, 1_400_000))
        if hub % 80 == 3:
            cut(hub, -day_ms, 3 * day_ms)
    for _ in range(2):
        first, start_ms = luck.randrange(hubs - 12), luck.randrange(day_ms)
        duration_ms = luck.randrange(20, 180) * MINUTE_MS
        for hub in range(first, first + luck.randrange(4, 13)):
            cut(hub, start_ms + luck.randrange(20_000), duration_ms + luck.randrange(300_000))
    return cuts


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_ordinary_day_of_400_hubs_is_calm(seed: int) -> None:
    cuts = ordinary_day(seed, 400)
    assert sum(map(len, cuts.values())) > 300, "the day would be calm by itself"
    desk = Desk(Fleet(places(400)))

    def troubled(now_ms: int) -> Troubled:
        at_ms = now_ms - START_MS
        return {hub: DOWN for hub, spans in cuts.items() if any(start <= at_ms < end for start, end in spans)}

    desk.run(24 * 60, troubled)
    times = [each.at_ms for each in desk.told]
    assert all(later - earlier >= 600_000 for earlier, later in itertools.pairwise(times))
    assert not any(each.is_urgent for each in desk.told)
    raised = [each for each in desk.told if any(news.kind is not NewsKind.CLEARED for news in each.news)]
    assert len(raised) <= 24 * 4, "more than four alarms an hour"
    assert len(raised) >= 5


@pytest.mark.parametrize("with_ear", [False, True])
def test_a_date_that_was_ahead_for_two_minutes_silences_nothing_afterwards(*, with_ear: bool) -> None:
    days_ms = 200 * 24 * 60 * MINUTE_MS
    desk = Desk(Fleet(places(60)))
    heard_ms = None if with_ear else START_MS - 1
    desk.run(5, {})
    desk.now_ms += days_ms
    # The first turns at the wrong date: no ear has spoken at it yet.
    desk.run(2, {"hub-00059": (Problem.GATE_OPEN,)}, heard_ms=START_MS)
    desk.run(2, {"hub-00059": (Problem.GATE_OPEN,)}, heard_ms=heard_ms)
    desk.now_ms -= days_ms
    quiet = Silence(Group(GroupKind.PROVINCE, "51"), desk.now_ms + days_ms, "ayu", "made at the wrong date")
    desk.state = replace(desk.state, silences=(quiet,))
    before = len(desk.told)
    desk.run(60, {f"hub-{i:05d}": DOWN for i in range(58)})
    told = [(news.incident.problem, len(news.incident.everyone)) for each in desk.told[before:] for news in each.news]
    assert (Problem.NO_CONTACT, 58) in told
    assert desk.state.deafness == {}
    assert all(each.since_ms <= desk.now_ms for each in desk.state.watches.values())


def test_a_broker_without_an_ear_is_not_heard_where_any_other_is_not() -> None:
    desk = Desk(Fleet([replace(each, broker="timur") for each in places(3)]))
    desk.run(5, {})
    heard_ms = desk.now_ms
    desk.run(60, {"hub-00000": DOWN}, heard_ms=heard_ms)
    assert [each.problem for each in desk.state.incidents] == [Problem.NOC_DEAF]
    desk.run(60, {"hub-00000": DOWN})
    assert [each.problem for each in desk.state.incidents] == [Problem.NO_CONTACT], "heard again, and still silent"


def test_without_a_listener_nothing_counts_as_told() -> None:
    fleet, state, told = Fleet(places(3)), State(), []
    for minute in range(1, 91):
        now_ms = START_MS + minute * MINUTE_MS
        facts = Facts({"hub-00000": DOWN}, (Ear("noc", now_ms),))
        state, notification = alerts.step(state, facts, fleet, now_ms, has_listener=minute > 60)
        told += [] if notification is None else [(minute, notification.news[0].kind)]
    assert told == [(61, NewsKind.RAISED)]
