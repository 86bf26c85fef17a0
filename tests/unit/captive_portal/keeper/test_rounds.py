"""The keeper's rounds, over real SQLite and the twin of the gate: whatever is wrong is put right by the next look."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from appliance.core import config as hub_config
from appliance.core.clock import WallQuality
from appliance.core.config.networks import Access
from appliance.core.errors import StoreFull
from appliance.gate.protocol import Client, Limits, Quota, RefusalCode
from captive_portal import blocks, budgets, local_time, rules
from captive_portal.database import open_database
from captive_portal.grants import Grants
from captive_portal.keeper import notebook
from captive_portal.keeper.rounds import CHECKPOINT_SECONDS, Keeper
from captive_portal.now import Now
from captive_portal.rules import Block, Decision, Device, Known, Offer, Policy, Verdict

ONE, OTHER = Client("10.20.0.7", "02:00:00:00:00:01"), Client("10.20.0.8", "02:00:00:00:00:02")
# 2026-01-01 12:00 in WITA.
NOON = 1_767_240_000
SPEEDS = '[[speeds]]\nname = "biasa"\ntitle = "Biasa"\ndownload_kbit = 4000\nupload_kbit = 1000\n'


class House:
    """A portal's database, a gate and a keeper, in a village with the network's settings given."""

    def __init__(self, folder: Path, toml: str, settings: str) -> None:
        from tests.unit.captive_portal.conftest import World

        self.world = World(hub_config.parse(f"{toml}{settings}\n{SPEEDS}"), folder)
        self.world.now = Now("a" * 32, 1_000, NOON, WallQuality.NTP)
        self.world.new_gate()
        self.start()

    def start(self) -> None:
        """A keeper begins; whatever the one before had in memory is gone."""
        self.policy = Policy.of(self.world.config)
        self.keeper = Keeper(
            self.grants, self.gate, self.policy, lambda: self.world.now, history_days=30, names=lambda: {ONE.mac: "hp"}
        )

    @property
    def grants(self) -> Grants:
        found: Grants = self.world.grants
        return found

    @property
    def gate(self) -> Any:
        return self.world.gate

    def login(self, client: Client = ONE, offer: Offer | None = None) -> Verdict:
        """As the portal does it."""
        now = self.world.now
        known = self.grants.known(client.mac, local_time.day(now, self.policy.timezone), now)
        decision = rules.decide(self.policy, Device(client.address, client.mac, client.mac), now, known, offer)
        if decision.verdict is Verdict.ADMIT:
            stands = rules.standing(self.policy, self.grants.keep(decision, now), known, now)
            self.gate.admit(client, stands.seconds, stands.limits)
        return decision.verdict

    def use(self, received_bytes: int, client: Client = ONE) -> bool:
        """Packets come; whether all passed."""
        passed = all(self.gate.twin.firewall.count(client, 0, 1_500) for _ in range(received_bytes // 1_500))
        rest = received_bytes % 1_500
        return passed and (not rest or self.gate.twin.firewall.count(client, 0, rest))

    def leave(self, client: Client = ONE) -> None:
        """As the portal does it."""
        self.grants.take_back(client, self.world.now, last=self.gate.admitted(client))
        self.gate.revoke(client)

    def live(self, seconds: int) -> None:
        """Time passes with the keeper at work."""
        end = self.world.now.boot_seconds + seconds
        while self.world.now.boot_seconds < end:
            self.world.wait(min(2, end - self.world.now.boot_seconds))
            self.keeper.look(2.0)

    def reboot(self, boot: str = "b", *, is_clean: bool) -> None:
        """The box starts again an hour later, after a clean shutdown or a power cut."""
        if is_clean:
            self.keeper.close()
        later = self.world.now.wall_seconds + 3_600
        self.world.now = Now(boot * 32, 12, later, self.world.now.wall_quality)
        self.world.new_gate()
        self.start()

    def inside(self) -> dict[Client, int]:
        return {one.client: one.remaining_seconds for one in self.gate.clients()}

    def rows(self, table: str) -> list[dict[str, Any]]:
        with self.grants.store.reading() as db:
            return db.rows(f"SELECT * FROM {table}")

    def ends(self) -> list[str]:
        return [row["end_reason"] for row in self.rows("sessions")]


@pytest.fixture
def house(tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    from tests.portal import HUB_TOML

    made = House(tmp_path, HUB_TOML, getattr(request, "param", ""))
    yield made
    made.grants.store.close()


def with_network(settings: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("house", [settings], indirect=True)


# -- gate and grants ---------------------------------------------------------------------------------------------------


def test_who_has_no_grant_is_shut_out_and_who_is_missing_let_in(house: House) -> None:
    house.login()
    house.gate.revoke(ONE)
    house.gate.admit(OTHER, 3_000)
    assert house.keeper.look()
    assert house.inside() == {ONE: 14_400}


def test_a_grant_deleted_by_hand_ends_access_and_an_element_added_by_hand_gives_none(house: House) -> None:
    house.login()
    house.gate.admit(OTHER, 9_000, Limits())
    with house.grants.store.transaction() as db:
        db.execute("DELETE FROM grants")
    house.keeper.look()
    assert house.inside() == {}


def test_a_gate_that_forgot_everybody_gets_them_back_for_what_is_left(house: House) -> None:
    house.login()
    house.live(30)
    house.world.new_gate()
    house.start()
    house.keeper.look()
    assert house.inside() == {ONE: 14_370}


@with_network('speed = "biasa"\nsession_megabytes = 5\n')
def test_speed_and_quota_that_differ_are_mended(house: House) -> None:
    house.login()
    house.gate.admit(ONE, 14_400, Limits("", Quota(9, 2**40)))
    house.keeper.look()
    assert [(one.speed, one.quota_left_bytes) for one in house.gate.clients()] == [("biasa", 5_000_000)]


@with_network("session_megabytes = 5\n")
def test_who_comes_in_during_a_look_keeps_what_was_used_meanwhile(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = house.gate.clients

    def then_somebody_comes() -> Any:
        before = clients()
        house.login()
        assert house.use(1_500_000)
        return before

    monkeypatch.setattr(house.gate, "clients", then_somebody_comes)
    house.keeper.look()
    monkeypatch.undo()
    assert [one.quota_left_bytes for one in house.gate.clients()] == [3_500_000]


def test_what_is_alike_is_left_alone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.login()
    house.keeper.look()
    asked: list[Any] = []
    monkeypatch.setattr(house.gate, "admit", lambda *args: asked.append(args))
    monkeypatch.setattr(house.gate, "revoke", lambda *args: asked.append(args))
    house.live(200)
    assert asked == []


def test_a_silent_gate_is_said_once_and_mended_when_it_speaks(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    house.login()
    house.world.gate.is_down = True
    for _ in range(5):
        assert not house.keeper.look()
    house.grants.take_back(ONE, house.world.now)
    house.world.gate.is_down = False
    assert house.keeper.look() and house.inside() == {}
    assert caplog.text.count("does not say whom it lets through") == 1 and caplog.text.count("all is well again") == 1


def test_who_left_while_the_gate_was_silent_is_shut_out(house: House) -> None:
    house.login()
    house.grants.take_back(ONE, house.world.now)
    house.keeper.look()
    assert house.inside() == {}


def test_a_network_that_is_gone_ends_its_grants_and_a_full_gate_does_not(house: House) -> None:
    stranger = Client("10.99.0.7", OTHER.mac)
    house.login()
    offer = Offer(Access.TERMS, 600)
    house.grants.keep(Decision(Verdict.ADMIT, stranger, 600, 0, "warga", offer), house.world.now)
    house.keeper.look()
    assert [grant.client for grant in house.grants.all()] == [ONE] and "network" in house.ends()
    house.world.new_gate()
    house.start()
    house.world.gate.refuses = RefusalCode.FULL
    house.keeper.look()
    assert [grant.client for grant in house.grants.all()] == [ONE]
    house.world.gate.refuses = None
    house.keeper.look()
    assert ONE in house.inside()


def test_a_gate_with_other_networks_than_ours_has_the_last_word(house: House) -> None:
    house.login()
    house.gate.revoke(ONE)
    house.world.gate.refuses = RefusalCode.NOT_A_RESIDENT
    house.keeper.look()
    assert house.grants.all() == () and house.ends() == ["network"]


@with_network('speed = "biasa"\n')
def test_a_gate_that_knows_no_such_speed_gives_the_fair_share(house: House) -> None:
    house.login()
    house.gate.revoke(ONE)
    house.gate.twin.use(replace(house.world.config, speeds=()))
    house.keeper.look()
    assert [(one.client, one.speed) for one in house.gate.clients()] == [(ONE, "")]


# -- limits ------------------------------------------------------------------------------------------------------------


def test_a_lease_ends_and_is_written_so(house: House) -> None:
    house.login()
    house.world.wait(14_390)
    house.live(10)
    assert house.inside() == {} and house.ends() == ["time"]
    assert house.rows("sessions")[0]["duration_seconds"] == 14_400 and house.rows("budgets") == []


@with_network("idle_seconds = 120\n")
def test_a_silent_device_must_connect_again(house: House) -> None:
    house.login()
    house.live(100)
    house.gate.twin.firewall.count(ONE, 60, 0)
    house.live(118)
    assert ONE in house.inside()
    house.live(4)
    assert house.inside() == {} and house.ends() == ["idle"]


@with_network("session_megabytes = 5\n")
def test_a_quota_ends_though_the_last_packet_did_not_fit(house: House) -> None:
    house.login()
    assert house.use(4_999_900)
    house.live(2)
    assert not house.use(1_500) and ONE in house.inside()
    house.live(2)
    assert house.inside() == {} and house.ends() == ["data"]
    assert house.rows("sessions")[0]["received_bytes"] == 4_999_900


@with_network("daily_megabytes = 5\nsession_megabytes = 4\n")
def test_the_data_of_a_day_holds_over_sessions_and_comes_again_at_midnight(house: House) -> None:
    house.login()
    house.use(3_000_000)
    house.live(2)
    house.grants.take_back(ONE, house.world.now)
    house.gate.revoke(ONE)
    house.live(2)
    assert house.login() is Verdict.ADMIT
    house.live(2)
    assert [one.quota_left_bytes for one in house.gate.clients()] == [2_000_000], "the portal knew less than the keeper"
    assert not house.use(2_500_000)
    house.live(2)
    assert house.ends() == ["logout", "daily_data"] and house.login() is Verdict.DAILY_DATA_USED
    house.world.wait(12 * 3_600)
    house.live(2)
    assert house.login() is Verdict.ADMIT and house.use(1_500_000)


@with_network("daily_megabytes = 5\nsession_megabytes = 9\n")
def test_who_stays_past_midnight_gets_the_new_days_data_at_once(house: House) -> None:
    house.world.wait(12 * 3_600 - 100)
    house.login()
    house.use(4_500_000)
    house.live(98)
    assert [one.quota_left_bytes for one in house.gate.clients()] == [500_000]
    house.live(4)
    assert [one.quota_left_bytes for one in house.gate.clients()] == [4_500_000], "what is left of the session"


@with_network("daily_seconds = 600\n")
def test_the_time_of_a_day_holds_over_sessions_and_restarts(house: House) -> None:
    house.login()
    assert house.inside() == {ONE: 600}
    house.live(200)
    house.grants.take_back(ONE, house.world.now)
    house.gate.revoke(ONE)
    house.live(100)
    house.keeper.close()
    house.start()
    house.login()
    house.live(2)
    left = house.inside()[ONE]
    assert 396 <= left <= 400
    house.live(left + 2)
    assert house.ends() == ["logout", "daily_time"] and house.login() is Verdict.DAILY_TIME_USED


@with_network("daily_megabytes = 5\n")
def test_who_comes_and_goes_between_the_looks_uses_the_days_data_all_the_same(house: House) -> None:
    for _ in range(20):
        for _ in range(4):
            if house.login() is Verdict.ADMIT:
                house.use(300_000)
                house.leave()
        house.live(2)
    with house.grants.store.reading() as db:
        used = db.execute("SELECT sum(bytes) FROM daily_use").fetchone()[0]
    assert house.login() is Verdict.DAILY_DATA_USED
    assert 5_000_000 <= used <= 6_200_000, "no more than the day's data, and what came between two looks"
    assert sum(row["received_bytes"] for row in house.rows("sessions")) == used
    assert not house.rows("departures")


@with_network("daily_seconds = 600\n")
def test_who_renews_or_leaves_at_each_moment_uses_the_days_time_all_the_same(house: House) -> None:
    house.login()
    for _ in range(50):
        house.world.wait(2)
        house.login()
        house.keeper.look(2.0)
    assert 500 <= house.inside()[ONE] <= 504
    for _ in range(50):
        house.world.wait(2)
        house.leave()
        house.login()
        house.keeper.look(2.0)
    assert 400 <= house.inside()[ONE] <= 404
    house.leave()
    for _ in range(50):
        house.login()
        house.world.wait(2)
        house.leave()
        house.keeper.look(2.0)
    house.login()
    assert 300 <= house.inside()[ONE] <= 304


def test_what_was_counted_at_leaving_outlives_a_killed_keeper_and_is_counted_once(house: House) -> None:
    house.login(offer=Offer(Access.TERMS, 600, 9_000_000))
    house.use(300_000)
    house.keeper.look(2.0)
    house.use(300_000)
    house.leave()
    house.start()
    house.live(2)
    house.start()
    house.live(2)
    assert [row["received_bytes"] for row in house.rows("sessions")] == [600_000]


@with_network('open_hours = ["mon-sun 06:00-12:05"]\n')
def test_closing_time_ends_sessions_and_opening_time_lets_in_again(house: House) -> None:
    house.login()
    assert house.inside() == {ONE: 300}
    house.live(302)
    assert house.inside() == {} and house.ends() == ["closed"] and house.login() is Verdict.CLOSED
    house.world.wait(18 * 3_600)
    assert house.login() is Verdict.ADMIT


@with_network('open_hours = ["mon-sun 06:00-11:00"]\ndaily_seconds = 600\n')
def test_without_the_date_hours_do_not_hold_and_the_day_is_the_boots_until_the_clock_is_set(house: House) -> None:
    house.world.now = Now("a" * 32, 1_000, 50, WallQuality.UNKNOWN)
    house.start()
    assert house.login() is Verdict.ADMIT
    house.live(300)
    assert house.inside() == {ONE: 300}
    house.world.now = Now("a" * 32, 1_302, NOON - 5 * 3_600, WallQuality.NTP)
    house.keeper.look(2.0)
    assert [(row["day"], row["seconds"]) for row in house.rows("daily_use")] == [("2026-01-01", 300)]
    assert house.rows("sessions")[0]["began_wall"] == NOON - 5 * 3_600 - 302
    assert house.inside() == {ONE: 298}


@with_network("daily_seconds = 600\ndaily_megabytes = 5\n")
def test_a_start_before_the_clock_is_set_brings_no_new_share_of_the_day(house: House) -> None:
    house.login()
    house.use(3_000_000)
    house.live(400)
    house.reboot(is_clean=True)
    house.world.now = replace(house.world.now, wall_seconds=50, wall_quality=WallQuality.UNKNOWN)
    house.keeper.look()
    house.live(CHECKPOINT_SECONDS + 40)  # what is of no use any more is thrown away meanwhile
    house.world.now = replace(house.world.now, wall_seconds=NOON + 7_200, wall_quality=WallQuality.NTP)
    house.keeper.look(2.0)
    assert [(row["day"], row["seconds"], row["bytes"]) for row in house.rows("daily_use")] == [
        ("2026-01-01", 500, 3_000_000)
    ]
    assert house.inside() == {ONE: 100} and house.gate.clients()[0].quota_left_bytes == 2_000_000


@with_network("daily_seconds = 600\n")
def test_what_was_used_in_another_boot_without_a_date_goes_and_so_does_an_old_day(house: House) -> None:
    house.login()
    house.live(120)
    house.reboot(is_clean=True)
    house.world.now = replace(house.world.now, wall_seconds=50, wall_quality=WallQuality.UNKNOWN)
    house.live(120)
    house.reboot("c", is_clean=True)
    house.live(120)
    assert [row["day"] for row in house.rows("daily_use")] == ["2026-01-01", f"boot:{'c' * 32}:0"]
    house.world.now = replace(house.world.now, wall_seconds=NOON + 86_400, wall_quality=WallQuality.NTP)
    house.live(CHECKPOINT_SECONDS)
    assert {row["day"] for row in house.rows("daily_use")} == {"2026-01-02"}


def test_a_block_of_the_office_holds_within_one_look(house: House) -> None:
    house.login()
    block = Block(ONE.mac, 600, "operator", "why", NOON)
    house.grants.write(lambda db: blocks.add(db, block, house.world.now))
    house.keeper.look()
    assert house.inside() == {} and house.ends() == ["blocked"] and house.login() is Verdict.BLOCKED
    house.live(600)
    assert house.login() is Verdict.ADMIT


# -- what is written ---------------------------------------------------------------------------------------------------


@with_network("session_megabytes = 50\n")
def test_after_a_clean_reboot_time_is_exact_to_2_s_and_bytes_to_1_percent(house: House) -> None:
    house.login()
    house.use(20_000_000)
    house.live(1_234)
    house.use(3_000_000)
    house.world.wait(1)
    house.reboot(is_clean=True)
    house.keeper.look()
    assert abs(house.inside()[ONE] - (14_400 - 1_235)) <= 2
    found = house.gate.clients()[0]
    assert abs(found.quota_left_bytes - 27_000_000) <= 270_000
    house.use(1_000_000)
    house.live(2)
    assert house.keeper.picture.seen[0].grant.budget.used_bytes == 24_000_000


@with_network("session_megabytes = 50\n")
def test_after_a_power_cut_a_resident_has_what_was_left_at_the_last_checkpoint(house: House) -> None:
    house.login()
    house.use(20_000_000)
    house.live(1_234)
    house.use(3_000_000)
    house.reboot(is_clean=False)
    house.keeper.look()
    assert 14_400 - 1_234 <= house.inside()[ONE] <= 14_400 - 1_234 + CHECKPOINT_SECONDS
    assert house.gate.clients()[0].quota_left_bytes in (27_000_000, 30_000_000)


def test_a_keeper_that_is_killed_loses_neither_time_nor_bytes(house: House) -> None:
    house.login()
    house.use(5_000_000)
    house.live(130)
    house.use(1_000_000)
    house.world.wait(10)
    house.start()
    house.live(2)
    seen = house.keeper.picture.seen[0]
    assert seen.grant.received_bytes + seen.flow.received_bytes == 6_000_000
    assert house.inside() == {ONE: 14_400 - 142}


def _commits(house: House, action: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> int:
    count = 0
    write = house.grants.write

    def counted(step: Any) -> Any:
        nonlocal count
        count += 1
        return write(step)

    with monkeypatch.context() as patch:
        patch.setattr(house.grants, "write", counted)
        action()
    return count


def test_an_idle_village_writes_nothing_and_a_busy_one_once_a_minute(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.live(120)
    assert _commits(house, lambda: house.live(600), monkeypatch) == 0
    house.login()

    def busy() -> None:
        for _ in range(300):
            house.use(1_500)
            house.live(2)

    assert _commits(house, busy, monkeypatch) == 10


def test_use_is_written_every_five_minutes_for_two_days(house: House) -> None:
    house.login()
    for _ in range(4):
        house.use(3_000)
        house.live(300)
    house.keeper.close()
    with house.grants.store.reading() as db:
        found = notebook.usage_since(db, 0)
    assert [(one.wall_seconds - NOON, one.received_bytes, one.online_count) for one in found] == [
        (0, 3_000, 1), (300, 3_000, 1), (600, 3_000, 1), (900, 3_000, 1), (1_200, 0, 1),
    ]  # fmt: skip
    house.grants.write(lambda db: notebook.write_usage(db, notebook.Usage(NOON + 200_000, 1, 1, 1)))
    assert [row["wall_seconds"] for row in house.rows("usage")] == [NOON + 200_000]


def test_use_is_written_where_somebody_leaves_every_minute_too(house: House) -> None:
    for _ in range(22):
        house.login()
        house.use(3_000)
        house.live(30)
        house.leave()
    assert len(house.rows("usage")) == 2


def test_old_sessions_are_dropped_and_running_ones_are_not(house: House) -> None:
    house.login()
    house.live(2)
    house.grants.take_back(ONE, house.world.now)
    house.login(OTHER, Offer(Access.TERMS, 2_000_000))
    house.world.wait(30 * 86_400 + 10)
    with house.grants.store.transaction() as db:
        db.execute("UPDATE budgets SET lease_seconds = 90000000")
    house.live(CHECKPOINT_SECONDS)
    assert [row["mac"] for row in house.rows("sessions")] == [OTHER.mac]


def test_a_session_keeps_what_its_device_called_itself(house: House) -> None:
    house.login()
    house.login(OTHER)
    house.live(CHECKPOINT_SECONDS)
    assert [row["host_name"] for row in house.rows("sessions")] == ["hp", ""]


def test_a_full_disk_loses_no_count(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.login()
    house.use(5_000)

    def full(step: Any) -> Any:
        raise StoreFull("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(house.grants, "write", full)
        house.live(CHECKPOINT_SECONDS)
        house.use(2_000)
        house.live(2)
        house.gate.admit(OTHER, 9_000)
        house.world.wait(14_400)
        house.live(2)
        assert house.inside() == {}, "who is over is shut out all the same"
    assert len(house.grants.all()) == 1
    house.live(CHECKPOINT_SECONDS)
    assert [(row["end_reason"], row["received_bytes"]) for row in house.rows("sessions")] == [("time", 7_000)]


def test_another_database_in_the_same_place_is_noticed(house: House) -> None:
    house.login()
    path = house.grants.store.path
    for part in ("", "-wal", "-shm"):
        (path.parent / f"{path.name}{part}").rename(path.parent / f"old{part}")
    open_database(path).close()
    house.keeper.look()
    assert house.inside() == {}, "the grants that count are those in the file"
    assert house.login() is Verdict.ADMIT
    assert [row["address"] for row in house.rows("grants")] == [ONE.address]


def test_a_vouchers_devices_share_its_time_and_data(house: House) -> None:
    now = house.world.now
    budget_id = house.grants.write(lambda db: budgets.make(db, 3_600, 5_000_000, now, is_shared=True))
    for client in (ONE, OTHER):
        offer = Offer(Access.VOUCHER, 3_600, 5_000_000, "biasa", "12-7", budget_id)
        house.grants.keep(Decision(Verdict.ADMIT, client, 3_600, 0, "warga", offer), now)
    house.live(2)
    assert house.use(2_000_000) and house.use(1_000_000, OTHER)
    house.live(2)
    assert {one.quota_left_bytes for one in house.gate.clients()} == {2_000_000}
    house.use(2_500_000)
    house.live(2)
    assert house.inside() == {} and house.ends() == ["data", "data"]
    assert house.grants.known(ONE.mac, "2026-01-01", now) == Known()
