"""The graphs' writer against the real VictoriaMetrics, which is killed at the worst moment."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.core.errors import OperationError
from noc.graphs.database import GraphsDatabase
from noc.graphs.writer import FOLLOWER, SETTLE_SECONDS, Writer
from noc.store.contract import Arrivals, Hub
from noc.store.sqlite import SqliteNocStore, open_noc_store
from tests.integration.conftest import free_port, wait_for
from tests.unit.noc.seed import MINUTE_MS, NOW_MS, arrived, batch

HUB = Hub("hub-0001", "Sukamaju", "51.03.01.2001")


class Victoria:
    """A VictoriaMetrics of one test."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["victoria-metrics", f"-httpListenAddr=127.0.0.1:{self.port}", f"-storageDataPath={self.folder}/data",
                 "-retentionPeriod=100y", "-dedup.minScrapeInterval=1ms", "-memory.allowedBytes=64MB"],
                stdout=log, stderr=log,
            )  # fmt: skip
        wait_for(self._answers, 30, "VictoriaMetrics")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)

    def stop(self) -> None:
        """Let it write all that it has to its disk."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(30)

    def values(self, series: str) -> dict[int, float]:
        self._ask("/internal/force_flush")
        found: dict[int, float] = {}
        for line in self._ask(f"/api/v1/export?match[]={series}&reduce_mem_usage=0").splitlines():
            said = json.loads(line)
            assert said["metric"]["area"] == HUB.kode_wilayah
            for time_ms, value in zip(said["timestamps"], said["values"], strict=True):
                assert time_ms not in found, "a point stands there twice"
                found[time_ms] = value
        return found

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            return bool(self._ask("/health"))
        return False

    def _ask(self, path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", path)
            return connection.getresponse().read()


class Clock:
    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


@pytest.fixture
def victoria(tmp_path: Path) -> Iterator[Victoria]:
    made = Victoria(tmp_path)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteNocStore]:
    with contextlib.closing(open_noc_store(tmp_path / "noc.db")) as made:
        made.add_hub(HUB)
        yield made


def put(store: SqliteNocStore, first: int, last: int) -> None:
    records = [arrived(HUB.hub_id, each, (1_000 - each) * MINUTE_MS) for each in range(first, last + 1)]
    store.commit(Arrivals([batch(*records[at : at + 5]) for at in range(0, len(records), 5)]))


def wanted(last: int) -> dict[int, float]:
    return {NOW_MS - (1_000 - each) * MINUTE_MS: each * 60.0 for each in range(1, last + 1)}


def test_what_is_committed_comes_to_the_graphs_through_a_kill_and_an_absence(
    store: SqliteNocStore, victoria: Victoria
) -> None:
    clock = Clock()
    with contextlib.closing(GraphsDatabase(f"http://127.0.0.1:{victoria.port}")) as database:
        writer = Writer(store, database, clock)
        put(store, 1, 100)
        writer.turn()
        victoria.kill()  # it said that it has them, and has not written them
        put(store, 101, 200)
        writer.turn()
        with pytest.raises(OperationError):
            database.started()
        time.sleep(1)  # its start is told in whole seconds
        victoria.start()
        writer.turn()
        assert victoria.values("desahub_uptime_seconds") == wanted(200)
        clock.ahead += SETTLE_SECONDS
        writer.turn()
        assert store.waiting(store.mark(FOLLOWER)) == 0
        victoria.stop()  # what is called settled is: the writer's clock ran ahead of the disk
        time.sleep(1)
        victoria.start()
        writer = Writer(store, database, clock)
        # Killed and back between two steps: nothing was refused, only its start tells.
        writer.turn()
        put(store, 201, 300)
        writer.turn()
        victoria.kill()
        time.sleep(1)
        victoria.start()
        clock.ahead += SETTLE_SECONDS
        writer.turn()
        writer.turn()
        assert victoria.values("desahub_uptime_seconds") == wanted(300)
        assert len(victoria.values("desahub_interface_received_bytes")) == 300
        store.put_mark(FOLLOWER, "")
        again = Writer(store, database, clock)
        again.turn()
        assert victoria.values("desahub_uptime_seconds") == wanted(300), "what comes twice is there once"
