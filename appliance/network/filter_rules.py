"""The family filter's part of the firewall: which networks' questions of DNS it sees, when, and what goes around it.

Nothing is added where no network has ``filter = true``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from appliance.core import encrypted_dns
from appliance.core.config import Config
from appliance.core.config.networks import Network
from appliance.core.dns_block import BLOCK_ADDRESS, CACHE_PORT, PAGE_PORT
from appliance.network import schedule

_DNS = "meta l4proto { tcp, udp } th dport"


def filtered(config: Config) -> tuple[Network, ...]:
    """The networks that want the filter."""
    return tuple(network for network in config.networks if network.filter)


def dns_ports(config: Config) -> str:
    """The ports on which the box answers DNS, as nft reads them."""
    return f"{{ 53, {CACHE_PORT} }}" if filtered(config) else "53"


def sets(config: Config) -> list[tuple[str, list[str]]]:
    """Head and lines of each set."""
    networks = filtered(config)
    found = [
        (f"set filter_hours_{network.name}", schedule.set_lines(network.filter_hours, config.village.timezone))
        for network in networks
        if network.filter_hours
    ]
    if networks and config.filter.refuse_encrypted_dns:
        addresses = ", ".join(encrypted_dns.ADDRESSES)
        found.append(("set encrypted_dns", ["type ipv4_addr", "flags interval", f"elements = {{ {addresses} }}"]))
    return found


def from_network(network: Network) -> list[str]:
    """What a filtered network may ask of the box besides."""
    return [f"{_DNS} {CACHE_PORT} accept", f"tcp dport {PAGE_PORT} accept"] if network.filter else []


def before_established(config: Config) -> list[str]:
    """A conversation with the unfiltered DNS that was begun before the filter's hours ends with them."""
    return [f"{_during(network)}{_DNS} 53 drop" for network in filtered(config)]


def redirect(config: Config) -> list[str]:
    """Names are asked of the filter, wherever they were sent; what it blocks leads to nginx's page."""
    networks = filtered(config)
    lines = [f"{_during(network)}{_DNS} 53 redirect to :{CACHE_PORT}" for network in networks]
    return lines + [
        f"{_from([network])}ip daddr {BLOCK_ADDRESS} tcp dport 80 redirect to :{PAGE_PORT}" for network in networks
    ]


def forward(config: Config) -> list[str]:
    """Refuse, so that programs do not wait: what else was asked of blocked names, and known ways around the filter."""
    networks = filtered(config)
    if not networks:
        return []
    refused = f"{_from(networks)}ip daddr {BLOCK_ADDRESS} "
    lines = [f"{refused}meta l4proto tcp reject with tcp reset", f"{refused}reject with icmp type admin-prohibited"]
    if config.filter.refuse_encrypted_dns:
        ports = ", ".join(map(str, encrypted_dns.PORTS))
        for network in networks:
            during = _during(network)
            for which in (f"th dport {{ {ports} }}", "ip daddr @encrypted_dns th dport { 80, 443 }"):
                lines += [
                    f"{during}meta l4proto tcp {which} reject with tcp reset",
                    f"{during}meta l4proto udp {which} reject with icmp type port-unreachable",
                ]
    return lines


def _from(networks: Sequence[Network]) -> str:
    return f"iifname {_names(network.interface for network in networks)} "


def _during(network: Network) -> str:
    hours = f"meta day . meta hour @filter_hours_{network.name} " if network.filter_hours else ""
    return f'iifname "{network.interface}" {hours}'


def _names(interfaces: Iterable[str]) -> str:
    return "{ " + ", ".join(f'"{name}"' for name in interfaces) + " }"
