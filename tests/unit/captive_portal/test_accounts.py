"""Residents log in with accounts of their own: pages, places, the day's share, and what ends it."""

from __future__ import annotations

import html
import re
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from appliance.core import config as hub_config
from appliance.core.clock import WallQuality
from appliance.core.config.accounts import TRAVEL_MEGABYTES, TRAVEL_MINUTES
from appliance.core.errors import ConfigError
from appliance.gate.protocol import Client, RefusalCode
from appliance.hotspot.protocol import Travel, TravelState
from appliance.system.uplink_state import UplinkState
from appliance.wifi.accounts import AccountAnswer, AccountOutcome
from captive_portal import account_store, blocks, local_time
from captive_portal.keeper.account_watch import AccountWatch
from captive_portal.keeper.rounds import Keeper
from captive_portal.now import Now
from captive_portal.rules import Block, Device, End, Policy
from captive_portal.travel import Desk
from captive_portal.vouchers import codes
from captive_portal.vouchers.redeeming import Outcome as CodeOutcome
from tests.portal import HUB_TOML
from tests.unit.captive_portal.conftest import PHONE, Phone, World
from tests.village import hostile

# 2026-01-14 18:00 in Makassar.
EVENING = Now("a" * 32, 100_000, 1_768_384_800, WallQuality.NTP)
OTHER, THIRD = Client("10.20.0.8", "02:00:00:00:00:08"), Client("10.20.0.9", "02:00:00:00:00:09")
PIN = "482913"
OFFICE = """
[[networks]]
name = "kantor"
kind = "office"
interface = "br-kantor"
address = "10.30.0.1/24"
ssid = "Kantor"
passphrase_file = "/etc/desahub/secrets/kantor.psk"
"""
SPEEDS = '[[speeds]]\nname = "biasa"\ntitle = "Biasa"\ndownload_kbit = 4000\nupload_kbit = 1000\n'
LANGUAGES = ("id", "ban", "en", "jv", "su")


@dataclass
class Village:
    """A portal with its keeper, and three phones."""

    world: World
    folder: Path

    def __post_init__(self) -> None:
        self.client = self.world.app().test_client()
        self.phones = {one: Phone(self.client, one.address) for one in (PHONE, OTHER, THIRD)}
        self.world.register.add("melati4821", PIN)
        self.start()

    def start(self) -> None:
        """The keeper begins."""
        world = self.world
        self.keeper = Keeper(
            world.grants, world.gate, Policy.of(world.config), lambda: world.now, history_days=30, names=dict
        )
        self.watch = AccountWatch(world.grants, world.register, world.gate, lambda: world.now)

    def get(self, path: str = "/akun", who: Client = PHONE) -> TestResponse:
        return self.phones[who].get(path)

    def send(self, name: str = "melati 4821", pin: str = PIN, who: Client = PHONE) -> TestResponse:
        return self.client.post("/akun", data={"nama": name, "pin": pin}, headers={"X-Real-IP": who.address})

    def enter(self, who: Client = PHONE, pin: str = PIN) -> None:
        answer = self.send(pin=pin, who=who)
        assert answer.status_code == 303 and answer.headers["Location"].endswith("/status"), text(answer)
        assert who in self.inside

    @property
    def inside(self) -> set[Client]:
        return {one.client for one in self.world.gate.clients()}

    def live(self, seconds: int, *, speaking: bool = True) -> None:
        """Time passes with the keeper at work; devices that are online send something, or nothing."""
        end = self.world.now.boot_seconds + seconds
        while self.world.now.boot_seconds < end:
            self.world.wait(min(10, end - self.world.now.boot_seconds))
            for who in self.inside if speaking else ():
                self.world.gate.twin.firewall.count(who, 1, 0)
            self.keeper.look(10.0)

    def use(self, received_bytes: int, who: Client = PHONE) -> None:
        assert self.world.gate.twin.firewall.count(who, 0, received_bytes)
        self.live(10)

    def reboot(self, boot: str = "b", hours: int = 1) -> None:
        """The plug is pulled, and put back later."""
        later = self.world.now.wall_seconds + hours * 3_600
        self.world.now = replace(self.world.now, boot_id=boot * 32, boot_seconds=12, wall_seconds=later)
        self.world.new_gate()
        self.client = self.world.app().test_client()
        self.phones = {one: Phone(self.client, one.address) for one in self.phones}
        self.start()
        self.keeper.look()

    def ends(self) -> list[str]:
        with self.world.grants.store.reading() as db:
            return [row["end_reason"] for row in db.rows("SELECT end_reason FROM sessions ORDER BY id")]


def text(answer: Any) -> str:
    body = re.sub(r"<style>.*?</style>|<[^>]+>", " ", answer.get_data(as_text=True), flags=re.DOTALL)
    return " ".join(html.unescape(body).split())


def village_of(folder: Path, access: str, accounts: str = "") -> Village:
    toml = f"{HUB_TOML}access = [{access}]\n{OFFICE}[accounts]\n{accounts}\n{SPEEDS}"
    world = World(hub_config.parse(toml), folder)
    world.now = EVENING
    world.new_gate()
    world.neighbours |= {one.address: one.mac for one in (OTHER, THIRD)}
    return Village(world, folder)


@pytest.fixture
def village(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Village]:
    access, accounts = getattr(request, "param", ('"account"', ""))
    made = village_of(tmp_path, access, accounts)
    yield made
    made.world.close()


def of(access: str = '"account"', accounts: str = "") -> pytest.MarkDecorator:
    return pytest.mark.parametrize("village", [(access, accounts)], indirect=True)


def test_a_name_and_a_pin_open_the_internet_and_the_page_tells_what_is_left(village: Village) -> None:
    village.enter()
    shown = text(village.get("/status"))
    assert "4 jam" in shown and "Perangkat akun ini 1 dari 2" in shown and "2 GB" in shown and "Putuskan" in shown


@of(accounts='speed = "biasa"')
def test_an_account_has_a_speed_of_its_own(village: Village) -> None:
    village.enter()
    assert "Biasa" in text(village.get("/status"))
    assert {one.speed for one in village.world.gate.clients()} == {"biasa"}


@pytest.mark.parametrize(("name", "pin"), [("melati 4821", "000000"), ("orang <b>lain</b>", PIN)])
def test_what_is_wrong_is_not_told_and_the_name_stays(village: Village, name: str, pin: str) -> None:
    answer = village.send(name, pin)
    assert answer.status_code == 403 and "Nama akun atau PIN salah" in text(answer)
    page = answer.get_data(as_text=True)
    assert f'value="{html.escape(name)}"' in page and pin not in page.replace("melati 4821", "")
    assert "<b>lain" not in page and not village.inside


def test_the_name_is_kept_when_another_language_is_chosen(village: Village) -> None:
    page = village.send("melati 4821", "000000").get_data(as_text=True)
    link = re.search(r'href="(/akun\?[^"]*bahasa=jv[^"]*)"', html.unescape(page))
    assert link is not None and "pin" not in link[1], page
    assert 'value="melati 4821"' in village.get(link[1]).get_data(as_text=True)


@pytest.mark.parametrize("name", ["5103012501900003", "482913", "Ni Wayan Sari", "<b>1234"])
def test_what_was_typed_into_the_wrong_field_goes_into_no_address(village: Village, name: str) -> None:
    page = village.send(name, "000000").get_data(as_text=True)
    assert f'value="{html.escape(name)}"' in page, "it can be put right"
    assert "bahasa=jv" in page and "nama=" not in page


def test_who_guesses_waits(village: Village) -> None:
    answers = [village.send(pin="000000").status_code for _ in range(5)]
    assert answers == [403, 403, 403, 403, 429]
    answer = village.send()
    assert answer.status_code == 429 and answer.headers["Retry-After"] == "30" and not village.inside
    village.world.wait(30)
    village.enter()


@of('"terms", "voucher", "account"')
def test_while_the_kiosk_is_away_it_is_said_and_other_ways_work(village: Village) -> None:
    village.enter(OTHER)
    village.world.register.is_away = True
    answer = village.send()
    assert answer.status_code == 503 and answer.headers["Retry-After"] == "10"
    assert "Akun belum bisa diperiksa" in text(answer) and "Sambung tanpa akun" in text(answer)
    assert 'value="melati 4821"' in answer.get_data(as_text=True)
    village.watch.look()
    village.live(20)
    assert village.inside == {OTHER}, "who is online stays so"
    assert village.client.post("/sambung", headers={"X-Real-IP": PHONE.address}).status_code == 303
    assert village.client.post("/keluar", headers={"X-Real-IP": OTHER.address}).status_code == 303
    assert village.inside == {PHONE}, "leaving asks nobody"


def test_where_too_many_log_in_one_is_told_at_once(village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(village.world.register, "check", lambda *_: AccountAnswer(AccountOutcome.BUSY))
    answer = village.send()
    assert answer.status_code == 503 and "Banyak yang sedang masuk" in text(answer)


@of(accounts="devices = 1")
def test_a_place_is_free_when_its_device_leaves(village: Village) -> None:
    village.enter()
    taken = village.send(who=OTHER)
    assert taken.status_code == 403 and "sedang dipakai perangkat lain" in text(taken) and village.inside == {PHONE}
    assert village.client.post("/keluar", headers={"X-Real-IP": PHONE.address}).status_code == 303
    village.enter(OTHER)
    assert village.inside == {OTHER}


@of(accounts="devices = 2")
def test_ten_racers_with_one_account_get_its_places_and_no_more(village: Village) -> None:
    racers = [Client(f"10.20.1.{number}", f"02:00:00:00:01:{number:02x}") for number in range(10, 20)]
    village.world.neighbours |= {one.address: one.mac for one in racers}
    app, start = village.client.application, threading.Barrier(len(racers))

    def race(who: Client) -> int:
        client = app.test_client()
        start.wait(30)
        form = {"nama": "melati 4821", "pin": PIN}
        return client.post("/akun", data=form, headers={"X-Real-IP": who.address}).status_code

    with ThreadPoolExecutor(len(racers)) as pool:
        answers = Counter(pool.map(race, racers))
    assert answers == {303: 2, 403: 8}
    village.keeper.look()
    assert len(village.inside) == 2 and village.inside <= set(racers)


@pytest.mark.parametrize(
    "sender", [{"Origin": "http://jahat.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_another_sites_page_logs_nobody_in(village: Village, sender: dict[str, str]) -> None:
    form = {"nama": "melati 4821", "pin": PIN}
    answer = village.client.post("/akun", data=form, headers={"X-Real-IP": PHONE.address, **sender})
    assert answer.status_code == 403 and not village.inside and village.world.register.checks == 0


@of(accounts="devices = 1")
def test_a_telephone_with_a_new_mac_takes_the_place_of_its_old_one(village: Village) -> None:
    village.enter()
    assert village.send(who=OTHER).status_code == 403, "both might be there"
    village.live(130, speaking=False)
    village.enter(OTHER)
    assert village.inside == {OTHER} and village.ends() == [End.ACCOUNT, ""]
    assert "tidak lagi dipakai di perangkat ini" in text(village.get("/status"))


@of(accounts="devices = 1")
def test_the_same_telephone_at_another_address_keeps_its_place(village: Village) -> None:
    village.enter()
    village.world.neighbours["10.20.0.77"] = PHONE.mac
    moved = Client("10.20.0.77", PHONE.mac)
    village.phones[moved] = Phone(village.client, moved.address)
    village.enter(moved)
    assert village.inside == {moved}


@of(accounts="daily_seconds = 3600")
def test_the_days_time_is_the_accounts_and_no_reboot_gives_more(village: Village) -> None:
    village.enter()
    village.live(1_200)
    village.client.post("/keluar", headers={"X-Real-IP": PHONE.address})
    village.live(600)
    village.enter(OTHER)
    village.live(1_200)
    village.keeper.close()
    village.reboot()
    assert village.inside == {OTHER}, "who was online is so again"
    (left,) = village.world.gate.clients()
    assert abs(left.remaining_seconds - 1_200) <= 12
    village.live(1_215)
    assert not village.inside and village.ends()[-1] == End.DAILY_TIME
    for who in (OTHER, THIRD):
        answer = village.send(who=who)
        assert answer.status_code == 403 and "Waktu akun ini hari ini sudah habis" in text(answer), text(answer)
    assert "Waktu internet hari ini sudah habis" in text(village.get("/status", OTHER))
    village.reboot("c", hours=6)  # past midnight
    village.enter(THIRD)


@of(accounts="daily_seconds = 3600")
def test_a_power_cut_gives_no_more_than_what_was_not_noted(village: Village) -> None:
    village.enter()
    village.live(1_800)
    village.reboot()
    (left,) = village.world.gate.clients()
    assert 1_800 <= left.remaining_seconds <= 1_870


@of(accounts="daily_seconds = 3600")
def test_a_telephone_that_is_away_uses_no_time(village: Village) -> None:
    village.enter()
    village.live(600)
    village.live(10_000, speaking=False)
    assert village.inside == {PHONE}
    village.live(30)
    (left,) = village.world.gate.clients()
    assert 2_800 <= left.remaining_seconds <= 3_000, "ten minutes, two until it was silent, and some seconds"


@of(accounts="daily_megabytes = 100\nsession_seconds = 86400")
def test_the_days_data_is_shared_by_all_devices_of_an_account(village: Village) -> None:
    village.enter()
    village.enter(OTHER)
    village.use(60_000_000)
    village.use(30_000_000, OTHER)
    (left,) = {one.quota_left_bytes for one in village.world.gate.clients()}
    assert left is not None and 9_999_000 < left <= 10_000_000
    village.use(left)
    assert not village.inside and set(village.ends()) == {End.DAILY_DATA}
    answer = village.send(who=THIRD)
    assert answer.status_code == 403 and "Data akun ini hari ini sudah habis" in text(answer)
    village.world.wait(local_time.seconds_left_today(village.world.now, village.world.config.village.timezone))
    village.keeper.look()
    village.enter(THIRD)


@of(accounts="daily_seconds = 3600")
def test_another_accounts_day_is_another(village: Village) -> None:
    village.world.register.add("elang2222", "730164", "A-2")
    village.enter()
    village.live(3_610)
    assert not village.inside
    answer = village.send("elang 2222", "730164")
    assert answer.status_code == 303, "the device has used its owner's day, not this one's"


def test_who_blocks_a_device_blocks_it_for_accounts_too(village: Village) -> None:
    with village.world.grants.store.transaction() as db:
        blocks.add(db, Block(PHONE.mac, None, "siti", "uji", 0), village.world.now)
    assert village.send().status_code == 403 and not village.inside
    assert village.world.register.checks == 0, "the kiosk is not asked in vain"


def test_an_account_that_ends_ends_its_connections(village: Village) -> None:
    village.enter()
    village.enter(OTHER)
    village.watch.look()
    assert village.inside == {PHONE, OTHER}
    village.world.register.close_account("melati4821")
    village.watch.look()
    assert not village.inside and set(village.ends()) == {End.ACCOUNT}


def test_a_new_pin_ends_what_came_with_the_old_one_and_not_what_came_since(village: Village) -> None:
    village.enter()
    village.world.register.add("melati4821", "730164")
    village.enter(OTHER, "730164")
    assert village.inside == {OTHER}, "at once, though the keeper has not looked yet"
    village.watch.look()
    assert village.inside == {OTHER}


def test_a_pin_that_a_kiosk_from_a_backup_does_not_know_keeps_nobody_online(village: Village) -> None:
    register = village.world.register
    register.add("melati4821", "730164")
    village.enter(PHONE, "730164")
    register.close_account("melati4821")
    register.add("melati4821", PIN)  # as if the second PIN had never been
    village.enter(OTHER)
    assert village.inside == {OTHER}


def test_where_accounts_are_no_way_in_any_more_who_came_by_one_is_online_no_longer(village: Village) -> None:
    village.enter()
    village.world.config = hub_config.parse(f'{HUB_TOML}access = ["terms"]\n')
    village.start()
    village.keeper.look()
    assert not village.inside and village.ends() == [End.ACCOUNT]


def test_nobody_is_asked_while_nobody_has_come_in_by_an_account(village: Village) -> None:
    village.world.register.is_away = True
    village.watch.look()
    assert not village.watch._is_away


def test_who_held_places_is_forgotten_when_nobody_is_online(village: Village) -> None:
    village.enter()
    village.client.post("/keluar", headers={"X-Real-IP": PHONE.address})
    village.live(3_700)
    with village.world.grants.store.reading() as db:
        assert account_store.places(db, "A-1") == ()


def test_a_gate_without_room_takes_no_place(village: Village) -> None:
    village.world.gate.refuses = RefusalCode.FULL
    assert village.send().status_code == 503
    with village.world.grants.store.reading() as db:
        assert account_store.places(db, "A-1") == () and not db.rows("SELECT * FROM grants")


def test_a_gate_that_is_away_keeps_the_grant(village: Village) -> None:
    village.world.gate.is_down = True
    assert village.send().status_code == 503
    village.world.gate.is_down = False
    village.keeper.look()
    assert village.inside == {PHONE}


def test_the_page_is_not_there_where_accounts_are_no_way_in(phone: Phone) -> None:
    answer = phone.get("/akun")
    assert answer.status_code == 303 and answer.headers["Location"].endswith("/")
    assert phone.post("/akun").status_code == 403


@of('"account", "voucher"')
def test_the_first_page_is_the_way_that_hub_toml_names_first(village: Village) -> None:
    assert "Masuk dengan akun Wi-Fi" in text(village.get("/")) and "Punya voucher?" in text(village.get("/"))


@of('"voucher", "account"')
def test_of_fields_the_first_in_hub_toml_comes_first(village: Village) -> None:
    shown = text(village.get("/"))
    assert "Kode voucher" in shown and "Masuk dengan akun Wi-Fi" in shown


@of('"terms", "voucher", "account"')
@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_are_small_and_without_script_or_cookie_in_every_language(village: Village, language: str) -> None:
    village.world.uplink = UplinkState(False, "2026-01-14T09:00:00+00:00", 100_000_000)
    paths = (f"/akun?bahasa={language}", f"/?bahasa={language}")
    for answer in (*map(village.get, paths), village.client.post(
        paths[0], data={"nama": "x" * 64, "pin": "1"}, headers={"X-Real-IP": PHONE.address}
    )):  # fmt: skip
        assert len(answer.data) <= 30_000 and b"<script" not in answer.data and "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("name", "pin"), [("", ""), ("x" * 4_000, "1" * 4_000), ("\x00\ud7ff\u202e", "\x00"), ("' OR 1=1 --", "%s")]
)
def test_nonsense_is_answered_and_changes_nothing(village: Village, name: str, pin: str) -> None:
    answer = village.send(name, pin)
    assert answer.status_code in (403, 413) and not village.inside


@pytest.mark.parametrize("typed", [code for _, code in hostile._codes()], ids=[name for name, _ in hostile._codes()])
def test_hostile_forms_are_answered_and_reflect_nothing(village: Village, typed: bytes) -> None:
    for body in (b"nama=" + typed + b"&pin=1", b"nama=melati4821&pin=" + typed):
        answer = village.client.post(
            "/akun",
            data=body,
            content_type="application/x-www-form-urlencoded",
            headers={"X-Real-IP": PHONE.address},
        )
        assert answer.status_code in (400, 403, 413, 429) and b"<script" not in answer.data and not village.inside


def test_a_code_for_other_villages_opens_a_hub_with_the_key_once_and_only_there(
    village: Village, tmp_path: Path
) -> None:
    world, folder = village.world, tmp_path / "other"
    key = b"5" * 32
    desk = Desk(world.config.account_terms, key, world.config.village.timezone)
    made = world.grants.write(lambda db: desk.make(db, "A-1", world.now))
    assert made is not None and made.last_day == "2026-01-21"
    folder.mkdir()
    other = village_of(folder, '"voucher", "account"')
    device, gate = Device(PHONE.address, PHONE.mac, PHONE.mac), other.world.gate.admitted
    assert other.world.vouchers.redeem(made.code, device, other.world.now, gate).outcome is CodeOutcome.WRONG
    (folder / "district.key").write_text(key.hex())
    taken = other.world.vouchers.redeem(made.code, device, other.world.now, gate)
    assert taken.outcome is CodeOutcome.WELCOME and taken.decision is not None
    assert taken.decision.lease_seconds == 240 * 60 and taken.decision.left_bytes == 1_000_000_000
    other.world.close()


@of(accounts="travel_codes_per_day = 2\ntravel_wait_days = 3")
def test_codes_are_few_for_a_resident_and_for_the_box(village: Village) -> None:
    world = village.world
    desk = Desk(world.config.account_terms, b"5" * 32, world.config.village.timezone)

    def standing(reference: str) -> Travel:
        with world.grants.store.reading() as db:
            return desk.standing(db, reference, world.now)

    for reference in ("A-1", "A-2"):
        assert world.grants.write(lambda db, whose=reference: desk.make(db, whose, world.now)) is not None  # type: ignore[misc]  # a default binds it
    assert standing("A-3") == Travel(TravelState.LATER, "2026-01-15"), "enough for this box today"
    assert standing("A-1") == Travel(TravelState.LATER, "2026-01-17")
    world.now = replace(world.now, wall_seconds=world.now.wall_seconds - 400 * 86_400)
    assert standing("A-1").state is TravelState.LATER, "a clock that is set back brings no second one"
    world.now = replace(world.now, wall_quality=WallQuality.UNKNOWN)
    assert standing("A-9") == Travel(TravelState.NO_DATE)
    desk = replace(desk, key=None)
    assert standing("A-9") == Travel(TravelState.NOT_OFFERED)


def test_what_a_code_may_be_worth_is_what_codes_can_say() -> None:
    assert set(TRAVEL_MINUTES) <= set(codes.DISTRICT_MINUTES)
    assert set(TRAVEL_MEGABYTES) <= set(codes.DISTRICT_MEGABYTES)


@pytest.mark.parametrize(
    ("access", "more", "wrong"),
    [
        ('"account"', "", "nowhere could anybody get one"),
        ('"terms"', f"{OFFICE}[accounts]\ndevices = 3", "no network lets anybody in by an account"),
        ('"account"', f'{OFFICE}[accounts]\nspeed = "kilat"', "accounts.speed"),
        ('"account"', f"{OFFICE}[accounts]\ntravel_minutes = 17", "travel_minutes"),
        ('"account"', f"{OFFICE}[accounts]\ndevices = 0", "devices"),
        ('"account"', f"daily_seconds = 3600\n{OFFICE}", "where the terms are no way in"),
    ],
)
def test_contradictions_are_refused_with_the_reason(access: str, more: str, wrong: str) -> None:
    with pytest.raises(ConfigError, match=wrong):
        hub_config.parse(f"{HUB_TOML}access = [{access}]\n{more}")


@pytest.mark.parametrize("more", [OFFICE, "[kiosk]\nscreen = true"])
def test_an_office_or_a_screen_is_enough(more: str) -> None:
    assert hub_config.parse(f'{HUB_TOML}access = ["account"]\n{more}').has_accounts
