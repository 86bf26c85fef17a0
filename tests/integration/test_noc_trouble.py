"""Replays, kills, locks and full disks: what is acknowledged is kept, what is kept counts once."""

from __future__ import annotations

import functools
import itertools
import random
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import Bed, wait_for
from tests.integration.hub_client import HubClient
from tests.integration.test_agent_to_noc import Acknowledged, kept, report_of, rows, waiting

REPORT = "desahub/1/hub-satu/report"


@pytest.fixture
def hub(bed: Bed) -> Iterator[HubClient]:
    bed.start_broker()
    bed.enrol("hub-satu", bed.folder / "one")
    bed.start_ingest()
    client = HubClient(bed.port, bed.folder / "one")
    client.hear("desahub/1/hub-satu/ack")
    yield client
    client.end()


def send(hub: HubClient, first: int, count: int = 50) -> None:
    hub.client.publish(REPORT, report_of("aa" * 16, first, count), qos=1)


def heard_again(bed: Bed, before: int) -> bool:
    return bed.log("ingest").count("listening") > before


def more_than(bed: Bed, count: int) -> bool:
    return kept(bed) > count


def sequences_in(path: Path, table: str) -> set[int]:
    return {int(str(row[0])) for row in rows(path, f"SELECT sequence FROM {table}")}


def once(bed: Bed) -> list[tuple[int, int]]:
    """How many records the NOC keeps, and how many different ones."""
    sequences = bed.kept()
    return [(len(sequences), len(set(sequences)))]


def test_reports_replayed_three_times_and_shuffled_count_once(bed: Bed, hub: HubClient) -> None:
    firsts = [*range(1, 1_001, 50)] * 3
    random.Random(7).shuffle(firsts)
    heard = Acknowledged(hub)
    for first in firsts:
        send(hub, first)
    send(hub, 5_001, 1)  # sent last, so that all before it were taken
    wait_for(lambda: heard.hear() == {*range(1, 1_001), 5_001}, what="every acknowledgement")
    assert once(bed) == [(1_001, 1_001)]


def test_a_broker_killed_in_the_middle_loses_and_doubles_nothing(bed: Bed, hub: HubClient) -> None:
    heard, first = Acknowledged(hub), 1
    for killing in range(3):
        broker = next(each for each in bed.processes if each.poll() is None and "mosquitto" in str(each.args))
        for _ in range(20):
            send(hub, first)
            first += 50
        wait_for(heard.more_than(len(heard.sequences)), what="an acknowledgement")
        broker.kill()
        broker.wait(10)
        stored = set(bed.kept())
        assert heard.hear() <= stored, f"acknowledged but lost after kill {killing}"
        subscribed = bed.log("ingest").count("listening")
        bed.start_broker()
        wait_for(functools.partial(heard_again, bed, subscribed), 30, "the ingest's return")
        wait_for(hub.client.is_connected, 30, "the hub's return")
        hub.hear("desahub/1/hub-satu/ack")
    for start in range(1, first, 50):
        send(hub, start)
    wait_for(lambda: heard.hear() == set(range(1, first)), 30, "acknowledgement of every record")
    assert once(bed) == [(first - 1, first - 1)]


def test_an_agent_killed_in_the_middle_loses_and_doubles_nothing(bed: Bed) -> None:
    bed.start_broker()
    bed.enrol("hub-satu", bed.folder / "hub/identity")
    bed.start_ingest()
    for killing in range(3):
        agent, before = bed.start_agent(), kept(bed)
        wait_for(functools.partial(more_than, bed, before), what="a record in the NOC's store")
        agent.kill()
        agent.wait(10)
        left = sequences_in(bed.folder / "hub/outbox.db", "waiting")
        stored = set(bed.kept())
        sequences = sorted(left | stored)
        gaps = [(a, b) for a, b in itertools.pairwise(sequences) if b != a + 1]
        assert gaps == [], f"neither in the outbox nor at the NOC after kill {killing}"
    bed.start_agent()
    early = waiting(bed)
    wait_for(lambda: bool(waiting(bed) - early) and not early & waiting(bed), what="what waited to be let go of")
    ((count, distinct),) = once(bed)
    assert count == distinct


def test_a_locked_database_is_acknowledged_after_it_is_free_again(bed: Bed, hub: HubClient) -> None:
    heard = Acknowledged(hub)
    send(hub, 1)
    wait_for(heard.more_than(49), what="the first acknowledgement")
    lock = sqlite3.connect(bed.folder / "noc/noc.db", isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    send(hub, 51)
    wait_for(lambda: "nothing was stored" in bed.log("ingest"), what="the ingest's word about it")
    assert heard.hear() == set(range(1, 51))
    lock.rollback()
    lock.close()
    wait_for(lambda: heard.hear() == set(range(1, 101)), what="the second acknowledgement")
    assert once(bed) == [(100, 100)]
    assert "Traceback" not in bed.log("ingest")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[Path], Path]]:
    """Mount 4 MiB over a folder, keeping what is in it."""
    mounted: list[Path] = []

    def mount(folder: Path) -> Path:
        contents = {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(folder)], check=True, timeout=10)
        mounted.append(folder)
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True, timeout=10)


def fill(folder: Path) -> Path:
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4_096))
        except OSError:
            return filler


@pytest.mark.root
def test_a_full_disk_at_the_noc_acknowledges_nothing_until_there_is_room(
    bed: Bed, small_disk: Callable[[Path], Path]
) -> None:
    bed.start_broker()
    bed.enrol("hub-satu", bed.folder / "one")
    disk = small_disk(bed.folder / "noc")
    ingest = bed.start_ingest()
    client = HubClient(bed.port, bed.folder / "one")
    client.hear("desahub/1/hub-satu/ack")
    heard = Acknowledged(client)
    filler = fill(disk)
    send(client, 1)
    wait_for(lambda: bed.log("ingest").count("nothing was stored, 1 messages wait") >= 2, what="the ingest's word")
    assert heard.hear() == set()
    assert ingest.poll() is None
    filler.unlink()
    wait_for(lambda: heard.hear() == set(range(1, 51)), what="the acknowledgement")
    assert once(bed) == [(50, 50)]
    client.end()
    bed.end_all()


@pytest.mark.root
@pytest.mark.parametrize("trouble", ["full", "read-only"])
def test_an_agent_without_a_disk_reports_live_and_says_so(
    bed: Bed, small_disk: Callable[[Path], Path], trouble: str
) -> None:
    bed.start_broker()
    bed.enrol("hub-satu", bed.folder / "identity")
    bed.start_ingest()
    disk = small_disk(bed.folder / "hub")
    if trouble == "read-only":  # before the agent: mount(8) refuses while files are open for writing
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True, timeout=10)
    agent = bed.start_agent("--identity", str(bed.folder / "identity"))
    wait_for(lambda: kept(bed) >= 2, what="records in the NOC's store")
    if trouble == "full":
        filler = fill(disk)
    wait_for(lambda: "the outbox does not keep records" in bed.log("agent"), what="the agent's word about it")
    before = kept(bed)
    wait_for(lambda: kept(bed) >= before + 3, what="live records in the NOC's store")
    assert agent.poll() is None
    if trouble == "full":
        filler.unlink()
    else:
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True, timeout=10)
    wait_for(lambda: "the outbox works again" in bed.log("agent"), what="the agent's return to its disk")
    ((count, distinct),) = once(bed)
    assert count == distinct
    assert "Traceback" not in bed.log("agent")
    bed.end_all()
