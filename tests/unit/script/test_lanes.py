"""The lanes of script/test: at once, and together all tests."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
# What stands in for set-up, and for a lane's own /run and control group.
AROUND = """
set -euo pipefail
say() { echo "$*"; }
end_group() { :; }
apart() { shift; exec "$@"; }
lanes=("unit")
unsteady_most=2
"""
ONE_LANE = """
set -euo pipefail
say() { echo "$*"; }
end_group() { :; }
apart() { echo begun; exec env --default-signal=INT sleep 30; }
lanes=("unit")
%s
run_lanes
"""


def test_each_test_is_in_one_lane() -> None:
    [lanes] = re.findall(r"(?m)^lanes=\((.*)\)$", (TESTS.parent / "script/test").read_text(encoding="utf-8"))
    in_lanes = [suite for lane in re.findall(r'"([^"]+)"', lanes) for suite in lane.split()]
    [suites] = re.findall(r"(?m)^SUITES = \((.*)\)$", (TESTS / "conftest.py").read_text(encoding="utf-8"))
    assert sorted(in_lanes) == sorted(re.findall(r'"(\w+)"', suites))
    assert {path.relative_to(TESTS).parts[0] for path in TESTS.rglob("test_*.py")} == set(in_lanes)


def test_who_is_told_to_end_ends_the_lanes_at_once(tmp_path: Path) -> None:
    script = (TESTS.parent / "script/test").read_text(encoding="utf-8")
    [run_lanes] = re.findall(r"(?ms)^run_lanes\(\) \{$.*?^\}$", script)
    with subprocess.Popen(["bash", "-c", ONE_LANE % run_lanes], cwd=tmp_path, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert b"begun\n" in iter(process.stdout.readline, b"")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 143


def _run_lanes(folder: Path, test: str) -> subprocess.CompletedProcess[str]:
    """Run one lane whose only file is ``test``, as script/test does."""
    script = (TESTS.parent / "script/test").read_text(encoding="utf-8")
    functions = re.findall(r"(?ms)^(?:run_lanes|once_more|what_matters)\(\) \{$.*?^\}$", script)
    assert len(functions) == 3
    (folder / "tests/unit").mkdir(parents=True)
    (folder / "tests/unit/test_toy.py").write_text(test, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (folder / ".venv/bin").mkdir(parents=True)
    # A link would lose its packages.
    python = folder / ".venv/bin/python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    return subprocess.run(
        ["bash", "-c", AROUND + "\n".join(functions) + "\nrun_lanes"],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_what_failed_beside_the_others_and_passes_alone_is_named_and_does_not_fail_the_run(tmp_path: Path) -> None:
    ran = _run_lanes(
        tmp_path,
        "import pathlib\n"
        "def test_steady(): pathlib.Path('ran').open('a').write('x')\n"
        "def test_unsteady():\n"
        "    seen = pathlib.Path('seen')\n"
        "    was_there = seen.exists()\n"
        "    seen.touch()\n"
        "    assert was_there\n",
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 failed; again, alone" in ran.stdout
    assert '"tests/unit/test_toy.py::test_unsteady"' in ran.stdout
    assert "lane unit: what failed beside the others passed alone" in ran.stdout
    assert "exit status 1" in ran.stdout, "the first run is told as it was"
    assert (tmp_path / "ran").read_text() == "x", "only what failed is run again"


@pytest.mark.parametrize(
    ("test", "asked_again"),
    [
        ("def test_wrong(): assert False\n", True),
        ("".join(f"def test_{i}(): assert False\n" for i in range(3)), False),
        ("import nothing_of_this_name\n", False),
    ],
    ids=["fails alone too", "too many", "pytest itself stopped"],
)
def test_what_is_wrong_stays_wrong(tmp_path: Path, test: str, asked_again: bool) -> None:
    ran = _run_lanes(tmp_path, test)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert ("again, alone" in ran.stdout) is asked_again
    assert "passed alone" not in ran.stdout
