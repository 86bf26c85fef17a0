"""Pin the neighbour entries of admitted devices, so that nobody takes one offline by answering ARP in its place.

A pinned entry is permanent for the kernel: no ARP answer changes it. Only entries that this module made, known by their
protocol number, are ever touched; they live in the kernel, so that a gate that starts again finds its own.

Source: rtnetlink(7), include/uapi/linux/neighbour.h, net/core/neighbour.c (``neigh_update``: permanent entries change
for administrators only).
"""

from __future__ import annotations

import logging
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from appliance.core.errors import OperationError
from appliance.gate.protocol import Client
from appliance.system.netlink import (
    F_CREATE,
    F_DUMP,
    F_REPLACE,
    ROUTE,
    Message,
    Netlink,
    attribute,
    attributes,
)

log = logging.getLogger("desahub.gate")
_NEW, _DELETE, _GET = 28, 29, 30  # RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH
_HEAD: Final = struct.Struct("=BBHiHBB")  # struct ndmsg
_DESTINATION, _MAC, _PROTOCOL = 1, 2, 12  # NDA_DST, NDA_LLADDR, NDA_PROTOCOL
_PERMANENT: Final = 0x80  # NUD_PERMANENT
_OURS: Final = 222


class Pins(Protocol):
    """What the gate asks for; failing is logged and never keeps anybody offline."""

    def pin(self, client: Client, interface: str) -> None:
        """Hold on to the client's MAC for its address."""
        ...

    def release(self, client: Client) -> None:
        """Let the client's entry go."""
        ...

    def keep(self, wanted: Mapping[Client, str], since: float) -> None:
        """Pin exactly ``wanted``, each on its interface; what was pinned after ``since`` (see `now`) stays."""
        ...

    def now(self) -> float:
        """The clock that ``since`` is read from."""
        ...


class NoPins:
    """Keeps `Pins` where there is no kernel."""

    def pin(self, client: Client, interface: str) -> None:
        """Do nothing."""

    def release(self, client: Client) -> None:
        """Do nothing."""

    def keep(self, wanted: Mapping[Client, str], since: float) -> None:
        """Do nothing."""

    def now(self) -> float:
        """No time passes."""
        return 0.0


class KernelPins:
    """Keeps `Pins` in the kernel of this network namespace.

    Args:
        clock: seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._netlink, self._clock = Netlink(ROUTE), clock
        self._lock = threading.Lock()
        # Who is pinned on which interface number, and since when.
        self._pinned: dict[str, tuple[Client, int, float]] = {}

    def pin(self, client: Client, interface: str) -> None:
        """Hold on to the client's MAC; see `Pins.pin`."""
        with self._lock:
            number = _number(interface)
            if number:
                self._write(client, number)

    def release(self, client: Client) -> None:
        """Let the client's entry go; see `Pins.release`."""
        with self._lock:
            pinned = self._pinned.get(client.address)
            if pinned is not None and pinned[0] == client:
                self._delete(client.address, pinned[1])

    def keep(self, wanted: Mapping[Client, str], since: float) -> None:
        """Pin exactly ``wanted``; see `Pins.keep`."""
        numbers = {interface: _number(interface) for interface in set(wanted.values())}
        asked = {client.address: (client, numbers[interface]) for client, interface in wanted.items()}
        with self._lock:
            try:
                there = self._dump()
            except OperationError as error:
                log.warning("neighbours cannot be read: %s", error)
                return
            for address, number in there:
                newer = address in self._pinned and self._pinned[address][2] >= since
                if not newer and (address not in asked or asked[address][1] != number):
                    self._delete(address, number)
            for address, (client, number) in asked.items():
                if number and there.get((address, number)) != client.mac:
                    self._write(client, number)
                elif number and address not in self._pinned:
                    self._pinned[address] = (client, number, since)

    def now(self) -> float:
        """The clock of this object."""
        return self._clock()

    def _dump(self) -> dict[tuple[str, int], str]:
        """The MAC of each pinned address on each interface."""
        found = {}
        head = _HEAD.pack(socket.AF_INET, 0, 0, 0, 0, 0, 0)
        for body in self._netlink.ask(Message(_GET, F_DUMP, head)):
            _, _, _, number, state, _, _ = _HEAD.unpack_from(body)
            if not state & _PERMANENT:
                continue
            values = dict(attributes(body, _HEAD.size))
            if values.get(_PROTOCOL) == bytes([_OURS]) and _MAC in values:
                found[socket.inet_ntoa(values[_DESTINATION]), number] = values[_MAC].hex(":")
        return found

    def _write(self, client: Client, number: int) -> None:
        body = (
            _HEAD.pack(socket.AF_INET, 0, 0, number, _PERMANENT, 0, 0)
            + attribute(_DESTINATION, socket.inet_aton(client.address))
            + attribute(_MAC, bytes.fromhex(client.mac.replace(":", "")))
            + attribute(_PROTOCOL, bytes([_OURS]))
        )
        try:
            self._netlink.ask(Message(_NEW, F_CREATE | F_REPLACE, body))
        except OperationError as error:
            log.warning("a neighbour entry cannot be pinned: %s", error)
            return
        self._pinned[client.address] = (client, number, self._clock())

    def _delete(self, address: str, number: int) -> None:
        body = _HEAD.pack(socket.AF_INET, 0, 0, number, 0, 0, 0)
        body += attribute(_DESTINATION, socket.inet_aton(address))
        try:
            self._netlink.ask(Message(_DELETE, 0, body))
        except OperationError as error:  # it is gone already, with its interface or by somebody's hand
            log.debug("a neighbour entry cannot be released: %s", error)
        self._pinned.pop(address, None)


def _number(interface: str) -> int:
    """The interface's number, 0 while there is none of this name."""
    try:
        return socket.if_nametoindex(interface)
    except OSError:
        return 0
