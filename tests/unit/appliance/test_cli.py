"""The command line: readable answers and exit codes, and the page of hub.toml's keys."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from appliance import cli
from appliance.core import config_docs
from appliance.core.config import Config
from appliance.core.schema import describe
from appliance.gate.client import GateClient

REPOSITORY = Path(__file__).parents[3]
FULL = REPOSITORY / "tests/golden/rendered/full/hub.toml"


def test_a_right_file_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check-config", str(FULL)]) == 0
    assert "right. Sukamaju, 2 networks." in capsys.readouterr().out


def test_every_problem_is_named_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "hub.toml"
    wrong.write_text(
        FULL.read_text().replace('"hub-7k2m9q"', '"X"').replace("channel = 36", "channel = 13\nchanel = 1")
    )
    assert cli.main(["check-config", str(wrong)]) == 1
    said = capsys.readouterr()
    assert "hub.id: is 'X', allowed are" in said.err
    assert "radio.chanel: is not a known key, did you mean channel?" in said.err
    assert "2 problems; nothing was changed." in said.err


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"[["])
def test_unreadable_files_are_said_plainly(
    tmp_path: Path, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "hub.toml").write_bytes(content)
    assert cli.main(["check-config", str(tmp_path / "hub.toml")]) == 1
    assert "hub.toml" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [[], ["nonsense"], ["render", "x"], ["check-config"]])
def test_a_wrong_command_line_exits_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(argv)
    assert end.value.code == 2
    assert "usage: desahub" in capsys.readouterr().err


def test_render_writes_the_golden_files(tmp_path: Path) -> None:
    assert cli.main(["render", str(FULL), "--out", str(tmp_path)]) == 0
    golden = FULL.parent / "nftables.nft"
    assert (tmp_path / "nftables.nft").read_text() == golden.read_text()
    assert (tmp_path / "network/10-desahub-br-warga.netdev").exists()


def test_apply_with_a_wrong_file_exits_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "hub.toml").write_text("")
    assert cli.main(["apply", "--config", str(tmp_path / "hub.toml")]) == 1
    assert "nothing was changed" in capsys.readouterr().err


def test_status_without_a_gate_says_unknown_and_exits_1(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "HUB_TOML", FULL)
    monkeypatch.setattr(GateClient.__init__, "__defaults__", (tmp_path / "gate.sock", 1.0))
    assert cli.main(["status", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["closed_by_default"] is None
    assert found["village"] == "Sukamaju"
    assert cli.main(["status"]) == 1
    assert "closed by default       unknown" in capsys.readouterr().out


def test_the_page_of_keys_is_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["config-docs"]) == 0
    printed = capsys.readouterr().out
    assert printed == (REPOSITORY / "docs/config.md").read_text(encoding="utf-8"), (
        "docs/config.md is out of date: desahub config-docs > docs/config.md"
    )


def test_the_page_names_every_key() -> None:
    page = config_docs.render()
    for row in describe(Config):
        last = row.path.removesuffix("[]").rsplit(".", 1)[-1]
        assert (f"{last}]" in page) if row.is_section else (f"**`{last}`**" in page)
        assert row.about in page
