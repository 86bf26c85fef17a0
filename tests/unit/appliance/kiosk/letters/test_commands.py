"""``desahub letters``: what a technician reads."""

from pathlib import Path

import pytest

from appliance import cli
from appliance.kiosk.letters import kinds
from tests.unit.appliance.kiosk.letters.test_kinds import GOOD


def test_check_says_that_a_file_is_right(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "contoh.toml"
    file.write_text(GOOD)
    assert cli.main(["letters", "check", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}: right. Surat Keterangan Contoh, 3 questions.\n"


def test_check_says_what_a_file_takes_the_place_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "keterangan-usaha.toml"
    file.write_text(GOOD)
    assert cli.main(["letters", "check", str(file)]) == 0
    assert "takes the place of the shipped keterangan-usaha" in capsys.readouterr().out


def test_check_says_everything_that_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "contoh.toml"
    file.write_text(GOOD.replace("code", "kode").replace('"rupiah"', '"uang"'))
    assert cli.main(["letters", "check", str(file)]) == 1
    said = capsys.readouterr().err
    assert f"{file}: line 3: kode: is not a known key, did you mean code?" in said
    assert f"{file}: line 15: fields[1].type: is 'uang', allowed are" in said
    assert said.endswith("3 problems.\n")


def test_check_of_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["letters", "check", str(tmp_path / "tidak-ada.toml")]) == 1
    assert "No such file" in capsys.readouterr().err


def test_every_shipped_kind_passes_the_check(capsys: pytest.CaptureFixture[str]) -> None:
    for file in kinds.SHIPPED.glob("*.toml"):
        assert cli.main(["letters", "check", str(file)]) == 0
    assert "takes the place" not in capsys.readouterr().out


def test_list_shows_own_and_shipped_kinds_and_what_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "contoh.toml").write_text(GOOD)
    assert cli.main(["letters", "list", "--own", str(tmp_path)]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert "contoh\tS-99\tSurat Keterangan Contoh\tsurat\town" in listed
    assert "pengantar-skck\tS-07\tSurat Pengantar Catatan Kepolisian\tpengantar\tshipped" in listed
    (tmp_path / "rusak.toml").write_text("title = 1")
    assert cli.main(["letters", "list", "--own", str(tmp_path)]) == 1
    assert "rusak.toml: line 1: title: is a whole number, allowed is a text" in capsys.readouterr().err
