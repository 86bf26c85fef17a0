"""The firewall: table ``inet desahub`` and the counts in ``bridge desahub``, as one file for one transaction.

Default deny. A device in a resident network gets through while its address and MAC are in the set ``admitted``; the
set is asked for every forwarded packet, so taking a device out cuts its running connections too.

What a device receives is counted where a bridge hands it to its ports: behind the queue of `shaper`, since what waits
there may be dropped, and nobody is to pay for what never came.

Source: nft(8) of nftables 1.0.6. ``fwd`` is a reserved word there, and there is no ``destroy``.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable

from appliance.core.config import Config
from appliance.core.config.networks import Network
from appliance.core.config.uplink import Shaper
from appliance.network import filter_rules, shaper

TABLE = "inet desahub"
COUNTS_TABLE = "bridge desahub"
# What each admitted address has received; the only set of `COUNTS_TABLE`.
RECEIVED_SET = "received"
CLIENTS_MAX = 8_192
REDIRECT_PORT = 8080
# How long the box remembers when a device last sent something; longer than any idle_seconds of hub.toml.
SEEN_SECONDS = 90_000
# A client's class of the shaper, by address; the gate fills it.
CLASS_MAP = "client_class"
# Addresses of the walled garden's names, filled by dnsmasq.
GARDEN_NAMES_SET = "walled_garden_names"
# A phone that wakes up asks some 50 names at once; a tunnel through DNS wants hundreds a second, all day.
_DNS_LIMIT = "limit rate over 50/second burst 200 packets"
# Before login names are all that passes: enough to find the portal, too little for a tunnel to be worth it.
_DNS_LIMIT_OF_STRANGERS = "limit rate over 10/second burst 200 packets"
# New connections of a device that is not let through: each makes the box remember something, for whatever source
# address it names. A phone that wakes up tries some 50 at once.
_KNOCK_LIMIT = "limit rate over 50/second burst 250 packets"
# Each packet that its quota stops renews it; the gate takes a device out that gets a new one.
_EXHAUSTED_SECONDS = 10
_SYN = "tcp flags & (fin | syn | rst | ack) {} syn"
_PING_LIMIT = "icmp type echo-request limit rate 20/second burst 40 packets accept"


def render(config: Config, elements: str = "") -> str:
    """The whole ruleset as text.

    Args:
        config: the village's configuration.
        elements: ``add element`` lines to load in the same transaction, for example who is admitted; they do not
            change the fingerprint.
    """
    body = _body(config)
    comment = f'    comment "ruleset {_hash(body + _counts())}"\n'
    # Declared, deleted and defined in one file: reloading is one transaction, with no moment without rules.
    fresh = "".join(f"table {table}\ndelete table {table}\n" for table in (TABLE, COUNTS_TABLE))
    return (
        "# Written by desahub from hub.toml; changes here are lost.\n"
        f"{fresh}\ntable {TABLE} {{\n{comment}{body}}}\n\n"
        f"table {COUNTS_TABLE} {{\n{comment}{_counts()}}}\n{elements}"
    )


def fingerprint(config: Config) -> str:
    """SHA-256 of the ruleset, in hexadecimal. Both tables carry it as their comment."""
    return _hash(_body(config) + _counts())


def _hash(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def _body(config: Config) -> str:
    chains = [_guard(config), _input(config)]
    chains += [_from_network(network) for network in config.networks]
    chains += [_dns_limit(config), *_residents(), _forward(config)]
    chains += [_share_line(config), _redirect(config), _masquerade(config)]
    return "\n".join([_sets(config), *chains])


def _block(head: str, lines: Iterable[str]) -> str:
    inner = "".join(f"        {line}\n" for line in lines)
    return f"    {head} {{\n{inner}    }}\n"


def _set_of(items: Iterable[object]) -> str:
    return "{ " + ", ".join(str(item) for item in items) + " }"


def _interfaces(networks: Iterable[Network]) -> str:
    return _set_of(f'"{network.interface}"' for network in networks)


def _own(network: Network) -> ipaddress.IPv4Address:
    return network.interface_address.ip


def _sets(config: Config) -> str:
    size = f"size {CLIENTS_MAX}"
    blocks = [
        _block("set admitted", ["type ipv4_addr . ether_addr", size, "flags timeout", "counter"]),
        _block("set admitted_return", ["type ipv4_addr", size, "flags timeout"]),
        # Only the gate writes it, so that it has no timeouts.
        _block("map quota_of", ["type ipv4_addr : quota", size]),
        # Packets write these: when a device last sent something, and who has used up its quota just now.
        *(
            _block(f"set {name}", ["type ipv4_addr", "size 65535", "flags dynamic,timeout", f"timeout {seconds}s"])
            for name, seconds in (("seen", SEEN_SECONDS), ("exhausted", _EXHAUSTED_SECONDS))
        ),
        # By MAC: one device can name every address of its network.
        *(
            _block(f"set {name}", ["type ether_addr", "size 65535", "flags dynamic,timeout", "timeout 1m"])
            for name in ("dns_askers", "dns_strangers", "knockers")
        ),
    ]
    if config.uplink.shaper is Shaper.HTB:
        blocks.append(_block(f"map {CLASS_MAP}", ["type ipv4_addr : classid", size]))
        spread = (f"0.0.0.{i} : {shaper.class_text(shaper.SHARED_FIRST + i)}" for i in range(shaper.SHARED_COUNT))
        blocks.append(_block("map shared_class", ["type ipv4_addr : classid", f"elements = {_set_of(spread)}"]))
    if config.portal.garden_addresses:
        garden = sorted(set(config.portal.garden_addresses), key=ipaddress.IPv4Address)
        blocks.append(_block("set walled_garden", ["type ipv4_addr", f"elements = {_set_of(garden)}"]))
    if config.portal.garden_names:
        # An address that nobody uses any more is forgotten: the name may have left it to somebody else.
        lines = ["type ipv4_addr", "size 4096", "flags dynamic,timeout", "timeout 6h"]
        blocks.append(_block(f"set {GARDEN_NAMES_SET}", lines))
    blocks += [_block(head, lines) for head, lines in filter_rules.sets(config)]
    return "\n".join(blocks)


def _guard(config: Config) -> str:
    """Nobody speaks with another network's address, nor with the box's own; before conntrack remembers anything."""
    residents = _interfaces(config.resident_networks)
    lines = ["type filter hook prerouting priority raw; policy accept;", f"iifname {residents} meta nfproto ipv6 drop"]
    for network in config.networks:
        name, own = f'iifname "{network.interface}"', network.interface_address
        lines += [
            f"{name} ip saddr 0.0.0.0 udp sport 68 udp dport 67 accept",
            f"{name} ip saddr {own.ip} drop",
            f"{name} ip saddr != {own.network} drop",
        ]
    local = _set_of(network.interface_address.network for network in config.networks)
    lines.append(f'iifname "{config.uplink.interface}" ip saddr {local} drop')
    lines.append(
        f"iifname {residents} {_SYN.format('==')} ip saddr . ether saddr != @admitted "
        f"update @knockers {{ ether saddr {_KNOCK_LIMIT} }} drop"
    )
    return _block("chain guard", lines)


def _input(config: Config) -> str:
    jumps = ", ".join(f'"{network.interface}" : jump from_{network.name}' for network in config.networks)
    return _block(
        "chain input",
        [
            "type filter hook input priority filter; policy drop;",
            'iifname "lo" accept',
            # Before "established": a tunnel that keeps one source port would else be counted once.
            f"iifname {_interfaces(config.networks)} meta l4proto {{ tcp, udp }} "
            f"th dport {filter_rules.dns_ports(config)} jump dns_limit",
            *filter_rules.before_established(config),
            # A connection that was led to the redirect before its device was admitted ends with the admission: its next
            # request is a new connection, and gets the true answer.
            # Not of who has used up its quota: that one is to see the portal.
            f"iifname {_interfaces(config.resident_networks)} tcp dport {REDIRECT_PORT} ip saddr != @exhausted "
            "ip saddr . ether saddr @admitted reject with tcp reset",
            "ct state invalid drop",
            "ct state established,related accept",
            # From the middle of no known connection: the answer would cost an entry of conntrack.
            f"ct state new {_SYN.format('!=')} drop",
            f"iifname vmap {{ {jumps} }}",
            f'iifname "{config.uplink.interface}" udp sport 67 udp dport 68 accept',
            f'iifname "{config.uplink.interface}" {_PING_LIMIT}',
        ],
    )


def _from_network(network: Network) -> str:
    own = network.interface_address
    here = _set_of([own.ip, own.network.broadcast_address, "255.255.255.255"])
    return _block(
        f"chain from_{network.name}",
        [
            # The box's addresses in its other networks are not for this one.
            f"ip daddr != {here} drop",
            "udp dport 67 accept",
            "meta l4proto { tcp, udp } th dport 53 accept",
            # Without a certificate nothing listens on 443: the kernel resets, and no phone waits there in vain.
            f"tcp dport {{ 80, 443, {REDIRECT_PORT} }} accept",
            *filter_rules.from_network(network),
            _PING_LIMIT,
        ],
    )


def _dns_limit(config: Config) -> str:
    return _block(
        "chain dns_limit",
        [
            f"iifname {_interfaces(config.resident_networks)} ip saddr . ether saddr != @admitted "
            f"update @dns_strangers {{ ether saddr {_DNS_LIMIT_OF_STRANGERS} }} drop",
            f"update @dns_askers {{ ether saddr {_DNS_LIMIT} }} drop",
        ],
    )


def _forward(config: Config) -> str:
    out, back = f'oifname "{config.uplink.interface}"', f'iifname "{config.uplink.interface}"'
    residents = _interfaces(config.resident_networks)
    lines = [
        "type filter hook forward priority filter; policy drop;",
        "meta nfproto ipv6 drop",
        # What conntrack cannot place would leave with its village address.
        "ct state invalid drop",
        # An uplink with a smaller MTU (PPPoE, LTE) behind a modem that eats ICMP would hang large pages.
        "tcp flags syn tcp option maxseg size set rt mtu",
        # Before who is let through: what the filter refuses is refused to everybody in its networks.
        *filter_rules.forward(config),
        f"iifname {residents} {out} jump resident_out",
        f"{back} oifname {residents} ct state established,related jump resident_in",
    ]
    if config.portal.garden_addresses:
        lines += [
            f"iifname {residents} {out} ip daddr @walled_garden accept",
            f"{back} oifname {residents} ct state established,related ip saddr @walled_garden accept",
        ]
    if config.portal.garden_names:
        # Many names share an address: no more of it is open than pages need. Use keeps an address in the set, since
        # dnsmasq cannot: adding what is there changes nothing.
        web = "meta l4proto . th dport { tcp . 80, tcp . 443, udp . 443 }"
        names = GARDEN_NAMES_SET
        lines += [
            f"iifname {residents} {out} ip daddr @{names} {web} update @{names} {{ ip daddr }} accept",
            f"{back} oifname {residents} ct state established,related ip saddr @{names} accept",
        ]
    if config.office_networks:
        offices = _interfaces(config.office_networks)
        lines += [
            f"iifname {offices} {out} accept",
            f"{back} oifname {offices} ct state established,related accept",
        ]
    return _block("chain forward", lines)


def _share_line(config: Config) -> str:
    """Write into each packet's priority in which queue it waits; see `shaper`. After the kernel's own choice by TOS."""
    lines = ["type filter hook forward priority filter + 10; policy accept;"]
    down, up = f"oifname {_interfaces(config.networks)}", f'oifname "{config.uplink.interface}"'
    if config.uplink.shaper is Shaper.CAKE:
        lines.append(f"{down} meta priority set {shaper.class_text(shaper.CAKE_CLASS)}")
        return _block("chain share_line", lines)
    spread = f"0.0.0.{shaper.SHARED_COUNT - 1}"
    for way, client in ((down, "ip daddr"), (up, "ip saddr")):
        # Where the map does not know an address, the rule ends, and what the one before it set stays.
        lines.append(f"{way} meta priority set {client} & {spread} map @shared_class")
        lines.append(f"{way} meta priority set {client} map @{CLASS_MAP}")
    return _block("chain share_line", lines)


def _counts() -> str:
    """What bridges hand to devices that are admitted: the packets of `_share_line`, not what the box itself says."""
    return "\n".join(
        [
            _block(f"set {RECEIVED_SET}", ["type ipv4_addr", f"size {CLIENTS_MAX}", "flags timeout", "counter"]),
            _block(
                "chain count_received",
                [
                    "type filter hook output priority filter; policy accept;",
                    f"meta priority & 0xffff0000 == {shaper.HANDLE << 16:#x} ip daddr @{RECEIVED_SET} accept",
                ],
            ),
        ]
    )


def _residents() -> Iterable[str]:
    """What an admitted device sends and receives: within its quota; what it sends is counted here."""
    over = "quota name ip {0} map @quota_of update @exhausted {{ ip {0} }} drop"
    yield _block(
        "chain resident_out",
        [
            # Such a look counts nothing.
            "ip saddr . ether saddr != @admitted return",
            over.format("saddr"),
            "update @seen { ip saddr }",
            "ip saddr . ether saddr @admitted accept",
        ],
    )
    yield _block(
        "chain resident_in",
        ["ip daddr != @admitted_return return", over.format("daddr"), "ip daddr @admitted_return accept"],
    )


def _redirect(config: Config) -> str:
    """Port 80 of who is not admitted goes to nginx's redirect; names are asked of the box, wherever they were sent."""
    lines = ["type nat hook prerouting priority dstnat; policy accept;", *filter_rules.redirect(config)]
    garden = "ip daddr != @walled_garden " if config.portal.garden_addresses else ""
    garden += f"ip daddr != @{GARDEN_NAMES_SET} " if config.portal.garden_names else ""
    for network in config.resident_networks:
        elsewhere = f'iifname "{network.interface}" ip daddr != {_own(network)}'
        lines += [
            f"{elsewhere} meta l4proto {{ tcp, udp }} th dport 53 redirect to :53",
            f"{elsewhere} {garden}tcp dport 80 ip saddr . ether saddr != @admitted redirect to :{REDIRECT_PORT}",
            f"{elsewhere} {garden}tcp dport 80 ip saddr @exhausted redirect to :{REDIRECT_PORT}",
        ]
    return _block("chain redirect_residents", lines)


def _masquerade(config: Config) -> str:
    local = _set_of(network.interface_address.network for network in config.networks)
    return _block(
        "chain masquerade_uplink",
        [
            "type nat hook postrouting priority srcnat; policy accept;",
            f'oifname "{config.uplink.interface}" ip saddr {local} masquerade',
        ],
    )
