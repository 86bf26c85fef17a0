"""DHCP and DNS for the box's networks.

Option 114 (RFC 8910) is sent only where the portal has a certificate that phones trust: once it is sent, they stop
asking the probes that work without one.

Source: dnsmasq(8) of version 2.90.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from appliance.core import probe_names
from appliance.core.config import Config
from appliance.core.config.networks import Network, NetworkKind
from appliance.core.dns_block import CACHE_PORT, FILTER_PORT
from appliance.network.filter_rules import filtered
from appliance.network.nftables import GARDEN_NAMES_SET, TABLE
from appliance.network.nginx import CAPTIVE_API_PATH

DEVICES_DOMAIN = "perangkat.invalid"
LEASE_FILE = "/var/lib/desahub-dns/leases"
_GARDEN_TTL_SECONDS = 3_600  # well below what `nftables` keeps an unused address for
_RESERVED_MAX = 16  # the first addresses stay free for access points and printers with a fixed address


def pool(network: Network) -> tuple[ipaddress.IPv4Address, ipaddress.IPv4Address]:
    """First and last address given out by DHCP: the longer run beside the box's own address."""
    own = network.interface_address
    first, last = own.network.network_address + 1, own.network.broadcast_address - 1
    below, above = int(own.ip) - int(first), int(last) - int(own.ip)
    if below > above:
        return first, own.ip - 1
    return own.ip + 1 + min(_RESERVED_MAX, (above - 1) // 8), last


def render(config: Config, *, https: bool = False, https_names: Collection[str] = ()) -> str:
    """The text of ``dnsmasq.conf``.

    Args:
        config: the village's configuration.
        https: the portal has a certificate that phones trust, so that its RFC 8908 address is told by DHCP.
        https_names: what else of this box's names that certificate is for.
    """
    lines = [*_GENERAL]
    lines += [f"server={server}" for server in config.uplink.dns_servers]
    lines += _own_names(config, https_names if https else ())
    lines += walled_garden(config)
    size = 0
    for network in config.networks:
        start, end = pool(network)
        size += int(end) - int(start) + 1
        lines += [
            f"interface={network.interface}",
            f"dhcp-range=set:{network.name},{start},{end},{network.interface_address.netmask},{network.lease_seconds}",
        ]
        if https and network.kind is NetworkKind.RESIDENT:
            lines.append(f"dhcp-option=tag:{network.name},114,https://{config.portal.host}{CAPTIVE_API_PATH}")
    lines.append(f"dhcp-lease-max={size}")
    return "\n".join(lines) + "\n"


def render_filtered(config: Config, *, https: bool = False, https_names: Collection[str] = ()) -> str | None:
    """The text of ``filtered-dns.conf``, for networks with ``filter = true``; None where there are none.

    What is not in the cache is asked of the filter; the box's own names and the walled garden's do without it. The
    garden's are asked of the other instance, which puts their addresses into the firewall's set. Arguments as `render`.
    """
    networks = filtered(config)
    if not networks:
        return None
    lines = [*_GENERAL[: _GENERAL.index(_LAST_OF_DNS) + 1]]
    lines += [f"port={CACHE_PORT}", f"server=127.0.0.1#{FILTER_PORT}", "except-interface=lo"]
    # An answer of "no" without a time of its own; the filter gives one.
    lines.append("neg-ttl=60")
    lines += _own_names(config, https_names if https else ())
    lines += [f"server=/{name}/127.0.0.1" for name in dict.fromkeys(config.portal.garden_names)]
    lines += [f"interface={network.interface}" for network in networks]
    return "\n".join(lines) + "\n"


def walled_garden(config: Config) -> list[str]:
    """Lines for the dnsmasq that asks the internet: addresses of the walled garden's names go into the firewall's set.

    An address is added when its name is asked of another server, not when the answer comes from the cache. So no answer
    may be kept, here or in a phone, for as long as the set keeps an address that nobody uses.
    """
    names = config.portal.garden_names
    if not names:
        return []
    table = TABLE.replace(" ", "#")
    return [
        f"max-ttl={_GARDEN_TTL_SECONDS}",
        f"max-cache-ttl={_GARDEN_TTL_SECONDS}",
        *(f"nftset=/{name}/4#{table}#{GARDEN_NAMES_SET}" for name in dict.fromkeys(names)),
    ]


def _own_names(config: Config, https_names: Collection[str]) -> list[str]:
    """The box's names have in each network its address there; no other server is asked about them.

    Where letters are checked is such a name only with a certificate for it: QR codes say https, and who would find
    nothing there at the box finds the public one.
    """
    lines = ["localise-queries"]
    check = config.letters.verification_host
    for host in (config.portal.host, config.kiosk.host, *([check] if check in https_names else [])):
        lines.append(f"local=/{host}/")
        lines += [f"interface-name={host},{network.interface}/4" for network in config.networks]
    # Only the office's networks reach it (nginx): it has no address elsewhere. Below kiosk.host nobody else is asked.
    practice = config.kiosk.practice_host
    return [*lines, *(f"interface-name={practice},{network.interface}/4" for network in config.office_networks)]


_LAST_OF_DNS = "edns-packet-max=1232"
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
    # The probes' names, while the line is down. A phone forgets them soon after the line is back, and asking this box
    # again costs nothing.
    f"hostsdir={probe_names.DIRECTORY}",
    "local-ttl=10",
    # No IPv6 leads out of the village. While the line is down, who asks for addresses of both kinds, as most do, would
    # wait for an answer to the second question though the first has one.
    "filter-AAAA",
    _LAST_OF_DNS,
    "dhcp-authoritative",
    # A ping before each offer takes 3 s; 250 phones after a power cut would wait for minutes.
    "no-ping",
    # Else who says another's identifier is given the other's address, and the other loses its lease. A MAC can be
    # copied too, but then the copy is that device for everything here.
    "dhcp-ignore-clid",
    "dhcp-rapid-commit",
    # What a device calls itself is for the office to see. Others could resolve it below a domain that nobody asks for
    # (RFC 2606), and never by its bare word; phones are not told that domain. Who joined when is not logged.
    "dhcp-fqdn",
    f"domain={DEVICES_DOMAIN}",
    f"local=/{DEVICES_DOMAIN}/",
    "dhcp-option=15",
    "quiet-dhcp",
    f"dhcp-leasefile={LEASE_FILE}",
)
