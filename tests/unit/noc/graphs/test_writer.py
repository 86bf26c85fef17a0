"""What is written to the graphs, and from where it goes on."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.core.clock import WallQuality
from appliance.core.errors import OperationError, StoreError
from appliance.core.report import Record
from noc.graphs import __main__ as program
from noc.graphs.database import GraphsDatabase
from noc.graphs.lines import lines
from noc.graphs.writer import FOLLOWER, IDLE_SECONDS, REPORTS, RETRY_SECONDS, SETTLE_SECONDS, Writer
from noc.store.contract import Arrivals, Came, Hub
from noc.store.sqlite import SqliteNocStore, open_noc_store
from tests.unit.noc.seed import BOOT, MINUTE_MS, NOW_MS, arrived, batch

HUB = Hub("hub-0001", 'Suka "maju"', "51.03.01.2001")


class Twin:
    """A graphs' database that can be away, and lose what it had not written."""

    def __init__(self) -> None:
        self.points: list[tuple[str, int, float]] = []
        self.kept: list[tuple[str, int, float]] = []
        self.run = 1
        self.is_away = False

    def put(self, written: bytes) -> None:
        self._ask()
        for line in written.splitlines():
            said = json.loads(line)
            self.points += [
                (said["metric"]["__name__"], *point) for point in zip(said["timestamps"], said["values"], strict=True)
            ]

    def started(self) -> str:
        self._ask()
        return str(self.run)

    def crash(self) -> None:
        self.points = self.kept[:]
        self.run += 1

    def _ask(self) -> None:
        if self.is_away:
            raise OperationError("away")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteNocStore]:
    with contextlib.closing(open_noc_store(tmp_path / "noc.db")) as made:
        made.add_hub(HUB)
        yield made


def put(store: SqliteNocStore, *minutes: int) -> None:
    store.commit(Arrivals([batch(arrived(HUB.hub_id, each, (1_000 - each) * MINUTE_MS)) for each in minutes]))


def minutes(twin: Twin) -> list[int]:
    return [int(value / 60) for name, _, value in twin.points if name == "desahub_uptime_seconds"]


def test_a_line_has_the_hub_its_area_and_its_part() -> None:
    records = tuple(
        Record(
            BOOT, at, at * MINUTE_MS, NOW_MS + at * MINUTE_MS, WallQuality.NTP, {"boots": 3, "uplink_latency_ms.t1": v}
        )
        for at, v in ((1, 41.5), (2, None))
    )
    written, lost = lines([Came(HUB.hub_id, NOW_MS + 3 * MINUTE_MS, BOOT, 0, records)], {HUB.hub_id: HUB})
    labels = {"hub": HUB.hub_id, "area": HUB.kode_wilayah, "name": HUB.name}
    assert [json.loads(line) for line in written.splitlines()] == [
        {"metric": {"__name__": "desahub_boots"} | labels, "values": [3, 3],
         "timestamps": [NOW_MS + MINUTE_MS, NOW_MS + 2 * MINUTE_MS]},
        {"metric": {"__name__": "desahub_uplink_latency_ms"} | labels | {"part": "t1"}, "values": [41.5],
         "timestamps": [NOW_MS + MINUTE_MS]},
    ]  # fmt: skip
    assert lost == 0


def test_a_record_without_a_date_lies_by_its_report_or_nowhere() -> None:
    def undated(boot_id: str) -> Record:
        return Record(boot_id, 1, 60_000, 61_000, WallQuality.UNKNOWN, {"boots": 1})

    said = Came(HUB.hub_id, NOW_MS, BOOT, 70_000, (undated(BOOT), undated("ab" * 16)))
    written, lost = lines([said], {})
    assert json.loads(written)["timestamps"] == [NOW_MS - 10_000]
    assert lost == 1


def test_each_report_is_written_once_while_all_is_well(store: SqliteNocStore) -> None:
    twin, clock = Twin(), Clock()
    writer = Writer(store, twin, clock)
    put(store, *range(1, REPORTS + 2))
    assert writer.turn() == 0.0
    assert writer.turn() == IDLE_SECONDS
    put(store, 500)
    writer.turn()
    assert minutes(twin) == [*range(1, REPORTS + 2), 500]
    assert store.mark(FOLLOWER) == ""
    clock.now += SETTLE_SECONDS
    writer.turn()
    assert store.waiting(store.mark(FOLLOWER)) == 0
    again = Twin()
    Writer(store, again, clock).turn()
    assert minutes(again) == [], "a later run goes on from there"


def test_a_step_that_ended_by_size_goes_on_at_once(store: SqliteNocStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in ("contract", "marks"):
        monkeypatch.setattr(f"noc.store.{each}.CELLS_MAX", 30)  # a record takes 25
    twin = Twin()
    writer = Writer(store, twin, Clock())
    put(store, 1, 2, 3)
    assert writer.turn() == 0.0
    assert minutes(twin) == [1, 2]
    assert writer.turn() == IDLE_SECONDS
    assert minutes(twin) == [1, 2, 3]


def test_what_a_crash_of_the_database_took_is_sent_again(store: SqliteNocStore) -> None:
    twin, clock = Twin(), Clock()
    writer = Writer(store, twin, clock)
    put(store, 1)
    writer.turn()
    clock.now += SETTLE_SECONDS
    twin.kept = twin.points[:]
    put(store, 2)
    writer.turn()  # 1 is kept, 2 was taken and is not on the disk
    twin.crash()
    put(store, 3)
    writer.turn()
    clock.now += SETTLE_SECONDS
    writer.turn()
    assert sorted(set(minutes(twin))) == [1, 2, 3]


def test_a_database_that_is_away_is_told_of_once_and_made_up_for(
    store: SqliteNocStore, caplog: pytest.LogCaptureFixture
) -> None:
    twin, clock = Twin(), Clock()
    writer = Writer(store, twin, clock)
    put(store, 1)
    twin.is_away = True
    with caplog.at_level(logging.INFO):
        assert [writer.turn() for _ in range(3)] == [RETRY_SECONDS] * 3
    assert [each.message for each in caplog.records if "1 reports wait" in each.message] != []
    assert len(caplog.records) == 1
    twin.is_away = False
    writer.turn()
    assert minutes(twin) == [1]


def test_a_store_that_is_away_ends_nothing(store: SqliteNocStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise StoreError("away")

    twin = Twin()
    writer = Writer(store, twin, Clock())
    with monkeypatch.context() as patch:
        for method in ("came", "waiting", "mark"):
            patch.setattr(store, method, away)
        assert writer.turn() == RETRY_SECONDS
    put(store, 1)
    writer.turn()
    assert minutes(twin) == [1]


@pytest.mark.parametrize("url", ["", "8428", "ftp://x", "http://", "http://x:port", "http://x/?y=1"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(OperationError, match=r"http://127\.0\.0\.1:8428"):
        GraphsDatabase(url)


def test_nobody_there_is_told_without_the_password() -> None:
    database = GraphsDatabase("http://orang:rahasia@127.0.0.1:1/vm")
    with pytest.raises(OperationError, match=r"127\.0\.0\.1") as error:
        database.put(b"{}")
    assert "rahasia" not in str(error.value)


def test_the_program_says_what_its_settings_lack(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = tmp_path / "graphs.env"
    for text, wrong in (("# nothing\n", "GRAPHS_URL=http://HOST:8428"), ("GRAPHS_URL=x\n", "http://127.0.0.1:8428")):
        settings.write_text(text)
        assert program.main(["--settings", str(settings), "--state", str(tmp_path)]) == 1
        assert wrong in caplog.text
    assert program.main(["--settings", str(tmp_path / "none"), "--state", str(tmp_path)]) == 1
