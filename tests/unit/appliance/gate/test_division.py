"""What networks that fill the line together are bound to."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.config import Config, parse
from appliance.core.config.uplink import Shaper
from appliance.gate.division import QUIET_PART, Divider, bounds

FULL = Path(__file__).parents[3] / "golden/rendered/full/hub.toml"
LINE = 20_000


def test_one_alone_has_the_line_and_the_quiet_one_may_begin_with_a_quarter() -> None:
    assert bounds(LINE, {"a": 19_800.0, "b": 0.0}, {"a": LINE, "b": LINE}) == {"a": LINE, "b": 5_000}


def test_two_that_are_full_have_a_half_each_and_stay_so() -> None:
    halves = {"a": LINE // 2, "b": LINE // 2}
    assert bounds(LINE, {"a": 15_000.0, "b": 9_500.0}, {"a": LINE, "b": LINE}) == halves
    assert bounds(LINE, {"a": 9_900.0, "b": 9_800.0}, halves) == halves


def test_one_that_was_quiet_comes_to_its_half_though_it_was_bound() -> None:
    assert bounds(LINE, {"a": 19_000.0, "b": 4_900.0}, {"a": LINE, "b": 5_000}) == {"a": 10_000, "b": 10_000}


def test_who_asks_for_little_gets_it_and_the_rest_is_the_others() -> None:
    found = bounds(LINE, {"a": 17_000.0, "b": 2_000.0}, {"a": LINE, "b": 5_000})
    assert found == {"a": 16_000, "b": 7_000}


def test_one_that_grows_in_the_providers_queue_is_given_room_until_it_has_its_half() -> None:
    used, found = 3_300.0, {"a": LINE, "b": LINE}
    for _ in range(4):
        found = bounds(LINE, {"a": float(found["a"]), "b": used}, found)
        used = LINE - found["a"]
    assert found == {"a": 10_000, "b": 10_000}


def test_a_line_that_is_not_full_bounds_nobody() -> None:
    assert bounds(LINE, {"a": 9_000.0, "b": 3_000.0}, {"a": 10_000, "b": 10_000}) == {"a": LINE, "b": LINE}


def test_three_that_fill_the_line_to_the_last_digit_divide_by_nothing() -> None:
    used = 46_944.299999999996  # three times that is 0.9 of the line, and each less than 0.9 of a third
    assert min(bounds(156_481, dict.fromkeys("abc", used), {}).values()) > used


@given(st.integers(64, 10_000_000), st.lists(st.floats(0, 2), min_size=2, max_size=6), st.data())
def test_together_it_is_never_more_than_the_line_and_a_quarter_for_each_quiet_one(
    line: int, parts: list[float], data: st.DataObject
) -> None:
    used = {str(number): part * line for number, part in enumerate(parts)}
    old = {name: data.draw(st.integers(1, line)) for name in used}
    found = bounds(line, used, old)
    assert all(1 <= kbit <= line for kbit in found.values())
    if sum(used.values()) >= line:
        quiet = len(used) - 1
        assert sum(found.values()) <= max(line, sum(used.values())) + quiet * QUIET_PART * line + len(used)


class Kernel:
    """What passed each bridge, and what tc was told."""

    def __init__(self) -> None:
        self.passed: dict[str, int | None] = {}
        self.batches: list[str] = []

    def passed_bytes(self, interface: str) -> int | None:
        return self.passed.get(interface)

    def batch(self, lines: str) -> None:
        if lines:
            self.batches.append(lines)

    def pass_kbit(self, seconds: float, **kbit: int) -> None:
        for name, count in zip(self.passed, kbit.values(), strict=True):
            self.passed[name] = (self.passed[name] or 0) + int(count * 125 * seconds)


@pytest.fixture
def config() -> Config:
    config = parse(FULL.read_text(encoding="utf-8"))
    line = dataclasses.replace(config.uplink, download_kbit=LINE, shaper=Shaper.HTB)
    return dataclasses.replace(config, uplink=line, networks=config.networks[:2])


def told(kernel: Kernel) -> list[int]:
    return [int(kbit) for kbit in re.findall(r"ceil (\d+)kbit", kernel.batches[-1])]


def test_the_kernel_is_told_what_changes_and_no_more(config: Config) -> None:
    kernel, now = Kernel(), [10.0]
    names = [network.interface for network in config.networks]
    kernel.passed = dict.fromkeys(names, 0)
    divider = Divider(kernel, lambda: now[0])

    def look(**kbit: int) -> int:
        now[0] += 2
        kernel.pass_kbit(2, **kbit)
        divider.look(config, names)
        return len(kernel.batches)

    assert look(a=0, b=0) == 0, "the first look has nothing to compare with"
    assert look(a=0, b=0) == 1
    assert told(kernel) == [LINE, LINE]
    assert look(a=18_000, b=17_000) == 2
    assert told(kernel) == [LINE // 2, LINE // 2]
    assert look(a=9_900, b=9_800) == 2
    assert look(a=1_000, b=9_800) == 3
    assert told(kernel) == [LINE, LINE]
    kernel.passed[names[0]] = 0  # made anew
    assert look(a=0, b=0) == 3
    assert look(a=0, b=0) == 4
    assert f"dev {names[0]} " in kernel.batches[-1]
    assert f"dev {names[1]} " not in kernel.batches[-1]


def test_one_network_alone_is_never_bound(config: Config) -> None:
    kernel = Kernel()
    alone = dataclasses.replace(config, networks=config.networks[:1])
    kernel.passed = {alone.networks[0].interface: 0}
    divider = Divider(kernel)
    for _ in range(3):
        divider.look(alone, kernel.passed)
    assert kernel.batches == []
