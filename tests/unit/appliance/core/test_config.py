"""What hub.toml may say: each refusal with its place, and nothing that only looks right."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.config import parse
from appliance.core.config.networks import NETWORKS_MAX
from appliance.core.errors import ConfigError
from appliance.core.probes import PROBE_HOSTS

FULL = (Path(__file__).parents[3] / "golden/rendered/full/hub.toml").read_text(encoding="utf-8")


def _refusals(text: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        parse(text)
    return [str(problem) for problem in refused.value.problems]


def _with(old: str, new: str) -> str:
    assert old in FULL
    return FULL.replace(old, new, 1)


def test_the_example_is_right() -> None:
    assert parse(FULL).networks[0].address == "10.20.0.1/20"


@pytest.mark.parametrize(
    "address",
    [
        "10.20.0.1/255.255.240.0", "10.20.0.1/0.0.15.255", "10.20.0.1", "10.20.0.1/٢٠", "10.20.0.1/020", "10.20.0.1/33",
        "127.0.0.1/8", "127.5.0.1/24", "0.0.0.1/8", "169.254.1.1/24", "224.0.0.1/24", "239.1.2.3/24", "240.0.0.1/24",
        "255.255.255.1/24", "10.20.0.1/0", "128.0.0.1/1", "10.20.0.0/20", "10.20.15.255/20", "10.20.0.1/30",
    ],
)  # fmt: skip
def test_addresses_that_no_network_has_are_refused(address: str) -> None:
    [said] = _refusals(_with('address = "10.20.0.1/20"', f'address = "{address}"'))
    assert said.startswith("networks[0].address: is ")
    assert "/8 to /29" in said


@given(st.from_regex(r"\d{1,3}(\.\d{1,3}){3}/[\d.]{1,15}", fullmatch=True))
def test_an_address_is_taken_only_as_it_is_written(address: str) -> None:
    try:
        taken = parse(_with('"10.20.0.1/20"', f'"{address}"')).networks[0]
    except ConfigError:
        return
    assert taken.interface_address.with_prefixlen == address
    assert address.isascii()


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('"51.03.01.2001"', '"٥١.03.01.2001"', "village.kode_wilayah"),
        ("[kiosk]", '[agent]\ntargets = ["1.1.1.1:٤٤٣"]\n[kiosk]', "agent.targets[0]"),
        ('"masuk.sukamaju.internal"', '"127.0.0.1"', "portal.host"),
        ('"masuk.sukamaju.internal"', '"masuk.7"', "portal.host"),
        ('"masuk.sukamaju.internal"', '"masuk.0x7f"', "portal.host"),
        ('interface = "br-warga"', 'interface = "lo"', "networks[0].interface"),
        ('interface = "br-warga"', 'interface = "ap-kantor"', "networks[0].interface"),
        ('interface = "eth0"', 'interface = "lo"', "uplink.interface"),
        ('interface = "wlan0"', 'interface = "ap-warga"', "radio.interface"),
    ],
)
def test_what_only_looks_right_is_refused_at_its_place(old: str, new: str, place: str) -> None:
    [said] = _refusals(_with(old, new))
    assert said.startswith(f"{place}: is ")
    assert "allowed" in said


@pytest.mark.parametrize("domain", sorted(PROBE_HOSTS))
def test_a_probe_host_may_not_be_blocked(domain: str) -> None:
    [said] = _refusals(_with('"slot.example"', f'"{domain}"'))
    assert said.startswith("filter.blocked_domains[1]: is ")
    assert "no login window" in said


@pytest.mark.parametrize(
    ("domain", "blocks"),
    [
        ("masuk.sukamaju.internal", "portal.host"), ("sukamaju.internal", "masuk.sukamaju.internal"),
        ("layanan.sukamaju.internal", "kiosk.host"), ("apple.com", "captive.apple.com"), ("example.go.id", "noc.host"),
    ],
)  # fmt: skip
def test_a_domain_above_a_needed_name_may_not_be_blocked(domain: str, blocks: str) -> None:
    text = _with('"slot.example"', f'"{domain}"') + '\n[noc]\nhost = "noc.example.go.id"\n'
    [said] = _refusals(text)
    assert blocks in said


def test_a_domain_beside_or_below_a_needed_name_may_be_blocked() -> None:
    text = _with('"slot.example"', '"ads.apple.com", "notapple.com", "le.com"')
    assert len(parse(text).filter.blocked_domains) == 4


def test_lists_have_an_end() -> None:
    networks = "".join(
        f'[[networks]]\nname = "n{i}"\nkind = "resident"\ninterface = "br-n{i}"\naddress = "10.{i + 40}.0.1/24"\n'
        f'ssid = "S{i}"\n'
        for i in range(NETWORKS_MAX + 1)
    )
    head = FULL[: FULL.index("[[networks]]")]
    assert _refusals(head + networks) == ["networks: has 9 entries, allowed are at most 8"]
    servers = ", ".join(['"9.9.9.9"'] * 9)
    assert _refusals(_with('["9.9.9.9"]', f"[{servers}]")) == [
        "uplink.dns_servers: has 9 entries, allowed are at most 8"
    ]


@pytest.mark.parametrize(
    "text",
    ["x = " + "[" * 3000 + "]" * 3000, "x = " + "9" * 5000, "x = 1979-99-99", "\x1b[31m = 1", "a.b = 1\na.b.c = 1"],
)
def test_text_that_is_no_toml_is_one_readable_line(text: str) -> None:
    [said] = _refusals(text)
    assert said.startswith("hub.toml: is ")
    assert said.isprintable()
    assert len(said) < 300


def test_an_unknown_key_says_nothing_to_the_terminal() -> None:
    [said] = _refusals('"\\u001b[2J\\nhub.id: is fine" = 1\n' + FULL)
    assert said.isprintable()
    assert "is not a known key" in said
    long = next(said for said in _refusals(f"{'k' * 100_000} = 1\n" + FULL))
    assert len(long) < 400


@pytest.mark.parametrize("number", ["0x" + "f" * 5000, "0b" + "1" * 20_000, "9" * 200])
def test_a_number_too_long_to_write_is_refused_in_words(number: str) -> None:
    [said] = _refusals(
        FULL.replace("[village]", f"[village]\npopulation = {number}", 1).replace("population = 4210\n", "")
    )
    assert said.startswith("village.population: is a number of more than 80 digits")


def test_a_name_of_blanks_is_no_name() -> None:
    old = next(line for line in FULL.splitlines() if line.startswith("name = "))
    [said] = _refusals(_with(old, 'name = "   "'))
    assert said.startswith("village.name: is '   '")
    assert "not only blanks" in said


def test_a_key_of_an_earlier_release_is_told_its_new_place() -> None:
    assert _refusals(_with("[portal]\n", "[portal]\nsession_seconds = 14400\n")) == [
        "portal.session_seconds: is not a known key, write it into [[networks]], whose own it is now"
    ]


def test_a_whole_registry_is_no_walled_garden() -> None:
    said = _refusals(_with('walled_garden = ["192.0.2.54"', 'walled_garden = ["go.id"'))
    assert any(text.startswith("portal.walled_garden[0]: is 'go.id', under which everybody has sites") for text in said)
