"""Records become histories, outages, days and months, each once, whatever ends the watch."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from appliance.core.errors import StoreError
from appliance.core.report import State
from noc.fleet_book.contract import Day, Followed, KeptWindow, Scope, Tail
from noc.fleet_book.sqlite import SqliteFleetBook
from noc.rules.history import observe
from noc.rules.reading import Terms
from noc.rules.sla import Month, SlaClass, of_hub
from noc.rules.states import Cause, Condition, Window
from noc.store.contract import Arrivals, ArrivedRecord, ArrivedState
from noc.watch import past
from tests.unit.noc.rules.making import A, B, minutes, record
from tests.unit.noc.watch.world import BY_ADMIN, HUB, World, reports, shuffled

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
AUGUST = Month(2026, 8)
BEGIN_MS, END_MS = AUGUST.bounds_ms(HUB.timezone)  # midnight in Makassar


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, BEGIN_MS + 3 * DAY_MS)
    yield made
    made.book.close()
    made.store.close()


def story(days: int = 2) -> list[ArrivedRecord]:
    """A cut of 20 minutes in the first night, from 23:50 on; then the power is gone for seven hours, and comes back."""
    last = days * 1_440
    looks = [
        record(A, 60_000 + i + (i > 1_430) + (i > 1_450), i * MINUTE_MS, wall_ms=BEGIN_MS + i * MINUTE_MS,
               said={"uplink_state": 3 if 1_430 < i <= 1_450 else 5, "boots": 1, "clients_online": i % 7, "logins": i,
                     "interface_received_bytes.uplink": i * 1_000, "interface_sent_bytes.uplink": i * 100})
        for i in range(1, last + 1)
    ]  # fmt: skip
    cut = [
        record(A, 60_000 + sequence, at_ms, wall_ms=BEGIN_MS + at_ms, event=event, uplink_state=state)
        for sequence, at_ms, event, state in (
            (1_431, 1_430 * MINUTE_MS + 1_000, "uplink_down", 3), (1_452, 1_450 * MINUTE_MS + 5_000, "uplink_up", 5),
        )
    ]  # fmt: skip
    other = minutes(B, BEGIN_MS + (last + 420) * MINUTE_MS, 1, 300, number=2, boot_reason=2)
    return sorted([*looks, *cut, *other], key=lambda r: (r.record.boot_id, r.record.sequence))


def days_of(world: World) -> dict[str, Day]:
    return {
        each.day: each for each in world.book.days(Scope(), HUB.kode_wilayah, "2026-01-01", "2027-12-31", HUB.hub_id)
    }


def test_a_past_is_told_by_the_day_in_the_hubs_own_time(world: World) -> None:
    for each in reports(story(), 60):
        world.send(*each)
    world.turn()
    cut, power = (each.outage for each in world.book.outages(Scope(), "", 0, END_MS))
    assert (cut.condition, cut.start_ms, cut.end_ms) == (
        Condition.LINK, BEGIN_MS + 1_430 * MINUTE_MS + 1_000, BEGIN_MS + 1_450 * MINUTE_MS + 5_000,
    )  # fmt: skip
    assert (power.condition, power.cause) == (Condition.POWER, Cause.POWER_LOST)
    first, second, third, _ = days_of(world).values()
    assert first.day == "2026-08-01"
    assert (first.seconds[SlaClass.LINK_LONG], second.seconds[SlaClass.LINK_LONG]) == (599, 605), "cut at midnight"
    assert (first.long_cuts, second.long_cuts, third.long_cuts) == (1, 1, 0)
    assert third.seconds[SlaClass.POWER] > 6 * 3_600
    assert all(sum(day.seconds.values()) == 86_400 for day in days_of(world).values())


def test_bytes_clients_and_logins_of_a_day_come_from_its_hours(world: World) -> None:
    for each in reports(story(), 60):
        world.send(*each)
    world.turn()
    second = days_of(world)["2026-08-02"]
    assert second.received_bytes == pytest.approx(1_440_000, abs=3_000)
    assert second.sent_bytes == pytest.approx(144_000, abs=300)
    assert second.clients_peak == 6
    assert second.logins == pytest.approx(1_440, abs=3)


def test_hours_that_are_made_later_are_counted_at_the_next_look(world: World) -> None:
    for each in reports(story(), 60):
        world.send(*each)
    world.store.put_sign("broker ", world.wall_ms)
    world.watch.turn()
    assert days_of(world)["2026-08-02"].received_bytes is None
    world.settle()
    assert days_of(world)["2026-08-02"].received_bytes == pytest.approx(1_440_000, abs=3_000)


def test_any_order_and_repeats_lead_to_the_same_past(world: World, tmp_path: Path) -> None:
    for each in reports(story(), 60):
        world.send(*each)
    world.settle()
    (tmp_path / "other").mkdir()
    other = World(tmp_path / "other", BEGIN_MS + 3 * DAY_MS)
    # As the first, so that the quickest report of each boot took no longer on its way.
    for each in shuffled(story(), 11):
        other.send(*each)
        other.watch.turn()
    other.settle()
    assert over(other) == over(world)


def over(world: World) -> tuple[object, ...]:
    """Outages, and days that are over: a silent hub's running day is brought up every two hours, not at one moment."""
    _, outages, days = world.past()
    return outages, tuple(day for day in days if not day.seconds[SlaClass.AHEAD])


def test_a_month_is_what_its_records_say_and_late_data_is_a_new_version(world: World) -> None:
    every = story()
    late = [each for each in every if 600 <= each.record.sequence - 60_000 < 700]
    for each in reports([each for each in every if each not in late], 60):
        world.send(*each)
    world.turn()
    assert str(world.book.versions((HUB.hub_id,), str(AUGUST))[HUB.hub_id].number) == "1"
    world.turns(END_MS + DAY_MS - world.wall_ms, every_ms=3 * HOUR_MS)
    before = world.book.versions((HUB.hub_id,), str(AUGUST))[HUB.hub_id]
    assert before.sla.seconds[SlaClass.AHEAD] == 0
    world.send(*late)
    world.turn()
    world.settle()
    after = world.book.versions((HUB.hub_id,), str(AUGUST))[HUB.hub_id]
    assert after.number == before.number + 1
    assert {change.sla_class for change in after.changes} == {SlaClass.UP, SlaClass.UNKNOWN}
    at_once = of_hub(observe(every, Terms()), Terms(), AUGUST, timezone=HUB.timezone, now_ms=world.wall_ms)
    assert after.sla == at_once
    days = [day for text, day in days_of(world).items() if text.startswith("2026-08")]
    assert {each: sum(day.seconds[each] for day in days) for each in SlaClass} == dict(at_once.seconds)
    assert world.book.versions((HUB.hub_id,), "2026-09")[HUB.hub_id].number < 4, "of the month that runs one a day"


class Calls(SqliteFleetBook):
    """Notes what is written; ends the process before or after the write that it is told."""

    at: int = -1
    is_after: bool = False

    def put_followed(self, followed: Sequence[Followed], mark: str, tails: Sequence[Tail] = ()) -> None:
        self.count = getattr(self, "count", 0) + 1
        self.histories_written = getattr(self, "histories_written", 0) + len(followed)
        if self.count == self.at and not self.is_after:
            raise KeyboardInterrupt
        super().put_followed(followed, mark, tails)
        if self.count == self.at and self.is_after:
            raise KeyboardInterrupt


@pytest.mark.parametrize("is_after", [False, True])
def test_a_watch_that_is_killed_anywhere_loses_nothing_and_counts_nothing_twice(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_after: bool
) -> None:
    monkeypatch.setattr("noc.watch.following.REPORTS", 2)
    cut = reports(story(days=1), 30)
    for each in cut:
        world.send(*each)
    world.settle()
    (tmp_path / "other").mkdir()
    other = World(tmp_path / "other", BEGIN_MS + 3 * DAY_MS)
    for each in cut:
        other.send(*each)
    killed = 0
    for at in range(1, 40):
        book = Calls(other.book._store)
        book.at, book.is_after = 1 + at % 3, is_after
        other.start(book)
        try:
            other.turn()
        except KeyboardInterrupt:
            killed += 1
    assert killed >= 5
    other.start()
    other.settle()
    mine, theirs = other.past(), world.past()
    assert mine[:2] == theirs[:2]
    assert list(mine[2])[:-1] == list(theirs[2])[:-1], "all but today, which is counted up to its own hour"


def test_a_calm_hub_has_its_history_written_each_hour_and_a_troubled_one_at_once(world: World) -> None:
    book = Calls(world.book._store)
    world.start(book)
    calm = minutes(A, BEGIN_MS, 4_320, 4_320 + 360, number=1)
    for each in reports(calm):
        world.send(*each)
        world.turns(5 * MINUTE_MS, every_ms=5 * MINUTE_MS)
    assert book.histories_written <= 9, "once for each of six hours, and at first"
    written = book.histories_written
    down = minutes(A, BEGIN_MS, 4_681, 4_685, number=1, said={"uplink_state": 2})
    world.send(*down)
    world.turn()
    assert book.histories_written == written + 1


def test_another_contract_and_a_window_tell_the_past_anew(world: World) -> None:
    looks = minutes(A, BEGIN_MS, 1, 1_440, number=1)
    test = {"uplink_state": 5, "speed_test_download_kbit": 3_000, "speed_test_upload_kbit": 900}
    slow = record(A, 60_000 + 1_440, 1_441 * MINUTE_MS, wall_ms=BEGIN_MS + 1_441 * MINUTE_MS, said=test)
    for each in reports([*looks, slow, *minutes(A, BEGIN_MS, 1_442, 2_000, number=1)], 60):
        world.send(*each)
    world.turn()
    assert world.book.outages(Scope(), "", 0, END_MS) == ()
    card = world.book.card(HUB.hub_id)
    assert card is not None
    world.book.put_cards([dataclasses.replace(card, download_kbit=10_000, upload_kbit=2_000)], BY_ADMIN)
    world.turns(1_100_000)
    (slow_hour,) = world.book.outages(Scope(), "", 0, END_MS)
    assert (slow_hour.outage.condition, slow_hour.outage.duration_ms) == (Condition.UNUSABLE, HOUR_MS)
    window = Window(BEGIN_MS + 1_430 * MINUTE_MS, BEGIN_MS + 1_600 * MINUTE_MS)
    world.book.put_window(KeptWindow(0, "51.03", "", window, "admin", "tower"), BY_ADMIN)
    world.turns(1_100_000)
    assert world.book.outages(Scope(), "", 0, END_MS) == ()
    assert days_of(world)["2026-08-02"].seconds[SlaClass.MAINTENANCE] > 3_000


def test_a_hub_that_says_more_than_anybody_reads_is_told_seldom_and_kept_small(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("noc.watch.past.RUNS_MAX", 100)
    flapping = [
        record(A, 60_000 + i, i * MINUTE_MS, wall_ms=BEGIN_MS + i * MINUTE_MS, uplink_state=5 if i % 2 else 3, boots=1)
        for i in range(1_000)
    ]
    for each in reports(flapping, 60):
        world.send(*each)
        world.turns(10_000)
    (boot,) = world.book.histories((HUB.hub_id,))[HUB.hub_id].values()
    assert len(boot.runs) <= 100
    follower = world.watch._follower
    follower._rest(HUB.hub_id, 0.5)
    book = Calls(world.book._store)
    follower._book = book
    more = [dataclasses.replace(each, record=dataclasses.replace(each.record, boot_id=B)) for each in flapping[:120]]
    for each in reports(more, 60):
        world.send(*each)
        world.turns(10_000)
    assert getattr(book, "histories_written", 0) == 0, "it costs half a second: not before 50 s"
    world.turns(60_000)
    assert book.histories_written >= 1


def test_a_hub_that_fell_silent_has_its_days_go_by(world: World) -> None:
    for each in reports(minutes(A, BEGIN_MS, 1, 4_320, number=1), 60):
        world.send(*each)
    world.turn()
    world.turns(2 * DAY_MS + 3 * HOUR_MS, every_ms=HOUR_MS)
    days = days_of(world)
    assert days["2026-08-05"].seconds[SlaClass.UNKNOWN] == 86_400
    assert days["2026-08-05"].seconds[SlaClass.AHEAD] == 0
    assert days["2026-08-04"].seconds[SlaClass.UNKNOWN] > 86_000


def test_a_step_that_fails_is_done_again(world: World, caplog: pytest.LogCaptureFixture) -> None:
    class Full(SqliteFleetBook):
        is_full = True

        def put_followed(self, followed: Sequence[Followed], mark: str, tails: Sequence[Tail] = ()) -> None:
            if self.is_full:
                raise StoreError("fleet.db: the disk is full; nothing was stored")
            super().put_followed(followed, mark, tails)

    book = Full(world.book._store)
    world.start(book)
    for each in reports(story(), 60):
        world.send(*each)
    world.turn()
    assert "the disk is full" in caplog.text
    assert world.book.followed_mark() == ""
    book.is_full = False
    world.turn()
    assert len(world.book.outages(Scope(), "", 0, END_MS)) == 2


def test_to_tell_the_last_days_alone_is_to_tell_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[bool] = []
    lately = past._tell_lately

    def counted(*arguments: Any) -> Any:
        found = lately(*arguments)
        told.append(found is not None)
        return found

    def run(folder: Path, tell: Any) -> World:
        monkeypatch.setattr(past, "_tell_lately", tell)
        made = World(folder, BEGIN_MS + 5 * MINUTE_MS)
        rest = minutes(B, BEGIN_MS + 12 * DAY_MS, 1, 1_440, number=2, boot_reason=2)
        for each in reports([*story(days=6)[: 6 * 1_440], *rest], 60):
            last_ms = each[-1].record.wall_ms
            made.pass_ms(max(0, last_ms + 5 * MINUTE_MS - made.wall_ms))
            made.send(*each)
            made.turn()
        return made

    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    one = run(tmp_path / "one", counted)
    assert sum(told) > 100, "most hours"
    other = run(tmp_path / "other", lambda *_: None)
    assert one.past() == other.past()
    assert one.book.versions((HUB.hub_id,), str(AUGUST)) == other.book.versions((HUB.hub_id,), str(AUGUST))


@pytest.mark.parametrize("days", [200, -200])
def test_by_a_date_that_cannot_be_right_nothing_of_the_past_is_written(world: World, days: int) -> None:
    for each in reports(story(), 60):
        world.send(*each)
    window = Window(BEGIN_MS + 1_440 * MINUTE_MS, BEGIN_MS + 1_600 * MINUTE_MS)
    world.book.put_window(KeptWindow(0, "51.03", "", window, "admin", "tower"), BY_ADMIN)
    world.settle()
    before, version = world.past(), world.book.versions((HUB.hub_id,), str(AUGUST))
    assert version[HUB.hub_id].sla.seconds[SlaClass.MAINTENANCE] > 500
    world.wall_ms += days * DAY_MS
    world.turns(4 * HOUR_MS, every_ms=HOUR_MS)
    world.send(*minutes(B, BEGIN_MS + 3_300 * MINUTE_MS, 301, 310, number=2, boot_reason=2))
    world.turns(HOUR_MS, every_ms=MINUTE_MS)
    assert (world.past(), world.book.versions((HUB.hub_id,), str(AUGUST))) == (before, version)
    world.wall_ms -= days * DAY_MS
    world.settle()
    if days < 0:
        return  # what came then says of its boot that it began before: of that the watch knows nothing
    histories, outages, _ = world.past()
    assert outages == before[1]
    assert histories[HUB.hub_id].keys() == before[0][HUB.hub_id].keys()
    after = world.book.versions((HUB.hub_id,), str(AUGUST))[HUB.hub_id]
    assert [after.sla.seconds[each] for each in (SlaClass.MAINTENANCE, SlaClass.LINK_LONG, SlaClass.POWER)] == [
        version[HUB.hub_id].sla.seconds[each] for each in (SlaClass.MAINTENANCE, SlaClass.LINK_LONG, SlaClass.POWER)
    ]


def test_a_watch_that_starts_at_another_date_than_the_ear_writes_nothing_of_the_past(world: World) -> None:
    for each in reports(story(), 60):
        world.send(*each)
    world.settle()
    before = world.past()
    world.is_hearing = False
    world.wall_ms += 200 * DAY_MS
    world.start()
    world.turns(4 * HOUR_MS, every_ms=HOUR_MS)
    assert world.past() == before
    world.is_hearing = True
    world.turns(HOUR_MS, every_ms=MINUTE_MS)
    assert world.past() != before, "the ear says the same date: so it is"


def test_what_a_hub_says_too_much_takes_nothing_from_what_was_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("noc.watch.past.RUNS_MAX", 100)
    for each in reports(story(), 60):
        world.send(*each)
    world.settle()
    before, version = world.past(), world.book.versions((HUB.hub_id,), str(AUGUST))
    flapping = [
        record(B, 61_000 + i, (900 + i) * MINUTE_MS, wall_ms=BEGIN_MS + (4_200 + i) * MINUTE_MS,
               uplink_state=5 if i % 2 else 3, boots=2)
        for i in range(400)
    ]  # fmt: skip
    world.pass_ms(DAY_MS)
    for each in reports(flapping, 60):
        world.send(*each)
    world.settle()
    _, outages, days = world.past()
    assert set(before[1]) <= set(outages)
    assert [each for each in days if each.day < "2026-08-04"] == [each for each in before[2] if each.day < "2026-08-04"]
    after = world.book.versions((HUB.hub_id,), str(AUGUST))[HUB.hub_id]
    assert after.sla.seconds[SlaClass.POWER] >= version[HUB.hub_id].sla.seconds[SlaClass.POWER]


def seldom(boot_id: str, begin_ms: int, seconds: int, count: int, number: int = 1) -> list[ArrivedRecord]:
    """A boot of a hub that measures each so many seconds."""
    every_ms = seconds * 1_000
    return [
        record(boot_id, 60_000 + i, 60_000 + i * every_ms, wall_ms=begin_ms + 60_000 + i * every_ms,
               said={"uplink_state": 5, "boots": number, "boot_reason": 2})
        for i in range(count)
    ]  # fmt: skip


def born(world: World, boot_id: str, interval_seconds: int) -> None:
    said = State(boot_id, 1, True, "0.1.0", "3f9a1c22b0de", interval_seconds, max(300, interval_seconds))
    world.store.commit(Arrivals(states=[ArrivedState(HUB.hub_id, said, world.wall_ms)]))


def unknown_seconds(world: World, day: str) -> int:
    return days_of(world)[day].seconds[SlaClass.UNKNOWN]


def test_a_hub_that_measures_each_ten_minutes_is_known_in_between(world: World) -> None:
    born(world, A, 600)
    world.turn()
    for each in reports(seldom(A, BEGIN_MS, 600, 432), 6):
        world.send(*each)
    world.turns(60_000)
    world.settle()
    assert unknown_seconds(world, "2026-08-02") == 0


def test_a_hub_that_did_not_say_so_is_unknown_where_nobody_looked(world: World) -> None:
    for each in reports(seldom(A, BEGIN_MS, 600, 432), 6):
        world.send(*each)
    world.settle()
    assert unknown_seconds(world, "2026-08-02") == 86_400


def test_what_a_boot_told_stays_as_it_was_told_when_the_hub_measures_more_often_later(world: World) -> None:
    born(world, A, 600)
    world.turn()
    for each in reports(seldom(A, BEGIN_MS, 600, 144), 6):
        world.send(*each)
    world.settle()
    before = days_of(world)["2026-08-01"]
    assert before.seconds[SlaClass.UP] > 85_000
    born(world, B, 60)
    world.turn()
    for each in reports(seldom(B, BEGIN_MS + DAY_MS + HOUR_MS, 60, 1_000, number=2), 60):
        world.send(*each)
    world.settle()
    after = days_of(world)
    assert after["2026-08-01"] == before
    assert after["2026-08-02"].seconds[SlaClass.UP] > 55_000


def test_a_watch_that_was_started_again_still_knows_how_often_a_hub_measures(world: World) -> None:
    born(world, A, 600)
    world.turn()
    told = reports(seldom(A, BEGIN_MS, 600, 432), 6)
    for each in told[:30]:
        world.send(*each)
    world.turns(60_000)
    world.start()
    for each in told[30:]:
        world.send(*each)
    world.turns(60_000)
    world.settle()
    assert unknown_seconds(world, "2026-08-02") == 0
