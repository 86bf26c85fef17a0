"""The thin line on real parts: agent, broker with mutual TLS, ingest, store, and back."""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import ssl
import threading
import zlib
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import agent.publisher
from agent.publisher import Birth, Publisher, Rhythm
from appliance.core.clock import WallQuality
from appliance.core.config.reporting import Noc
from appliance.core.report import Ack, Record, Report, decode, encode
from appliance.store.outbox import MemoryOutbox
from appliance.system.clock import kernel_clock
from noc.ingest import rules
from noc.ingest.acknowledging import Acknowledging
from noc.ingest.link import BrokerLink
from noc.store.contract import Hub
from noc.store.sqlite import open_noc_store
from tests.bench.ingest_load import nonsense
from tests.integration.conftest import Bed, wait_for
from tests.integration.hub_client import HubClient


def rows(path: Path, statement: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True) as connection:
        found = connection.execute(statement).fetchall()
    connection.close()
    return found


def waiting(bed: Bed) -> set[object]:
    """The sequences that wait in the outbox; none while the agent has not made its tables yet."""
    try:
        return {row[0] for row in rows(bed.folder / "hub/outbox.db", "SELECT sequence FROM waiting")}
    except sqlite3.OperationalError as error:
        assert "no such table" in str(error) or "unable to open" in str(error), error
        return set()


def kept(bed: Bed) -> int:
    return len(bed.kept())


def test_a_record_is_committed_acknowledged_and_let_go(bed: Bed) -> None:
    bed.start_broker()
    ingest = bed.start_ingest()
    agent = bed.start_agent()
    wait_for(lambda: len(waiting(bed)) >= 2, what="records without an identity")
    wait_for(lambda: "no identity yet" in bed.log("agent"), what="the agent's word about it")
    bed.enrol("hub-satu", bed.folder / "hub/identity")
    wait_for(lambda: kept(bed) >= 3, what="records in the NOC's store")
    # The agent goes on adding: those that wait now are to go.
    early = waiting(bed)
    wait_for(lambda: not early & waiting(bed), what="the outbox to let go of what was acknowledged")
    assert (bed.folder / "run/uplink.json").exists()
    assert rows(bed.folder / "noc/noc.db", "SELECT online FROM state") == [(1,)]
    assert bed.end(agent) == 0
    wait_for(lambda: rows(bed.folder / "noc/noc.db", "SELECT online FROM state") == [(0,)], what="the goodbye")
    assert bed.end(ingest) == 0
    assert "Traceback" not in bed.log("agent") + bed.log("ingest")


def test_a_noc_that_lost_its_disk_gets_back_what_it_had_acknowledged(bed: Bed) -> None:
    bed.start_broker()
    bed.enrol("hub-satu", bed.folder / "hub/identity")
    ingest = bed.start_ingest()
    bed.start_agent()
    wait_for(lambda: kept(bed) >= 3, what="records in the NOC's store")
    early = set(bed.kept())
    wait_for(lambda: not early & waiting(bed), what="their acknowledgement")
    assert bed.end(ingest) == 0
    for path in [each for each in (bed.folder / "noc").rglob("*") if each.is_file()]:
        path.unlink()
    store = open_noc_store(bed.folder / "noc/noc.db")
    store.add_hub(Hub("hub-satu", "Satu", "51.03.01.2001"))
    store.close()
    bed.start_ingest()
    wait_for(lambda: early <= set(bed.kept()), 40, "what an earlier store had")
    assert "the NOC's store was made anew" in bed.log("agent")
    assert len(bed.kept()) == len(set(bed.kept()))


def report_of(hub_boot: str, first: int, count: int) -> bytes:
    made = tuple(
        Record(hub_boot, first + i, 1_000 * (first + i), 0, WallQuality.UNKNOWN, {"a": i}) for i in range(count)
    )
    return encode(Report(hub_boot, 1_000 * (first + count), made))


class Acknowledged:
    """The sequences a hub was told to be committed."""

    def __init__(self, client: HubClient) -> None:
        self._client = client
        self.sequences: set[int] = set()

    def hear(self) -> set[int]:
        while not self._client.heard.empty():
            ack = decode(self._client.heard.get()[1])
            assert isinstance(ack, Ack)
            self.sequences.update(s for each in ack.committed for s in range(each.first, each.last + 1))
        return self.sequences

    def more_than(self, count: int) -> Callable[[], bool]:
        return lambda: len(self.hear()) > count


def test_a_flood_of_nonsense_stops_nothing(bed: Bed) -> None:
    bed.start_broker()
    bed.enrol("hub-satu", bed.folder / "one")
    bed.start_ingest()
    client = HubClient(bed.port, bed.folder / "one")
    client.hear("desahub/1/hub-satu/ack")
    good = report_of("aa" * 16, 1, 3)
    bad = [*nonsense(good), b'{"uptime": "NaN"}', b"DH\x02\x01" + zlib.compress(bytes(4_000_000)), b"DH\x07\x01later"]
    client.client.publish("desahub/1/hub-satu/report", b"x" * 200_000, qos=1)
    # As many as come in a second of the worst day; that this takes no longer is measured by script/bench.
    for i in range(4_999):
        client.client.publish("desahub/1/hub-satu/report", bad[i % len(bad)], qos=1)
    # Of the noisy hub nothing more is read within this minute; another is answered.
    bed.enrol("hub-dua2", bed.folder / "two")
    other = HubClient(bed.port, bed.folder / "two")
    other.hear("desahub/1/hub-dua2/ack")
    other.client.publish("desahub/1/hub-dua2/report", good, qos=1)
    heard = Acknowledged(other)
    wait_for(lambda: heard.hear() == {1, 2, 3}, what="the acknowledgement")
    counted = "SELECT coalesce(sum(messages), 0) FROM aside_count"
    wait_for(lambda: rows(bed.folder / "noc/noc.db", counted) == [(5_000,)], 60.0, what="all to be counted")
    (kept_aside,) = rows(bed.folder / "noc/noc.db", "SELECT count(*) FROM aside")
    assert kept_aside == (200,)
    client.end()
    other.end()


def test_killed_in_the_middle_the_ingest_loses_and_doubles_nothing(bed: Bed) -> None:
    """Every acknowledged record is in the store, and all arrive when the hub sends again what was not acknowledged."""
    bed.start_broker()
    bed.enrol("hub-satu", bed.folder / "one")
    ingest = bed.start_ingest()
    client = HubClient(bed.port, bed.folder / "one")
    client.hear("desahub/1/hub-satu/ack")
    heard, first = Acknowledged(client), 1
    for killing in range(4):
        for _ in range(10):
            client.client.publish("desahub/1/hub-satu/report", report_of("aa" * 16, first, 50), qos=1)
            first += 50
        wait_for(heard.more_than(len(heard.sequences)), what="an acknowledgement")
        ingest.kill()
        ingest.wait(10)
        stored = set(bed.kept())
        assert heard.hear() <= stored, f"acknowledged but lost after kill {killing}"
        ingest = bed.start_ingest()
    # As the agent does: what is not acknowledged is sent again, duplicates and all.
    for start in range(1, 2_001, 50):
        client.client.publish("desahub/1/hub-satu/report", report_of("aa" * 16, start, 50), qos=1)
    wait_for(lambda: heard.hear() == set(range(1, 2_001)), 30, "acknowledgement of every record")
    assert sorted(bed.kept()) == list(range(1, 2_001))
    client.end()


def test_a_cut_of_the_broker_loses_nothing(bed: Bed) -> None:
    broker = bed.start_broker()
    bed.enrol("hub-satu", bed.folder / "hub/identity")
    bed.start_ingest()
    bed.start_agent()
    wait_for(lambda: kept(bed) >= 1, what="a record in the NOC's store")
    broker.kill()
    broker.wait(10)
    before = kept(bed)
    wait_for(lambda: len(waiting(bed)) >= 3, what="records waiting in the outbox")
    early = waiting(bed)
    bed.start_broker()
    wait_for(lambda: not early & waiting(bed) and kept(bed) >= before + 3, 60, "what waited to be let go of")

    # The newest travel first, so a gap may stand for a moment; it must close.
    def is_whole() -> bool:
        sequences = bed.kept()
        return sorted(sequences) == list(range(min(sequences), max(sequences) + 1))

    wait_for(is_whole, what="every sequence")


def test_what_came_to_a_broker_before_the_ingest_is_sent_again_soon(bed: Bed) -> None:
    """A broker that was killed knows nobody who listens; it takes what comes, and drops it."""
    bed.start_broker()
    bed.enrol("hub-satu", bed.folder / "hub/identity")
    bed.start_agent()
    wait_for(lambda: "as hub-satu" in bed.log("broker"), what="the hub's connection")
    wait_for(lambda: len(waiting(bed)) >= 4, what="records that nobody heard")
    early = waiting(bed)
    bed.start_ingest()
    wait_for(lambda: not early & waiting(bed), what="what nobody heard to be let go of")
    assert early <= set(bed.kept())

    def is_online() -> bool:
        return any(row == (1,) for row in rows(bed.folder / "noc/noc.db", "SELECT online FROM state"))

    wait_for(is_online, what="the birth that nobody heard")


def test_while_reports_flow_no_ping_is_sent(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    with (bed.folder / "etc/broker/mosquitto.conf").open("a") as conf:
        conf.write("log_type all\n")
    bed.start_broker()
    bed.enrol("hub-satu", bed.folder / "hub/identity")
    monkeypatch.setattr(agent.publisher, "KEEPALIVE_SECONDS", 3)
    now, outbox = kernel_clock(), MemoryOutbox(100)
    publisher = Publisher(
        Noc("127.0.0.1", bed.port), bed.folder / "hub/identity", Birth("hub-satu", "0", ""), outbox,
        rhythm=Rhythm(1, 1e6), now=now, wake=lambda: None,
    )  # fmt: skip
    publisher.start()

    def has_sent(count: int) -> bool:
        if outbox.waiting().waiting_records <= bed.log("broker").count("Received PUBLISH from hub-satu") - 1:
            outbox.append(now(), {"a": 1})
        publisher.turn()
        return bed.log("broker").count("Received PUBLISH from hub-satu") > count

    wait_for(lambda: has_sent(8), what="eight reports, a second apart")
    assert "PINGREQ from hub-satu" not in bed.log("broker")
    wait_for(lambda: "PINGREQ from hub-satu" in bed.log("broker"), what="a PING when nothing flows")
    publisher.stop()


def test_two_boxes_with_one_card_do_not_fight_each_second(bed: Bed, caplog: pytest.LogCaptureFixture) -> None:
    bed.start_broker()
    bed.enrol("hub-satu", bed.folder / "hub/identity")
    publishers = [
        Publisher(
            Noc("127.0.0.1", bed.port), bed.folder / "hub/identity", Birth("hub-satu", "0", ""), MemoryOutbox(10),
            rhythm=Rhythm(1, 1e6), now=kernel_clock(), wake=lambda: None,
        )
        for _ in range(2)
    ]  # fmt: skip
    for each in publishers:
        each.start()
    wait_for(lambda: "another box may have a copy of this one's card" in caplog.text, what="one of them to give way")
    assert caplog.text.count("connected to the NOC") <= 6
    wait_for(lambda: sum(each.round_trip() is not None for each in publishers) == 1, what="the other to stay")
    for each in publishers:
        each.stop()


def test_one_thread_alone_reads_and_writes_a_connection(
    bed: Bed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Two would garble its TLS now and then (openssl-threads(7)); the connection ends, what was under way is lost."""
    threads: defaultdict[ssl.SSLSocket, set[str]] = defaultdict(set)

    def noting(real: Callable[..., Any]) -> Callable[..., Any]:
        def note(self: ssl.SSLSocket, *given: Any) -> Any:
            threads[self].add(threading.current_thread().name)
            return real(self, *given)

        return note

    for name in ("send", "recv"):
        monkeypatch.setattr(ssl.SSLSocket, name, noting(getattr(ssl.SSLSocket, name)))
    bed.start_broker()
    bed.enrol("hub-satu", bed.folder / "hub/identity")
    now, outbox = kernel_clock(), MemoryOutbox(10)
    outbox.append(now(), {"a": 1})
    link = BrokerLink("127.0.0.1", bed.port, bed.folder / "etc/ingest")
    publisher = Publisher(
        Noc("127.0.0.1", bed.port), bed.folder / "hub/identity", Birth("hub-satu", "0", ""), outbox,
        rhythm=Rhythm(1, 1e6), now=now, wake=lambda: None,
    )  # fmt: skip
    caplog.set_level("INFO")

    def is_listening() -> bool:
        with contextlib.suppress(queue.Empty):
            link.take(0.05)
        return "listening to the hubs" in caplog.text

    wait_for(is_listening, what="the ingest's subscription")
    publisher.start()

    def is_let_go() -> bool:
        publisher.turn()
        try:
            delivery = link.take(0.01)
        except queue.Empty:
            return outbox.waiting().waiting_records == 0
        link.done(delivery)
        arrived = rules.sort([delivery.message], ["hub-satu"])
        for acks in Acknowledging(0.0).committed(arrived.batches, "ab" * 16, 0.0).values():
            link.acknowledge("hub-satu", acks[0])
        return False

    wait_for(is_let_go, what="the acknowledgement")
    publisher.stop()
    link.close()
    assert sorted(threads.values(), key=sorted) == [{"MainThread"}, {"noc"}]
