"""The page for NOC staff names every alarm with its true times, and every class with its column."""

from __future__ import annotations

import re
from pathlib import Path

from noc.papers import sla_csv
from noc.rules.problems import RULES, Problem
from noc.rules.sla import SlaClass

PAGE = (Path(__file__).parents[4] / "docs/sla.md").read_text("utf-8")


def test_each_alarm_has_a_row_with_its_times() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", PAGE, re.MULTILINE))
    for problem in Problem:
        rule = RULES[problem]
        raised, cleared = rule.raise_after_ms // 60_000, rule.clear_after_ms // 60_000
        assert rows[problem] in {f"{raised}, {cleared} min", f"{raised} min, {cleared // 1440} day"}, problem


def test_each_class_has_a_row_with_its_column() -> None:
    header = sla_csv.write([])
    for sla_class, column in re.findall(r"^\| `(\w+)` \| `(\w+_detik)` \|", PAGE, re.MULTILINE):
        assert SlaClass(sla_class)
        assert column in header
    assert all(f"| `{each}` |" in PAGE for each in SlaClass)
