"""The two commands on a real store: what they print, write and refuse."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest

from noc import cli
from noc.papers import sla_csv
from noc.rules.sla import Month, SlaClass
from noc.setup import Places
from noc.store.contract import Arrivals, ArrivedRecord, Hub
from noc.store.sqlite import open_noc_store
from tests.unit.noc.rules.making import A, B, minutes, record
from tests.unit.noc.seed import batches

BEGIN_MS, END_MS = Month(2025, 8).bounds_ms("Asia/Makassar")


def came(records: Sequence[ArrivedRecord]) -> list[ArrivedRecord]:
    return [dataclasses.replace(each, received_ms=each.record.wall_ms + 60_000) for each in records]


def first_boot() -> list[ArrivedRecord]:
    return came(
        [
            *minutes(A, BEGIN_MS, 1, 30, number=1),
            record(A, 60_030, 1_815_000, wall_ms=BEGIN_MS + 1_815_000, event="uplink_down", uplink_state=2),
            record(A, 60_031, 1_860_000, wall_ms=BEGIN_MS + 1_860_000, uplink_state=2, boots=1),
        ]
    )


@pytest.fixture
def places(tmp_path: Path) -> Places:
    places = Places(tmp_path / "etc", tmp_path / "var")
    places.state.mkdir()
    store = open_noc_store(places.store)
    store.add_hub(Hub("hub-0001", "Sukamaju", "51.03.01.2001", "Asia/Makassar"))
    store.add_hub(Hub("hub-0002", "Wonosari", "51.03.02.2001", "Asia/Jakarta"))
    store.commit(Arrivals(batches(first_boot())))
    store.close()
    return places


def run(places: Places, *arguments: str) -> int:
    return cli.main([*arguments, "--directory", str(places.directory), "--state", str(places.state)])


def test_the_timeline_is_printed_in_the_hubs_own_time(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(places, "timeline", "hub-0001", "--month", "2025-08") == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        ["2025-08-01 00:00:00 WITA", "00.01.00", "Tidak diketahui", "", "", "tidak ada catatan"],
        ["2025-08-01 00:01:00 WITA", "00.29.15", "Berfungsi", "", "", ""],
        ["2025-08-01 00:30:15 WITA", "00.00.45", "Jaringan putus", "tidak ada jalan keluar", "terukur",
         "keadaan jaringan menurut hub"],
        ["2025-08-01 00:31:00 WITA", "30 hari 23.29.00", "Tidak diketahui", "", "", "tidak ada catatan"],
    ]  # fmt: skip


def test_maintenance_and_late_records_change_the_month(places: Places, tmp_path: Path) -> None:
    table, page = tmp_path / "one.csv", tmp_path / "one.pdf"
    assert run(places, "sla", "--hub", "hub-0001", "--month", "2025-08", "--csv", str(table), "--pdf", str(page)) == 0
    assert page.read_bytes().startswith(b"%PDF-")
    assert table.read_bytes().count(b"\r\n") == 2
    first = sla_csv.versions(table.read_text("utf-8"))["hub-0001"]
    assert (first.number, first.sla.seconds[SlaClass.LINK_SHORT]) == (1, 45)

    store = open_noc_store(places.store)
    later = came(minutes(B, BEGIN_MS + 7_200_000, 1, 10, number=2, boot_reason=2))
    store.commit(Arrivals(batches(later)))
    store.close()
    second_table = tmp_path / "two.csv"
    window = "2025-08-01T00:00/2025-08-01T01:00"
    arguments = ("--month", "2025-08", "--csv", str(second_table), "--before", str(table), "--maintenance", window)
    assert run(places, "sla", "--area", "51.03", *arguments) == 0
    versions = sla_csv.versions(second_table.read_text("utf-8"))
    second = versions["hub-0001"]
    assert second.number == 2
    assert versions["hub-0002"].number == 1
    assert second.sla.seconds[SlaClass.POWER] == 7_260 - 3_600
    assert second.sla.seconds[SlaClass.MAINTENANCE] == 45 + 3_600 - 1_860 - 65


def test_an_area_is_a_table_on_standard_output(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(places, "sla", "--area", "51.03.02", "--month", "2025-08") == 0
    out = capsys.readouterr().out
    assert "hub-0002" in out
    assert "hub-0001" not in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("timeline", "hub-9999", "--month", "2025-08"), "not in the inventory"),
        (("sla", "--month", "2025-13"), "no month"),
        (("sla", "--month", "2025-08", "--area", "5"), "allowed is a code"),
        (("sla", "--month", "2025-08", "--area", "52"), "no hub of the inventory lies there"),
        (("sla", "--month", "2025-08", "--interval-seconds", "0"), "allowed is at least 1"),
        (("sla", "--month", "2025-08", "--maintenance", "soon"), "allowed is begin/end"),
    ],
)
def test_refused(places: Places, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str) -> None:
    assert run(places, *arguments) == 1
    assert said in capsys.readouterr().err


def test_a_table_of_another_month_is_not_continued(
    places: Places, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "july.csv"
    assert run(places, "sla", "--month", "2025-07", "--csv", str(table)) == 0
    assert run(places, "sla", "--month", "2025-08", "--before", str(table)) == 1
    assert "allowed is the same month" in capsys.readouterr().err
