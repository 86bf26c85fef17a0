"""The lanes of script/test: at once, and together all tests."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[2]


def test_each_test_is_in_one_lane() -> None:
    [lanes] = re.findall(r"(?m)^lanes=\((.*)\)$", (TESTS.parent / "script/test").read_text(encoding="utf-8"))
    in_lanes = [suite for lane in re.findall(r'"([^"]+)"', lanes) for suite in lane.split()]
    [suites] = re.findall(r"(?m)^SUITES = \((.*)\)$", (TESTS / "conftest.py").read_text(encoding="utf-8"))
    assert sorted(in_lanes) == sorted(re.findall(r'"(\w+)"', suites))
    assert {path.relative_to(TESTS).parts[0] for path in TESTS.rglob("test_*.py")} == set(in_lanes)
