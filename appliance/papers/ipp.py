"""The part of IPP that printing a letter needs: requests to bytes, answers from bytes. Pure.

Source: RFC 8010 section 3 (encoding), RFC 8011 (operations and states).
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

Value = int | bool | str
_LANGUAGE: Final = "en"


class Operation(enum.IntEnum):
    """What is asked. Source: RFC 8011 section 5.4.15."""

    PRINT_JOB = 0x0002
    CANCEL_JOB = 0x0008
    GET_JOBS = 0x000A
    GET_PRINTER_ATTRIBUTES = 0x000B


class Tag(enum.IntEnum):
    """Delimiters and kinds of values. Source: RFC 8010 section 3.5."""

    OPERATION = 0x01
    JOB = 0x02
    END = 0x03
    PRINTER = 0x04
    INTEGER = 0x21
    BOOLEAN = 0x22
    ENUM = 0x23
    TEXT_WITH_LANGUAGE = 0x35
    NAME_WITH_LANGUAGE = 0x36
    TEXT = 0x41
    NAME = 0x42
    KEYWORD = 0x44
    URI = 0x45
    CHARSET = 0x47
    NATURAL_LANGUAGE = 0x48
    MIME = 0x49


_VALUE_TAGS_FROM: Final = 0x10
_WITH_LANGUAGE: Final = (Tag.TEXT_WITH_LANGUAGE, Tag.NAME_WITH_LANGUAGE)


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a request, with one or more values of one kind."""

    tag: Tag
    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, and each group of attributes after the operation's own."""

    status: int
    message: str
    groups: tuple[tuple[int, Mapping[str, tuple[Value, ...]]], ...]

    @property
    def is_good(self) -> bool:
        """Was it done? Source: RFC 8011 section 6.1, successful-*."""
        return self.status < 0x0100


def encode(operation: Operation, attributes: Sequence[Attribute]) -> bytes:
    """Make a request; a document follows right behind it."""
    said = [
        Attribute(Tag.CHARSET, "attributes-charset", ("utf-8",)),
        Attribute(Tag.NATURAL_LANGUAGE, "attributes-natural-language", (_LANGUAGE,)),
        *attributes,
    ]
    body = b"".join(_encoded(attribute) for attribute in said)
    return struct.pack(">BBHIB", 2, 0, operation, 1, Tag.OPERATION) + body + bytes([Tag.END])


def _encoded(attribute: Attribute) -> bytes:
    parts = []
    for i, value in enumerate(attribute.values):
        # A further value of the same attribute has an empty name.
        name = attribute.name.encode("ascii") if i == 0 else b""
        data = _value_bytes(attribute.tag, value)
        parts.append(struct.pack(">BH", attribute.tag, len(name)) + name + struct.pack(">H", len(data)) + data)
    return b"".join(parts)


def _value_bytes(tag: Tag, value: Value) -> bytes:
    if tag is Tag.BOOLEAN:
        return bytes([bool(value)])
    if tag in (Tag.INTEGER, Tag.ENUM):
        return struct.pack(">i", value)
    return str(value).encode("utf-8")


def decode(data: bytes) -> Answer:
    """Read an answer. Kinds of values that nobody here asks for are left out.

    Raises:
        ValueError: these bytes are no answer.
    """
    try:
        _, status, _ = struct.unpack_from(">HHI", data)
        groups = tuple(_groups(data, 8))
    except (struct.error, IndexError, UnicodeDecodeError):
        raise ValueError("the answer is no IPP message, or was cut") from None
    if not groups or groups[0][0] != Tag.OPERATION:
        raise ValueError("the answer does not begin with its operation's attributes")
    said = groups[0][1].get("status-message", ("",))[0]
    return Answer(status, str(said), groups[1:])


def _groups(data: bytes, at: int) -> Iterator[tuple[int, Mapping[str, tuple[Value, ...]]]]:
    group, found, name = -1, dict[str, tuple[Value, ...]](), ""
    while True:
        tag = data[at]
        at += 1
        if tag < _VALUE_TAGS_FROM:
            if group >= 0:
                yield group, found
            if tag == Tag.END:
                return
            group, found, name = tag, {}, ""
            continue
        said, at = _counted(data, at)
        value, at = _counted(data, at)
        name = said.decode("ascii") or name
        read = _value(tag, value)
        if read is not None:
            found[name] = (*found.get(name, ()), read)


def _counted(data: bytes, at: int) -> tuple[bytes, int]:
    (length,) = struct.unpack_from(">H", data, at)
    end = at + 2 + length
    if end > len(data):
        raise IndexError(end)
    return data[at + 2 : end], end


def _value(tag: int, data: bytes) -> Value | None:
    if tag in (Tag.INTEGER, Tag.ENUM):
        number: int = struct.unpack(">i", data)[0]
        return number
    if tag == Tag.BOOLEAN:
        return data != b"\0"
    if tag in _WITH_LANGUAGE:
        _, at = _counted(data, 0)
        data, _ = _counted(data, at)
        return data.decode("utf-8")
    return data.decode("utf-8") if 0x40 <= tag < 0x60 else None
