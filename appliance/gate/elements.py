"""Elements of sets, and quotas, of the firewall's tables: read one, read all, change some in one transaction.

libnftables reads every object of the table before it looks at one, so that its cost grows with who is online. These
messages name what they mean, and cost the same with one client or thousands. Rules are none of this module's business.

Source: include/uapi/linux/netfilter/nf_tables.h, net/netfilter/nf_tables_api.c; libnftables 1.0.6 for comments.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

from appliance.network.nftables import RECEIVED_SET
from appliance.system.netlink import (
    ATTRIBUTE,
    F_CREATE,
    F_DUMP,
    NETFILTER,
    Message,
    Netlink,
    NetlinkError,
    attribute,
    attributes,
    nested,
    text,
)

_T = TypeVar("_T")
_SUBSYSTEM: Final = 10  # NFNL_SUBSYS_NFTABLES
_GET_TABLE, _NEW_ELEMENT, _GET_ELEMENT, _DELETE_ELEMENT = 1, 12, 13, 14
_NEW_OBJECT, _GET_OBJECT, _DELETE_OBJECT = 18, 19, 20
_HEAD: Final = struct.pack(">BBH", 1, 0, 0)  # NFPROTO_INET, version 0
_BRIDGE_HEAD: Final = struct.pack(">BBH", 7, 0, 0)  # NFPROTO_BRIDGE
_TABLE: Final = attribute(1, text("desahub"))
_U64: Final = struct.Struct(">Q")
_U32: Final = struct.Struct(">I")
_QUOTA_VALUES: Final = struct.Struct(">4xQ4xQ")
_QUOTA: Final = attribute(3, _U32.pack(2))  # NFTA_OBJ_TYPE, NFT_OBJECT_QUOTA
_OVER: Final = attribute(2, _U32.pack(1))  # NFTA_QUOTA_FLAGS, NFT_QUOTA_F_INV


class Element(NamedTuple):
    """One element of a set or map; a tuple, since a list of clients makes thousands of them.

    ``key`` is as the kernel keeps it, each part padded to four bytes. ``timeout`` and ``expires`` are milliseconds, 0
    for none. The counts belong to sets with a counter, others have None there. ``data`` is a map's value, ``object``
    the name of a map's object.
    """

    key: bytes
    timeout: int = 0
    expires: int = 0
    packet_count: int | None = None
    byte_count: int | None = None
    comment: str = ""
    data: bytes = b""
    object: str = ""


@dataclass(frozen=True, slots=True)
class Put:
    """Add ``element`` to the set called ``name``. One that is there already stays as it is."""

    name: str
    element: Element


@dataclass(frozen=True, slots=True)
class Take:
    """Delete the element with ``key`` from the set called ``name``; it must be there."""

    name: str
    key: bytes


@dataclass(frozen=True, slots=True)
class PutQuota:
    """Make a quota: over ``limit_bytes`` it matches."""

    name: str
    limit_bytes: int


@dataclass(frozen=True, slots=True)
class TakeQuota:
    """Delete a quota that no element refers to any more."""

    name: str


Change = Put | Take | PutQuota | TakeQuota


class QuotaState(NamedTuple):
    """A quota as the kernel has it."""

    name: str
    limit_bytes: int
    used_bytes: int

    @property
    def left_bytes(self) -> int:
        """What may still pass; the packet that found no room is counted as used."""
        return max(0, self.limit_bytes - self.used_bytes)


class Elements:
    """The sets of tables ``inet desahub`` and ``bridge desahub`` in the kernel of this network namespace.

    Each method raises `NetlinkError` where the kernel refuses, and `OperationError` where it does not answer.
    """

    def __init__(self) -> None:
        # Two, so that reading a long list holds up no login.
        self._netlink, self._lists = Netlink(NETFILTER), Netlink(NETFILTER)

    def change(self, changes: Sequence[Change]) -> None:
        """Make ``changes`` in one transaction, in their order: all or nothing."""
        self._netlink.batch(_SUBSYSTEM, [_message(change) for change in changes])

    def one(self, name: str, key: bytes) -> Element | None:
        """The element of a set with this key, None when there is none."""
        wanted = nested(3, nested(1, nested(1, attribute(1, key))))
        body = _set(name) + wanted
        try:
            answers = self._netlink.ask(Message(_kind(_GET_ELEMENT), 0, body))
        except NetlinkError as error:
            if error.number == errno.ENOENT:
                return None
            raise
        return next(_elements(answers), None)

    def all(self, name: str) -> list[Element]:
        """Every element of a set; none where there is no such set."""
        return list(_elements(self._dump(name)))

    def byte_counts(self, name: str) -> dict[bytes, int]:
        """What each element of a set with counters has counted, by key; cheaper than `all`."""
        return dict(_taken(self._dump(name), _Layout.read_bytes))

    def times_left(self, name: str) -> dict[bytes, int]:
        """In how many milliseconds each element of a set expires, by key; cheaper than `all`."""
        return dict(_taken(self._dump(name), _Layout.read_expires))

    def _dump(self, name: str) -> list[bytes]:
        try:
            return self._lists.ask(Message(_kind(_GET_ELEMENT), F_DUMP, _set(name)))
        except NetlinkError as error:
            if error.number == errno.ENOENT:
                return []
            raise

    def quota(self, name: str) -> QuotaState | None:
        """One quota, None when there is none."""
        body = _HEAD + _TABLE + attribute(2, text(name)) + _QUOTA
        try:
            answers = self._netlink.ask(Message(_kind(_GET_OBJECT), 0, body))
        except NetlinkError as error:
            if error.number == errno.ENOENT:
                return None
            raise
        return next(_quotas(answers), None)

    def quotas(self) -> list[QuotaState]:
        """Every quota of the table."""
        answers = self._lists.ask(Message(_kind(_GET_OBJECT), F_DUMP, _HEAD + _TABLE + _QUOTA))
        return list(_quotas(answers))

    def table_comment(self) -> str | None:
        """The comment that both tables have; None where one is missing, or they are not of the same ruleset."""
        found = set()
        for head in (_HEAD, _BRIDGE_HEAD):
            try:
                answers = self._netlink.ask(Message(_kind(_GET_TABLE), 0, head + _TABLE))
            except NetlinkError as error:
                if error.number == errno.ENOENT:
                    return None
                raise
            found.add(_comment(dict(attributes(answers[0], len(head))).get(6, b"")))
        return found.pop() if len(found) == 1 else None


def _kind(number: int) -> int:
    return _SUBSYSTEM << 8 | number


def _set(name: str) -> bytes:
    """The beginning of a message about the set called ``name``."""
    return (_BRIDGE_HEAD if name == RECEIVED_SET else _HEAD) + _TABLE + attribute(2, text(name))


def _message(change: Change) -> Message:
    match change:
        case Put(name, element):
            body = _set(name) + nested(3, nested(1, _packed(element)))
            return Message(_kind(_NEW_ELEMENT), F_CREATE, body)
        case Take(name, key):
            wanted = nested(3, nested(1, nested(1, attribute(1, key))))
            return Message(_kind(_DELETE_ELEMENT), 0, _set(name) + wanted)
        case PutQuota(name, limit_bytes):
            quota = nested(4, attribute(1, _U64.pack(limit_bytes)), _OVER)
            return Message(_kind(_NEW_OBJECT), F_CREATE, _HEAD + _TABLE + attribute(2, text(name)) + _QUOTA + quota)
        case TakeQuota(name):
            return Message(_kind(_DELETE_OBJECT), 0, _HEAD + _TABLE + attribute(2, text(name)) + _QUOTA)


def _packed(element: Element) -> bytes:
    parts = [nested(1, attribute(1, element.key))]
    if element.data:
        parts.append(nested(2, attribute(1, element.data)))
    if element.timeout:
        parts.append(attribute(4, _U64.pack(element.timeout)))
    if element.expires:
        parts.append(attribute(5, _U64.pack(element.expires)))
    if element.comment:
        comment = text(element.comment)
        parts.append(attribute(6, bytes([0, len(comment)]) + comment))
    if element.byte_count is not None:
        counter = nested(
            2, attribute(1, _U64.pack(element.byte_count)), attribute(2, _U64.pack(element.packet_count or 0))
        )
        parts.append(nested(7, attribute(1, text("counter")), counter))
    if element.object:
        parts.append(attribute(9, text(element.object)))
    return b"".join(parts)


def _elements(answers: Iterable[bytes]) -> Iterator[Element]:
    return _taken(answers, _Layout.read)


def _taken(answers: Iterable[bytes], read: Callable[[_Layout, tuple[Any, ...]], _T]) -> Iterator[_T]:
    # Elements of one set look alike: how to take one apart is worked out once for each length.
    layouts: dict[int, _Layout] = {}
    for answer in answers:
        for kind, value in attributes(answer, len(_HEAD)):
            if kind == 3:
                for _, data in attributes(value):
                    layout = layouts.get(len(data))
                    parts = layout.struct.unpack_from(data) if layout else ()
                    if layout is None or parts[::2] != layout.heads:
                        layout = layouts[len(data)] = _Layout(data)
                        parts = layout.struct.unpack_from(data)
                    yield read(layout, parts)


class _Layout:
    """Where the attributes of an element, or of an object, lie; worked out from one of the same length."""

    def __init__(self, data: bytes) -> None:
        form = "="
        heads: list[int] = []
        self.at: dict[int, int] = {}
        start = 0
        while start < len(data):
            length, kind = ATTRIBUTE.unpack_from(data, start)
            self.at[kind & 0x3FFF] = len(heads) * 2 + 1
            heads.append(length | kind << 16)
            size = max(4, length)
            form += f"I{size - 4}s{-size % 4 if start + size < len(data) else 0}x"
            start += (size + 3) & ~3
        self.struct, self.heads = struct.Struct(form), tuple(heads)

    def read(self, parts: tuple[Any, ...]) -> Element:
        """Take an element apart that looks like the first."""
        at = self.at
        packets = count = None
        if 7 in at:
            packets, count = _counter(parts[at[7]])
        return Element(
            parts[at[1]][4:],
            int.from_bytes(parts[at[4]], "big") if 4 in at else 0,
            int.from_bytes(parts[at[5]], "big") if 5 in at else 0,
            packets,
            count,
            _comment(parts[at[6]]) if 6 in at else "",
            parts[at[2]][4:] if 2 in at else b"",
            parts[at[9]][:-1].decode("ascii", "replace") if 9 in at else "",
        )

    def read_bytes(self, parts: tuple[Any, ...]) -> tuple[bytes, int]:
        """Take the key and what was counted."""
        return parts[self.at[1]][4:], _counter(parts[self.at[7]])[1] if 7 in self.at else 0

    def read_expires(self, parts: tuple[Any, ...]) -> tuple[bytes, int]:
        """Take the key and the milliseconds that are left."""
        return parts[self.at[1]][4:], int.from_bytes(parts[self.at[5]], "big") if 5 in self.at else 0


def _counter(expression: bytes) -> tuple[int, int]:
    """Packets and bytes."""
    if len(expression) == 40:  # as most machines write it: name, then bytes and packets
        (count,), (packets,) = _U64.unpack_from(expression, 20), _U64.unpack_from(expression, 32)
        return packets, count
    values = dict(attributes(dict(attributes(expression))[2]))
    return _U64.unpack(values[2])[0], _U64.unpack(values[1])[0]


def _comment(userdata: bytes) -> str:
    """Read a comment as libnftables keeps it: kind 0, its length, and text ended by a zero."""
    if len(userdata) < 3 or userdata[0] != 0:
        return ""
    return userdata[2 : 2 + userdata[1]].rstrip(b"\0").decode("utf-8", "replace")


def _quotas(answers: Iterable[bytes]) -> Iterator[QuotaState]:
    layouts: dict[int, _Layout] = {}
    for answer in answers:
        data = answer[len(_HEAD) :]
        layout = layouts.get(len(data))
        parts = layout.struct.unpack_from(data) if layout else ()
        if layout is None or parts[::2] != layout.heads:
            layout = layouts[len(data)] = _Layout(data)
            parts = layout.struct.unpack_from(data)
        name, values = parts[layout.at[2]], parts[layout.at[4]]
        if len(values) == 32:  # as most machines write it: limit, what is used, flags
            limit, used = _QUOTA_VALUES.unpack_from(values)
        else:
            found = dict(attributes(values))
            (limit,), (used,) = _U64.unpack(found[1]), _U64.unpack(found[4])
        yield QuotaState(name[:-1].decode("ascii", "replace"), limit, used)
