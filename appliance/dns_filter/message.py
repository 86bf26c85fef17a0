"""As much of DNS messages as the filter needs: the question, and answers of its own. Pure.

Source: RFC 1035 section 4, RFC 2308 (negative answers), RFC 6891 (EDNS), RFC 9460 (HTTPS records).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

EDNS_BYTES: Final = 1232  # what passes everywhere without fragments, dnsflagday.net/2020
BLOCK_SECONDS: Final = 60
_HEADER: Final = struct.Struct("!6H")
_RECORD: Final = struct.Struct("!2HIH")
_CLASS_IN: Final = 1
_QR, _OPCODE, _AA, _TC, _RD, _RA = 0x8000, 0x7800, 0x0400, 0x0200, 0x0100, 0x0080
_JUMPS_MAX: Final = 128


class Type(IntEnum):
    """The types of records that the filter answers by itself."""

    A = 1
    CNAME = 5
    SOA = 6
    AAAA = 28
    OPT = 41
    SVCB = 64
    HTTPS = 65
    ANY = 255


class Code(IntEnum):
    """How an answer went (RCODE)."""

    NO_ERROR = 0
    FORMAT_ERROR = 1
    SERVER_FAILURE = 2
    NO_SUCH_NAME = 3
    NOT_IMPLEMENTED = 4
    REFUSED = 5


class Malformed(ValueError):  # noqa: N818 - reads as what it says
    """The bytes are no DNS message that the filter takes."""


@dataclass(frozen=True, slots=True)
class Query:
    """One question. ``name`` is in lower case without the last dot; ``question`` holds the bytes as they were asked."""

    id: int
    flags: int
    name: bytes
    type: int
    question: bytes

    @property
    def is_internet(self) -> bool:
        """Is it of class IN?"""
        return self.question.endswith(b"\0\x01")


@dataclass(frozen=True, slots=True)
class Record:
    """One record of an answer. ``data`` as it stands in the message; ``seconds`` is its TTL."""

    type: int
    seconds: int
    data: bytes


def parse_query(message: bytes) -> Query:
    """Read a query with one question.

    Raises:
        Malformed: anything else.
    """
    query, counts = _parse(message)
    if query.flags & (_QR | _OPCODE) or counts[1]:
        raise Malformed("this is no plain query")
    return query


def answers_to(query: Query, id_: int, message: bytes) -> bool:
    """Is ``message`` an answer with this id to the question of ``query``?"""
    try:
        answer, _ = _parse(message)
    except Malformed:
        return False
    same = answer.question.lower() == query.question.lower()
    return same and answer.id == id_ and bool(answer.flags & _QR) and not answer.flags & _OPCODE


def code(message: bytes) -> int:
    """The RCODE of an answer that `answers_to` took."""
    return message[3] & 0x0F


def is_truncated(message: bytes) -> bool:
    """Does an answer that `answers_to` took say that it is not whole?"""
    return bool(message[2] & (_TC >> 8))


def with_id(message: bytes, id_: int) -> bytes:
    """The same message with another id."""
    return id_.to_bytes(2, "big") + message[2:]


def clamp(message: bytes, query: Query) -> bytes:
    """The query with its EDNS size brought to at most 1232 bytes."""
    start = _HEADER.size + len(query.question)
    if message[start : start + 3] == b"\0\0\x29" and len(message) >= start + 11:
        size = int.from_bytes(message[start + 3 : start + 5], "big")
        return message[: start + 3] + min(size, EDNS_BYTES).to_bytes(2, "big") + message[start + 5 :]
    return message


def ask(id_: int, host: bytes, kind: int) -> bytes:
    """A query for ``host`` (a normalised name) of class IN."""
    return _HEADER.pack(id_, _RD, 1, 0, 0, 0) + _name(host) + struct.pack("!2H", kind, _CLASS_IN)


def respond(query: Query, code_: Code) -> bytes:
    """An answer without records."""
    return _header(query, code_, 0, 0) + query.question


def nothing(query: Query, code_: Code = Code.NO_ERROR) -> bytes:
    """No record of this type, or with ``NO_SUCH_NAME`` no such name; with the SOA that lets it be remembered."""
    return _header(query, code_, 0, 1) + query.question + _soa()


def address(query: Query, four_bytes: bytes) -> bytes:
    """One A record."""
    return _header(query, Code.NO_ERROR, 1, 0) + query.question + _record(Type.A, BLOCK_SECONDS, four_bytes)


def alias(query: Query, host: bytes, found: Sequence[Record]) -> bytes:
    """The name asked for is another name of ``host``, and these are its addresses."""
    target = _name(host)
    body = _header(query, Code.NO_ERROR, 1 + len(found), 0 if found else 1) + query.question
    seconds = min([300, *(record.seconds for record in found)])
    body += _record(Type.CNAME, seconds, target)
    place = struct.pack("!H", 0xC000 | (len(body) - len(target)))
    for record in found:
        body += place + _RECORD.pack(record.type, _CLASS_IN, record.seconds, len(record.data)) + record.data
    return body if found else body + _soa()


def records(message: bytes, kind: int) -> tuple[Record, ...]:
    """The records of type ``kind`` in the answer section, by whatever alias they come; none of a damaged message."""
    try:
        return tuple(record for record in _records(message) if record.type == kind)
    except (Malformed, struct.error):
        return ()


def _records(message: bytes) -> Iterator[Record]:
    query, counts = _parse(message)
    place = _HEADER.size + len(query.question)
    for _ in range(counts[1]):
        place = _skip_name(message, place)
        kind, class_, seconds, length = _RECORD.unpack_from(message, place)
        place += _RECORD.size
        data = message[place : place + length]
        if len(data) != length:
            raise Malformed("a record ends too early")
        if class_ == _CLASS_IN:
            yield Record(kind, min(seconds, 86_400), data)
        place += length


def _parse(message: bytes) -> tuple[Query, tuple[int, ...]]:
    if len(message) < _HEADER.size:
        raise Malformed("shorter than a header")
    id_, flags, *counts = _HEADER.unpack_from(message)
    if counts[0] != 1:
        raise Malformed("not one question")
    labels, place = [], _HEADER.size
    while True:
        length = message[place] if place < len(message) else 64
        if length > 63:  # compressed, or no end
            raise Malformed("the name has no end")
        if length == 0:
            break
        labels.append(message[place + 1 : place + 1 + length])
        place += 1 + length
    end = place + 5
    if end > len(message) or place - _HEADER.size > 254:
        raise Malformed("the question has no end")
    kind = int.from_bytes(message[place + 1 : place + 3], "big")
    # A dot inside a label is not one between labels; nothing that is listed has either.
    name = b".".join(label.replace(b".", b"\\.") for label in labels).lower()
    return Query(id_, flags, name, kind, message[_HEADER.size : end]), tuple(counts)


def _skip_name(message: bytes, place: int) -> int:
    for _ in range(_JUMPS_MAX):
        if place >= len(message):
            break
        length = message[place]
        if length >= 0xC0:
            return place + 2
        if length > 63:
            break
        place += 1 + length
        if length == 0:
            return place
    raise Malformed("a record's name has no end")


def _header(query: Query, code_: Code, answers: int, authority: int) -> bytes:
    flags = _QR | _RA | (query.flags & (_RD | _OPCODE)) | code_
    return _HEADER.pack(query.id, flags, 1, answers, authority, 0)


def _record(kind: Type, seconds: int, data: bytes) -> bytes:
    # The owner is the question's name, by a pointer to where it stands in every message.
    return b"\xc0\x0c" + _RECORD.pack(kind, _CLASS_IN, seconds, len(data)) + data


def _soa() -> bytes:
    words = struct.pack("!5I", 1, 3600, 600, 86_400, BLOCK_SECONDS)
    return _record(Type.SOA, BLOCK_SECONDS, _name(b"filter.invalid") + _name(b"nobody.invalid") + words)


def _name(host: bytes) -> bytes:
    return b"".join(bytes([len(label)]) + label for label in host.split(b".")) + b"\0"
