"""What is sent when: without a broker, which `tests/integration` brings."""

from __future__ import annotations

import queue
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from unittest.mock import Mock

import pytest
from paho.mqtt.properties import Properties

from agent import commands, identity, publisher
from agent.in_flight import NOBODY_LISTENS, SOON_MS
from agent.letter_marks import LetterMarks
from agent.pace import Bucket
from agent.publisher import Birth, Publisher, Rhythm
from appliance.core.clock import Moment, WallQuality
from appliance.core.config.reporting import Noc
from appliance.core.letter_marks_wire import Receipt, decode_marks, encode_receipt, receipt_key
from appliance.core.report import Ack, Committed, Message, Report, State, decode, encode
from appliance.store.outbox import MemoryOutbox
from tests.unit.agent.around import TOML
from tests.unit.agent.test_letter_marks import Book

BOOT, EPOCH = "ab" * 16, "cd" * 16
LIVE = publisher.LIVE_RECORDS


class Quiet:
    """Stands where paho's client does, and keeps what is published, under the topic that a broker would know."""

    def __init__(self) -> None:
        self.sent: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.topics: list[tuple[str, int | None]] = []
        self.aliases: dict[int, str] = {}
        self.message_id = self.births = 0
        self.marks: list[bytes] = []
        self.birth: Message | None = None

    def publish(self, topic: str, payload: bytes, qos: int, properties: Properties | None = None) -> Mock:
        if topic.endswith("/state"):
            self.births += 1
            self.birth = decode(payload)
            return Mock(mid=0)
        alias = getattr(properties, "TopicAlias", None)
        self.topics.append((topic, alias))
        if alias is not None:
            topic = self.aliases.setdefault(alias, topic) if topic else self.aliases[alias]
        if topic.endswith("/letter-marks"):
            self.marks.append(payload)
        else:
            assert (topic, qos) == ("desahub/1/hub-satu/report", 1)
            self.sent.put(payload)
        self.message_id += 1
        return Mock(mid=self.message_id)


class Hub:
    """A publisher whose connection is up, on a clock that the test turns."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.wire, self.outbox, self.boottime_ms = Quiet(), MemoryOutbox(10_000), 0
        self.is_urgent = False
        monkeypatch.setattr(Publisher, "_make", lambda *_: self.wire)
        self.publisher = Publisher(
            Noc("noc.example.go.id"), folder, Birth("hub-satu", "0.1.0", "", 600, 1_800), self.outbox,
            rhythm=Rhythm(300, 10_000.0), now=self.now, wake=lambda: None, urgent=self.urgent,
        )  # fmt: skip
        self.publisher._state_now = self.publisher._state(online=True)
        self.connect()

    def connect(self) -> None:
        """What paho's thread does when the NOC lets this box hear."""
        self.publisher._connected(Mock(), None, None, Mock(is_failure=False), Mock(TopicAliasMaximum=10))
        self.wire.aliases.clear()
        self.publisher._subscribed(Mock(), None, 1, [], None)

    def answer(self, message_id: int, reason: int) -> None:
        """What paho's thread does with the broker's PUBACK."""
        self.publisher._published(Mock(), None, message_id, Mock(value=reason), None)

    def urgent(self) -> bool:
        was, self.is_urgent = self.is_urgent, False
        return was

    def now(self) -> Moment:
        return Moment(BOOT, self.boottime_ms, 0, WallQuality.UNKNOWN)

    def with_letters(self, folder: Path, *tokens: str) -> None:
        """Let the kiosk have marks of letters, two at once."""
        book = Book()
        book.add(*tokens)
        self.publisher._letter_marks = LetterMarks(folder / "letter-marks.json", book.behind)

    def keep(self, count: int, samples: Mapping[str, int] = MappingProxyType({"a": 1})) -> None:
        for _ in range(count):
            self.boottime_ms += 1
            self.outbox.append(self.now(), samples)

    def sent(self) -> list[list[int]]:
        self.publisher.turn()
        found = []
        while not self.wire.sent.empty():
            report = decode(self.wire.sent.get())
            assert isinstance(report, Report)
            found.append([record.sequence for record in report.records])
        return found

    def acknowledge(self, first: int, last: int, epoch: str = EPOCH) -> None:
        self.publisher._acks.put(encode(Ack(epoch, (Committed(BOOT, first, last),))))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Hub:
    return Hub(monkeypatch, tmp_path)


def test_a_batch_goes_out_when_it_is_due(hub: Hub) -> None:
    hub.keep(3)
    assert hub.sent() == [[1, 2, 3]]
    hub.keep(1)
    assert hub.sent() == []
    hub.boottime_ms += 290_000
    assert hub.publisher.due_ms() <= hub.boottime_ms
    assert hub.sent() == [[4]]


def test_an_event_goes_at_once_with_what_waits(hub: Hub) -> None:
    hub.keep(1)
    assert hub.sent() == [[1]]
    hub.keep(2)
    assert hub.sent() == []
    hub.is_urgent = True
    assert hub.sent() == [[2, 3]]
    assert hub.sent() == []


@pytest.mark.parametrize(
    ("batch_seconds", "milliseconds"), [(1, 1_000), (290, 290_000), (291, 290_000), (300, 290_000), (600, 600_000)]
)
def test_a_batch_comes_before_the_keepalive_asks(batch_seconds: int, milliseconds: int) -> None:
    assert Rhythm(batch_seconds, 1.0).batch_ms == milliseconds


def test_a_silent_hub_is_known_within_450_seconds() -> None:
    look_seconds = 5  # mosquitto's
    assert publisher.KEEPALIVE_SECONDS * 1.5 + look_seconds <= 450
    assert publisher.KEEPALIVE_SECONDS <= 300


def test_the_topic_travels_once_in_a_connection(hub: Hub) -> None:
    for _ in range(2):
        hub.keep(1)
        hub.boottime_ms += 300_000
        hub.sent()
    hub.connect()
    hub.sent()
    full = "desahub/1/hub-satu/report"
    assert hub.wire.topics == [(full, 1), ("", 1), (full, 1)]


def test_letters_go_beside_the_reports_and_hold_none_up(hub: Hub, tmp_path: Path) -> None:
    hub.with_letters(tmp_path, *"abc")
    hub.publisher._bucket = Bucket(100.0)
    hub.keep(LIVE + 5)
    assert [len(each) for each in hub.sent()] == [LIVE, 5]
    assert len(hub.wire.marks) == 1
    for _ in range(2):
        receipt = Receipt(EPOCH, receipt_key(hub.wire.marks[-1]))
        hub.publisher._acks.put(encode_receipt(receipt))
        hub.boottime_ms += 60_000
        hub.sent()
    assert [len(decode_marks(each)) for each in hub.wire.marks] == [2, 1]
    hub.keep(1)
    hub.boottime_ms += 290_000
    assert len(hub.sent()) == 1


def test_letters_are_told_again_to_another_store(hub: Hub, tmp_path: Path) -> None:
    hub.with_letters(tmp_path, "a")
    hub.keep(1)
    hub.sent()
    hub.publisher._acks.put(encode_receipt(Receipt(EPOCH, receipt_key(hub.wire.marks[0]))))
    hub.acknowledge(1, 1)
    hub.sent()
    assert len(hub.wire.marks) == 1
    hub.acknowledge(1, 1, "ee" * 16)
    hub.sent()
    assert len(hub.wire.marks) == 2
    hub.answer(hub.wire.message_id, NOBODY_LISTENS)
    hub.sent()
    hub.boottime_ms += SOON_MS
    hub.sent()
    assert len(hub.wire.marks) == 3
    hub.connect()
    hub.sent()
    assert len(set(hub.wire.marks)) == 1 and len(hub.wire.marks) == 4


def test_a_broker_without_aliases_is_given_the_topic_each_time(hub: Hub) -> None:
    hub.publisher._connected(Mock(), None, None, Mock(is_failure=False), None)
    hub.keep(1)
    hub.sent()
    assert hub.wire.topics == [("desahub/1/hub-satu/report", None)]


def test_backlog_goes_newest_first_in_large_reports_and_no_faster_than_its_share(hub: Hub) -> None:
    hub.publisher._bucket = Bucket(20.0)
    hub.keep(3_000)
    first = hub.sent()
    assert [len(each) for each in first] == [publisher.LIVE_RECORDS, publisher.BACKLOG_RECORDS]
    assert (first[0][0], first[0][-1]) == (2_971, 3_000)
    assert (first[1][0], first[1][-1]) == (2_491, 2_970)
    assert hub.sent() == [], "what the report took must come back first"
    due_ms = hub.publisher.due_ms()
    assert hub.boottime_ms < due_ms < hub.boottime_ms + 60_000
    hub.boottime_ms = due_ms
    assert [len(each) for each in hub.sent()] == [publisher.BACKLOG_RECORDS]


def test_live_records_do_not_wait_for_backlog(hub: Hub) -> None:
    hub.publisher._bucket = Bucket(0.001)
    hub.keep(3_000)
    hub.sent()
    for _ in range(3):
        hub.keep(5)
        hub.boottime_ms += 290_000
        (batch, *_) = hub.sent()
        assert batch[-1] == hub.outbox.last_sequence(BOOT)


def test_backlog_on_its_way_is_bounded_and_goes_on_with_each_acknowledgement(hub: Hub) -> None:
    hub.publisher._bucket = Bucket(1e9)
    hub.keep(5_000)
    first = hub.sent()
    count = sum(map(len, first))
    assert publisher.BACKLOG_ON_ITS_WAY_MAX <= count < publisher.BACKLOG_ON_ITS_WAY_MAX + publisher.BACKLOG_RECORDS
    assert hub.sent() == []
    hub.acknowledge(min(first[1]), max(first[1]))
    assert [len(each) for each in hub.sent()] == [publisher.BACKLOG_RECORDS]
    while hub.outbox.waiting().waiting_records:
        hub.acknowledge(0, 10_000)
        hub.sent()


def test_what_flows_is_acknowledged_hourly_and_sent_again_after_75_minutes(hub: Hub) -> None:
    hub.keep(2)
    assert hub.sent() == [[1, 2]]
    hub.boottime_ms += 74 * 60_000
    assert hub.sent() == []
    hub.publisher._acks.put(b"nonsense")
    hub.boottime_ms += 6 * 60_000
    assert hub.sent() == [[1, 2]]
    hub.acknowledge(1, 2)
    hub.boottime_ms += 300_000
    assert hub.sent() == []
    assert hub.outbox.waiting().waiting_records == 0


def test_a_noc_with_a_new_store_is_sent_what_waits_again(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    hub.keep(3)
    hub.sent()
    hub.acknowledge(1, 1)
    hub.sent()
    hub.acknowledge(2, 2, epoch="ef" * 16)
    assert hub.sent() == [[3]]
    assert "made anew" in caplog.text


def test_a_record_that_cannot_travel_holds_nothing_up(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    hub.keep(2)
    hub.keep(1, {"Not A Name": 1})
    hub.keep(1)
    found: list[int] = []
    for _ in range(4):
        hub.boottime_ms += 300_000
        found.extend(sequence for batch in hub.sent() for sequence in batch)
    assert sorted(found) == [1, 2, 4]
    assert "record 3 of this outbox cannot be sent" in caplog.text


def test_a_lost_connection_forgets_what_was_on_its_way(hub: Hub) -> None:
    hub.keep(2)
    assert hub.sent() == [[1, 2]]
    hub.publisher._ready.clear()
    assert hub.sent() == []
    hub.connect()
    assert hub.sent() == [[1, 2]]


def test_a_connection_lost_and_found_between_two_turns_forgets_it_too(hub: Hub) -> None:
    hub.keep(2)
    assert hub.sent() == [[1, 2]]
    hub.publisher._ready.clear()
    hub.connect()
    assert hub.sent() == [[1, 2]]
    assert hub.sent() == []


def test_what_the_broker_has_nobody_for_is_sent_again_soon_and_then_with_each_batch(hub: Hub) -> None:
    hub.keep(3)
    (first,) = hub.sent()
    tries = []
    for _ in range(3):
        hub.answer(hub.wire.message_id, NOBODY_LISTENS)
        assert hub.sent() == [], "not in the same moment: it would turn round and round"
        before_ms = hub.boottime_ms
        hub.boottime_ms = hub.publisher.due_ms() - 1
        assert hub.sent() == []
        hub.boottime_ms += 1
        assert hub.sent() == [first]
        tries.append(hub.boottime_ms - before_ms)
    assert tries == [SOON_MS, 290_000, 290_000]
    hub.answer(hub.wire.message_id, 0)
    hub.keep(1)
    hub.boottime_ms += 290_000
    assert [len(each) for each in hub.sent()] == [1], "what was heard is on its way"
    hub.answer(hub.wire.message_id, NOBODY_LISTENS)
    hub.sent()
    assert hub.publisher.due_ms() - hub.boottime_ms == SOON_MS, "who listened is gone again: soon again"


def test_backlog_is_not_poured_out_where_nobody_listens(hub: Hub) -> None:
    hub.keep(2_000)
    assert [len(each) for each in hub.sent()] == [30, 480, 480, 480, 480]
    for message_id in range(1, 6):
        hub.answer(message_id, NOBODY_LISTENS)
    assert hub.sent() == []
    hub.boottime_ms += SOON_MS - 1
    assert hub.sent() == []
    hub.boottime_ms += 1
    assert hub.sent()[0] == list(range(1_971, 2_001)), "the newest first, as ever"


def test_a_birth_says_how_often_the_box_measures_and_sends(hub: Hub) -> None:
    said = hub.wire.birth
    assert isinstance(said, State)
    assert (said.interval_seconds, said.batch_seconds, said.software_version) == (600, 1_800, "0.1.0")


def test_a_birth_that_nobody_heard_is_said_again(hub: Hub) -> None:
    assert hub.wire.births == 1
    hub.sent()
    hub.answer(0, NOBODY_LISTENS)
    hub.sent()
    hub.boottime_ms += SOON_MS
    hub.sent()
    assert hub.wire.births == 2
    hub.answer(0, 0)
    hub.boottime_ms += 290_000
    hub.sent()
    assert hub.wire.births == 2


def test_an_answer_of_another_connection_takes_nothing_back(hub: Hub) -> None:
    hub.keep(1)
    hub.sent()
    hub.answer(1, NOBODY_LISTENS)
    hub.connect()
    assert hub.sent() == [[1]]
    assert hub.publisher.due_ms() - hub.boottime_ms == 290_000


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
