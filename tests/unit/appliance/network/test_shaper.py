"""How the line is shared, as lines for tc."""

from __future__ import annotations

import dataclasses
import itertools
import re
from pathlib import Path

import pytest

from appliance.core.config import Config, parse
from appliance.core.config.uplink import Shaper, Speed
from appliance.network import nftables, shaper
from appliance.network.shaper import Leaf

FULL = Path(__file__).parents[3] / "golden/rendered/full/hub.toml"
READY = {"": 3, "biasa": 2}


@pytest.fixture
def config() -> Config:
    config = parse(FULL.read_text(encoding="utf-8"))
    line = dataclasses.replace(config.uplink, download_kbit=20_000, upload_kbit=5_000, shaper=Shaper.HTB)
    return dataclasses.replace(config, uplink=line, speeds=(Speed("biasa", "Biasa", 4_000, 9_000),))


def bridge(config: Config) -> str:
    return config.resident_networks[0].interface


def kbit(lines: str, minor: int) -> tuple[int, int]:
    found = re.search(rf"classid de5a:{minor:x} htb rate (\d+)kbit .*ceil (\d+)kbit", lines)
    assert found, f"no class {minor:x} in\n{lines}"
    return int(found[1]), int(found[2])


def test_each_direction_has_its_own_line(config: Config) -> None:
    assert kbit(shaper.whole(config, bridge(config), Leaf.BFIFO, READY), 1) == (20_000, 20_000)
    assert kbit(shaper.whole(config, config.uplink.interface, Leaf.BFIFO, READY), 1) == (5_000, 5_000)


def test_a_client_without_a_class_may_have_the_whole_line_and_is_promised_a_tiny_part(config: Config) -> None:
    rate, ceiling = kbit(shaper.whole(config, bridge(config), Leaf.BFIFO, READY), shaper.SLOTS_FIRST)
    assert ceiling == 20_000
    assert rate * shaper.SLOTS_MAX <= 20_000


def test_a_class_is_bounded_by_itself_and_by_the_line(config: Config) -> None:
    first = shaper.pools(config)[1].first
    assert kbit(shaper.whole(config, bridge(config), Leaf.BFIFO, READY), first)[1] == 4_000
    assert kbit(shaper.whole(config, config.uplink.interface, Leaf.BFIFO, READY), first)[1] == 5_000


def test_there_are_as_many_slots_as_asked_for_and_each_has_a_queue(config: Config) -> None:
    lines = shaper.whole(config, bridge(config), Leaf.BFIFO, READY)
    leaves = re.findall(r"class add .* parent de5a:1 classid (\S+) ", lines)
    queues = re.findall(r"qdisc add .* parent (\S+) bfifo", lines)
    assert leaves == queues
    assert len(leaves) == shaper.SHARED_COUNT + 5


def test_more_slots_follow_those_that_are_there(config: Config) -> None:
    lines = shaper.more(config, bridge(config), Leaf.BFIFO, "biasa", range(2, 4))
    first = shaper.pools(config)[1].first
    assert re.findall(r"classid (\S+) ", lines) == [shaper.class_text(first + 2), shaper.class_text(first + 3)]


def test_what_the_box_says_to_residents_is_not_shaped_and_what_it_says_outside_has_its_part(config: Config) -> None:
    assert "htb default 0 r2q " in shaper.whole(config, bridge(config), Leaf.BFIFO, READY)
    outside = shaper.whole(config, config.uplink.interface, Leaf.BFIFO, READY)
    assert "htb default 2 r2q " in outside
    assert kbit(outside, 2) == (500, 5_000)


def test_the_office_has_no_slots_but_leaves_by_address(config: Config) -> None:
    office = config.office_networks[0].interface
    lines = shaper.whole(config, office, Leaf.BFIFO, READY)
    assert f"classid {shaper.class_text(shaper.SLOTS_FIRST)} " not in lines
    assert lines.count("parent de5a:1 classid") == shaper.SHARED_COUNT


@pytest.mark.parametrize("line_kbit", [64, 1_000, 20_000, 10_000_000])
def test_a_burst_adds_little_to_the_first_seconds(config: Config, line_kbit: int) -> None:
    line = dataclasses.replace(config.uplink, download_kbit=line_kbit)
    lines = shaper.whole(dataclasses.replace(config, uplink=line), bridge(config), Leaf.BFIFO, READY)
    for ceiling, burst in re.findall(r"ceil (\d+)kbit cburst (\d+)b", lines):
        # Two frames at least; else at most 0.1 % of five seconds.
        assert int(burst) <= max(2 * 1514, int(ceiling) * 1000 / 8 * 5 * 0.001)


@pytest.mark.parametrize("line_kbit", [64, 1_000, 10_000_000])
def test_no_class_is_promised_more_than_it_may_have(config: Config, line_kbit: int) -> None:
    line = dataclasses.replace(config.uplink, download_kbit=line_kbit)
    slow = dataclasses.replace(config, uplink=line, speeds=(Speed("biasa", "Biasa", 64, 64),))
    found = re.findall(r"rate (\d+)kbit .*? ceil (\d+)kbit", shaper.whole(slow, bridge(config), Leaf.BFIFO, READY))
    assert found
    assert all(1 <= int(rate) <= int(ceiling) for rate, ceiling in found)


def test_the_kernels_own_queues_by_flow_are_used_where_there_are_any(config: Config) -> None:
    lines = shaper.whole(config, bridge(config), Leaf.FQ_CODEL, READY)
    assert lines.count("fq_codel limit 256") == shaper.SHARED_COUNT + 5


def test_cake_has_the_line_and_tells_hosts_apart(config: Config) -> None:
    line = dataclasses.replace(config.uplink, shaper=Shaper.CAKE)
    cake = dataclasses.replace(config, uplink=line, speeds=())
    inside = shaper.whole(cake, bridge(config), Leaf.BFIFO, {})
    outside = shaper.whole(cake, config.uplink.interface, Leaf.BFIFO, {})
    assert "cake bandwidth 20000kbit besteffort dual-dsthost" in inside
    assert "htb default 0 r2q " in inside, "what the box says to residents goes around cake"
    assert "root handle de5a: cake bandwidth 5000kbit besteffort dual-srchost nat" in outside
    chain = nftables.render(cake).partition("chain share_line")[2].partition("}\n")[0]
    assert f"meta priority set {shaper.class_text(shaper.CAKE_CLASS)}" in chain
    assert nftables.CLASS_MAP not in nftables.render(cake)


def test_classes_do_not_meet(config: Config) -> None:
    many = dataclasses.replace(config, speeds=tuple(Speed(f"s{i}", "S", 64, 64) for i in range(8)))
    firsts = [pool.first for pool in shaper.pools(many)]
    assert firsts[0] >= shaper.SHARED_FIRST + shaper.SHARED_COUNT
    assert all(later - earlier >= shaper.SLOTS_MAX for earlier, later in itertools.pairwise(firsts))
    assert firsts[-1] + shaper.SLOTS_MAX <= 0x10000


def minors_of(lines: str) -> set[int]:
    return {int(minor, 16) for minor in re.findall(r"class add .* classid de5a:([0-9a-f]+) ", lines)}


def test_the_slots_of_queues_that_are_whole_are_known_again(config: Config) -> None:
    for interface in shaper.interfaces(config):
        minors = minors_of(shaper.whole(config, interface, Leaf.BFIFO, READY))
        assert shaper.slots_of(config, interface, minors) == (READY if shaper.has_slots(config, interface) else {})
        for amiss in (minors - {1}, minors - {shaper.SHARED_FIRST + 5}, minors | {0x900}, set()):
            assert shaper.slots_of(config, interface, amiss) is None
    minors = minors_of(shaper.whole(config, bridge(config), Leaf.BFIFO, READY))
    assert shaper.slots_of(config, bridge(config), minors - {shaper.SLOTS_FIRST}) is None, "a hole"


def test_a_stamp_tells_all_that_makes_queues_and_not_how_many_slots_there_are(config: Config) -> None:
    def stamp_in(config: Config, ready: dict[str, int], leaf: Leaf = Leaf.BFIFO) -> str:
        found = re.search(r" r2q (\d+)\n", shaper.whole(config, bridge(config), leaf, ready))
        assert found
        assert int(found[1]) == shaper.stamp(config, bridge(config), leaf) < 2**31
        return found[1]

    ours = stamp_in(config, READY)
    assert stamp_in(config, {"": 256, "biasa": 1_024}) == ours
    faster = dataclasses.replace(config.uplink, download_kbit=20_001)
    upload = dataclasses.replace(config.uplink, upload_kbit=4_000)
    assert stamp_in(dataclasses.replace(config, uplink=upload), READY) == ours, "another direction"
    others = {
        stamp_in(dataclasses.replace(config, uplink=faster), READY),
        stamp_in(dataclasses.replace(config, speeds=(Speed("biasa", "Biasa", 4_001, 9_000),)), READY),
        stamp_in(config, READY, Leaf.FQ_CODEL),
    }
    assert len(others | {ours}) == 4
