"""The command line: readable answers and exit codes, and the page of hub.toml's keys."""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import cli
from appliance.core import config_docs
from appliance.core.config import Config
from appliance.core.errors import GateUnavailable
from appliance.core.schema import describe
from appliance.gate.client import GateClient
from appliance.gate.protocol import GateStatus
from appliance.system import links

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


def _commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield command
                yield from _commands(command)


def test_each_commands_own_help_says_what_it_does() -> None:
    said = {command.prog: command.description or "" for command in _commands(cli.parser())}
    assert {"desahub doctor", "desahub status", "desahub apply", "desahub enrol request"} <= said.keys()
    assert [prog for prog, description in said.items() if not re.match(r"[A-Z].{10,}\.$", description)] == []


@pytest.mark.parametrize(("user_id", "is_told"), [(0, False), (1000, True)])
def test_status_says_that_root_would_see_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], user_id: int, is_told: bool
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user_id)
    monkeypatch.setattr(GateClient, "status", _no_gate)
    assert cli.main(["status"]) == 1
    assert ("sudo desahub status" in capsys.readouterr().err) is is_told


def _no_gate(_: GateClient) -> GateStatus:
    raise GateUnavailable("the gate does not answer")


def test_render_takes_the_boxs_own_file_when_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marked = tmp_path / "hub.toml"
    marked.write_text("\ufeff" + FULL.read_text("utf-8"), "utf-8")  # as Windows' editor saves it
    monkeypatch.setattr(cli, "HUB_TOML", marked)
    assert cli.main(["render", "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out/nftables.nft").exists()


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
    monkeypatch.setattr(cli, "APPLIED_TOML", FULL)
    monkeypatch.setattr(cli, "GateClient", lambda: GateClient(tmp_path / "gate.sock", 1.0))
    assert cli.main(["status", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["closed_by_default"] is None
    assert found["village"] == "Sukamaju"
    assert cli.main(["status"]) == 1
    assert "closed by default       unknown" in capsys.readouterr().out


@pytest.mark.parametrize(("edited", "word"), [("", "yes"), ("# tidied\n", "no"), ("nonsense", "no")])
def test_status_says_whether_hub_toml_is_what_is_applied(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], edited: str, word: str
) -> None:
    (tmp_path / "hub.toml").write_text(FULL.read_text() + edited)
    monkeypatch.setattr(cli, "HUB_TOML", tmp_path / "hub.toml")
    monkeypatch.setattr(cli, "APPLIED_TOML", FULL)
    monkeypatch.setattr(cli, "GateClient", lambda: GateClient(tmp_path / "gate.sock", 1.0))
    cli.main(["status"])
    said = capsys.readouterr()
    assert f"hub toml is applied     {word}\n" in said.out
    assert ("was changed after it was applied" in said.err) is (word == "no")


@pytest.mark.parametrize(("forwards", "status"), [(True, 0), (False, 1), (None, 1)])
def test_status_is_right_only_on_a_box_that_forwards(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], forwards: bool | None, status: int
) -> None:
    monkeypatch.setattr(cli, "HUB_TOML", FULL)
    monkeypatch.setattr(cli, "APPLIED_TOML", FULL)
    monkeypatch.setattr(GateClient, "status", lambda _: GateStatus(True, 0, "x"))
    monkeypatch.setattr(links, "forwards", lambda: forwards)
    assert cli.main(["status", "--json"]) == status
    said = capsys.readouterr()
    assert json.loads(said.out)["forwards"] is forwards
    assert ("forwards nothing" in said.err) is (forwards is False)
    cli.main(["status"])
    assert "devices online          0\n" in capsys.readouterr().out


def test_sigterm_during_apply_becomes_an_error_that_is_taken_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("appliance.system.apply.apply", told)
    assert cli.main(["apply", "--config", str(FULL)]) == 1
    assert "told to end by SIGTERM" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) is before


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
