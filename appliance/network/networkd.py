"""Bridges, addresses and the uplink, for systemd-networkd.

Source: systemd.network(5), systemd.netdev(5) of version 252.
"""

from __future__ import annotations

from appliance.core.config import Config
from appliance.core.config.networks import Network
from appliance.core.config.uplink import Uplink, UplinkMethod
from appliance.network.hostapd import air_interface

_HEAD = "# Written by desahub from hub.toml; changes here are lost.\n"
# IPv6 is neither forwarded nor offered; an address of it would only raise hopes.
_NO_IPV6 = "LinkLocalAddressing=no\nIPv6AcceptRA=no\n"


def render(config: Config) -> dict[str, str]:
    """File names for ``/etc/systemd/network`` and their texts."""
    files = {f"10-desahub-{config.uplink.interface}.network": _uplink(config.uplink)}
    for network in config.networks:
        files[f"10-desahub-{network.interface}.netdev"] = f"{_HEAD}[NetDev]\nName={network.interface}\nKind=bridge\n"
        files[f"10-desahub-{network.interface}.network"] = _bridge(network)
        air = air_interface(config, network)
        if config.radio is not None and air != config.radio.interface:
            files[f"10-desahub-{air}.netdev"] = (
                f"{_HEAD}[NetDev]\nName={air}\nKind=wlan\n\n[WLAN]\nPhysicalDevice=phy0\nType=ap\n"
            )
    return files


def _bridge(network: Network) -> str:
    # Without a carrier too: the box answers as soon as the first phone is there, and boot waits for nobody.
    return (
        f"{_HEAD}[Match]\nName={network.interface}\n\n[Link]\nRequiredForOnline=no\n\n"
        f"[Network]\nAddress={network.address}\nConfigureWithoutCarrier=yes\n{_NO_IPV6}"
    )


def _uplink(uplink: Uplink) -> str:
    head = f"{_HEAD}[Match]\nName={uplink.interface}\n\n[Network]\nDNS=127.0.0.1\n{_NO_IPV6}"
    if uplink.method is UplinkMethod.STATIC:
        return f"{head}Address={uplink.address}\nGateway={uplink.gateway}\n"
    return f"{head}DHCP=ipv4\n\n[DHCPv4]\nUseDNS=no\nUseHostname=no\n"
