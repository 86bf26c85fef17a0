"""From a typed code to a grant."""

import dataclasses
import datetime
import threading
from collections.abc import Iterator, Mapping
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.core.clock import WallQuality
from appliance.gate.protocol import Admitted, Client
from appliance.hotspot.protocol import BatchCodes, MakeBatch
from appliance.store import boot_brake
from captive_portal import blocks, budgets
from captive_portal.grants import of_voucher
from captive_portal.now import Now
from captive_portal.rules import SILENT_SECONDS, Block, Device, Verdict, remaining_seconds
from captive_portal.vouchers import codes
from captive_portal.vouchers import store as vouchers
from captive_portal.vouchers.keys import DISTRICT_NAME, install_district_key, open_keys
from captive_portal.vouchers.redeeming import Outcome, Redemption
from tests.portal import SPEEDS, WALL, Portal, configured

ONLY_WITH_VOUCHERS = f'access = ["voucher"]\n{SPEEDS}'
DISTRICT_KEY = "d1" * 32
ONE = 1


class Hub(Portal):
    """A portal that opens with vouchers alone; who is online, and how long idle, is what a test says."""

    def __init__(self, folder: Path, more: str = ONLY_WITH_VOUCHERS) -> None:
        super().__init__(configured(more), folder, Now("a" * 32, 1_000, WALL, WallQuality.NTP))
        self.idle: Mapping[Client, int] = {}

    def make(self, count: int = 1, devices: int = 1, seconds: int = 3_600, megabytes: int = 0) -> BatchCodes:
        wanted = MakeBatch("Uji", count, devices, seconds, megabytes, "cepat", 30, "made")
        key, zone = open_keys(self.folder).local, self.config.village.timezone

        def step(db):  # type: ignore[no-untyped-def]
            return vouchers.batch_codes(db, key, vouchers.make_batch(db, key, wanted, self.now, zone), self.now, zone)

        made: BatchCodes = self.grants.write(step)
        return made

    def again(self, batch_id: int = 1) -> BatchCodes:
        with self.grants.store.reading() as db:
            key, zone = open_keys(self.folder).local, self.config.village.timezone
            found = vouchers.batch_codes(db, key, batch_id, self.now, zone)
        assert found is not None
        return found

    def redeem(self, code: str, phone: int = ONE, address: int | None = None) -> Redemption:
        return self.vouchers.redeem(code, device(phone, address), self.now, self.admitted)

    def admitted(self, client: Client) -> Admitted | None:
        if client not in self.idle:
            return None
        return Admitted(client, 60, 0, 0, self.idle[client], "", None)

    def reboot(self, quality: WallQuality = WallQuality.UNKNOWN) -> None:
        self.now = Now("b" * 32, 20, 5 if quality is WallQuality.UNKNOWN else self.now.wall_seconds, quality)
        self.grants.write(lambda db: budgets.carry_over(db, self.now))


def device(phone: int, address: int | None = None) -> Device:
    mac = f"02:00:00:00:{phone >> 8:02x}:{phone & 255:02x}"
    place = phone if address is None else address
    return Device(f"10.20.{1 + (place >> 8)}.{place & 255}", mac, mac)


def client(phone: int, address: int | None = None) -> Client:
    found = device(phone, address)
    return Client(found.address, found.mac or "")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    made = Hub(tmp_path)
    yield made
    made.close()


def test_a_code_gives_its_time_data_speed_and_reference(hub: Hub) -> None:
    batch = hub.make(count=3, megabytes=500)
    code = batch.vouchers[1].code
    done = hub.redeem(f" {code.lower().replace('0', 'o').replace('1', 'l')} ")
    assert done.outcome is Outcome.WELCOME and done.grant is not None
    grant = done.grant
    assert (grant.client, grant.voucher, grant.speed, grant.network) == (client(ONE), "1-2", "cepat", "warga")
    assert remaining_seconds(grant, hub.now) == 3_600 and grant.budget.quota_bytes == 500_000_000
    assert hub.grants.of(client(ONE), hub.now) == grant
    states = [(one.state, one.devices_in_use) for one in hub.again().vouchers]
    assert states == [("unused", 0), ("active", 1), ("unused", 0)]


def test_time_runs_from_the_first_use_for_all_its_devices(hub: Hub) -> None:
    code = hub.make(devices=2).vouchers[0].code
    hub.redeem(code, 1)
    hub.wait(3_000)
    second = hub.redeem(code, 2)
    assert second.grant is not None and remaining_seconds(second.grant, hub.now) == 600
    assert second.grant.budget.id == hub.redeem(code, 1).grant.budget.id  # type: ignore[union-attr]
    hub.wait(600)
    assert hub.redeem(code, 1).outcome is Outcome.USED_UP
    assert hub.grants.of(client(2), hub.now) is None


def test_data_is_shared_and_its_end_is_told(hub: Hub) -> None:
    code = hub.make(devices=2, megabytes=1).vouchers[0].code
    hub.redeem(code, 1)
    hub.grants.write(lambda db: db.execute("UPDATE budgets SET used_bytes = 400000"))
    second = hub.redeem(code, 2)
    assert second.decision is not None and second.decision.left_bytes == 600_000
    hub.grants.write(lambda db: db.execute("UPDATE budgets SET used_bytes = 1000000"))
    assert hub.redeem(code, 2).outcome is Outcome.USED_UP
    assert hub.again().vouchers[0].state == "used_up"


def test_a_phone_that_changed_its_mac_at_night_goes_on_with_its_voucher(hub: Hub) -> None:
    code = hub.make(seconds=86_400).vouchers[0].code
    hub.redeem(code, 1)
    hub.wait(30_000)
    hub.idle = {client(1): 119}
    assert hub.redeem(code, 2).outcome is Outcome.PLACES_TAKEN
    hub.idle = {client(1): SILENT_SECONDS}
    done = hub.redeem(code, 2)
    assert done.outcome is Outcome.WELCOME and done.moved_out == (client(1),) and done.grant is not None
    assert remaining_seconds(done.grant, hub.now) == 56_400 and done.grant.voucher == "1-1"
    assert hub.grants.of(client(1), hub.now) is None
    assert hub.again().batch.active_count == 1 and hub.again().vouchers[0].devices_in_use == 1


def test_who_logged_out_makes_room_at_once_and_who_just_came_does_not(hub: Hub) -> None:
    code = hub.make().vouchers[0].code
    hub.redeem(code, 1)
    # The gate has not let it through yet: its admission is on its way.
    assert hub.redeem(code, 2).outcome is Outcome.PLACES_TAKEN
    hub.grants.take_back(client(1), hub.now)
    assert hub.redeem(code, 2).outcome is Outcome.WELCOME
    hub.wait(SILENT_SECONDS)
    assert hub.redeem(code, 3).outcome is Outcome.WELCOME, "the gate lets phone 2 through no more"


def test_the_same_phone_at_another_address_keeps_its_place(hub: Hub) -> None:
    code = hub.make().vouchers[0].code
    hub.redeem(code, 1)
    done = hub.redeem(code, 1, address=9)
    assert done.outcome is Outcome.WELCOME and done.moved_out == (client(1),)
    assert hub.grants.of(client(1), hub.now) is None and hub.grants.of(client(1, 9), hub.now) is not None


def test_a_power_cut_costs_residents_no_time(hub: Hub) -> None:
    code = hub.make().vouchers[0].code
    hub.redeem(code, 1)
    hub.wait(1_000)
    hub.grants.write(lambda db: budgets.note(db, hub.now))
    hub.wait(500)
    hub.reboot()
    hub.wait(100)
    grant = hub.redeem(code, 1).grant
    assert grant is not None and remaining_seconds(grant, hub.now) == 2_500


def test_a_voucher_expires_unused_but_never_by_a_clock_that_nobody_set(hub: Hub) -> None:
    code = hub.make().vouchers[0].code
    used = hub.make(seconds=2_592_000).vouchers[0].code
    assert hub.again().batch.last_day == "2026-10-21"
    hub.wait(30 * 86_400 - 3_600)
    hub.redeem(used, 2)
    hub.wait(86_400)
    assert hub.redeem(code).outcome is Outcome.EXPIRED
    assert hub.redeem(used, 2).outcome is Outcome.WELCOME, "begun in time, it runs on"
    hub.now = dataclasses.replace(hub.now, wall_quality=WallQuality.UNKNOWN)
    assert hub.redeem(code).outcome is Outcome.WELCOME


def test_a_batch_made_without_the_date_counts_its_days_from_when_it_is_known(hub: Hub) -> None:
    hub.now = dataclasses.replace(hub.now, wall_seconds=5, wall_quality=WallQuality.UNKNOWN)
    assert hub.make(count=2).batch.last_day == ""
    hub.now = Now("a" * 32, 2_000, WALL, WallQuality.NTP)
    assert hub.redeem("0" * 10).outcome is Outcome.WRONG
    assert hub.again().batch.last_day == "2026-10-21"


def test_a_withdrawn_voucher_opens_nothing_and_ends_what_it_opened(hub: Hub) -> None:
    batch = hub.make(count=2)
    hub.redeem(batch.vouchers[0].code, 1)
    ended = hub.grants.write(lambda db: vouchers.void(db, 1, 1, hub.now))
    assert ended == (client(1),) and hub.grants.of(client(1), hub.now) is None
    assert hub.redeem(batch.vouchers[0].code, 1).outcome is Outcome.VOID
    assert hub.redeem(batch.vouchers[1].code, 2).outcome is Outcome.WELCOME
    assert hub.grants.write(lambda db: vouchers.void(db, 1, 3, hub.now)) is None


def test_a_blocked_device_is_told_so_and_the_voucher_does_not_begin(hub: Hub) -> None:
    code = hub.make().vouchers[0].code
    hub.grants.write(lambda db: blocks.add(db, Block(client(1).mac, None, "made", "x", WALL), hub.now))
    done = hub.redeem(code)
    assert done.outcome is Outcome.DENIED and done.decision is not None and done.decision.verdict is Verdict.BLOCKED
    assert hub.again().vouchers[0].state == "unused"


def test_who_has_no_lease_gets_nothing_with_a_right_code(hub: Hub) -> None:
    code = hub.make().vouchers[0].code
    done = hub.vouchers.redeem(code, Device("10.20.0.7", "02:00:00:00:00:01", None), hub.now, hub.admitted)
    assert done.outcome is Outcome.DENIED and done.decision is not None and done.decision.verdict is Verdict.NO_LEASE


def test_a_grant_that_the_gate_refused_gives_the_voucher_back(hub: Hub) -> None:
    code = hub.make().vouchers[0].code
    grant = hub.redeem(code).grant
    assert grant is not None
    hub.grants.drop(grant.client)
    hub.vouchers.give_back(grant, hub.now)
    assert [(one.state, one.remaining_seconds) for one in hub.again().vouchers] == [("unused", 3_600)]
    assert hub.redeem(code, 2).outcome is Outcome.WELCOME


# -- guessing ----------------------------------------------------------------------------------------------------------


def test_wrong_codes_end_in_a_wait_that_a_right_code_does_not_end(hub: Hub) -> None:
    code = hub.make(devices=2).vouchers[0].code
    for _ in range(boot_brake.FREE_COUNT - 1):
        assert hub.redeem("WRONG-WRONG") == Redemption(Outcome.WRONG)
    assert hub.redeem("WRONG-WRONG") == Redemption(Outcome.WRONG, wait_seconds=30)
    assert hub.redeem(code) == Redemption(Outcome.WAIT, wait_seconds=30)
    assert hub.redeem(code, 2).outcome is Outcome.WELCOME, "others are not concerned"
    hub.wait(30)
    assert hub.redeem(code).outcome is Outcome.WELCOME


def test_a_flood_of_wrong_codes_keeps_no_right_one_out(hub: Hub) -> None:
    batch = hub.make(count=5)
    for phone in range(2, 300):
        assert hub.redeem("00000-00000", phone).outcome is Outcome.WRONG
    assert hub.redeem(batch.vouchers[0].code).outcome is Outcome.WELCOME
    assert hub.redeem("00000-00000", 300).wait_seconds == 30, "and who guesses now waits at once"


def test_a_lockout_survives_a_restart_and_a_reboot(hub: Hub) -> None:
    code = hub.make().vouchers[0].code
    for _ in range(boot_brake.FREE_COUNT):
        hub.redeem("WRONG-WRONG")
    hub.close()
    again = Hub(hub.folder)
    assert again.redeem(code).outcome is Outcome.WAIT
    again.reboot()
    assert again.redeem(code) == Redemption(Outcome.WAIT, wait_seconds=10)
    again.wait(10)
    assert again.redeem(code).outcome is Outcome.WELCOME
    again.close()


def test_who_waits_costs_no_write(hub: Hub) -> None:
    for _ in range(boot_brake.FREE_COUNT):
        hub.redeem("WRONG-WRONG")
    hub.grants.write = None  # type: ignore[assignment, method-assign]
    assert hub.redeem("WRONG-WRONG").outcome is Outcome.WAIT


HOSTILE = st.one_of(
    st.text(max_size=100),
    st.text(codes.ALPHABET, min_size=10, max_size=10),
    st.text(codes.ALPHABET, min_size=20, max_size=20),
    st.sampled_from(
        ["' OR '1'='1", "1'; DROP TABLE vouchers; --", "<script>alert(1)</script>", "\0" * 10, "A" * 1_000_000,
         "\ud800", "\u202e12345", "%00", "../../etc/passwd", "NULL", "9" * 20, "\U0001f600" * 10]
    ),
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(HOSTILE)
def test_whatever_is_typed_is_answered_as_a_wrong_code(hub: Hub, typed: str) -> None:
    hub.grants.write(lambda db: db.execute("DELETE FROM attempts"))
    assert hub.redeem(typed) == Redemption(Outcome.WRONG)
    with hub.grants.store.reading() as db:
        assert len(db.rows("SELECT * FROM attempts")) == 3 and db.rows("SELECT * FROM vouchers") == []


# -- racers ------------------------------------------------------------------------------------------------------------


def test_ten_threads_on_one_code_have_one_winner(hub: Hub) -> None:
    for number in range(1, 6):
        code = hub.make().vouchers[0].code
        gate, outcomes = threading.Barrier(10), list[Outcome]()

        def race(phone: int, code: str, gate: threading.Barrier, outcomes: list[Outcome]) -> None:
            gate.wait()
            outcomes.append(hub.redeem(code, phone).outcome)

        racers = [threading.Thread(target=race, args=(phone, code, gate, outcomes)) for phone in range(1, 11)]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        assert sorted(outcomes) == sorted([Outcome.WELCOME] + [Outcome.PLACES_TAKEN] * 9)
        with hub.grants.store.reading() as db:
            assert len(of_voucher(db, f"{number}-1")) == 1


def _race(folder: str, code: str, phone: int, begin: float, results: object) -> None:
    hub = Hub(Path(folder))
    results.put(str(hub.redeem(code, phone).outcome))  # type: ignore[attr-defined]
    hub.close()


def test_ten_processes_on_one_code_have_one_winner(hub: Hub) -> None:
    code = hub.make(devices=2).vouchers[0].code
    context = get_context("spawn")
    results = context.Queue()
    racers = [
        context.Process(target=_race, args=(str(hub.folder), code, phone, 0.0, results)) for phone in range(1, 11)
    ]
    for racer in racers:
        racer.start()
    outcomes = [results.get(timeout=60) for _ in racers]
    for racer in racers:
        racer.join()
    assert sorted(outcomes) == sorted(["welcome"] * 2 + ["places_taken"] * 8)
    with hub.grants.store.reading() as db:
        assert len(of_voucher(db, "1-1")) == 2


# -- district ----------------------------------------------------------------------------------------------------------


def _district_code(**changed: object) -> str:
    values: dict[str, object] = {
        "batch": 7, "serial": 12, "last_day": datetime.date(2026, 12, 31), "minutes": 480, "megabytes": 500,
        "devices": 1, "speed_level": 1,
    }  # fmt: skip
    what = codes.DistrictCode(**(values | changed))  # type: ignore[arg-type]
    return codes.printed(codes.make_district(bytes.fromhex(DISTRICT_KEY), what))


def test_two_hubs_with_the_districts_key_take_its_code_and_one_without_does_not(tmp_path: Path) -> None:
    code, hubs = _district_code(), []
    for number in range(3):
        folder = tmp_path / str(number)
        folder.mkdir()
        hubs.append(Hub(folder))
    for hub in hubs[:2]:
        install_district_key(hub.folder / DISTRICT_NAME, DISTRICT_KEY)
    for hub in hubs[:2]:
        grant = hub.redeem(code).grant
        assert grant is not None and grant.voucher == "D7-12" and grant.speed == "pelan"
        assert remaining_seconds(grant, hub.now) == 480 * 60 and grant.budget.quota_bytes == 500_000_000
        hub.wait(60)
        again = hub.redeem(code).grant
        assert again is not None and remaining_seconds(again, hub.now) == 479 * 60
        assert hub.redeem(code, 2).outcome is Outcome.PLACES_TAKEN
    assert hubs[2].redeem(code).outcome is Outcome.WRONG
    install_district_key(hubs[0].folder / DISTRICT_NAME, "")
    assert hubs[0].redeem(_district_code(serial=13), 3).outcome is Outcome.WRONG
    for hub in hubs:
        hub.close()


def test_a_district_code_has_its_last_day(hub: Hub) -> None:
    install_district_key(hub.folder / DISTRICT_NAME, DISTRICT_KEY)
    assert hub.redeem(_district_code(last_day=datetime.date(2026, 9, 20))).outcome is Outcome.EXPIRED
    assert hub.redeem(_district_code(last_day=datetime.date(2026, 9, 22))).outcome is Outcome.WELCOME
    hub.now = dataclasses.replace(hub.now, wall_quality=WallQuality.UNKNOWN)
    assert hub.redeem(_district_code(last_day=datetime.date(2026, 9, 20)), 2).outcome is Outcome.WELCOME


def test_codes_without_a_district_key_made_by_the_local_one_open_nothing(hub: Hub) -> None:
    # Where no district key is, the local one is used for the work of checking alone.
    own = codes.make_district(
        open_keys(hub.folder).local, codes.DistrictCode(7, 12, datetime.date(2026, 12, 31), 480, 500, 1, 1)
    )
    assert hub.redeem(own).outcome is Outcome.WRONG
