"""The line to the internet: looked at often, believed down only after two looks, and told on."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.__main__ import Agent
from agent.__main__ import _parser as agent_parser
from agent.line import UNKNOWN, Line, Look, round_trip_seconds, write_state
from appliance.core import config, probe_names
from appliance.core.clock import Moment, WallQuality
from appliance.system.uplink_state import judge
from tests.unit.agent.around import TOML

CONFIG_TEXT = TOML.replace('targets = ["127.0.0.1:1"]', 'targets = ["127.0.0.1:{port}"]\ninterval_seconds = {seconds}')


def moment(boottime_ms: int = 90_500) -> Moment:
    return Moment("ab" * 16, boottime_ms, 1_780_000_000_000 + boottime_ms, WallQuality.NTP)


class Target:
    """An address that answers while it is told to, and the line that is judged by it."""

    def __init__(self, folder: Path, interval_seconds: int = 60) -> None:
        self._stack = contextlib.ExitStack()
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port = server.getsockname()[1]
        made = config.parse(CONFIG_TEXT.format(port=self.port, seconds=interval_seconds) + f"\nbatch_seconds = {300}\n")
        self.names = folder / "names"
        self.names.mkdir()
        self.state = folder / "uplink.json"
        self.config, self.line = made, Line(made, self.state, self.names)

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        with socket.create_server(("127.0.0.1", self.port), backlog=64):
            yield

    def told(self) -> object:
        return json.loads(self.state.read_text())["up"]

    def leads_here(self) -> bool:
        return (self.names / "probes").exists()


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return Target(tmp_path)


def test_an_answer_is_proof_and_silence_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        seconds = round_trip_seconds(["127.0.0.1:1", f"127.0.0.1:{server.getsockname()[1]}"])
    assert seconds is not None
    assert 0 <= seconds < 1
    assert round_trip_seconds(["127.0.0.1:1"], 0.5) is None


def test_a_look_ends_its_connection_with_one_packet() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        assert round_trip_seconds([f"127.0.0.1:{server.getsockname()[1]}"]) is not None
        accepted, _ = server.accept()
        with accepted, pytest.raises(ConnectionResetError):
            accepted.recv(1)


def test_one_look_without_an_answer_is_no_cut_and_two_are(target: Target) -> None:
    with target.answering():
        assert target.line.look(moment()).up is True
        assert target.line.seconds_to_next == 10
    assert target.line.look(moment()) == Look(True, None)
    assert (target.told(), target.leads_here()) == (True, False)
    assert target.line.seconds_to_next == 2, "asked again soon"
    with target.answering():
        assert target.line.look(moment()).up is True
    assert target.line.look(moment()).up is True
    assert target.line.look(moment()) == Look(False, None)
    assert (target.told(), target.leads_here()) == (False, True)
    assert target.line.seconds_to_next == 10
    with target.answering():
        assert target.line.look(moment()).up is True, "one answer is proof"
    assert (target.told(), target.leads_here()) == (True, False)


def test_before_anything_is_known_two_questions_decide_at_once(target: Target) -> None:
    assert target.line.last == UNKNOWN
    assert target.line.look(moment()) == Look(False, None)
    assert (target.told(), target.leads_here()) == (False, True)


def test_a_box_that_is_told_to_measure_more_often_looks_as_often(tmp_path: Path) -> None:
    assert Target(tmp_path, interval_seconds=1).line.seconds_to_next == 1


def test_the_probes_lead_to_this_box_while_no_target_answers(target: Target, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    path = target.names / "probes"
    target.line.look(moment())
    written = path.stat()
    assert path.read_text() == probe_names.text(target.config)
    assert written.st_mode & 0o777 == 0o644
    target.line.look(moment())
    assert path.stat().st_ino == written.st_ino, "dnsmasq is told of changes only"
    path.write_text("of another configuration")
    target.line.look(moment())
    assert path.read_text() == probe_names.text(target.config)
    with target.answering():
        for _ in range(2):
            assert target.line.look(moment()).up is True
    assert list(target.names.iterdir()) == []
    assert caplog.text.count("the line is up") == 1


def test_folders_that_cannot_be_written_take_no_measurement_away(
    target: Target, caplog: pytest.LogCaptureFixture
) -> None:
    target.names.rmdir()
    target.line._state_path = target.state.parent / "gone" / "uplink.json"
    assert target.line.look(moment()).up is False
    assert "phones may not find the portal" in caplog.text
    assert "cannot be told how the line is" in caplog.text


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
    agent = Agent(config.parse(TOML), "fingerprint", options)
    looks: list[int] = []

    def look(_: Line, now: Moment) -> Look:
        looks.append(now.boottime_ms)
        if len(looks) == 5:
            agent.stop()
        return UNKNOWN

    monkeypatch.setattr(Line, "look", look)
    monkeypatch.setattr("agent.line.LOOK_SECONDS", 0)
    assert agent.run() == 0
    assert len(looks) == 5
    with contextlib.closing(sqlite3.connect(tmp_path / "outbox.db")) as database:
        assert database.execute("SELECT count(*) FROM waiting").fetchone() == (1,)
