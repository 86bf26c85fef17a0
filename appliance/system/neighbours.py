"""Find the MAC of a device in one of the hub's networks from the kernel's neighbour table.

The server looks the MAC up itself: a header or a parameter proves nothing.
"""

from __future__ import annotations

import errno
import functools
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from appliance.core.errors import OperationError
from appliance.system.netlink import ROUTE, Message, Netlink, NetlinkError, attribute, attributes
from appliance.system.roots import REAL, Roots

_COMPLETE = 0x2  # ATF_COM in linux/if_arp.h: the entry was answered
_GET = 30  # RTM_GETNEIGH
_HEAD: Final = struct.Struct("=BBHiHBB")  # struct ndmsg
_DESTINATION, _MAC = 1, 2  # NDA_DST, NDA_LLADDR
# Reachable, stale, delay, probe, permanent: those that /proc/net/arp calls complete (NUD_VALID in net/neighbour.h).
_ANSWERED: Final = 0x02 | 0x04 | 0x08 | 0x10 | 0x80
_NO_MAC = "00:00:00:00:00:00"


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One answered entry: IPv4 address, MAC in lower case, and the interface it was seen on."""

    address: str
    mac: str
    interface: str


def parse(text: str) -> tuple[Neighbour, ...]:
    """Read the text of ``/proc/net/arp``; entries without an answer and lines of another form are left out.

    Source: proc(5), net/ipv4/arp.c (``arp_format_neigh_entry``).
    """
    found = []
    for line in text.splitlines()[1:]:
        columns = line.split()
        if len(columns) != 6:
            continue
        address, _, flags, mac, _, interface = columns
        try:
            answered = int(flags, 16) & _COMPLETE
        except ValueError:
            continue
        if answered and mac != _NO_MAC:
            found.append(Neighbour(address, mac.lower(), interface))
    return tuple(found)


def read(roots: Roots = REAL) -> tuple[Neighbour, ...]:
    """Read the machine's neighbour table.

    Raises:
        OperationError: the table cannot be read.
    """
    return parse(_text(roots))


def finder(roots: Roots = REAL) -> Callable[[str, str], str | None]:
    """What finds the MAC of the device that has an address on an interface now: see `KernelNeighbours.mac_of`."""
    return KernelNeighbours().mac_of if roots == REAL else functools.partial(_listed, roots)


class KernelNeighbours:
    """Asks the kernel for one entry. Any thread may, and a process that was forked from this one.

    A list costs the more, the longer it is: /proc/net/arp of 250 devices is read in six parts, each of which the
    kernel counts from the beginning.

    Source: rtnetlink(7), net/core/neighbour.c (``neigh_get``), since Linux 5.0.
    """

    def mac_of(self, address: str, interface: str) -> str | None:
        """The MAC of the device that has ``address`` on ``interface`` now, or None when the kernel knows none.

        Raises:
            OperationError: the kernel does not answer.
        """
        try:
            number = socket.if_nametoindex(interface)
        except OSError:
            return None
        head = _HEAD.pack(socket.AF_INET, 0, 0, number, 0, 0, 0)
        try:
            [body] = self._netlink.ask(Message(_GET, 0, head + attribute(_DESTINATION, socket.inet_aton(address))))
        except NetlinkError as error:
            if error.number == errno.ENOENT:
                return None
            raise
        state, values = _HEAD.unpack_from(body)[4], dict(attributes(body, _HEAD.size))
        mac = values.get(_MAC, b"").hex(":")
        return mac if state & _ANSWERED and len(mac) == len(_NO_MAC) and mac != _NO_MAC else None

    @functools.cached_property
    def _netlink(self) -> Netlink:
        # Made when it is needed: two processes on one socket would read each other's answers.
        return Netlink(ROUTE)


def _listed(roots: Roots, address: str, interface: str) -> str | None:
    return next((one.mac for one in read(roots) if (one.address, one.interface) == (address, interface)), None)


def _text(roots: Roots) -> str:
    path = roots.proc / "net" / "arp"
    try:
        return path.read_text("ascii", "replace")
    except OSError as error:
        raise OperationError(f"{path}: cannot be read: {error.strerror}") from None
