"""The page for NOC staff shows the configuration as it is read, and commands that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from noc import cli
from noc.alarms import runbook
from noc.alarms.channels import parse
from noc.rules.problems import Problem

TEXT = (Path(__file__).parents[4] / "docs/operations.md").read_text("utf-8")
SECTION = TEXT.partition("## Alarms\n")[2].partition("\n## ")[0]


def test_the_example_is_read() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", SECTION, re.DOTALL)
    text = example.replace("123456:…", f"123456:{'A' * 35}").replace("…", "x")
    assert [each.name for each in parse(text).channels] == ["piket", "dinas", "pusat"]


def test_the_commands_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    lines = re.findall(r"^sudo desahub-noc ((?:alarms|incident|window) .*?)(?:\s+#.*)?$", SECTION, re.MULTILINE)
    assert len(lines) == 10
    for line in lines:
        with pytest.raises(SystemExit) as ended:
            cli.main([*shlex.split(line), "--help"])
        assert ended.value.code == 0, line
        cli._parser().parse_args(shlex.split(line))
    capsys.readouterr()


def test_the_pages_have_what_to_do_for_each_problem() -> None:
    entries = runbook.entries(lambda text: text)
    assert set(entries) == set(Problem)
    assert all(each.meaning and each.steps for each in entries.values())
