"""What every store of the NOC keeps to."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from appliance.core.clock import WallQuality
from appliance.core.columns import INTEGER_MAX
from appliance.core.errors import StoreError
from appliance.core.letter_marks import Mark, digest_of
from appliance.core.report import CELLS_MAX as CORE_CELLS_MAX
from appliance.core.report import SAMPLES_MAX, Record, Report, encode
from noc.ingest.ear import FACTS_SIGN, OwnVoice, ears
from noc.store import forgetting, postgres_forgetting, reading
from noc.store.contract import (
    CELLS_MAX,
    Arrivals,
    ArrivedBatch,
    ArrivedMarks,
    AsideKind,
    Hub,
    HubFacts,
    KeptMark,
    NocStore,
    SetAside,
    Summary,
    cells_of,
    may_be_more,
)
from noc.store.postgres import PostgresNocStore, open_postgres_store, open_postgres_store_reading
from noc.store.sqlite import SqliteNocStore, open_noc_store, open_noc_store_reading
from tests.postgres import Cluster
from tests.unit.noc.seed import BOOT, MINUTE_MS, NOW_MS, arrived, batch, born

DAY_MS = 86_400_000
HUB = Hub("hub-0001", "Sukamaju", "51.03.01.2001", "Asia/Makassar")


class SqliteSite:
    """Where SQLite stores are."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, name: str = "noc") -> SqliteNocStore:
        (self._folder / name).mkdir(exist_ok=True)
        return open_noc_store(self._folder / name / "noc.db")

    def open_reading(self) -> SqliteNocStore:
        return open_noc_store_reading(self._folder / "noc/noc.db")

    def damage(self, position: int) -> None:
        (day,) = (self._folder / "noc/batches").glob("*.db")
        with contextlib.closing(sqlite3.connect(day)) as db, db:
            db.execute("UPDATE batch SET payload = substr(payload, 1, 40) WHERE position = ?", (position,))

    def run(self, statement: LiteralString) -> None:
        with contextlib.closing(sqlite3.connect(self._folder / "noc/noc.db")) as db, db:
            db.execute(statement)


class PostgresSite:
    """Where PostgreSQL stores are: each a database of the test run's cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._urls: dict[str, str] = {}

    def open(self, name: str = "noc") -> PostgresNocStore:
        if name not in self._urls:
            self._urls[name] = self._cluster.database()
        return open_postgres_store(self._urls[name])

    def open_reading(self) -> PostgresNocStore:
        return open_postgres_store_reading(self._urls["noc"])

    def damage(self, position: int) -> None:
        with psycopg.connect(self._urls["noc"]) as db:
            db.execute("UPDATE batch SET payload = substr(payload, 1, 40) WHERE position = %s", (position,))

    def run(self, statement: LiteralString) -> None:
        with psycopg.connect(self._urls["noc"]) as db:
            db.execute(statement)


Site = SqliteSite | PostgresSite


@pytest.fixture(params=["sqlite", "postgres"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    if request.param == "sqlite":
        return SqliteSite(tmp_path)
    return PostgresSite(request.getfixturevalue("postgres_cluster"))


@pytest.fixture
def store(site: Site) -> Iterator[NocStore]:
    with contextlib.closing(site.open()) as made:
        made.add_hub(HUB)
        yield made


def test_the_inventory_takes_each_hub_once(store: NocStore) -> None:
    assert store.hubs() == (HUB,)
    with pytest.raises(StoreError, match="already"):
        store.add_hub(Hub(HUB.hub_id, "Lain", "51.03.01.2002"))
    assert store.hubs() == (HUB,)
    assert store.facts("hub-9999") == ()


def test_the_last_sign_of_life_counts_whatever_its_time(store: NocStore) -> None:
    assert store.signs() == {}
    store.put_sign("broker ", 20)
    store.put_sign("facts", 21)
    store.put_sign("broker ", 5)
    assert store.signs() == {"broker ": 5, "facts": 21}
    store.drop_signs(())
    store.drop_signs(["broker ", "broker bali"])
    assert store.signs() == {"facts": 21}


def test_a_broker_that_got_another_name_is_deaf_for_seven_days_at_most(store: NocStore) -> None:
    minutes = [NOW_MS // MINUTE_MS]
    for broker in ("", "bali"):
        OwnVoice(store, broker, lambda: minutes[0] * 60.0).announce()
    voice = OwnVoice(store, "jawa", lambda: minutes[0] * 60.0)
    voice.announce()
    store.put_sign(FACTS_SIGN, NOW_MS - 30 * DAY_MS)
    week = 7 * 24 * 60
    for minute, names in ((1, {"", "bali", "jawa"}), (week, {"", "bali", "jawa"}), (week + 1, {"jawa", "bali"})):
        if minute == week:
            store.put_sign("broker bali", (minutes[0] + 1) * MINUTE_MS)
        voice.heard(str((minutes[0] + minute) * MINUTE_MS).encode())
        assert {each.broker for each in ears(store.signs())} == names
    assert FACTS_SIGN in store.signs(), "what is no ear stays"


def test_the_inventory_takes_many_hubs_at_once_and_changes_those_it_has(store: NocStore) -> None:
    mark, _ = store.changed("")
    store.put_hubs(())
    moved = Hub(HUB.hub_id, "Sukamaju Baru", "51.03.02.2001", "Asia/Jakarta")
    new = Hub("hub-0002", "Wonosari", "33.01.01.2001")
    store.put_hubs([new, moved])
    assert store.hubs() == (moved, new)
    assert set(store.changed(mark)[1]) == {HUB.hub_id, "hub-0002"}


def made(store: NocStore) -> HubFacts:
    """Bring what follows up to what is committed; the facts of the one hub."""
    while store.project(3):
        pass
    (facts,) = store.facts(HUB.hub_id)
    return facts


def sequences(store: NocStore, to_ms: int = NOW_MS + 1) -> list[int]:
    return [each.record.sequence for each in store.records(HUB.hub_id, 0, to_ms)]


def test_only_hubs_of_the_inventory_are_known(store: NocStore) -> None:
    assert store.known({HUB.hub_id, "hub-9999", "'; --"}) == {HUB.hub_id}
    assert store.known(()) == frozenset()


def test_a_record_counts_once_whoever_sends_it_again(store: NocStore) -> None:
    one, two = arrived(HUB.hub_id, 1, 60_000), arrived(HUB.hub_id, 2, 0)
    assert store.commit(Arrivals([batch(one)])) == 1
    assert store.commit(Arrivals([batch(one, two), batch(one), batch(two, two)])) == 1
    assert [each.record for each in store.records(HUB.hub_id, 0, NOW_MS + 1)] == [one.record, two.record]
    assert [each.time_ms for each in store.records(HUB.hub_id, 0, NOW_MS)] == [one.time_ms]
    facts = made(store)
    assert ([each.record for each in facts.recent], facts.last_contact_ms) == ([one.record, two.record], NOW_MS)


def test_batches_cut_otherwise_each_three_times_and_shuffled_count_once(store: NocStore) -> None:
    records = [arrived(HUB.hub_id, minute, (120 - minute) * MINUTE_MS) for minute in range(1, 121)]
    cut = [batch(*records[at : at + size]) for size in (5, 7, 60) for at in range(0, 120, size)] * 3
    random.Random(3).shuffle(cut)
    new = sum(store.commit(Arrivals(cut[at : at + 4])) for at in range(0, len(cut), 4))
    assert new == 120
    assert sequences(store) == list(range(1, 121))
    assert [each.record.sequence for each in made(store).recent] == list(range(116, 121))


def test_a_record_of_a_day_that_is_gone_does_not_come_back(store: NocStore) -> None:
    old = batch(arrived(HUB.hub_id, 1, 20 * DAY_MS), arrived(HUB.hub_id, 2, 20 * DAY_MS - MINUTE_MS))
    assert store.commit(Arrivals([old])) == 2
    assert store.sweep(NOW_MS - 14 * DAY_MS, 100) == 1
    assert sequences(store) == []
    again = dataclasses.replace(old, received_ms=NOW_MS)
    assert store.commit(Arrivals([again])) == 0
    assert sequences(store) == []


def boot_of(number: int) -> str:
    return f"{number:032x}"


def once(boot_id: str, received_ms: int, sequence: int = 1) -> Arrivals:
    """A report of one record of a boot."""
    made = Record(boot_id, sequence, 60_000, received_ms, WallQuality.NTP, {"boots": 1})
    report = Report(boot_id, 60_000, (made,))
    return Arrivals([reading.arrived(HUB.hub_id, encode(report), report, received_ms)])


def swept(store: NocStore, now_ms: int) -> int:
    """As the ingest sweeps, until nothing is left to do."""
    gone = 0
    for _ in range(20):
        gone += store.sweep(now_ms - 14 * DAY_MS, 100)
    return gone


def test_a_boot_that_was_not_heard_for_400_days_is_forgotten_and_no_sooner(store: NocStore) -> None:
    old, kept = once(boot_of(1), NOW_MS), once(boot_of(2), NOW_MS)
    assert (store.commit(old), store.commit(kept)) == (1, 1)
    made(store)
    store.commit(once(boot_of(2), NOW_MS + 200 * DAY_MS, sequence=2))
    swept(store, NOW_MS + 413 * DAY_MS)
    assert (store.commit(old), store.commit(kept)) == (0, 0), "nobody forgets before"
    swept(store, NOW_MS + 416 * DAY_MS)
    assert store.commit(kept) == 0, "its other record came later, and made one range with this"
    assert store.commit(old) == 1, "and is filed anew, as of a boot that nobody heard of"


def test_forgetting_goes_on_from_where_it_came_and_begins_again(
    store: NocStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (forgetting, postgres_forgetting):
        monkeypatch.setattr(module, "SCANNED", 3)
    for number in range(10):
        store.commit(once(boot_of(number), NOW_MS if number % 2 else NOW_MS + 300 * DAY_MS))
    made(store)
    swept(store, NOW_MS + 420 * DAY_MS)
    again = [store.commit(once(boot_of(number), NOW_MS + 420 * DAY_MS)) for number in range(10)]
    assert again == [number % 2 for number in range(10)]


def test_what_came_while_the_noc_believed_1970_is_not_forgotten_at_once(store: NocStore) -> None:
    sent = once(boot_of(1), 5 * DAY_MS)
    assert store.commit(sent) == 1
    swept(store, NOW_MS)
    assert store.commit(sent) == 0


def test_what_an_earlier_release_kept_gets_a_day_and_is_not_forgotten_at_once(store: NocStore, site: Site) -> None:
    assert store.commit(once(boot_of(1), NOW_MS)) == 1
    site.run("UPDATE held SET seen_day = 0")
    swept(store, NOW_MS + 500 * DAY_MS)
    assert store.commit(once(boot_of(1), NOW_MS)) == 0
    swept(store, NOW_MS + 905 * DAY_MS)
    assert store.commit(once(boot_of(1), NOW_MS)) == 1


def test_the_greatest_sequence_of_the_wire_is_a_sequence_like_others(store: NocStore) -> None:
    last = [Record(BOOT, INTEGER_MAX - ago, 60_000, NOW_MS, WallQuality.NTP, {"boots": 1}) for ago in (1, 0)]
    report = Report(BOOT, 60_000, tuple(last))
    sent = reading.arrived(HUB.hub_id, encode(report), report, NOW_MS)
    assert store.commit(Arrivals([sent])) == 2
    assert store.commit(Arrivals([sent])) == 0
    assert sequences(store) == [INTEGER_MAX - 1, INTEGER_MAX]


def test_a_batch_that_the_disk_changed_is_passed_over_and_stops_nothing(store: NocStore, site: Site) -> None:
    sent = [batch(arrived(HUB.hub_id, minute, (10 - minute) * MINUTE_MS)) for minute in (1, 2, 3)]
    assert store.commit(Arrivals(sent)) == 3
    site.damage(2)
    assert [each.record.sequence for each in made(store).recent] == [1, 3]
    assert sequences(store) == [1, 3]


def test_days_go_by_arrival_and_whole(store: NocStore) -> None:
    late = batch(arrived(HUB.hub_id, 1, 30 * DAY_MS))
    said = [
        dataclasses.replace(late, received_ms=NOW_MS),
        *(batch(arrived(HUB.hub_id, 1 + day, day * DAY_MS)) for day in range(1, 17)),
    ]
    for each in said:
        store.commit(Arrivals([each]))
    before = made(store)
    assert store.sweep(NOW_MS - 14 * DAY_MS, 100) == 2
    assert store.sweep(NOW_MS - 14 * DAY_MS, 100) == 0
    assert sorted(sequences(store)) == [1, *range(2, 16)]
    assert made(store) == before, "what is known of a hub stays"


def test_a_sweep_leaves_no_step_undone(store: NocStore) -> None:
    store.commit(Arrivals([batch(arrived(HUB.hub_id, 1, 20 * DAY_MS)), batch(arrived(HUB.hub_id, 2, 0))]))
    store.sweep(NOW_MS - 14 * DAY_MS, 100)
    assert [each.record.sequence for each in made(store).recent] == [2]
    assert store.project(3) == 0


def test_all_or_nothing(store: NocStore) -> None:
    stranger = batch(arrived("hub-9999", 1, 0))
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        store.commit(Arrivals([batch(arrived(HUB.hub_id, 1, 0)), stranger]))
    assert sequences(store) == []
    assert store.commit(Arrivals([batch(arrived(HUB.hub_id, 1, 0))])) == 1
    assert sequences(store) == [1]


def without_date(sequence: int, boottime_ms: int, quality: WallQuality = WallQuality.UNKNOWN) -> Record:
    return Record("cc" * 16, sequence, boottime_ms, boottime_ms + 1_000, quality, {"uptime_seconds": 1})


def sent(received_ms: int, sent_ms: int, *records: Record) -> ArrivedBatch:
    report = Report("cc" * 16, sent_ms, records)
    return reading.arrived(HUB.hub_id, encode(report), report, received_ms)


def test_a_boot_is_placed_anew_once_its_clock_is_known(store: NocStore) -> None:
    hour_ms = NOW_MS - NOW_MS % 3_600_000
    # Two hours in the broker's queue: by its arrival the first record seems to be of now.
    store.commit(Arrivals([sent(hour_ms, 70_000, without_date(1, 60_000))]))
    assert [each.time_ms for each in store.records(HUB.hub_id, 0, NOW_MS * 2)] == [hour_ms - 10_000]
    made(store)
    assert store.roll_up(NOW_MS + 3_600_000, 10) == 2
    told = dataclasses.replace(without_date(2, 120_000, WallQuality.NTP), wall_ms=hour_ms - 10_000 - 7_200_000 + 60_000)
    store.commit(Arrivals([sent(hour_ms + 1_000, 130_000, told)]))
    facts = made(store)
    expected = [hour_ms - 10_000 - 7_200_000, hour_ms - 10_000 - 7_200_000 + 60_000]
    assert [each.time_ms for each in store.records(HUB.hub_id, 0, hour_ms)] == expected
    assert [each.time_ms for each in facts.recent] == expected
    while store.roll_up(NOW_MS + 3_600_000, 10):
        pass
    assert [(hour.hour_ms, hour.records) for hour in store.hours(HUB.hub_id, 0, NOW_MS)] == [
        (hour_ms - 3 * 3_600_000, 1),
        (hour_ms - 2 * 3_600_000, 1),
    ]


def test_the_quickest_report_places_a_boot_that_never_knows_the_date(store: NocStore) -> None:
    for sequence, received_ms in ((1, NOW_MS + 500_000), (2, NOW_MS + 60_000), (3, NOW_MS + 900_000)):
        store.commit(Arrivals([sent(received_ms, sequence * 60_000, without_date(sequence, sequence * 60_000))]))
    made(store)
    start_ms = NOW_MS + 60_000 - 120_000
    assert [each.time_ms for each in store.records(HUB.hub_id, 0, NOW_MS * 2)] == [
        start_ms + sequence * 60_000 for sequence in (1, 2, 3)
    ]


def test_hours_are_summed_and_made_anew_for_what_comes_late(store: NocStore) -> None:
    hour_ms = NOW_MS - NOW_MS % 3_600_000 - 2 * 3_600_000
    records = [
        arrived(HUB.hub_id, 10 + minute, NOW_MS - hour_ms - minute * MINUTE_MS, load_one_minute=minute)
        for minute in range(-2, 62)
    ]
    for at in range(10, 64, 5):
        store.commit(Arrivals([batch(*records[at : at + 5])]))
    made(store)
    assert store.roll_up(hour_ms + 3_600_000 - 1, 10) == 0, "an hour that is not over"
    while store.roll_up(hour_ms + 3_600_000, 10):
        pass
    (hour,) = store.hours(HUB.hub_id, hour_ms, hour_ms + 1)
    assert (hour.records, hour.samples["load_one_minute"]) == (52, Summary(52, sum(range(8, 60)), 8, 59, 0))
    store.commit(Arrivals([batch(*records[:10])]))
    made(store)
    assert store.roll_up(hour_ms + 3_600_000, 10) == 2
    (hour,) = store.hours(HUB.hub_id, hour_ms, hour_ms + 1)
    assert hour.samples["load_one_minute"].total == sum(range(60))
    counter = "interface_received_bytes.uplink"
    inside = [each.record.samples[counter] for each in records[1:62]]
    assert hour.samples[counter].moved == (inside[-1] or 0) - (inside[0] or 0)
    assert store.roll_up(hour_ms + 3_600_000, 10) == 0
    assert store.sweep(hour_ms + 91 * DAY_MS, 100) >= 2
    assert store.hours(HUB.hub_id, hour_ms, hour_ms + 1) == ()


def test_births_are_kept_in_order_and_bounded(store: NocStore) -> None:
    for session in range(1, 30):
        for _ in range(2):
            store.commit(Arrivals(states=[born(HUB.hub_id, NOW_MS + session, session=session)]))
    found = store.births(HUB.hub_id)
    assert [each.session for each in found] == list(range(14, 30))
    assert store.births("hub-9999") == ()


def test_how_often_a_hub_measures_and_sends_is_kept_as_it_said_last(store: NocStore) -> None:
    birth = born(HUB.hub_id, NOW_MS)
    for session, rhythm in ((2, (600, 1_800)), (3, (0, 0)), (4, (60, 300))):
        said = dataclasses.replace(birth.state, session=session, interval_seconds=rhythm[0], batch_seconds=rhythm[1])
        store.commit(Arrivals(states=[dataclasses.replace(birth, state=said)]))
        found = store.facts()[0].state
        assert found is not None and (found.state.interval_seconds, found.state.batch_seconds) == rhythm


def test_a_late_will_does_not_undo_a_newer_birth(store: NocStore) -> None:
    birth = born(HUB.hub_id, NOW_MS, session=7)
    store.commit(Arrivals(states=[birth]))
    store.commit(Arrivals(states=[born(HUB.hub_id, NOW_MS + 1, session=6, online=False)]))
    assert store.facts()[0].state == birth
    own_will = born(HUB.hub_id, NOW_MS + 2, session=7, online=False)
    store.commit(Arrivals(states=[own_will]))
    assert store.facts()[0].state == own_will
    assert store.facts()[0].last_contact_ms == NOW_MS, "a will is the broker's word, not the hub's"


def letters(hub_id: str, *marks: Mark, at_ms: int = NOW_MS) -> Arrivals:
    return Arrivals(marks=[ArrivedMarks(hub_id, marks, "k", at_ms)])


def mark(token: str = "token", *, is_void: bool = False, title: str = "Surat Keterangan Usaha") -> Mark:
    return Mark(digest_of(token), title, datetime.date(2026, 8, 17), 90, False, is_void)


def test_a_letter_is_known_by_its_digest_and_becomes_void_once_and_for_ever(store: NocStore) -> None:
    digest = digest_of("token")
    assert store.letter(digest) is None
    store.commit(letters(HUB.hub_id, mark(), mark("other")))
    assert store.letter(digest) == KeptMark(HUB.hub_id, mark(), NOW_MS)
    store.commit(letters(HUB.hub_id, mark(is_void=True), at_ms=NOW_MS + 1))
    void = KeptMark(HUB.hub_id, mark(is_void=True), NOW_MS + 1)
    assert store.letter(digest) == void
    # Late, twice, both ways round: it stays as it is.
    store.commit(letters(HUB.hub_id, mark(is_void=True), mark(), mark(title="Lain"), at_ms=NOW_MS + 2))
    assert store.letter(digest) == void
    assert store.letter(digest_of("other")) == KeptMark(HUB.hub_id, mark("other"), NOW_MS)
    assert store.letter(b"") is None


def test_a_letter_belongs_to_the_hub_that_told_of_it_first(store: NocStore) -> None:
    store.add_hub(Hub("hub-0002", "Lain", "51.03.01.2002"))
    store.commit(letters(HUB.hub_id, mark()))
    store.commit(letters("hub-0002", mark(is_void=True), mark("their own")))
    assert store.letter(digest_of("token")) == KeptMark(HUB.hub_id, mark(), NOW_MS)
    assert store.letter(digest_of("their own")) == KeptMark("hub-0002", mark("their own"), NOW_MS)
    assert store.aside_counts()[AsideKind.OTHER_HUBS_LETTER] == 1
    (aside,) = store.aside(5)
    assert (aside.topic, aside.payload) == ("desahub/1/hub-0002/letter-marks", digest_of("token"))


def test_letters_outlive_a_restart_of_the_store_and_every_sweep(site: Site, store: NocStore) -> None:
    store.commit(letters(HUB.hub_id, mark()))
    store.sweep(NOW_MS + 10_000 * DAY_MS, 1_000)
    with contextlib.closing(site.open_reading()) as again:
        assert again.letter(digest_of("token")) == KeptMark(HUB.hub_id, mark(), NOW_MS)


def test_what_is_kept_aside_is_counted_and_bounded(store: NocStore) -> None:
    many = [SetAside("t/1", AsideKind.MALFORMED, "why", b"x" * 9_000, i) for i in range(5_000)]
    other = SetAside("t/2", AsideKind.UNKNOWN_VERSION, "later", b"y" * 9_000, 1)
    store.commit(Arrivals(aside=[other, *many]))
    store.commit(Arrivals(aside=many[:150]))
    assert store.aside_counts() == {
        AsideKind.MALFORMED: 5_150, AsideKind.UNKNOWN_VERSION: 1, AsideKind.UNKNOWN_HUB: 0,
        AsideKind.OTHER_HUBS_LETTER: 0,
    }  # fmt: skip
    kept = store.aside(10_000)
    assert len(kept) == 201
    assert kept[0].received_ms == 149
    assert all(len(each.payload) < 9_000 for each in kept[:-1])
    assert kept[-1] == other, "what a later release can read is kept whole, and no flood hides it"


def test_what_is_kept_aside_does_not_fill_the_disk(store: NocStore) -> None:
    large = bytes(256 * 1024)
    for i in range(3):
        store.commit(Arrivals(aside=[SetAside(f"t/{j}", AsideKind.UNKNOWN_VERSION, "", large, i) for j in range(150)]))
    kept = store.aside(10_000)
    assert 200 <= len(kept) <= 256
    assert store.aside_counts()[AsideKind.UNKNOWN_VERSION] == 450
    assert {each.received_ms for each in kept} == {1, 2}, "the oldest made room"


def test_the_epoch_is_of_the_store(store: NocStore, site: Site) -> None:
    assert store.epoch() == store.epoch()
    with contextlib.closing(site.open("other")) as other:
        assert other.epoch() != store.epoch()
    with contextlib.closing(site.open_reading()) as reading:
        assert reading.epoch() == store.epoch()
        with pytest.raises(StoreError):
            reading.add_hub(Hub("hub-0002", "Dua", "51.03.01.2002"))


def test_who_asks_for_changes_is_told_each_hub_whose_facts_are_others(store: NocStore) -> None:
    mark, first = store.changed("")
    assert first == (HUB.hub_id,), "a hub of the inventory is news"
    assert store.changed(mark) == (mark, ())
    other = Hub("hub-0002", "Wonosari", "51.03.01.2002")
    store.add_hub(other)
    store.commit(Arrivals(states=[born(HUB.hub_id, NOW_MS)]))
    later, hubs = store.changed(mark)
    assert set(hubs) == {HUB.hub_id, other.hub_id}
    store.commit(Arrivals([batch(arrived(other.hub_id, 1, 0))]))
    assert store.changed(later) == (later, ()), "the facts are not brought up yet"
    made(store)
    assert store.changed(later)[1] == (other.hub_id,)
    assert [each.hub for each in store.facts_of((other.hub_id, "hub-9999"))] == [other]
    assert store.facts_of((HUB.hub_id, other.hub_id)) == store.facts()
    assert set(store.changed("another:7")[1]) == {HUB.hub_id, other.hub_id}, "a mark of another store tells nothing"


def test_reports_are_read_once_each_whatever_the_steps(store: NocStore) -> None:
    reports = [
        batch(*(arrived(HUB.hub_id, 5 * i + k, (100 - 5 * i - k) * MINUTE_MS) for k in range(5))) for i in range(9)
    ]
    mark, seen = "", list[tuple[str, int]]()
    for i, each in enumerate(reports):
        store.commit(Arrivals([each, reports[i // 2]]))
        while True:
            mark, came = store.came(mark, 2)
            if not came:
                break
            seen += [(each.sent_boot_id, record.sequence) for each in came for record in each.records]
    assert seen == [(BOOT, number) for number in range(45)]
    assert store.came("", 100)[1][0].received_ms == reports[0].received_ms
    assert (store.waiting(mark), store.waiting("")) == (0, 9)
    assert store.came(mark, 100) == (mark, ())


def heavy(number: int) -> ArrivedBatch:
    """As much as a hub may say in one report, in a few bytes."""
    samples = {f"a_{each}": 1.5 for each in range(SAMPLES_MAX)}
    first = 1_000 * number
    made = tuple(
        Record(BOOT, each, each, NOW_MS - 9 * MINUTE_MS + each, WallQuality.NTP, samples)
        for each in range(first, first + CORE_CELLS_MAX // SAMPLES_MAX)
    )
    report = Report(BOOT, made[-1].boottime_ms, made)
    return reading.arrived(HUB.hub_id, encode(report), report, NOW_MS)


def test_a_step_ends_by_the_size_of_what_came_as_well_as_by_its_number(store: NocStore) -> None:
    light = batch(arrived(HUB.hub_id, 1, 0))
    store.commit(Arrivals([heavy(number) for number in range(1, 9)] + [light]))
    mark, came = store.came("", 100)
    assert (len(came), store.waiting(mark), may_be_more(came, 100)) == (6, 3, True)
    cells = [cells_of(each.records) for each in came]
    assert sum(cells[:-1]) < CELLS_MAX <= sum(cells)
    mark, came = store.came(mark, 100)
    assert (len(came), store.waiting(mark), may_be_more(came, 100)) == (3, 0, False)
    assert [record.sequence for record in came[-1].records] == [1]
    assert may_be_more(came, 3)
    assert store.project(100) == 9
    assert len(store.records(HUB.hub_id, 0, NOW_MS + 1)) == 8 * 480 + 1


def test_a_step_finds_the_anchor_that_an_earlier_one_wrote_in_its_parts(store: NocStore) -> None:
    """Also behind as much as one part of a step takes; the anchors of other boots are not read."""
    boots = [f"{number:032x}" for number in range(1, 4)]
    known = [Record(boot, 1, 1_000, NOW_MS - DAY_MS + 1_000, WallQuality.NTP, {}) for boot in boots]
    store.commit(Arrivals([sent(NOW_MS, 2_000, *known)]))
    assert store.project(10) == 1
    loose = [Record(boot, 2, 61_000, 0, WallQuality.UNKNOWN, {"boots": 1}) for boot in boots]
    store.commit(
        Arrivals([*(heavy(number) for number in range(1, 8)), *(sent(NOW_MS, 90_000, each) for each in loose)])
    )
    assert store.project(100) == 10
    placed = [each for each in store.records(HUB.hub_id, 0, NOW_MS + 1) if each.record.sequence == 2]
    assert [(each.record.boot_id, each.time_ms) for each in placed] == [
        (boot, NOW_MS - DAY_MS + 61_000) for boot in boots
    ]


def test_a_follower_finds_its_mark_again(store: NocStore) -> None:
    assert store.mark("graphs") == ""
    for mark in ("one", "two"):
        store.put_mark("graphs", mark)
    store.put_mark("other", "three")
    assert (store.mark("graphs"), store.mark("other")) == ("two", "three")


def test_reports_of_yesterday_that_come_after_midnight_are_read_too(store: NocStore) -> None:
    today, yesterday = batch(arrived(HUB.hub_id, 9, 0)), batch(arrived(HUB.hub_id, 1, DAY_MS))
    store.commit(Arrivals([today]))
    mark, _ = store.came("", 10)
    store.commit(Arrivals([yesterday]))
    mark, came = store.came(mark, 10)
    assert [record.sequence for each in came for record in each.records] == [1]
    store.sweep(NOW_MS - DAY_MS // 2, 10)
    assert store.came(mark, 10)[1] == (), "a day that is gone"
    assert [each.hub_id for each in store.came("", 10)[1]] == [HUB.hub_id]


def test_a_mark_of_another_store_begins_anew(store: NocStore, site: Site) -> None:
    store.commit(Arrivals([batch(arrived(HUB.hub_id, 1, 0))]))
    with contextlib.closing(site.open("other")) as other:
        other.add_hub(HUB)
        other.commit(Arrivals([batch(arrived(HUB.hub_id, 2, 0))]))
        mark, _ = other.came("", 10)
    _, came = store.came(mark, 10)
    assert [record.sequence for each in came for record in each.records] == [1]


def test_a_contact_of_a_time_that_is_not_yet_does_not_outlast_the_clock_that_noted_it(store: NocStore) -> None:
    ahead = dataclasses.replace(batch(arrived(HUB.hub_id, 1, 0)), received_ms=NOW_MS + 3_650 * DAY_MS)
    store.commit(Arrivals([ahead]))
    assert made(store).last_contact_ms == ahead.received_ms
    store.commit(Arrivals([batch(arrived(HUB.hub_id, 2, 0))]))
    assert made(store).last_contact_ms == NOW_MS
    store.commit(Arrivals(states=[born(HUB.hub_id, ahead.received_ms)]))
    store.commit(Arrivals(states=[born(HUB.hub_id, NOW_MS + 1, session=2)]))
    assert made(store).last_contact_ms == NOW_MS + 1


def test_the_newest_days_stay_whatever_the_date_is_said_to_be(store: NocStore) -> None:
    for day in range(15):
        store.commit(Arrivals([batch(arrived(HUB.hub_id, 1 + day, day * DAY_MS))]))
    ahead_ms = NOW_MS + 3_650 * DAY_MS
    assert store.sweep(ahead_ms, 100, 16) == 0
    assert store.sweep(ahead_ms, 100, 14) == 1
    assert len(sequences(store)) == 14
    for day in range(13):  # it is believed that these days are ten years on
        late = batch(arrived(HUB.hub_id, 100 + day, 0))
        store.commit(Arrivals([dataclasses.replace(late, received_ms=ahead_ms + day * DAY_MS)]))
    store.sweep(ahead_ms + 13 * DAY_MS, 100, 14)
    assert 1 in sequences(store), "the last day of before is still there"


def test_a_hub_that_names_thousands_of_hours_has_few_of_them_made(
    store: NocStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("noc.store.budget.HOURS_A_DAY", 100)
    other = Hub("hub-0002", "Wonosari", "51.03.01.2002")
    store.add_hub(other)
    hour_ms = 3_600_000
    spread = [arrived(HUB.hub_id, 2_000 - hour, hour * hour_ms) for hour in range(2_000, 0, -1)]
    for at in range(0, len(spread), 500):
        last = dataclasses.replace(spread[at + 499], received_ms=NOW_MS)
        store.commit(Arrivals([batch(*spread[at : at + 499], last)]))
    ancient = dataclasses.replace(arrived(HUB.hub_id, 3_000, 1_000 * DAY_MS), received_ms=NOW_MS)
    store.commit(Arrivals([batch(ancient), batch(arrived(other.hub_id, 1, 2 * hour_ms))]))
    made(store)
    steps = 0
    while count := store.roll_up(NOW_MS + DAY_MS, 1_000):
        steps += count
    assert steps <= 100 + 2
    assert len(store.hours(other.hub_id, 0, NOW_MS)) == 1, "no other hub pays for it"
    assert len(sequences(store)) == 2_001, "its records are kept all the same"
    assert caplog.text.count("names more than 100 hours") == 1
