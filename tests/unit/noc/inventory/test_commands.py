"""The inventory by hand and by file: all or nothing, and told by line and column."""

from __future__ import annotations

import contextlib
import csv
from pathlib import Path

import pytest

from noc import cli
from noc.fleet_book.contract import Card
from noc.fleet_book.sqlite import open_fleet_book
from noc.setup import Places
from noc.store.contract import Hub
from noc.store.sqlite import open_noc_store

TABLE = (
    "hub_id;nama;kode_wilayah;penduduk;penyedia;kontak_1_nama;kontak_1_telepon\r\n"
    "hub-0001;Sukamaju;51.03.01.2001;1.200;Telkom;Wayan;0812-0000-0001\r\n"
    "hub-0002;Wonosari;3301012001;;;;\r\n"
)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    (tmp_path / "etc").mkdir()
    (tmp_path / "var").mkdir()
    return Places(tmp_path / "etc", tmp_path / "var")


def run(places: Places, *arguments: str) -> int:
    return cli.main([*arguments, "--directory", str(places.directory), "--state", str(places.state)])


def kept(places: Places) -> tuple[list[Hub], list[Card], int]:
    with (
        contextlib.closing(open_noc_store(places.store)) as store,
        contextlib.closing(open_fleet_book(places.fleet_book)) as book,
    ):
        return list(store.hubs()), list(book.cards()), book.deeds_end()[0]


def test_a_table_is_tried_then_taken(places: Places, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "hubs.csv"
    file.write_bytes(b"\xef\xbb\xbf" + TABLE.encode())
    assert run(places, "hub", "import", str(file), "--dry-run") == 0
    said = capsys.readouterr().out
    assert "2 hubs new, 0 changed, 0 as they are" in said
    assert "nothing was changed" in said
    assert kept(places) == ([], [], 0)

    assert run(places, "hub", "import", str(file)) == 0
    assert "hub claim" in capsys.readouterr().out
    hubs, cards, deeds = kept(places)
    assert [(hub.hub_id, hub.kode_wilayah, hub.timezone) for hub in hubs] == [
        ("hub-0001", "51.03.01.2001", "Asia/Makassar"), ("hub-0002", "33.01.01.2001", "Asia/Jakarta"),
    ]  # fmt: skip
    assert [(card.hub_id, card.residents) for card in cards] == [("hub-0002", None), ("hub-0001", 1_200)]
    assert deeds == 1
    with contextlib.closing(open_fleet_book(places.fleet_book)) as book:
        assert [contact.name for contact in book.contacts("hub-0001")] == ["Wayan"]
        assert book.deeds(1)[0].why == "2 added, 0 changed, 1 contacts"

    assert run(places, "hub", "import", str(file)) == 0
    assert "0 hubs new, 0 changed, 2 as they are" in capsys.readouterr().out
    assert kept(places) == (hubs, cards, 1)


def test_one_bad_cell_leaves_all_as_it_was(places: Places, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, report = tmp_path / "hubs.csv", tmp_path / "report.csv"
    file.write_text(TABLE + "hub-0003;Baru;51.03;banyak;;;\r\n")
    assert run(places, "hub", "import", str(file), "--report", str(report)) == 1
    said = capsys.readouterr().out
    assert "1 lines are refused, therefore nothing was changed" in said
    assert "line 4, kode_wilayah: is '51.03'" in said
    assert kept(places) == ([], [], 0)
    rows = list(csv.reader(report.read_text().splitlines()))
    assert [(row[0], row[2], row[3]) for row in rows if row[3] == "refused"] == [
        ("4", "residents", "refused"), ("4", "kode_wilayah", "refused"),
    ]  # fmt: skip


def test_a_hub_that_the_watch_has_not_seen_yet_keeps_its_place(
    places: Places, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with contextlib.closing(open_noc_store(places.store)) as store:
        store.add_hub(Hub("hub-0001", "Sukamaju", "51.03.01.2001", "Asia/Makassar"))
    file = tmp_path / "hubs.csv"
    file.write_text("hub_id,residents\nhub-0001,900\n")
    assert run(places, "hub", "import", str(file)) == 0
    assert "line 2, hub-0001, residents: (nothing) -> 900" in capsys.readouterr().out
    _, (card,), _ = kept(places)
    assert (card.name, card.residents, card.timezone) == ("Sukamaju", 900, "Asia/Makassar")


def test_a_hub_is_set_by_hand(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.closing(open_noc_store(places.store)) as store:
        store.add_hub(Hub("hub-0001", "Sukamaju", "51.03.01.2001", "Asia/Makassar"))
    assert (
        run(
            places, "hub", "set", "hub-0001", "--residents", "1.200", "--provider", "Telkom", "--download-kbit", "10000"
        )
        == 0
    )
    assert "residents was not known, is 1200" in capsys.readouterr().out
    _, (card,), deeds = kept(places)
    assert (card.residents, card.provider, card.download_kbit, deeds) == (1_200, "Telkom", 10_000, 1)
    assert run(places, "hub", "set", "hub-0001", "--name", "Sukamaju Baru", "--kode-wilayah", "51.03.01.2002") == 0
    (hub,), (card,), _ = kept(places)
    assert (hub.name, hub.kode_wilayah, card.name) == ("Sukamaju Baru", "51.03.01.2002", "Sukamaju Baru")
    before = kept(places)
    for arguments, why in (
        (("hub-0001", "--residents", "banyak"), "--residents is 'banyak'"),
        (("hub-9999", "--residents", "5"), "not in the inventory"),
        (("hub-0001",), "nothing is to be set"),
    ):
        assert run(places, "hub", "set", *arguments) == 1
        assert why in capsys.readouterr().err
    assert kept(places) == before


def test_names_of_areas_are_taken_over(places: Places, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "areas.csv"
    file.write_text("kode,nama\n51,BALI\n51.03,KABUPATEN BADUNG\n")
    assert run(places, "areas", "import", str(file), "--dry-run") == 0
    assert "2 names new, 0 changed, 0 as they are" in capsys.readouterr().out
    assert run(places, "areas", "import", str(file)) == 0
    file.write_text("code,province_code,name\n51,,Bali\n51.03,51,KABUPATEN BADUNG\n")
    assert run(places, "areas", "import", str(file)) == 0
    assert "0 names new, 1 changed, 1 as they are" in capsys.readouterr().out
    file.write_text("code,name\n33,Jawa Tengah\n330,Cilacap\n")
    assert run(places, "areas", "import", str(file)) == 1
    assert "line 3, code: is '330'" in capsys.readouterr().out
    with contextlib.closing(open_fleet_book(places.fleet_book)) as book:
        assert book.area_names(("51", "51.03", "33")) == {"51": "Bali", "51.03": "KABUPATEN BADUNG"}
        assert book.deeds_end()[0] == 2


def test_a_file_that_is_not_there_is_said(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(places, "hub", "import", "/nowhere.csv") == 1
    assert "/nowhere.csv" in capsys.readouterr().err
