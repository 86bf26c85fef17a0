"""The part of MQTT version 5 that an ingest speaks: packets to bytes and back. Pure; `noc.ingest.link` has the socket.

It exists because the general client spends 0.3 ms of Python on each message that it receives and answers, which was
most of what the whole ingest did (docs/adr/0040-own-mqtt-reader-in-the-ingest.md). What an ingest never does (QoS 2,
wills, retained messages, topic aliases, passwords) is not here, and a broker that sends it is refused.

Source: MQTT Version 5.0, OASIS Standard, 7 March 2019; the numbers in brackets are its sections.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

from appliance.core.errors import DesahubError

PING: Final = b"\xc0\x00"
_DISCONNECT: Final = b"\xe0\x00"
_CONNACK, _PUBLISH, _PUBACK, _SUBACK, _PINGRESP, _GOODBYE = 2, 3, 4, 9, 13, 14
# Properties [2.2.2.2] by the length of their value: fixed, or one or two texts or a number of variable length.
_FIXED: Final = {
    1: 1, 2: 4, 17: 4, 19: 2, 23: 1, 24: 4, 25: 1, 33: 2, 34: 2, 35: 2, 36: 1, 37: 1, 39: 4, 40: 1, 41: 1, 42: 1,
}  # fmt: skip
_TEXTS: Final = {3: 1, 8: 1, 9: 1, 18: 1, 21: 1, 22: 1, 26: 1, 28: 1, 31: 1, 38: 2}
_SUBSCRIPTION_IDENTIFIER: Final = 11
_SESSION_EXPIRY, _RECEIVE_MAX, _PACKET_MAX = 17, 33, 39
RECEIVE_MAX_DEFAULT: Final = 65_535


class ProtocolError(DesahubError):
    """The other side does not speak MQTT as agreed; the connection is of no more use."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The broker's answer to CONNECT. ``receive_max`` is how many of our QoS 1 messages may be open with it."""

    reason: int
    receive_max: int


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The broker's answer to SUBSCRIBE, a reason for each filter; 128 and more are refusals."""

    reasons: bytes


@dataclass(frozen=True, slots=True)
class Received:
    """A message. ``packet_id`` is 0 for QoS 0."""

    topic: str
    payload: bytes
    packet_id: int


@dataclass(frozen=True, slots=True)
class Taken:
    """The broker has one of our messages, or refuses it (128 and more)."""

    packet_id: int
    reason: int


@dataclass(frozen=True, slots=True)
class Alive:
    """The answer to `PING`."""


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The broker ends the connection."""

    reason: int


Packet = Connected | Subscribed | Received | Taken | Alive | Goodbye


def connect(
    client_id: str, *, keepalive_seconds: int, session_seconds: int, receive_max: int, packet_max: int
) -> bytes:
    """Write CONNECT [3.1] that goes on with an old session where there is one."""
    properties = struct.pack(
        ">BIBHBI", _SESSION_EXPIRY, session_seconds, _RECEIVE_MAX, receive_max, _PACKET_MAX, packet_max
    )
    head = _text("MQTT") + bytes((5, 0)) + struct.pack(">H", keepalive_seconds)
    return _packet(0x10, head + _number(len(properties)) + properties + _text(client_id))


def subscribe(packet_id: int, filters: Sequence[str]) -> bytes:
    """Write SUBSCRIBE [3.8] for QoS 1."""
    return _packet(0x82, struct.pack(">HB", packet_id, 0) + b"".join(_text(each) + b"\x01" for each in filters))


def publish(topic: str, payload: bytes, packet_id: int) -> bytes:
    """Write PUBLISH [3.3] of QoS 1, not retained."""
    return _packet(0x32, _text(topic) + struct.pack(">HB", packet_id, 0) + payload)


def puback(packet_id: int) -> bytes:
    """Write PUBACK [3.4]: we have it."""
    return struct.pack(">BBH", 0x40, 2, packet_id)


def disconnect() -> bytes:
    """Write DISCONNECT [3.14]."""
    return _DISCONNECT


class Reader:
    """Cuts what arrives into packets. Holds at most one packet of ``packet_max`` bytes, and what came behind it."""

    def __init__(self, packet_max: int) -> None:
        self._packet_max = packet_max
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Packet]:
        """Take bytes and give the packets that are whole. Raises `ProtocolError`; the reader is of no use then."""
        buffer = self._buffer
        buffer += data
        start = 0
        try:
            while len(buffer) - start >= 2:
                head = _head(buffer, start + 1)
                if head is None:
                    break
                length, body = head
                if body + length - start > self._packet_max:
                    _refuse(f"a packet of {length} bytes; agreed were at most {self._packet_max}")
                if len(buffer) < body + length:
                    break
                first, packet = buffer[start], bytes(buffer[body : body + length])
                start = body + length
                yield _read(first, packet)
        finally:
            del buffer[:start]


def _read(first: int, body: bytes) -> Packet:
    kind = first >> 4
    try:
        if kind == _PUBLISH:
            return _received(first, body)
        if first & 0x0F or kind not in _READERS:
            return _refuse(f"packet type {kind} with flags {first & 0x0F}, which no broker sends to an ingest")
        return _READERS[kind](body)
    except (IndexError, struct.error, UnicodeDecodeError):
        return _refuse(f"packet type {kind} is cut off or no text")


def _received(first: int, body: bytes) -> Received:
    qos = first >> 1 & 3
    if qos > 1:
        _refuse(f"a message of QoS {qos}; subscribed is QoS 1")
    end = 2 + (body[0] << 8 | body[1])
    if end > len(body):
        raise IndexError
    topic, packet_id = body[2:end].decode(), 0
    if qos:
        packet_id = _id(body[end:])
        end += 2
    # Nearly always there is none.
    end = end + 1 if body[end] == 0 else _properties_end(body, end)
    return Received(topic, body[end:], packet_id)


def _connected(body: bytes) -> Connected:
    reason, receive_max = body[1], RECEIVE_MAX_DEFAULT
    for key, value in _properties(body, 2):
        if key == _RECEIVE_MAX:
            receive_max = int.from_bytes(value, "big") or _refuse("a receive maximum of 0")
    return Connected(reason, receive_max)


_READERS: Final[dict[int, Callable[[bytes], Packet]]] = {
    _PUBACK: lambda body: Taken(_id(body), body[2] if len(body) > 2 else 0),
    _PINGRESP: lambda _: Alive(),
    _CONNACK: _connected,
    _SUBACK: lambda body: Subscribed(body[_properties_end(body, 2) :]),
    _GOODBYE: lambda body: Goodbye(body[0] if body else 0),
}


def _id(body: bytes) -> int:
    (packet_id,) = struct.unpack_from(">H", body)
    if not packet_id:
        _refuse("a packet identifier of 0")
    return int(packet_id)


def _properties(body: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    head = _head(body, start)
    if head is None:
        raise IndexError
    length, at = head
    end = at + length
    if end > len(body):
        raise IndexError
    while at < end:
        key, begin = body[at], at + 1
        if key in _FIXED:
            at = begin + _FIXED[key]
        elif key in _TEXTS:
            at = begin
            for _ in range(_TEXTS[key]):
                at += 2 + (body[at] << 8 | body[at + 1])
        elif key == _SUBSCRIPTION_IDENTIFIER and (number := _head(body, begin)) is not None:
            at = number[1]
        else:
            _refuse(f"property {key} is not known")
        if at > end:
            raise IndexError
        yield key, body[begin:at]


def _properties_end(body: bytes, start: int) -> int:
    for _ in _properties(body, start):
        pass
    head = _head(body, start)
    if head is None:
        raise IndexError
    return head[0] + head[1]


def _head(data: bytes | bytearray, at: int) -> tuple[int, int] | None:
    """Read a number of variable length [1.5.5]; it and where it ends, None where more bytes are needed."""
    value = 0
    for shift in (0, 7, 14, 21):
        if at >= len(data):
            return None
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    return _refuse("a length of more than four bytes")


def _number(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack(">H", len(encoded)) + encoded


def _packet(first: int, body: bytes) -> bytes:
    return bytes((first,)) + _number(len(body)) + body


def _refuse(what: str) -> NoReturn:
    raise ProtocolError(f"the broker does not speak MQTT as agreed: {what}")
