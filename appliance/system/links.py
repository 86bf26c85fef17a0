"""What an interface has: a link, an IPv4 address, a gateway behind it."""

from __future__ import annotations

import fcntl
import socket
import struct
from dataclasses import dataclass
from typing import Any, Final

import netifaces
import psutil

from appliance.system.roots import REAL, Roots

_SIOCGIFFLAGS: Final = 0x8913
_UP_AND_RUNNING: Final = 0x1 | 0x40


@dataclass(frozen=True, slots=True)
class Link:
    """One interface as it is now; ``address`` and ``gateway`` are IPv4 addresses or None."""

    is_up: bool
    address: str | None
    gateway: str | None


def look(interface: str) -> Link:
    """Look at ``interface``; one that does not exist has nothing."""
    found = psutil.net_if_stats().get(interface)
    addresses = netifaces.ifaddresses(interface).get(netifaces.AF_INET, []) if found is not None else []
    # netifaces types every shape at once; under a family it holds (gateway, interface, default) tuples.
    routes: Any = netifaces.gateways().get(netifaces.AF_INET, [])
    gateway = next((route[0] for route in routes if route[1] == interface), None)
    return Link(found is not None and found.isup, addresses[0]["addr"] if addresses else None, gateway)


def has_carrier(interface: str) -> bool:
    """Is ``interface`` switched on, and something at the other end of its cable or in the air?

    Cheap enough for each second. One that does not exist has nothing there. Source: netdevice(7), ``SIOCGIFFLAGS``.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh22x", interface.encode(), 0)
        try:
            answer = fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request)
        except OSError:
            return False
    flags: int = struct.unpack("16xH22x", answer)[0]
    return flags & _UP_AND_RUNNING == _UP_AND_RUNNING


def forwards(roots: Roots = REAL) -> bool | None:
    """Does the kernel forward IPv4 packets at all? None where it does not say. Source: ip-sysctl, ``ip_forward``."""
    try:
        return (roots.proc / "sys/net/ipv4/ip_forward").read_text("ascii").strip() == "1"
    except OSError:
        return None
