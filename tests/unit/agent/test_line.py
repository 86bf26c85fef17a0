"""The line to the internet: known for nothing where possible, asked within a budget, believed down after two looks."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.__main__ import Agent
from agent.__main__ import _parser as agent_parser
from agent.line import UNKNOWN, Line, Look, UplinkState
from agent.line_file import write_state
from agent.probes import Named, Opened, Page, Verdict
from agent.round_trip import RoundTrip
from appliance.core import config, probe_names
from appliance.core.clock import Moment, WallQuality
from appliance.core.probes import Probe
from appliance.system.links import Link
from appliance.system.roots import Roots
from appliance.system.uplink_state import judge
from tests.unit.agent.around import TOML

WHOLE = Link(True, "198.51.100.7", "198.51.100.1")


def moment(boottime_ms: int = 90_500) -> Moment:
    return Moment("ab" * 16, boottime_ms, 1_780_000_000_000 + boottime_ms, WallQuality.NTP)


class World:
    """A line that a test cuts and mends, its interface in a folder, and a clock that goes by hand."""

    def __init__(self, folder: Path, toml: str = TOML) -> None:
        self.is_open, self.is_named, self.page_verdict = True, True, Verdict.TRUE
        self.seconds, self.connect_bytes, self.spent_bytes = 0.05, 172, 0
        self.asked: list[str] = []
        self.deaf: set[str] = set()
        self.link = WHOLE
        self.names, self.state = folder / "names", folder / "uplink.json"
        self.names.mkdir()
        self.config = config.parse(toml)
        self._counters = folder / "proc/net/dev"
        self._counters.parent.mkdir(parents=True)
        self.has_carrier = True
        self.counters(0, 0)
        self.line = Line(
            self.config,
            self.state,
            self.names,
            self,
            roots=Roots.under(folder),
            has_carrier=lambda interface: self.has_carrier and interface == self.config.uplink.interface,
            look_at_link=lambda _: self.link,
        )
        self.now_ms = 60_000

    def connect(self, target: str) -> Opened:
        self.asked.append(target)
        opens = self.is_open and target not in self.deaf
        cost = self.connect_bytes if opens else 120 if self.link.gateway else 0
        self.spent_bytes += cost
        return Opened(self.seconds if opens else None, cost)

    def name(self, servers: Sequence[str], host: str) -> Named:
        assert list(servers) == list(self.config.uplink.dns_servers)
        self.asked.append(host)
        self.spent_bytes += 170
        if not (self.is_open and self.is_named):
            return Named(Verdict.SILENT, None, None, 170)
        return Named(Verdict.TRUE, 0.03, "203.0.113.9", 170)

    def page(self, address: str, probe: Probe) -> Page:
        assert address == "203.0.113.9"
        self.asked.append(probe.path)
        self.spent_bytes += 900
        if not self.is_open or self.page_verdict is not Verdict.TRUE:
            return Page(Verdict.SILENT if not self.is_open else self.page_verdict, None, None, 900)
        return Page(Verdict.TRUE, 0.2, 1_780_000_005_000, 900)

    def counters(self, received: int, sent: int) -> None:
        self._counters.write_text(f"{self.config.uplink.interface}: 0 {received} 0 0 0 0 0 0 0 {sent} 0 0 0 0 0 0\n")

    def second(self, seconds: int = 1) -> Look:
        for _ in range(seconds):
            self.now_ms += 1_000
            self.line.look(moment(self.now_ms))
        return self.line.last

    def events(self) -> list[tuple[str, int, int | float | None]]:
        return [
            (name.removeprefix("event."), each.moment.boottime_ms, each.samples["uplink_state"])
            for each in self.line.take_events()
            for name in each.samples
            if name.startswith("event.")
        ]

    def told(self) -> object:
        return json.loads(self.state.read_text())["up"]

    def leads_here(self) -> bool:
        return (self.names / "probes").exists()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_an_answer_is_proof_and_a_name_and_a_page_are_asked_for(world: World) -> None:
    assert world.second() == Look(True, 0.05, UplinkState.UP)
    assert world.asked == ["127.0.0.1:1", "connectivitycheck.gstatic.com", "/generate_204"]
    assert (world.told(), world.leads_here()) == (True, False)
    assert world.events() == [], "that it is up when the agent starts did not happen now"
    samples = world.line.samples(moment(world.now_ms))
    assert (samples["dns_ms"], samples["http_ms"]) == (30, 200)
    assert (samples["uplink_latency_ms.t1"], samples["uplink_loss_permille.t1"]) == (50, 0)
    assert samples["probe_bytes"] == world.spent_bytes == 172 + 170 + 900
    assert world.line.through.clock_offset_ms(moment(world.now_ms)) == 5_000


def test_a_quiet_line_is_asked_seldom(world: World) -> None:
    world.second(140)
    assert world.asked.count("127.0.0.1:1") == 1
    world.second(20)
    assert world.asked.count("127.0.0.1:1") == 2


def test_one_look_without_an_answer_is_no_cut_and_two_are(world: World) -> None:
    world.second()
    world.is_open = False
    world.counters(0, 5)
    world.second(9)
    assert world.asked.count("127.0.0.1:1") == 1, "an answer of less than ten seconds ago is not doubted"
    assert world.second() == Look(True, None, UplinkState.UP)
    assert (world.told(), world.leads_here()) == (True, False)
    assert world.second(2) == Look(False, None, UplinkState.NO_INTERNET)
    assert (world.told(), world.leads_here()) == (False, True)
    assert world.events() == [("uplink_down", 61_000, 3)], "from when nobody was heard any more"
    world.is_open = True
    world.second(10)
    assert world.line.last.up is True
    assert (world.told(), world.leads_here()) == (True, False)
    assert [name for name, _, _ in world.events()] == ["uplink_up"]


def test_a_doubt_that_an_answer_ends_leaves_a_loss_and_no_event(world: World) -> None:
    world.second(150)
    world.is_open = False
    world.second(2)
    assert world.line.last.round_trip_seconds is None
    world.is_open = True
    assert world.second(2) == Look(True, 0.05, UplinkState.UP)
    assert world.events() == []
    assert world.line.targets[0].loss_permille == 333


def test_what_is_lost_while_the_line_is_down_tells_nothing_of_a_target(world: World) -> None:
    world.second()
    world.is_open = False
    world.second(2_000)
    assert world.line.last.up is False
    assert world.line.targets[0].loss_permille == 0


def test_a_lost_link_is_a_cut_at_once_and_costs_nothing(world: World) -> None:
    world.second()
    spent = world.spent_bytes
    world.has_carrier = False
    assert world.second() == Look(False, None, UplinkState.NO_LINK)
    assert (world.told(), world.leads_here()) == (False, True)
    assert world.events() == [("uplink_down", world.now_ms, 0)]
    world.second(300)
    assert world.spent_bytes == spent
    assert judge(world.state.read_text(), world.now_ms).up is False, "told anew, so that it is not stale"
    world.has_carrier = True
    assert world.second().up is True
    assert world.events() == [("uplink_up", world.now_ms, 5)]


@pytest.mark.parametrize(
    ("link", "state"),
    [
        (Link(True, None, None), UplinkState.NO_ADDRESS),
        (Link(True, "198.51.100.7", None), UplinkState.NO_GATEWAY),
        (WHOLE, UplinkState.NO_INTERNET),
    ],
)
def test_where_the_line_ends(world: World, link: Link, state: UplinkState) -> None:
    world.is_open, world.link = False, link
    assert world.second() == Look(False, None, state)
    assert len(world.asked) == 2, "before anything is known two questions decide at once"
    assert world.events() == [("uplink_down", 61_000, state)]


def test_without_an_address_asking_is_free_and_done_often(world: World) -> None:
    world.is_open, world.link = False, Link(True, None, None)
    world.second(10)
    assert len(world.asked) >= 5
    world.is_open = True
    assert world.second(2).up is True


def test_a_captive_upstream_is_half_open_and_what_is_asked_again_tells_when_it_ends(world: World) -> None:
    world.second()
    world.page_verdict = Verdict.OTHER
    world.second(900)
    assert world.second().state is UplinkState.UP, "one page that is not the true one is asked for again"
    world.second(25)
    assert world.line.last == Look(True, 0.05, UplinkState.HALF_OPEN)
    told = world.line.samples(moment(world.now_ms))
    assert (told["dns_ms"], told["http_ms"]) == (30, None)
    assert [name for name, _, state in world.events() if state == 4] == ["uplink_half_open"]
    world.page_verdict = Verdict.TRUE
    assert world.second(60).state is UplinkState.UP
    assert [name for name, _, _ in world.events()] == ["uplink_up"]


def test_a_dead_dns_is_told_apart_from_a_captive_page(world: World) -> None:
    world.second()
    world.is_named = False
    assert world.second(1_000).state is UplinkState.HALF_OPEN
    told = world.line.samples(moment(world.now_ms))
    assert (told["dns_ms"], told["http_ms"]) == (None, 200)


def test_targets_are_asked_in_turn_and_a_dead_one_is_no_cut(tmp_path: Path) -> None:
    world = World(tmp_path, TOML.replace('["127.0.0.1:1"]', '["192.0.2.1:1", "192.0.2.2:2", "192.0.2.3:3"]'))
    world.deaf = {"192.0.2.2:2"}
    world.second(1_500)
    assert [target.loss_permille for target in world.line.targets] == [0, 1000, 0]
    assert world.line.last.up is True
    assert world.events() == []
    assert world.line.samples(moment(world.now_ms))["uplink_latency_ms.t2"] is None


@pytest.mark.parametrize(
    ("kilobytes", "trouble"),
    [(300, "none"), (300, "silence"), (300, "flapping"), (300, "captive"), (30, "flapping"), (3_000, "silence")],
)
def test_no_day_costs_more_than_the_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kilobytes: int, trouble: str
) -> None:
    monkeypatch.setattr(Line, "_tell", lambda *_: None)
    world = World(tmp_path, f"{TOML}\nprobe_kilobytes = {kilobytes}\n")
    spent: list[int] = []
    for second in range(0, 36 * 3_600, 20):
        world.is_open = trouble not in ("silence", "flapping") or (trouble == "flapping" and second // 600 % 2 == 0)
        world.page_verdict = Verdict.OTHER if trouble == "captive" else Verdict.TRUE
        if trouble != "none":
            world.counters(0, second)
        world.now_ms += 19_000
        world.second()
        spent.append(world.spent_bytes)
    days = [later - earlier for earlier, later in zip(spent, spent[24 * 180 :], strict=False)]
    assert 0 < max(days) <= kilobytes * 1000
    assert world.line.budget.spent_bytes == world.spent_bytes
    if trouble == "none":
        assert 150_000 < days[0] < 240_000, "a quiet day's questions leave room to spare"


def test_the_connection_to_the_noc_spares_questions(world: World) -> None:
    world.line.round_trip = lambda: RoundTrip(0.611, 3.0)
    world.second()
    world.second(155)
    assert world.asked.count("127.0.0.1:1") == 1
    assert world.line.last.round_trip_seconds == 0.611
    world.second(155)
    assert world.asked.count("127.0.0.1:1") == 2, "each second proof is a target's"


def test_packets_that_come_again_are_a_reason_to_ask(world: World) -> None:
    world.is_open = False
    world.second(700)
    asked = len(world.asked)
    world.is_open = True
    world.counters(25, 0)
    assert world.second(10).up is True
    assert len(world.asked) > asked


def test_what_is_heard_keeps_the_truth_fresh(world: World) -> None:
    world.second()
    for count in range(1, 100):
        world.counters(count, count)
        world.second()
    assert world.asked.count("127.0.0.1:1") == 1
    assert judge(world.state.read_text(), world.now_ms).checked_boottime_ms > world.now_ms - 15_000


def test_the_probes_lead_to_this_box_while_no_target_answers(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    path = world.names / "probes"
    world.is_open = False
    world.second()
    written = path.stat()
    assert path.read_text() == probe_names.text(world.config)
    assert written.st_mode & 0o777 == 0o644
    world.second(10)
    assert path.stat().st_ino == written.st_ino, "dnsmasq is told of changes only"
    path.write_text("of another configuration")
    world.second(10)
    assert path.read_text() == probe_names.text(world.config)
    world.is_open = True
    assert world.second(10).up is True
    assert list(world.names.iterdir()) == []
    assert caplog.text.count("the line is up") == 1


def test_folders_that_cannot_be_written_take_no_measurement_away(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.names.rmdir()
    world.line._state_path = world.state.parent / "gone" / "uplink.json"
    world.is_open = False
    assert world.second().up is False
    assert "phones may not find the portal" in caplog.text
    assert "cannot be told how the line is" in caplog.text


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff\x00", b"eth0: 1 2 3\n", None])
def test_counters_that_cannot_be_read_take_nothing_away(world: World, content: bytes | None) -> None:
    world._counters.unlink()
    if content is not None:
        world._counters.write_bytes(content)
    assert world.second().state is UplinkState.UP


def test_since_stays_while_the_state_stays(tmp_path: Path) -> None:
    path = tmp_path / "uplink.json"

    def write(is_up: bool, boottime_ms: int) -> str | None:
        write_state(path, is_up, Moment("ab" * 16, boottime_ms, 1_780_000_000_000 + boottime_ms, WallQuality.NTP))
        state = judge(path.read_text(), boottime_ms)
        assert (state.up, state.checked_boottime_ms) == (is_up, boottime_ms)
        return state.since_wall

    first = write(True, 60_000)
    assert write(True, 120_000) == first
    down = write(False, 180_000)
    assert down != first
    # After a silence nobody knows what lay between, and after a reboot the file is of another boot.
    assert write(False, 999_000) != down
    assert write(False, 5_000) not in (first, down)
    assert path.stat().st_mode & 0o777 == 0o644
    assert [each.name for each in tmp_path.iterdir()] == ["uplink.json"]


def test_the_line_is_looked_at_between_two_measurements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "hub.toml"
    path.write_text(TOML)
    names = tmp_path / "names"
    names.mkdir()
    arguments = ["--config", path, "--state", tmp_path, "--runtime", tmp_path, "--names", names]
    options = agent_parser().parse_args([str(each) for each in [*arguments, "--identity", tmp_path / "none"]])
    monkeypatch.setattr("appliance.system.units.ending", lambda: "reboot")
    agent = Agent(config.parse(TOML), "fingerprint", options)
    looks: list[int] = []

    def look(_: Line, now: Moment) -> Look:
        looks.append(now.boottime_ms)
        if len(looks) == 5:
            agent.stop()
        return UNKNOWN

    monkeypatch.setattr(Line, "look", look)
    monkeypatch.setattr("agent.__main__.LOOK_SECONDS", 0)
    assert agent.run() == 0
    assert len(looks) == 5
    measured, boot = agent._outbox.newest(9)
    assert dict(boot.samples) == {"event.boot": 1, "boot_reason": 0}
    assert "uptime_seconds" in measured.samples
    assert (tmp_path / "boot").read_text().split()[1:] == ["reboot", "0"]
