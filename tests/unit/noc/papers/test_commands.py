"""The two commands on a fleet book that a watch wrote: what they print, write and refuse."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from noc import cli
from noc.fleet_book.contract import KeptWindow
from noc.papers import commands
from noc.rules.sla import Month
from noc.rules.states import Window
from noc.setup import Places
from noc.store.contract import Hub
from tests.unit.noc.rules.making import A, B, minutes, record
from tests.unit.noc.watch.world import BY_ADMIN, HUB, World

AUGUST = Month(2026, 8)
BEGIN_MS, END_MS = AUGUST.bounds_ms("Asia/Makassar")
HOUR_MS, DAY_MS = 3_600_000, 86_400_000


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World(tmp_path, BEGIN_MS + 2 * HOUR_MS, [HUB, Hub("hub-0002", "Wonosari", "51.03.02.2001", "Asia/Jakarta")])
    monkeypatch.setattr(commands, "_now_ms", lambda: made.wall_ms)
    made.send(
        *minutes(A, BEGIN_MS, 1, 30, number=1),
        record(A, 60_030, 1_815_000, wall_ms=BEGIN_MS + 1_815_000, event="uplink_down", uplink_state=2),
        record(A, 60_031, 1_860_000, wall_ms=BEGIN_MS + 1_860_000, uplink_state=2, boots=1),
    )
    made.turn()
    yield made
    made.book.close()
    made.store.close()


def run(world: World, *arguments: str) -> int:
    places = Places(world.folder / "etc", world.folder)
    return cli.main([*arguments, "--directory", str(places.directory), "--state", str(places.state)])


def table(path: Path) -> dict[str, dict[str, str]]:
    return {row["hub"]: row for row in csv.DictReader(path.read_text("utf-8-sig").splitlines())}


def test_the_timeline_is_printed_in_the_hubs_own_time(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.wall_ms = END_MS + HOUR_MS
    assert run(world, "timeline", "hub-0001", "--month", "2026-08") == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        ["2026-08-01 00:00:00 WITA", "00.01.00", "Tidak diketahui", "", "", "tidak ada catatan"],
        ["2026-08-01 00:01:00 WITA", "00.29.15", "Berfungsi", "", "", ""],
        ["2026-08-01 00:30:15 WITA", "00.00.45", "Jaringan putus", "tidak ada jalan keluar", "terukur",
         "keadaan jaringan menurut hub"],
        ["2026-08-01 00:31:00 WITA", "30 hari 23.29.00", "Tidak diketahui", "", "", "tidak ada catatan"],
    ]  # fmt: skip


def test_a_timeline_tells_also_what_came_within_the_hour(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    calm = minutes(A, BEGIN_MS, 32, 40, number=1)
    world.send(*[dataclasses.replace(r, record=dataclasses.replace(r.record, sequence=60_000 + i))
                 for i, r in enumerate(calm, 32)])  # fmt: skip
    world.turn()
    world.send(*[dataclasses.replace(r, record=dataclasses.replace(r.record, sequence=60_000 + i))
                 for i, r in enumerate(minutes(A, BEGIN_MS, 41, 60, number=1), 41)])  # fmt: skip
    world.turn()
    assert run(world, "timeline", "hub-0001", "--month", "2026-08") == 0
    last = capsys.readouterr().out.splitlines()[-1].split("\t")
    assert (last[0], last[2]) == ("2026-08-01 01:00:00 WITA", "Tidak diketahui")


def test_a_month_outlives_the_records_that_it_was_made_of(world: World, tmp_path: Path) -> None:
    world.turns(END_MS + DAY_MS - world.wall_ms, every_ms=6 * HOUR_MS)
    world.store.sweep(world.wall_ms, 10_000)
    assert world.store.records(HUB.hub_id, 0, END_MS) == ()
    found, page = tmp_path / "one.csv", tmp_path / "one.pdf"
    assert run(world, "sla", "--hub", "hub-0001", "--month", "2026-08", "--csv", str(found), "--pdf", str(page)) == 0
    assert page.read_bytes().startswith(b"%PDF-")
    assert found.read_bytes().count(b"\r\n") == 2
    row = table(found)["hub-0001"]
    assert (row["jaringan_putus_sampai_300_detik"], row["belum_berlalu_detik"]) == ("45", "0")


def test_windows_of_the_book_and_late_records_make_the_next_version(world: World, tmp_path: Path) -> None:
    world.turns(END_MS + DAY_MS - world.wall_ms, every_ms=6 * HOUR_MS)
    first = world.book.versions(["hub-0001"], "2026-08")["hub-0001"].number
    world.send(*minutes(B, BEGIN_MS + 7_200_000, 1, 10, number=2, boot_reason=2))
    world.book.put_window(
        KeptWindow(0, "", "hub-0001", Window(BEGIN_MS, BEGIN_MS + HOUR_MS), "admin", "tower"), BY_ADMIN
    )
    world.settle()
    path = tmp_path / "two.csv"
    assert run(world, "sla", "--area", "51.03", "--month", "2026-08", "--csv", str(path)) == 0
    row = table(path)["hub-0001"]
    assert int(row["versi"]) > first
    assert int(row["listrik_padam_detik"]) == 7_260 - 3_600
    assert int(row["pemeliharaan_detik"]) == 45 + 3_600 - 1_860 - 65
    assert table(path)["hub-0002"]["versi"] == "0"


def test_an_area_is_a_table_on_standard_output(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(world, "sla", "--area", "51.03.02", "--month", "2026-08") == 0
    out = capsys.readouterr().out
    assert "hub-0002" in out
    assert "hub-0001" not in out


def test_the_page_of_a_month_whose_history_is_gone_has_its_outages(world: World, tmp_path: Path) -> None:
    world.turns(2 * DAY_MS, every_ms=12 * HOUR_MS)
    world.wall_ms += 300 * DAY_MS
    page = tmp_path / "old.pdf"
    assert run(world, "sla", "--hub", "hub-0001", "--month", "2026-08", "--pdf", str(page)) == 0
    assert page.read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("timeline", "hub-9999", "--month", "2026-08"), "not in the inventory"),
        (("timeline", "hub-0001", "--month", "2025-08"), "not kept any more"),
        (("sla", "--month", "2025-13"), "no month"),
        (("sla", "--month", "2026-08", "--area", "5"), "allowed is a code"),
        (("sla", "--month", "2026-08", "--area", "52"), "no hub of the inventory lies there"),
    ],
)
def test_refused(world: World, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str) -> None:
    assert run(world, *arguments) == 1
    assert said in capsys.readouterr().err
