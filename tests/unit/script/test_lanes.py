"""The lanes of script/test: at once, and together all tests."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

TESTS = Path(__file__).parents[2]
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
