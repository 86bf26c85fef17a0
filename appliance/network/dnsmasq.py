"""DHCP and DNS for the box's networks.

Option 114 (RFC 8910) is not sent: its URL needs TLS with a certificate that phones trust, and once it is sent they
stop asking the probes that work without one.

Source: dnsmasq(8) of version 2.90.
"""

from __future__ import annotations

import ipaddress

from appliance.core.config import Config, Network

LEASE_FILE = "/var/lib/desahub-dns/leases"
_RESERVED_MAX = 16  # the first addresses stay free for access points and printers with a fixed address


def pool(network: Network) -> tuple[ipaddress.IPv4Address, ipaddress.IPv4Address]:
    """First and last address given out by DHCP: the longer run beside the box's own address."""
    own = network.interface_address
    first, last = own.network.network_address + 1, own.network.broadcast_address - 1
    below, above = int(own.ip) - int(first), int(last) - int(own.ip)
    if below > above:
        return first, own.ip - 1
    return own.ip + 1 + min(_RESERVED_MAX, (above - 1) // 8), last


def render(config: Config) -> str:
    """The text of ``dnsmasq.conf``."""
    lines = [*_GENERAL]
    lines += [f"server={server}" for server in config.uplink.dns_servers]
    lines += _own_names(config)
    lines += [f"address=/{domain}/" for domain in dict.fromkeys(config.filter.blocked_domains)]
    if config.filter.blocked_domains:
        # Firefox asks this name; no answer keeps it from asking names elsewhere behind the filter's back.
        lines.append("address=/use-application-dns.net/")
    size = 0
    for network in config.networks:
        start, end = pool(network)
        size += int(end) - int(start) + 1
        lines += [
            f"interface={network.interface}",
            f"dhcp-range=set:{network.name},{start},{end},{network.interface_address.netmask},{network.lease_seconds}",
        ]
    lines.append(f"dhcp-lease-max={size}")
    return "\n".join(lines) + "\n"


def _own_names(config: Config) -> list[str]:
    """Portal and kiosk have in each network the box's address there; no other server is asked about them."""
    lines = ["localise-queries"]
    for host in (config.portal.host, config.kiosk.host):
        lines.append(f"local=/{host}/")
        lines += [f"interface-name={host},{network.interface}/4" for network in config.networks]
    return lines


_GENERAL = (
    "# Written by desahub from hub.toml; changes here are lost.",
    "keep-in-foreground",
    "log-facility=-",
    "pid-file=",
    "no-resolv",
    "no-hosts",
    # Bridges may come up later than this program.
    "bind-dynamic",
    "domain-needed",
    "bogus-priv",
    # A name on the internet must not point into the village.
    "stop-dns-rebind",
    "cache-size=10000",
    "dns-forward-max=1000",
    "local-ttl=60",
    "edns-packet-max=1232",
    "dhcp-authoritative",
    # A ping before each offer takes 3 s; 250 phones after a power cut would wait for minutes.
    "no-ping",
    "dhcp-rapid-commit",
    # A device may not choose a name that others would then resolve; and who joined when is not logged.
    "dhcp-ignore-names",
    "quiet-dhcp",
    f"dhcp-leasefile={LEASE_FILE}",
)
