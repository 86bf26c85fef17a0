"""Where packets wait at an interface: its queueing discipline, and the switch that glues packets together.

Source: rtnetlink(7), include/uapi/linux/rtnetlink.h (``tcmsg``), include/uapi/linux/ethtool.h, tc(8).
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import socket
import struct
from dataclasses import dataclass
from typing import Final

from appliance.core.errors import OperationError
from appliance.system.netlink import F_DUMP, Message, Netlink, NetlinkError, attributes
from appliance.system.processes import run
from appliance.system.roots import REAL, Roots

_GET_QDISC: Final = 38  # RTM_GETQDISC
_GET_CLASS: Final = 42  # RTM_GETTCLASS
# NLM_F_ECHO: without it the kernel tells this only to those who listen to every change.
_F_ECHO: Final = 0x8
_AT_ROOT: Final = 0xFFFFFFFF  # TC_H_ROOT
_TCMSG: Final = struct.Struct("=BxxxiIII")  # family, index of the interface, handle, parent, info
_KIND, _OPTIONS = 1, 2  # TCA_KIND, TCA_OPTIONS
_STATS: Final = 3  # TCA_STATS, struct tc_stats, which begins with what has passed
_BYTES: Final = struct.Struct("=Q")
_HTB_INIT: Final = 2  # TCA_HTB_INIT
_HTB: Final = struct.Struct("=II")  # tc_htb_glob: version, rate2quantum
_UNKNOWN: Final = "qdisc kind is unknown"
_SIOCETHTOOL: Final = 0x8946
_GET_GRO, _SET_GRO = 0x2B, 0x2C  # ETHTOOL_GGRO, ETHTOOL_SGRO
_TC_SECONDS: Final = 60.0
# A handle for trials, which no qdisc of the box has.
_TRIAL: Final = "de5b:"


@dataclass(frozen=True, slots=True)
class Root:
    """The qdisc at the egress of an interface, and the interface's index, which is new after it was re-plugged.

    ``stamp`` is the ``r2q`` of an htb, 0 for all others.
    """

    index: int
    kind: str
    handle: int
    stamp: int = 0


def root(netlink: Netlink, interface: str) -> Root | None:
    """What waits at ``interface``; None where there is no such interface. Costs one message, no process.

    Raises:
        OperationError: the kernel does not answer.
    """
    try:
        index = socket.if_nametoindex(interface)
        answers = netlink.ask(Message(_GET_QDISC, _F_ECHO, _TCMSG.pack(0, index, 0, _AT_ROOT, 0)))
    except OSError:
        return None
    except NetlinkError as error:
        if error.number in (errno.ENODEV, errno.ENOENT):
            return None
        raise
    for answer in answers:
        _, found, handle, _, _ = _TCMSG.unpack_from(answer)
        parts = dict(attributes(answer, _TCMSG.size))
        kind = parts.get(_KIND, b"").rstrip(b"\0").decode("ascii", "replace")
        if found == index:
            return Root(index, kind, handle >> 16, _htb_stamp(parts) if kind == "htb" else 0)
    return Root(index, "", 0)  # a qdisc that the kernel does not show, such as noqueue


def _htb_stamp(parts: dict[int, bytes]) -> int:
    settings = dict(attributes(parts.get(_OPTIONS, b""))).get(_HTB_INIT, b"")
    return int(_HTB.unpack_from(settings)[1]) if len(settings) >= _HTB.size else 0


def classes(netlink: Netlink, interface: str, major: int) -> frozenset[int]:
    """The minor numbers of all classes at ``interface`` whose major number is ``major``; none without an interface.

    Raises:
        OperationError: the kernel does not answer.
    """
    try:
        index = socket.if_nametoindex(interface)
        answers = netlink.ask(Message(_GET_CLASS, F_DUMP, _TCMSG.pack(0, index, 0, 0, 0)))
    except OSError:
        return frozenset()
    handles = (int(_TCMSG.unpack_from(answer)[2]) for answer in answers)
    return frozenset(handle & 0xFFFF for handle in handles if handle >> 16 == major)


def passed_bytes(netlink: Netlink, interface: str, handle: int) -> int | None:
    """What has passed one class so far, frames and all; None where there is no such class.

    Raises:
        OperationError: the kernel does not answer.
    """
    try:
        index = socket.if_nametoindex(interface)
        answers = netlink.ask(Message(_GET_CLASS, _F_ECHO, _TCMSG.pack(0, index, handle, 0, 0)))
    except OSError:
        return None
    except NetlinkError as error:
        if error.number in (errno.ENODEV, errno.ENOENT):
            return None
        raise
    for answer in answers:
        stats = dict(attributes(answer, _TCMSG.size)).get(_STATS, b"")
        if len(stats) >= _BYTES.size:
            return int(_BYTES.unpack_from(stats)[0])
    return None


def batch(lines: str) -> None:
    """Have tc do ``lines``, in one process; it stops at the first that the kernel refuses.

    Raises:
        OperationError: with what tc says.
    """
    if lines:
        run(["tc", "-batch", "-"], timeout_seconds=_TC_SECONDS, input_text=lines)


def has(kind: str) -> bool:
    """Does this kernel have a qdisc of this kind? Asked by trying it for a moment on ``lo``.

    Raises:
        OperationError: tc is missing, or may not.
    """
    try:
        run(["tc", "qdisc", "replace", "dev", "lo", "root", "handle", _TRIAL, kind], timeout_seconds=_TC_SECONDS)
    except OperationError as error:
        if _UNKNOWN in str(error):
            return False
        raise
    run(["tc", "qdisc", "del", "dev", "lo", "root"], timeout_seconds=_TC_SECONDS)
    return True


def ports(bridge: str, roots: Roots = REAL) -> tuple[str, ...]:
    """The interfaces that hang on a bridge now; none for what is no bridge."""
    try:
        return tuple(sorted(path.name for path in (roots.sys / "class/net" / bridge / "brif").iterdir()))
    except OSError:
        return ()


def keep_packets_apart(interface: str) -> bool:
    """Switch off receive offload (GRO) on ``interface``, if it is on: a queue would meet 64 KB as one packet.

    Returns:
        whether it was switched; False also where the driver cannot, or the interface is gone.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as any_socket:
        try:
            if not _ethtool(any_socket, interface, _GET_GRO, 0):
                return False
            _ethtool(any_socket, interface, _SET_GRO, 0)
        except OSError:
            return False
    return True


def _ethtool(any_socket: socket.socket, interface: str, command: int, value: int) -> int:
    """Ask one question of ethtool's; the answer comes where the value stood (``struct ethtool_value``)."""
    asked = ctypes.create_string_buffer(struct.pack("=II", command, value), 8)
    # ifreq holds a pointer to what is asked: netdevice(7).
    request = struct.pack("@16sP16x", interface.encode("ascii"), ctypes.addressof(asked))
    fcntl.ioctl(any_socket, _SIOCETHTOOL, request)
    return int(struct.unpack("=II", asked.raw)[1])
