"""What values of ``hub.toml`` must be, where more than one section asks for the same."""

from __future__ import annotations

import ipaddress
import re

from appliance.core import hours
from appliance.core.schema import Rule, between

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# The last label begins with a letter: browsers read 127.0.0.1, and any name that ends in a number, as an address.
_HOST = re.compile(rf"(?=.{{1,253}}$)(?:{_LABEL}\.)+(?=[a-z]){_LABEL}")
# "lo" is the machine's own, and ap-NETWORK is made by the box for a network in the air.
_INTERFACE = re.compile(r"(?!lo$|ap-)[a-z][a-z0-9-]{0,14}")
_TARGET = re.compile(r"(\d{1,3}(?:\.\d{1,3}){3}):(\d{1,5})", re.ASCII)
# Addresses that no network of a village can have (RFC 6890): this machine, loopback, link-local, multicast, reserved.
_NEVER_A_NETWORK = tuple(
    ipaddress.IPv4Network(text) for text in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4")
)


def is_interface_address(text: str) -> bool:
    """Is it an address of a host with its prefix, as `INTERFACE_ADDRESS` allows?"""
    try:
        made = ipaddress.IPv4Interface(text)
    except ValueError:
        return False
    # Written as it is meant: no netmask, no hostmask, which would read as another network than people think.
    if made.with_prefixlen != text or not 8 <= made.network.prefixlen <= 29:
        return False
    if any(made.network.overlaps(never) for never in _NEVER_A_NETWORK):
        return False
    return made.ip not in (made.network.network_address, made.network.broadcast_address)


def is_address(text: str) -> bool:
    """Is it an IPv4 address and nothing else?"""
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _is_target(text: str) -> bool:
    match = _TARGET.fullmatch(text)
    return match is not None and is_address(match[1]) and 0 < int(match[2]) < 65536


HOST = Rule(
    "allowed is a lower-case host name with a dot, its last part a word, such as masuk.desa.internal",
    lambda v: bool(_HOST.fullmatch(v)),
)
INTERFACE = Rule(
    "allowed are 1 to 15 characters: a letter, then letters, digits and hyphens, lower case; not lo, not ap-...",
    lambda v: bool(_INTERFACE.fullmatch(v)),
)
INTERFACE_ADDRESS = Rule(
    "allowed is the box's own IPv4 address with its prefix, /8 to /29, such as 10.20.0.1/20; "
    "not loopback, link-local, multicast or reserved",
    is_interface_address,
)
ADDRESS = Rule("allowed is an IPv4 address such as 192.0.2.1", is_address)
TARGET = Rule("allowed is an IPv4 address and a port, such as 1.1.1.1:443", _is_target)
HOST_OR_ADDRESS = Rule(f"{HOST.allowed}, or an IPv4 address", lambda v: HOST.holds(v) or ADDRESS.holds(v))
FILE = Rule(
    "allowed is an absolute path",
    lambda v: v.startswith("/") and v.isprintable() and ".." not in v.split("/"),
)


def _is_hours(text: str) -> bool:
    try:
        hours.parse(text)
    except ValueError:
        return False
    return True


HOURS = Rule(hours.ALLOWED, _is_hours)
SHORT_NAME = Rule(
    "allowed are 1 to 11 lower-case letters and digits", lambda v: bool(re.fullmatch("[a-z][a-z0-9]{0,10}", v))
)
LINE_KBIT = between(64, 10_000_000, "kbit/s")
LIST_SOURCE = Rule(
    "allowed is an absolute path, or an https:// or http:// address of at most 300 characters",
    lambda v: (
        FILE.holds(v)
        or (len(v) <= 300 and bool(re.fullmatch(r"https?://[A-Za-z0-9.:-]+(/[\w./?=&%+~,;@-]*)?", v, re.ASCII)))
    ),
)
