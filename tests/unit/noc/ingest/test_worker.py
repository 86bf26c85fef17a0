"""Commit, then acknowledge; with a full disk neither."""

from __future__ import annotations

import contextlib
import datetime
import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.core.clock import WallQuality
from appliance.core.errors import StoreFull
from appliance.core.letter_marks import Mark, digest_of
from appliance.core.letter_marks_wire import Receipt, encode_marks, receipt_key
from appliance.core.report import Ack, Record, Report, encode
from noc.ingest import worker
from noc.ingest.__main__ import main
from noc.ingest.acknowledging import Acknowledging
from noc.ingest.brake import LETTERS_PER_DAY_MAX, Brake
from noc.ingest.rules import Message
from noc.ingest.worker import Delivery
from noc.store.contract import Arrivals, Hub
from noc.store.sqlite import SqliteNocStore, open_noc_store

BOOT = "aa" * 16


class Wire:
    """A link that remembers what it was told, in order."""

    def __init__(self) -> None:
        self.arrived: queue.Queue[Delivery] = queue.Queue()
        self.said: list[object] = []

    def take(self, timeout_seconds: float) -> Delivery:
        return self.arrived.get(timeout=timeout_seconds) if timeout_seconds else self.arrived.get_nowait()

    def done(self, delivery: Delivery) -> None:
        self.said.append(delivery.mid)

    def keep(self) -> None:
        self.said.append("keep")

    def say_to_itself(self, word: bytes) -> None:
        self.said.append(word)

    def acknowledge(self, hub_id: str, ack: Ack | Receipt) -> None:
        if isinstance(ack, Receipt):
            self.said.append((hub_id, ack))
            return
        self.said.append((hub_id, ack.committed[0].first, ack.committed[0].last))


def delivery(mid: int, sequence: int, payload: bytes | None = None) -> Delivery:
    made = encode(Report(BOOT, 9, (Record(BOOT, sequence, 1, 1, WallQuality.NTP, {}),)))
    return Delivery(Message("desahub/1/hub-satu/report", made if payload is None else payload, 10), mid, 1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteNocStore]:
    with contextlib.closing(open_noc_store(tmp_path / "noc.db")) as made:
        made.add_hub(Hub("hub-satu", "Satu", "51.03.01.2001"))
        yield made


def test_duplicates_are_acknowledged_again_and_kept_once(store: SqliteNocStore) -> None:
    wire = Wire()
    for mid in (1, 2):
        worker.step(wire, store, [delivery(mid, 5)], "cc" * 16, Acknowledging(0.0))
    assert wire.said == [1, ("hub-satu", 5, 5), 2, ("hub-satu", 5, 5)]
    assert len(store.records("hub-satu", 0, 100)) == 1


def test_marks_of_letters_are_kept_then_told(store: SqliteNocStore) -> None:
    mark = Mark(digest_of("token"), "Surat Keterangan Usaha", datetime.date(2026, 8, 17), None, True, False)
    payload, wire, brake = encode_marks([mark]), Wire(), Brake()
    message = Message("desahub/1/hub-satu/letter-marks", payload, 10)
    for mid in (1, 2):
        worker.step(wire, store, [Delivery(message, mid, 1)], "cc" * 16, Acknowledging(), brake=brake)
    assert brake.letters_left("hub-satu") == LETTERS_PER_DAY_MAX - 2
    told = ("hub-satu", Receipt("cc" * 16, receipt_key(payload)))
    assert wire.said == [1, told, 2, told]
    kept = store.letter(mark.digest)
    assert kept is not None and kept.mark == mark


def test_nonsense_is_let_go_by_the_broker_and_counted(store: SqliteNocStore) -> None:
    wire = Wire()
    worker.step(wire, store, [delivery(1, 5, b"?"), delivery(2, 6)], "cc" * 16, Acknowledging(0.0))
    assert wire.said == [1, 2, ("hub-satu", 6, 6)]
    assert sum(store.aside_counts().values()) == 1


def test_a_flood_is_one_line_of_the_log(store: SqliteNocStore, caplog: pytest.LogCaptureFixture) -> None:
    strange = Delivery(Message("desahub/1/hub-asing/report", b"?", 10), 900, 1)
    worker.step(
        Wire(),
        store,
        [*(delivery(mid, 5, b"?") for mid in range(300)), strange, delivery(901, 6)],
        "cc" * 16,
        Acknowledging(0.0),
    )
    (line,) = caplog.messages
    assert line.startswith("kept aside: 300 malformed, 1 unknown_hub, from 2 topics; the last from")


@pytest.mark.parametrize("text", ["7", "3651", "-1", "1.5", "dua", ""])
def test_days_to_keep_out_of_bounds_are_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--keep-days", text])
    assert "whole days from 8 to 3650" in capsys.readouterr().err


def test_a_full_disk_acknowledges_nothing_until_there_is_room(
    store: SqliteNocStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    wire, stopping, tries = Wire(), threading.Event(), list[int]()
    commit = store.commit

    def reluctant(arrivals: Arrivals) -> int:
        tries.append(len(wire.said))
        if len(tries) < 3:
            raise StoreFull("noc.db: the disk is full; nothing was stored")
        stopping.set()
        return commit(arrivals)

    monkeypatch.setattr(store, "commit", reluctant)
    monkeypatch.setattr(worker, "RETRY_SECONDS", 0.01)
    wire.arrived.put(delivery(1, 5))
    worker.run(wire, store, stopping, lambda: None, None)
    assert tries == [0, 1, 2]
    assert wire.said == ["keep", "keep", 1, ("hub-satu", 5, 5)]
    assert caplog.text.count("the disk is full") == 2
