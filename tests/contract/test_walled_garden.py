"""Names of the walled garden with the real dnsmasq and firewall: open when asked for, and forgotten in time."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.core.config import Config, parse
from appliance.network import dnsmasq, nftables
from tests.contract.small_village import HUB_TOML, SmallVillage, run, small_village, wait_until

pytestmark = pytest.mark.root
NAME, BELOW, OTHER = "bansos.example.go.id", "www.bansos.example.go.id", "berita.example"
ADDRESSES = {NAME: ("198.18.0.53", 60), BELOW: ("198.18.0.54", 86_400), OTHER: ("198.18.0.99", 60)}
OPEN, CLOSED = "internet", ("TimeoutError", "ConnectionRefusedError", "ConnectionResetError")


@pytest.fixture
def config() -> Config:
    return parse(HUB_TOML + f'[portal]\nwalled_garden = ["{NAME}"]\n')


@pytest.fixture
def village(own_network: None, tmp_path: Path) -> Iterator[SmallVillage]:
    with small_village(tmp_path) as made:
        for address, _ in ADDRESSES.values():
            run("ip", "address", "add", f"{address}/24", "dev", "eth0", inside=made.internet)
        for port in (80, 443, 8443):
            made.greet(made.internet, port, b"internet")
        made.greet(None, nftables.REDIRECT_PORT, b"redirect")
        made.give_address()
        yield made


def in_the_garden() -> dict[str, int]:
    """The set's addresses, with the seconds each is kept if nobody uses it."""
    said = json.loads(run("nft", "-j", "list", "set", "inet", "desahub", nftables.GARDEN_NAMES_SET))
    elements = next(one["set"] for one in said["nftables"] if "set" in one).get("elem", [])
    return {one["elem"]["val"]: one["elem"]["expires"] for one in elements}


def test_a_name_is_open_once_it_is_asked_for_and_nothing_else_is(village: SmallVillage, config: Config) -> None:
    run("nft", "-f", "-", text=nftables.render(config))
    village.names(ADDRESSES)
    village.dnsmasq(dnsmasq.render(config))
    garden, below, other = (address for address, _ in ADDRESSES.values())
    assert village.reaches(garden, 80) == "redirect"
    assert village.reaches(garden, 443) in CLOSED
    assert village.resolves(NAME) == [garden]
    assert (village.reaches(garden, 80), village.reaches(garden, 443)) == (OPEN, OPEN), "before any login"
    assert village.reaches(garden, 8443) in CLOSED, "an address is shared by many names: pages only"
    assert village.reaches(below, 80) == "redirect"
    assert village.resolves(BELOW) == [below]
    assert village.reaches(below, 443) == OPEN, "with everything below the name"
    assert village.resolves(OTHER) == [other]
    assert village.reaches(other, 80) == "redirect"
    assert village.reaches(other, 443) in CLOSED
    found = in_the_garden()
    assert set(found) == {garden, below}
    assert all(0 < seconds <= 6 * 3_600 for seconds in found.values())


def test_nobody_is_told_to_keep_an_answer_longer_than_the_firewall_keeps_its_address(
    village: SmallVillage, config: Config
) -> None:
    run("nft", "-f", "-", text=nftables.render(config))
    asked = village.names(ADDRESSES)
    village.dnsmasq(dnsmasq.render(config))
    village.resolves(BELOW)
    village.resolves(BELOW)
    assert asked.count(BELOW) == 1, "the second answer is the cache's"
    limits = [line for line in dnsmasq.render(config).splitlines() if line.startswith(("max-ttl=", "max-cache-ttl="))]
    assert limits == ["max-ttl=3600", "max-cache-ttl=3600"]


def test_use_keeps_an_address_and_disuse_forgets_it(village: SmallVillage, config: Config) -> None:
    ruleset = nftables.render(config)
    assert ruleset.count("timeout 6h") == 1
    run("nft", "-f", "-", text=ruleset.replace("timeout 6h", "timeout 3s"))
    village.names(ADDRESSES)
    village.dnsmasq(dnsmasq.render(config))
    garden = ADDRESSES[NAME][0]
    unused = ADDRESSES[BELOW][0]
    village.resolves(NAME)
    village.resolves(BELOW)
    begun = time.monotonic()
    while time.monotonic() - begun < 5:
        assert village.reaches(garden, 443) == OPEN
        time.sleep(0.2)
    assert set(in_the_garden()) == {garden}, "the one that nobody used is forgotten"
    assert village.reaches(unused, 443) in CLOSED
    wait_until(lambda: in_the_garden() == {}, "the garden to be empty")
    assert village.reaches(garden, 80) == "redirect"


def test_new_rules_and_a_new_dnsmasq_bring_the_garden_back_at_the_next_question(
    village: SmallVillage, config: Config
) -> None:
    run("nft", "-f", "-", text=nftables.render(config))
    village.names(ADDRESSES)
    process = village.dnsmasq(dnsmasq.render(config))
    garden = ADDRESSES[NAME][0]
    village.resolves(NAME)
    run("nft", "-f", "-", text=nftables.render(config))
    assert in_the_garden() == {}
    village.resolves(NAME)
    assert in_the_garden() == {}, "a cached answer fills nothing: so `apply` starts dnsmasq anew after new rules"
    process.terminate()
    process.wait(10)
    village.dnsmasq(dnsmasq.render(config))
    village.resolves(NAME)
    assert set(in_the_garden()) == {garden}
    assert village.reaches(garden, 443) == OPEN
