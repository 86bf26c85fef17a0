"""Nothing is shown before it is written down who reads it, and why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from appliance import cli
from appliance.core.clock import WallQuality
from appliance.records import commands, keys, sealed


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(commands, "APPLIED_PATH", tmp_path / "no-hub.toml")
    argv = ["records", "keygen", "--private", str(tmp_path / "key"), "--public", str(tmp_path / "pub")]
    assert cli.main(argv) == 0
    with (tmp_path / "one.sealed").open("wb") as file:
        writer = sealed.Writer(file, keys.public((tmp_path / "pub").read_bytes(), "pub"), 0, WallQuality.NTP)
        writer.write(b'{"mac":"02:00:00:00:00:01"}\n')
        writer.finish()
    return tmp_path


def read(folder: Path, reason: str, *names: str, key: str = "key", audit: str = "audit.log") -> int:
    argv = ["records", "read", "--key", str(folder / key), "--reason", reason, "--audit", str(folder / audit)]
    return cli.main([*argv, *(str(folder / name) for name in names or ("one.sealed",))])


def test_reading_is_written_down_first(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert read(files, "Surat Polres Badung no. 12/2026") == 0
    assert capsys.readouterr().out == '{"mac":"02:00:00:00:00:01"}\n'
    entry = json.loads((files / "audit.log").read_text())
    assert entry["reason"] == "Surat Polres Badung no. 12/2026"
    assert set(entry) == {"when", "who", "machine", "reason", "files"}
    assert list(entry["files"]) == [str(files / "one.sealed")]
    assert (files / "audit.log").stat().st_mode & 0o777 == 0o600
    read(files, "Surat Polres Badung no. 13/2026")
    assert len((files / "audit.log").read_text().splitlines()) == 2, "added, never overwritten"


@pytest.mark.parametrize("reason", ["", "   ", "\n\t", "ingin tahu"[:9]])
def test_no_reason_no_records(files: Path, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert read(files, reason) == 1
    said = capsys.readouterr()
    assert (said.out, "say why" in said.err) == ("", True)
    assert not (files / "audit.log").exists()


def test_what_cannot_be_written_down_is_not_shown(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert read(files, "Surat Polres Badung", audit="no/such/folder/audit.log") == 1
    said = capsys.readouterr()
    assert (said.out, "nothing is shown" in said.err) == ("", True)


def test_another_key_and_a_cut_off_file_are_told(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "other").write_bytes(keys.make()[0])
    (files / "cut.sealed").write_bytes((files / "one.sealed").read_bytes()[:-1])
    (files / "none.sealed").write_bytes(b"nonsense")
    capsys.readouterr()
    assert read(files, "Surat Polres Badung", key="other") == 1
    assert "another key" in capsys.readouterr().err
    assert read(files, "Surat Polres Badung", "cut.sealed", "none.sealed") == 1
    said = capsys.readouterr()
    assert said.out == '{"mac":"02:00:00:00:00:01"}\n', "up to the last whole chunk"
    assert "cut off after 1 chunks" in said.err
    assert "none.sealed: cannot be read" in said.err
    assert read(files, "Surat Polres Badung", key="pub") == 1
    assert "is no private key for records" in capsys.readouterr().err


def test_keys_are_made_once_and_not_on_a_box(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (files / "key").stat().st_mode & 0o777 == 0o600
    argv = ["records", "keygen", "--private", str(files / "key"), "--public", str(files / "pub2")]
    assert cli.main(argv) == 1
    assert "nothing is overwritten" in capsys.readouterr().err
    (files / "hub.toml").touch()
    monkeypatch.setattr(commands, "APPLIED_PATH", files / "hub.toml")
    argv = ["records", "keygen", "--private", str(files / "new"), "--public", str(files / "new.pub")]
    assert cli.main(argv) == 1
    assert "on another machine" in capsys.readouterr().err
    assert not (files / "new").exists()
