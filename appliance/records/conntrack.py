"""Connections that ended, as the kernel tells them.

Source: include/uapi/linux/netfilter/nfnetlink_conntrack.h and nfnetlink.h, net/netfilter/nf_conntrack_netlink.c. Bytes
need the sysctl ``nf_conntrack_acct``, times ``nf_conntrack_timestamp`` (systemd/sysctl.d/desahub.conf).
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import struct
from dataclasses import dataclass
from typing import Final

from appliance.core.errors import OperationError
from appliance.system.netlink import NETFILTER, attributes, messages

_SOL_NETLINK, _ADD_MEMBERSHIP, _SO_RCVBUFFORCE = 270, 1, 33
_GROUP_DESTROY: Final = 3  # NFNLGRP_CONNTRACK_DESTROY
_DELETE: Final = 0x0102  # NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE
_ORIGINAL, _REPLY, _COUNTERS_ORIGINAL, _COUNTERS_REPLY, _TIMES = 1, 2, 9, 10, 20
_IP, _PROTOCOL = 1, 2
_V4_SOURCE, _V4_DESTINATION = 1, 2
_NUMBER, _SOURCE_PORT, _DESTINATION_PORT = 1, 2, 3
_BYTES: Final = 2
_START, _STOP = 1, 2
_BUFFER_BYTES: Final = 8 * 1024 * 1024
_RECEIVE_BYTES: Final = 262_144


@dataclass(frozen=True, slots=True)
class Ended:
    """One connection: who began it with whom, and what went each way.

    ``answerer`` is who really answered: another than ``destination`` where the firewall led it elsewhere. Ports are 0
    for protocols without. ``began_ns`` and ``ended_ns`` are wall time in nanoseconds. Bytes and times are None where
    the kernel kept none.
    """

    protocol: int
    source: ipaddress.IPv4Address
    source_port: int
    destination: ipaddress.IPv4Address
    destination_port: int
    answerer: ipaddress.IPv4Address
    sent_bytes: int | None
    received_bytes: int | None
    began_ns: int | None
    ended_ns: int | None


def parse(body: bytes) -> Ended | None:
    """Read one message, without netlink's own header; None for IPv6, and for what has another form."""
    if len(body) < 4 or body[0] != socket.AF_INET:
        return None
    parts = dict(attributes(body, 4))
    try:
        original, reply = _tuple(parts[_ORIGINAL]), _tuple(parts[_REPLY])
        times = dict(attributes(parts.get(_TIMES, b"")))
        return Ended(
            *original,
            reply[1],
            _bytes(parts.get(_COUNTERS_ORIGINAL)),
            _bytes(parts.get(_COUNTERS_REPLY)),
            _number(times[_START]) if _START in times else None,
            _number(times[_STOP]) if _STOP in times else None,
        )
    except (KeyError, ValueError, IndexError):
        return None


def _tuple(data: bytes) -> tuple[int, ipaddress.IPv4Address, int, ipaddress.IPv4Address, int]:
    parts = dict(attributes(data))
    addresses, protocol = dict(attributes(parts[_IP])), dict(attributes(parts[_PROTOCOL]))
    return (
        protocol[_NUMBER][0],
        ipaddress.IPv4Address(addresses[_V4_SOURCE]),
        _number(protocol.get(_SOURCE_PORT, b"")),
        ipaddress.IPv4Address(addresses[_V4_DESTINATION]),
        _number(protocol.get(_DESTINATION_PORT, b"")),
    )


def _bytes(data: bytes | None) -> int | None:
    return None if data is None else _number(dict(attributes(data)).get(_BYTES, b""))


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


class Listener:
    """Hears of each connection that ends in this thread's network namespace. Needs CAP_NET_ADMIN.

    Raises:
        OperationError: the kernel does not let it.
    """

    def __init__(self) -> None:
        try:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETFILTER)
            with contextlib.suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
            self._socket.bind((0, 0))
            self._socket.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, struct.pack("=I", _GROUP_DESTROY))
        except OSError as error:
            raise OperationError(f"the kernel does not tell of connections: {error.strerror}") from None

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()

    def hear(self, seconds: float) -> tuple[list[Ended], bool]:
        """Wait at most ``seconds`` for news: connections that ended, and whether some were lost, untold.

        Raises:
            OperationError: the kernel tells nothing any more.
        """
        self._socket.settimeout(seconds)
        try:
            data, (sender, _) = self._socket.recvfrom(_RECEIVE_BYTES)
        except TimeoutError:
            return [], False
        except OSError as error:
            if error.errno == 105:  # ENOBUFS: more ended than were heard
                return [], True
            raise OperationError(f"the kernel tells of no connections any more: {error.strerror}") from None
        if sender != 0:
            return [], False  # another program's words
        heard = (parse(body) for kind, _, _, body in messages(data) if kind == _DELETE)
        return [one for one in heard if one is not None], False
