"""Backing off, and what is sent when: without a broker, which `tests/integration` brings."""

from __future__ import annotations

import queue
from pathlib import Path
from unittest.mock import Mock

import pytest

from agent import commands, identity, publisher
from agent.publisher import Birth, Publisher, backoff_seconds
from appliance.core.clock import Moment, WallQuality
from appliance.core.config.reporting import Noc
from appliance.core.report import Ack, Committed, Report, decode, encode
from appliance.store.outbox import MemoryOutbox
from tests.unit.agent.around import TOML

BOOT, EPOCH = "ab" * 16, "cd" * 16


def test_backoff_grows_to_its_cap_with_full_jitter() -> None:
    assert [backoff_seconds(tries, 1.0) for tries in (1, 3, 9, 50)] == [2.2, 8.2, 300.2, 300.2]
    assert {backoff_seconds(tries, 0.0) for tries in range(60)} == {0.2}


class Quiet:
    """Stands where paho's client does, and keeps what is published."""

    def __init__(self) -> None:
        self.sent: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def publish(self, topic: str, payload: bytes, qos: int) -> None:
        assert (topic, qos) == ("desahub/1/hub-satu/report", 1)
        self.sent.put(payload)


class Hub:
    """A publisher whose connection is up, on a clock that the test turns."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.wire, self.outbox, self.boottime_ms = Quiet(), MemoryOutbox(10_000), 0
        monkeypatch.setattr(Publisher, "_make", lambda *_: self.wire)
        self.publisher = Publisher(
            Noc("noc.example.go.id"), folder, Birth("hub-satu", "0.1.0", ""), self.outbox,
            batch_seconds=300, now=self.now, wake=lambda: None,
        )  # fmt: skip
        self.publisher._state_now = self.publisher._state(online=True)
        self.connect()

    def connect(self) -> None:
        """What paho's thread does when the NOC lets this box hear."""
        self.publisher._subscribed(Mock(), None, 1, [], None)

    def now(self) -> Moment:
        return Moment(BOOT, self.boottime_ms, 0, WallQuality.UNKNOWN)

    def keep(self, count: int) -> None:
        for _ in range(count):
            self.boottime_ms += 1
            self.outbox.append(self.now(), {"a": 1})

    def sent(self) -> list[list[int]]:
        self.publisher.turn()
        found = []
        while not self.wire.sent.empty():
            report = decode(self.wire.sent.get())
            assert isinstance(report, Report)
            found.append([record.sequence for record in report.records])
        return found

    def acknowledge(self, first: int, last: int) -> None:
        self.publisher._acks.put(encode(Ack(EPOCH, (Committed(BOOT, first, last),))))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Hub:
    return Hub(monkeypatch, tmp_path)


def test_a_batch_goes_out_when_it_is_due_newest_first(hub: Hub) -> None:
    hub.keep(3)
    assert hub.sent() == [[3, 2, 1]]
    hub.keep(1)
    assert hub.sent() == []
    hub.boottime_ms += 300_000
    hub.acknowledge(1, 3)
    assert hub.sent() == [[4]]


def test_a_backlog_goes_few_reports_at_a_time(hub: Hub) -> None:
    hub.keep(1_000)
    first = hub.sent()
    assert [len(each) for each in first] == [publisher.RECORDS_PER_REPORT] * publisher.REPORTS_IN_FLIGHT_MAX
    assert first[0][0] == 1_000
    assert hub.sent() == []
    hub.acknowledge(min(first[0]), max(first[0]))
    assert [each[0] for each in hub.sent()] == [1_000 - 480]


def test_what_is_not_acknowledged_in_time_is_sent_again(hub: Hub) -> None:
    hub.keep(2)
    assert hub.sent() == [[2, 1]]
    hub.boottime_ms += 300_000
    assert hub.sent() == [[2, 1]]
    hub.acknowledge(1, 2)
    hub.publisher._acks.put(b"nonsense")
    hub.boottime_ms += 300_000
    assert hub.sent() == []
    assert hub.outbox.waiting().waiting_records == 0


def test_a_lost_connection_forgets_what_was_on_its_way(hub: Hub) -> None:
    hub.keep(2)
    assert hub.sent() == [[2, 1]]
    hub.publisher._ready.clear()
    assert hub.sent() == []
    hub.connect()
    assert hub.sent() == [[2, 1]]


def test_a_connection_lost_and_found_between_two_turns_forgets_it_too(hub: Hub) -> None:
    hub.keep(2)
    assert hub.sent() == [[2, 1]]
    hub.publisher._ready.clear()
    hub.connect()
    assert hub.sent() == [[2, 1]]
    assert hub.sent() == []


def test_the_enrol_command_makes_a_request_and_refuses_a_missing_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import argparse

    from appliance.core.errors import OperationError

    parser = argparse.ArgumentParser()
    commands.register(parser.add_subparsers(required=True))
    (tmp_path / "hub.toml").write_text(TOML)
    where = ["--config", str(tmp_path / "hub.toml"), "--identity", str(tmp_path / "identity")]
    options = parser.parse_args(["enrol", "request", "--out", str(tmp_path / "hub.csr"), *where])
    assert options.run(options) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{tmp_path / 'hub.csr'}: the request of ")
    assert "desahub-noc enrol sign hub.csr" in said
    assert "sudo desahub enrol install --certificate" in said
    assert (tmp_path / "hub.csr").read_bytes().startswith(b"-----BEGIN CERTIFICATE REQUEST")
    missing = ["--certificate", str(tmp_path / "none"), "--ca", str(tmp_path / "none")]
    options = parser.parse_args(["enrol", "install", *missing, *where])
    with pytest.raises(OperationError, match="none: No such file"):
        options.run(options)
    (tmp_path / "identity/hub.key").write_text("damaged")
    with pytest.raises(OperationError, match="no P-256 key"):
        identity.request(tmp_path / "identity", "hub-satu")
