"""The filter's rules and page, apart from what the goldens say."""

from __future__ import annotations

import dataclasses
import ipaddress

from appliance.core import encrypted_dns
from appliance.core.config import Config, parse
from appliance.network import dnsmasq, filter_rules, nftables, nginx, pages
from tests.golden.test_rendered import FOLDER

CONFIG: Config = parse((FOLDER / "filter" / "hub.toml").read_text("utf-8"))


def _chain(text: str, name: str) -> list[str]:
    return [line.strip() for line in text.partition(f"chain {name} {{\n")[2].partition("    }\n")[0].splitlines()]


def test_what_is_refused_is_refused_before_anything_is_let_through() -> None:
    forward = _chain(nftables.render(CONFIG), "forward")
    refusals = [place for place, line in enumerate(forward) if " reject " in line]
    lets = [place for place, line in enumerate(forward) if "accept" in line or "goto" in line or "jump" in line]
    assert len(refusals) == 10
    assert max(refusals) < min(lets)


def test_the_filters_redirect_comes_before_the_others() -> None:
    lines = _chain(nftables.render(CONFIG), "redirect_residents")
    assert [line.rpartition(":")[2] for line in lines[1:6]] == ["5300", "5300", "8081", "8081", "53"]
    assert not any("br-warga" in line and ("5300" in line or "8081" in line) for line in lines)


def test_encrypted_dns_may_be_left_alone() -> None:
    free = dataclasses.replace(CONFIG, filter=dataclasses.replace(CONFIG.filter, refuse_encrypted_dns=False))
    assert not any("853" in line or "encrypted" in line for line in filter_rules.forward(free))
    assert "set encrypted_dns" not in nftables.render(free)


def test_known_servers_are_networks_apart_and_none_is_private() -> None:
    found = [ipaddress.IPv4Network(address) for address in encrypted_dns.ADDRESSES]
    assert all(one.is_global and one.prefixlen >= 24 for one in found)
    assert not any(one.overlaps(other) for one in found for other in found if one is not other)


def test_the_cache_knows_the_boxs_own_names_and_asks_nobody_but_the_filter() -> None:
    lines = (dnsmasq.render_filtered(CONFIG) or "").splitlines()
    servers = [line for line in lines if line.startswith("server=")]
    assert servers == ["server=127.0.0.1#5335", "server=/bansos.example.go.id/127.0.0.1"]
    assert "interface-name=masuk.desa.internal,br-sekolah/4" in lines
    assert not any("dhcp" in line or "judi" in line for line in lines)
    assert "judi" not in dnsmasq.render(CONFIG), "other networks are not filtered"


def test_the_page_is_small_whole_and_repeats_nothing() -> None:
    html = pages.page(pages.BLOCKED, "Desa Suka'maju", "layanan.desa.internal")
    assert len(html) < 1_800
    assert not set("$'") & set(html)
    assert "script" not in html
    assert "Coba lagi" not in html, "it would lead to the same page"
    assert 'href="http://layanan.desa.internal/"' in html
    server = nginx.render(CONFIG).partition("listen 8081")[2].partition("\n    }\n")[0]
    assert not any(word in server for word in ("$host", "$request", "$uri", "$args", "proxy_pass"))
