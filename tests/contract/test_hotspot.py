"""The office's protocol: the keeper over a real socket, and the twin, give the same answers."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, TypeVar

import pytest

from appliance.core.clock import WallQuality
from appliance.core.errors import GateUnavailable, HotspotRefused, HotspotUnavailable
from appliance.gate.protocol import Client
from appliance.hotspot import protocol
from appliance.hotspot.client import HotspotClient
from appliance.hotspot.protocol import (
    ActionKind,
    AskTravel,
    AskUsage,
    Block,
    EndReason,
    Extend,
    GetBatch,
    Hotspot,
    InstallDistrictKey,
    ListActions,
    ListBatches,
    ListBlocked,
    ListClients,
    ListHistory,
    MakeBatch,
    MakeTravelCode,
    RefusalCode,
    Request,
    Stop,
    Travel,
    TravelState,
    Unblock,
    VoidBatch,
    VoidVoucher,
)
from appliance.hotspot.twin import TwinHotspot
from appliance.unit.ask import ask as ask_line
from captive_portal import rules
from captive_portal.keeper import office_socket
from captive_portal.keeper.office import Office
from captive_portal.keeper.rounds import Keeper
from captive_portal.now import Now
from captive_portal.rules import Device, Policy
from captive_portal.vouchers.redeeming import Outcome
from tests.portal import SPEEDS, Portal, configured

A = TypeVar("A")
WALL = 1_789_920_000  # 2026-09-21 00:00 in Makassar
ONE, TWO = Client("10.20.0.7", "02:00:00:00:00:01"), Client("10.20.0.20", "02:00:00:00:00:02")
BATCH = MakeBatch("Rapat desa", 3, 2, 3_600, 100, "cepat", 30, "made")
CONFIG = configured(f'access = ["terms", "voucher"]\nsession_seconds = 3600\n{SPEEDS}')


class World(Protocol):
    """A hotspot, and what happens around it."""

    hotspot: Hotspot

    def put_online(self, client: Client) -> None: ...

    def use_voucher(self, batch_id: int, serial: int, client: Client) -> None: ...

    def count(self, client: Client, sent_bytes: int, received_bytes: int) -> None: ...

    def wait(self, seconds: int) -> None: ...


class TwinWorld:
    def __init__(self) -> None:
        self._wall = WALL
        zone = datetime.timezone(datetime.timedelta(hours=8))
        self.twin = TwinHotspot(["cepat"], lambda: self._wall, zone)
        self.hotspot: Hotspot = self.twin

    def put_online(self, client: Client) -> None:
        self.twin.put_online(client)

    def use_voucher(self, batch_id: int, serial: int, client: Client) -> None:
        self.twin.use_voucher(batch_id, serial, client)

    def count(self, client: Client, sent_bytes: int, received_bytes: int) -> None:
        self.twin.count(client, sent_bytes, received_bytes)

    def wait(self, seconds: int) -> None:
        self._wall += seconds


class RealWorld:
    """Database, keeper and socket are real; the kernel is the gate's twin, and the clock the test's."""

    def __init__(self, folder: Path) -> None:
        self.portal = portal = Portal(CONFIG, folder, Now("a" * 32, 1_000, WALL, WallQuality.NTP))
        self.grants, self.gate = portal.grants, portal.gate
        self.keeper = Keeper(portal.grants, portal.gate, Policy.of(CONFIG), lambda: portal.now, history_days=30)
        self.office = Office(
            grants=portal.grants, config=CONFIG, keys=portal.keys, clock=lambda: portal.now,
            picture=lambda: self.keeper.picture, names=dict, gate=portal.gate, hurry=lambda: None,
        )  # fmt: skip
        self.path = folder / "keeper.sock"
        self.hotspot: Hotspot = HotspotClient(self.path)
        self._loop, self._stop = asyncio.new_event_loop(), asyncio.Event()
        listening = threading.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve(listening)))
        self._thread.start()
        assert listening.wait(10)

    async def _serve(self, listening: threading.Event) -> None:
        allowed = {os.getuid(): frozenset(protocol.REQUESTS)}
        async with office_socket.server(self.office.answer, allowed).listening(self.path):
            listening.set()
            await self._stop.wait()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
        self.portal.close()

    def put_online(self, client: Client) -> None:
        device = Device(client.address, client.mac, client.mac)
        self.grants.keep(rules.decide(Policy.of(CONFIG), device, self.portal.now), self.portal.now)
        self.keeper.look(2)

    def use_voucher(self, batch_id: int, serial: int, client: Client) -> None:
        code = self.hotspot.ask(GetBatch(batch_id, "made")).vouchers[serial - 1].code
        device = Device(client.address, client.mac, client.mac)
        assert self.portal.vouchers.redeem(code, device, self.portal.now, self.gate.admitted).outcome is Outcome.WELCOME
        self.keeper.look(2)

    def count(self, client: Client, sent_bytes: int, received_bytes: int) -> None:
        self.gate.twin.firewall.count(client, sent_bytes, received_bytes)
        self.keeper.look(2)

    def wait(self, seconds: int) -> None:
        self.portal.wait(seconds)
        self.keeper.look(2)


@pytest.fixture(params=["twin", "keeper"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "twin":
        yield TwinWorld()
        return
    real = RealWorld(tmp_path)
    yield real
    real.close()


def _refused(world: World, request: Request[A]) -> RefusalCode:
    with pytest.raises(HotspotRefused) as caught:
        world.hotspot.ask(request)
    assert str(caught.value)
    return RefusalCode(caught.value.code)


def _kinds(world: World) -> list[tuple[str, str, str, str, str]]:
    listed = world.hotspot.ask(ListActions(0)).actions
    return [(one.kind, one.by, one.what, one.detail, one.why) for one in listed if one.kind != "show_codes"]


def test_at_first_there_is_nothing(world: World) -> None:
    assert world.hotspot.ask(ListClients()).online == ()
    assert world.hotspot.ask(ListHistory("", 0)) == protocol.History("", (), 0, 1, ())
    assert world.hotspot.ask(ListBlocked()).blocked == ()
    assert world.hotspot.ask(ListBatches()).batches == ()
    assert world.hotspot.ask(ListActions(3)) == protocol.Actions(0, 1, ())
    assert world.hotspot.ask(AskUsage()) == protocol.Usage((), 0, 0, 0)


def test_who_is_online_by_address_with_what_they_used(world: World) -> None:
    world.put_online(TWO)
    world.put_online(ONE)
    world.count(ONE, 1_000, 20_000)
    world.wait(600)
    one, two = world.hotspot.ask(ListClients()).online
    assert (one.client, two.client) == (ONE, TWO)
    assert (one.way, one.network, one.voucher, one.speed, one.host_name) == ("terms", "warga", "", "", "")
    assert (one.since_wall_seconds, one.remaining_seconds, one.is_let_through) == (WALL, 3_000, True)
    assert (one.sent_bytes, one.received_bytes, one.quota_left_bytes) == (1_000, 20_000, None)
    assert world.hotspot.ask(AskUsage()).online_count == 2


def test_extending_gives_more_time_and_is_written_down(world: World) -> None:
    world.put_online(ONE)
    assert world.hotspot.ask(Extend(ONE, 1_800, "made", "ujian sekolah")) == protocol.Done()
    assert world.hotspot.ask(ListClients()).online[0].remaining_seconds == 5_400
    assert _kinds(world) == [("extend", "made", ONE.mac, "1800", "ujian sekolah")]
    assert _refused(world, Extend(TWO, 1_800, "made", "x")) is RefusalCode.NOT_ONLINE
    assert len(_kinds(world)) == 1, "what was refused was not done"


def test_a_vouchers_extension_is_for_all_its_devices(world: World) -> None:
    world.hotspot.ask(BATCH)
    world.use_voucher(1, 2, ONE)
    world.wait(600)
    world.use_voucher(1, 2, TWO)
    world.hotspot.ask(Extend(TWO, 600, "made", "x"))
    assert [one.remaining_seconds for one in world.hotspot.ask(ListClients()).online] == [3_600, 3_600]
    assert world.hotspot.ask(GetBatch(1, "made")).vouchers[1].remaining_seconds == 3_600


def test_stopping_ends_a_connection_and_goes_into_the_history(world: World) -> None:
    world.put_online(ONE)
    world.put_online(TWO)
    world.count(TWO, 5, 7)
    world.wait(60)
    world.hotspot.ask(Stop(TWO, "made", "mengganggu"))
    assert [one.client for one in world.hotspot.ask(ListClients()).online] == [ONE]
    history = world.hotspot.ask(ListHistory("", 0))
    assert (history.day, history.days, history.page_count) == ("2026-09-21", ("2026-09-21",), 1)
    ended, running = sorted(history.sessions, key=lambda one: one.end_reason is None)
    assert (ended.client, ended.end_reason, ended.ended_wall_seconds) == (TWO, EndReason.OFFICE, WALL + 60)
    assert (running.client, running.end_reason, running.ended_wall_seconds) == (ONE, None, None)
    assert _refused(world, Stop(TWO, "made", "x")) is RefusalCode.NOT_ONLINE
    assert world.hotspot.ask(ListHistory("2026-09-20", 0)).sessions == ()


def test_the_history_tells_bytes_and_why_it_ended(world: World) -> None:
    world.put_online(ONE)
    world.count(ONE, 5, 7)
    world.wait(90_000)
    world.put_online(ONE)
    history = world.hotspot.ask(ListHistory("2026-09-21", 5))
    assert history.days == ("2026-09-22", "2026-09-21") and history.page == 0
    (past,) = history.sessions
    assert (past.sent_bytes, past.received_bytes, past.end_reason) == (5, 7, EndReason.TIME)


def test_blocking_ends_what_a_device_has_and_lists_it_until_it_is_over(world: World) -> None:
    world.put_online(ONE)
    world.hotspot.ask(Block(ONE.mac, 600, "made", "spam"))
    world.hotspot.ask(Block(TWO.mac, None, "kades", "minta sendiri"))
    assert world.hotspot.ask(ListClients()).online == ()
    newest, oldest = world.hotspot.ask(ListBlocked()).blocked
    assert newest == protocol.Blocked(TWO.mac, None, "kades", "minta sendiri", WALL, "", "")
    assert (oldest.mac, oldest.remaining_seconds, oldest.address) == (ONE.mac, 600, ONE.address)
    assert world.hotspot.ask(ListHistory("", 0)).sessions[0].end_reason is EndReason.BLOCKED
    world.wait(600)
    assert [one.mac for one in world.hotspot.ask(ListBlocked()).blocked] == [TWO.mac]
    world.hotspot.ask(Unblock(TWO.mac, "made", "selesai"))
    assert world.hotspot.ask(ListBlocked()).blocked == ()
    assert _refused(world, Unblock(TWO.mac, "made", "x")) is RefusalCode.NOT_FOUND
    assert [kind for kind, *_ in _kinds(world)] == ["unblock", "block", "block"]
    assert _kinds(world)[1][3] == "" and _kinds(world)[2][3] == "600"


def test_a_batch_is_made_listed_and_printed_again(world: World) -> None:
    made = world.hotspot.ask(BATCH)
    assert dataclasses.asdict(made.batch) == {
        "id": 1, "title": "Rapat desa", "count": 3, "devices": 2, "duration_seconds": 3_600, "quota_megabytes": 100,
        "speed": "cepat", "valid_days": 30, "last_day": "2026-10-21", "made_by": "made", "made_wall_seconds": WALL,
        "unused_count": 3, "active_count": 0, "used_up_count": 0, "expired_count": 0, "void_count": 0,
    }  # fmt: skip
    assert [one.serial for one in made.vouchers] == [1, 2, 3]
    assert len({one.code for one in made.vouchers}) == 3
    assert all(len(one.code) == 11 and one.code[5] == "-" for one in made.vouchers)
    first = made.vouchers[0]
    assert (first.state, first.devices_in_use, first.remaining_seconds) == ("unused", 0, 3_600)
    assert (first.quota_left_bytes, first.first_used_wall_seconds) == (100_000_000, 0)
    assert world.hotspot.ask(GetBatch(1, "kades")) == made
    assert world.hotspot.ask(ListBatches()).batches == (made.batch,)
    listed = world.hotspot.ask(ListActions(0)).actions
    assert [(one.kind, one.by, one.what, one.detail) for one in listed] == [
        ("show_codes", "kades", "1", ""), ("make_batch", "made", "1", "Rapat desa"),
    ]  # fmt: skip
    assert world.hotspot.ask(dataclasses.replace(BATCH, count=1)).batch.id == 2
    assert [one.id for one in world.hotspot.ask(ListBatches()).batches] == [2, 1]
    assert _refused(world, GetBatch(3, "made")) is RefusalCode.NOT_FOUND
    assert _refused(world, dataclasses.replace(BATCH, speed="kilat")) is RefusalCode.UNKNOWN_SPEED


def test_a_used_voucher_says_so_until_it_is_used_up(world: World) -> None:
    world.hotspot.ask(BATCH)
    world.use_voucher(1, 2, ONE)
    world.count(ONE, 1_000_000, 2_000_000)
    world.wait(600)
    online = world.hotspot.ask(ListClients()).online[0]
    assert (online.way, online.voucher, online.speed) == ("voucher", "1-2", "cepat")
    assert (online.remaining_seconds, online.quota_left_bytes) == (3_000, 97_000_000)
    used = world.hotspot.ask(GetBatch(1, "made"))
    one = used.vouchers[1]
    assert (one.state, one.devices_in_use, one.remaining_seconds) == ("active", 1, 3_000)
    assert one.first_used_wall_seconds == WALL and used.batch.active_count == 1
    world.wait(3_000)
    assert world.hotspot.ask(ListClients()).online == ()
    assert world.hotspot.ask(GetBatch(1, "made")).batch.used_up_count == 1
    world.wait(31 * 86_400)
    assert world.hotspot.ask(ListBatches()).batches[0].expired_count == 2


def test_withdrawn_vouchers_end_their_connections(world: World) -> None:
    world.hotspot.ask(BATCH)
    world.use_voucher(1, 1, ONE)
    world.use_voucher(1, 2, TWO)
    world.hotspot.ask(VoidVoucher(1, 1, "made", "hilang"))
    assert [one.client for one in world.hotspot.ask(ListClients()).online] == [TWO]
    assert [one.state for one in world.hotspot.ask(GetBatch(1, "made")).vouchers] == ["void", "active", "unused"]
    world.hotspot.ask(VoidBatch(1, "made", "hilang semua"))
    assert world.hotspot.ask(ListClients()).online == ()
    assert world.hotspot.ask(ListBatches()).batches[0].void_count == 3
    assert world.hotspot.ask(ListHistory("", 0)).sessions[0].end_reason is EndReason.VOUCHER
    assert _kinds(world)[:2] == [
        ("void_batch", "made", "1", "", "hilang semua"), ("void_voucher", "made", "1-1", "", "hilang"),
    ]  # fmt: skip
    assert _refused(world, VoidVoucher(1, 4, "made", "x")) is RefusalCode.NOT_FOUND
    assert _refused(world, VoidBatch(9, "made", "x")) is RefusalCode.NOT_FOUND


def test_a_districts_key_is_installed_and_taken_away(world: World) -> None:
    world.hotspot.ask(InstallDistrictKey("ab" * 32, "root"))
    world.hotspot.ask(InstallDistrictKey("", "root"))
    assert [(kind, detail) for kind, _, _, detail, _ in _kinds(world)] == [
        ("install_district_key", "removed"), ("install_district_key", ""),
    ]  # fmt: skip


def test_actions_come_in_pages(world: World) -> None:
    for _ in range(protocol.PAGE_SIZE + 1):
        world.hotspot.ask(Block(ONE.mac, None, "made", "x"))
    first, second = world.hotspot.ask(ListActions(0)), world.hotspot.ask(ListActions(1))
    assert (first.page_count, len(first.actions), len(second.actions)) == (2, protocol.PAGE_SIZE, 1)
    numbers = [one.number for one in (*first.actions, *second.actions)]
    assert numbers == sorted(numbers, reverse=True)


# -- the socket --------------------------------------------------------------------------------------------------------


@pytest.fixture
def real(tmp_path: Path) -> Iterator[RealWorld]:
    made = RealWorld(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize(
    "line",
    [b"\n", b"{}\n", b"[]\n", b"\xff\n", b"null\n", b'{"type":"stop"}\n', b'{"type":["stop"]}\n', b"[" * 8_000 + b"\n",
     b'{"type":"list_actions","page":true}\n', b'{"type":"list_actions","page":-1}\n',
     b'{"type":"list_actions","page":1e3}\n', b'{"type":"list_actions","page":0,"x":0}\n',
     b'{"type":"done"}\n', b'{"type":"get_batch","batch_id":99999999999999999999,"by":"made"}\n',
     b'{"type":"get_batch","batch_id":1,"by":"\\ud800"}\n',
     b'{"type":"stop","client":{"address":"10.20.0.7","mac":"x"},"by":"made","why":"x"}\n',
     b'{"type":"stop","client":"10.20.0.7","by":"made","why":"x"}\n', b"x" * 9_000 + b"\n"],
)  # fmt: skip
def test_nonsense_is_refused_and_the_next_one_is_answered(real: RealWorld, line: bytes) -> None:
    answer = protocol.decode_answer(ask_line(real.path, line, 5, protocol.ANSWER_BYTES_MAX))
    assert isinstance(answer, protocol.Refusal) and answer.code is RefusalCode.MALFORMED
    assert real.hotspot.ask(ListClients()).online == ()


def test_a_full_village_fits_into_an_answer(real: RealWorld) -> None:
    batch = real.hotspot.ask(dataclasses.replace(BATCH, count=500))
    assert len(batch.vouchers) == 500
    for number in range(2, 200):
        client = Client(f"10.20.0.{number}", f"02:00:00:00:01:{number:02x}")
        device = Device(client.address, client.mac, client.mac)
        real.grants.keep(rules.decide(Policy.of(CONFIG), device, real.portal.now), real.portal.now)
    assert len(real.hotspot.ask(ListClients()).online) == 198


def test_without_a_keeper_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(HotspotUnavailable, match="does not answer"):
        HotspotClient(tmp_path / "none.sock").ask(ListClients())


def test_who_may_ask_what() -> None:
    allowed = office_socket.permissions()
    assert allowed[0] == frozenset(protocol.REQUESTS)
    assert InstallDistrictKey not in office_socket._OFFICE and MakeBatch in office_socket._OFFICE


def test_a_stranger_may_ask_nothing(tmp_path: Path) -> None:
    asked: list[object] = []

    async def talk() -> bytes:
        path = tmp_path / "keeper.sock"
        async with office_socket.server(asked.append, {os.getuid() + 1: frozenset(protocol.REQUESTS)}).listening(path):
            return await asyncio.to_thread(ask_line, path, protocol.encode(ListClients()), 5, 10_000)

    answer = protocol.decode_answer(asyncio.run(talk()))
    assert answer.code is RefusalCode.NOT_ALLOWED and not asked


def test_a_silent_gate_is_said_and_what_was_asked_is_kept(real: RealWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object) -> None:
        raise GateUnavailable("the gate does not answer")

    real.put_online(ONE)
    monkeypatch.setattr(real.gate, "revoke", silent)
    assert _refused(real, Stop(ONE, "made", "x")) is RefusalCode.GATE_SILENT
    assert real.hotspot.ask(ListClients()).online == () and len(real.hotspot.ask(ListActions(0)).actions) == 1


def test_an_account_gets_one_code_for_other_villages_a_week(world: World) -> None:
    ask = world.hotspot.ask
    assert ask(AskTravel("A-7K2M9Q4X")) == Travel(TravelState.NOT_OFFERED), "without a key of the district"
    with pytest.raises(HotspotRefused) as refused:
        ask(MakeTravelCode("A-7K2M9Q4X", "warga"))
    assert refused.value.code == RefusalCode.NOT_NOW
    ask(InstallDistrictKey("5" * 64, "root"))
    assert ask(AskTravel("A-7K2M9Q4X")) == Travel(TravelState.OFFERED)
    made = ask(MakeTravelCode("A-7K2M9Q4X", "warga"))
    assert (made.minutes, made.megabytes, made.last_day, len(made.code)) == (240, 1_000, "2026-09-28", 23)
    assert ask(AskTravel("A-7K2M9Q4X")) == Travel(TravelState.LATER, "2026-09-28")
    assert ask(MakeTravelCode("A-7K2M9Q4X", "warga")) == made, "a button that is pressed twice brings it twice"
    assert ask(MakeTravelCode("A-OTHER", "warga")).code != made.code
    world.wait(86_400)
    with pytest.raises(HotspotRefused):
        ask(MakeTravelCode("A-7K2M9Q4X", "warga"))
    world.wait(6 * 86_400)
    assert ask(AskTravel("A-7K2M9Q4X")) == Travel(TravelState.OFFERED)
    assert ask(MakeTravelCode("A-7K2M9Q4X", "warga")).code != made.code
    given = [one.what for one in ask(ListActions(0)).actions if one.kind is ActionKind.MAKE_TRAVEL_CODE]
    assert given == ["A-7K2M9Q4X", "A-OTHER", "A-7K2M9Q4X"], "each is written down once"


@pytest.mark.parametrize("reference", ["", "A-", "12-7", "A-x", "A-" + "7" * 17, "A-7 OR 1=1"])
def test_what_is_no_account_gets_no_code(reference: str) -> None:
    with pytest.raises(HotspotRefused, match="reference is an account's"):
        MakeTravelCode(reference, "warga")
