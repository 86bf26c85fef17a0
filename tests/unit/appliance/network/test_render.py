"""Rules of the rendered texts that goldens alone would not say."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from appliance.core import schema
from appliance.core.config import Config, parse
from appliance.core.errors import ConfigError
from appliance.network import dnsmasq, hostapd, networkd, nftables, nginx, pages
from appliance.network.render import render

FULL = Path(__file__).parents[3] / "golden/rendered/full/hub.toml"
CONFIG = parse(FULL.read_text(encoding="utf-8"))
RESIDENTS, OFFICE = CONFIG.networks

hostile = st.text(max_size=40) | st.sampled_from(
    ['"; flush ruleset; "', "a\nserver=6.6.6.6", "x;\n}\nserver { listen 81; }", "$(reboot)", "`id`", "br\tx",
     "\u2028x", "../../etc/shadow", "/etc/x\nwpa=0", "'; return 200 'x", "masuk.desa.internal/6.6.6.6"]
)  # fmt: skip


def _document(**texts: str) -> dict[str, Any]:
    return {
        "village": {
            "name": texts["name"], "kode_wilayah": "51.03.01.2001", "kecamatan": texts["name"],
            "kabupaten": "Kabupaten Badung", "provinsi": "Bali", "timezone": "Asia/Makassar",
            "head_name": texts["name"],
        },
        "hub": {"id": "hub-7k2m9q"},
        "uplink": {"interface": texts["uplink"], "download_kbit": 20_000, "upload_kbit": 5_000},
        "radio": {"interface": "wlan0"},
        "networks": [
            {"name": "warga", "kind": "resident", "interface": texts["bridge"], "address": "10.20.0.1/20",
             "ssid": texts["ssid"]},
            {"name": "kantor", "kind": "office", "interface": "br-kantor", "address": "10.30.0.1/24", "ssid": "Kantor",
             "passphrase_file": texts["file"]},
        ],
        "portal": {"host": texts["host"], "walled_garden": [texts["garden"]]},
        "filter": {"blocked_domains": [texts["domain"]]},
    }  # fmt: skip


HARMLESS = {
    "name": "Sukamaju", "uplink": "eth0", "bridge": "br-warga", "ssid": "Desa", "file": "/etc/desahub/secrets/k.psk",
    "host": "masuk.desa.internal", "garden": "192.0.2.53", "domain": "judi.example",
}  # fmt: skip


def _shape(**texts: str) -> dict[str, int]:
    config = schema.load(Config, _document(**(HARMLESS | texts)))
    return {file.path: file.text.count("\n") for file in render(config)}


SHAPE = _shape()
# What may be opened before login is an address or a name, and each is written in places of its own.
SHAPE_OF_A_NAME = _shape(garden="belajar.example")


@given(st.sampled_from(sorted(HARMLESS)), hostile)
@example("garden", "0.a")
@example("garden", "198.51.100.1")
def test_no_value_breaks_out_of_its_place(key: str, value: str) -> None:
    """Whatever hub.toml says is refused, or every file keeps its lines and names the village to people alone."""
    try:
        config = schema.load(Config, _document(**(HARMLESS | {key: value})))
    except ConfigError:
        return
    usual = {"uplink": "eth0", "bridge": "br-warga"}.get(key, "")
    files = {
        file.path.replace(f"10-desahub-{value}.", f"10-desahub-{usual}.") if usual else file.path: file.text
        for file in render(config)
    }
    wanted = SHAPE_OF_A_NAME if key == "garden" and config.portal.garden_names else SHAPE
    assert {path: len(text.split("\n")) - 1 for path, text in files.items()} == wanted
    for text in files.values():
        assert all(character == "\n" or character.isprintable() for character in text)
        if key == "name" and len(value) > 12:
            # Only nginx's own pages name the village, each within one quoted string.
            lines = [line.strip() for line in text.split("\n") if value in line]
            assert all(re.fullmatch(r"return \d+ '[^'$\\]*';", line) for line in lines)


def test_no_file_holds_a_secret_and_modes_are_plain() -> None:
    for file in render(CONFIG):
        assert file.mode == 0o644
        assert "passphrase=" not in file.text


@pytest.mark.parametrize(
    ("address", "first", "last"),
    [
        ("10.20.0.1/20", "10.20.0.18", "10.20.15.254"),
        ("10.30.0.254/24", "10.30.0.1", "10.30.0.253"),
        ("10.30.0.200/24", "10.30.0.1", "10.30.0.199"),
        ("10.0.0.1/29", "10.0.0.2", "10.0.0.6"),
    ],
)
def test_the_pool_fills_the_longer_side_of_the_box(address: str, first: str, last: str) -> None:
    network = dataclasses.replace(RESIDENTS, address=address)
    assert [str(end) for end in dnsmasq.pool(network)] == [first, last]


@given(st.integers(8, 29), st.integers(0, 2**32 - 1))
def test_the_pool_is_in_the_network_and_leaves_the_box_out(prefix: int, number: int) -> None:
    made = ipaddress.IPv4Interface(f"{ipaddress.IPv4Address(number)}/{prefix}")
    if made.ip in (made.network.network_address, made.network.broadcast_address):
        return
    start, end = dnsmasq.pool(dataclasses.replace(RESIDENTS, address=str(made)))
    assert made.network.network_address < start <= end < made.network.broadcast_address
    assert not start <= made.ip <= end


def test_the_fingerprint_is_that_of_the_rules_alone() -> None:
    print_ = nftables.fingerprint(CONFIG)
    assert f'comment "ruleset {print_}"' in nftables.render(CONFIG)
    assert nftables.render(CONFIG, "add element x\n").endswith("}\nadd element x\n")
    renamed = dataclasses.replace(CONFIG, village=dataclasses.replace(CONFIG.village, name="Lain"))
    assert nftables.fingerprint(renamed) == print_
    moved = dataclasses.replace(CONFIG, uplink=dataclasses.replace(CONFIG.uplink, interface="eth9"))
    assert nftables.fingerprint(moved) != print_


def test_residents_pass_only_through_the_sets_and_never_by_being_established() -> None:
    forward = nftables.render(CONFIG).partition("chain forward {")[2].partition("    }")[0]
    assert "policy drop;" in forward
    lines = [line.strip() for line in forward.splitlines() if '"br-warga"' in line]
    assert [line.rpartition("jump ")[2] for line in lines if "jump" in line] == ["resident_out", "resident_in"]
    others = [line for line in lines if "jump" not in line]
    assert len(others) == 2
    assert all("@walled_garden" in line and line.endswith("accept") for line in others)
    for chain, name in (("resident_out", "@admitted accept"), ("resident_in", "@admitted_return accept")):
        body = nftables.render(CONFIG).partition(f"chain {chain} {{")[2].partition("    }")[0]
        accepts = [line for line in body.splitlines() if "accept" in line]
        assert [line.endswith(name) for line in accepts] == [True]


def test_resident_networks_are_open_and_apart_and_office_ones_encrypted() -> None:
    open_, office = hostapd.render(CONFIG, RESIDENTS), hostapd.render(CONFIG, OFFICE)
    assert open_ is not None
    assert office is not None
    assert "ap_isolate=1" in open_
    assert "wpa=0" in open_
    assert "wpa_psk_file=/etc/desahub/secrets/kantor.psk" in office
    assert "interface=ap-kantor\n" in office
    assert bytes.fromhex(re.findall(r"ssid2=([0-9a-f]+)", open_)[0]).decode() == RESIDENTS.ssid
    assert hostapd.render(dataclasses.replace(CONFIG, radio=None), RESIDENTS) is None


def test_links_do_not_offer_ipv6() -> None:
    for name, text in networkd.render(CONFIG).items():
        if name.endswith(".network"):
            assert "LinkLocalAddressing=no" in text
            assert "IPv6AcceptRA=no" in text


def test_pages_are_small_and_cannot_end_nginx_own_quotes() -> None:
    for one in pages.PAGES:
        html = pages.page(one, "Desa Suka'maju", "layanan.desa.internal")
        assert len(html) < 1500
        assert "'" not in html
        assert "$" not in html
        assert "script" not in html


def test_only_office_networks_and_the_box_itself_are_places() -> None:
    places = nginx.render(CONFIG).partition("geo $desa_place {")[2].partition("}")[0]
    assert places.split() == ["default", "resident;", "127.0.0.0/8", "hall;", "10.30.0.0/24", "office;"]


def test_pages_look_like_the_programs_and_say_whose_they_are_and_the_code() -> None:
    tokens = (Path(pages.__file__).parents[1] / "faces" / "static" / "tokens.css").read_text("utf-8")
    assert {
        name: colour for name, colour in re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", tokens) if name in pages.COLOURS
    } == (pages.COLOURS)
    for one in pages.PAGES:
        html = pages.page(one, "Desa Sukamaju", "layanan.desa.internal")
        assert "<b>Desa Sukamaju</b>" in html and f"Kode: {one.answer} {one.name.upper()}" in html
        assert 'href="http://layanan.desa.internal/"' in html


def test_a_village_name_is_text_to_nginx_and_to_the_browser() -> None:
    html = pages.page(pages.PAGES[0], "Desa <b>D'$uri\\\"{};", "layanan.desa.internal")
    assert "Desa &#60;b&#62;D&#39;&#36;uri&#92;&#34;&#123;&#125;&#59;" in html
    assert not set("$'\\") & set(html)
