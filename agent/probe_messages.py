"""What a question for a name and for a page looks like on the line, and what its answer says. Pure.

Source: RFC 1035 (DNS), RFC 9112 (HTTP/1.1).
"""

from __future__ import annotations

import datetime
import re
import struct
from dataclasses import dataclass
from typing import Final

from appliance.core.probes import Probe

_HEAD: Final = struct.Struct("!HHHHHH")
_TYPE_A: Final = 1
_CLASS_IN: Final = 1
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?\r?\n")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# strptime() would read the months of the box's language, and load them.
_DATE: Final = re.compile(r"[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT", re.ASCII)
_HEADERS_END: Final = re.compile(rb"\r?\n\r?\n")


class StrayAnswerError(ValueError):
    """Another question's answer: stray or forged, and not to be believed in any way."""


def name_query(identity: int, host: str) -> bytes:
    """Ask for the IPv4 address of ``host``; ``identity`` is 16 bits that nobody can guess."""
    return _HEAD.pack(identity, 0x0100, 1, 0, 0, 0) + _question(host)


def name_answer(message: bytes, identity: int, host: str) -> str:
    """Read the first IPv4 address that an answer gives.

    Raises:
        StrayAnswerError: it answers another question.
        ValueError: it gives no address, or is no DNS message.
    """
    question = _question(host)
    if len(message) < _HEAD.size + len(question):
        raise StrayAnswerError("it is shorter than the question")
    told, flags, questions, answers, _, _ = _HEAD.unpack_from(message)
    asked = message[_HEAD.size : _HEAD.size + len(question)]
    if told != identity or not flags & 0x8000 or questions != 1 or asked.lower() != question.lower():
        raise StrayAnswerError("it answers another question")
    if flags & 0x000F:
        raise ValueError(f"the server said no, code {flags & 0x000F}")
    at = _HEAD.size + len(question)
    for _ in range(min(answers, 32)):
        at = _after_name(message, at)
        if at + 10 > len(message):
            raise ValueError("the answer is cut off")
        kind, group, _, length = struct.unpack_from("!HHIH", message, at)
        at += 10
        data = message[at : at + length]
        if len(data) != length:
            raise ValueError("the answer is cut off")
        if (kind, group, length) == (_TYPE_A, _CLASS_IN, 4):
            return ".".join(str(each) for each in data)
        at += length
    raise ValueError("the answer holds no address")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: its status, its ``Date`` as it came, and its body as far as it was read."""

    status: int
    date: str
    body: bytes

    def is_of(self, probe: Probe) -> bool:
        """Is it what this probe's own server says?"""
        return self.status == probe.status and self.body.strip() == probe.body.encode().strip()


def page_request(probe: Probe) -> bytes:
    """Ask a probe's question; short, since each byte is paid for."""
    return f"GET {probe.path} HTTP/1.1\r\nHost: {probe.host}\r\nConnection: close\r\n\r\n".encode("ascii")


def is_whole(raw: bytes) -> bool:
    """Has the whole answer come, as far as its head tells?"""
    end = _HEADERS_END.search(raw)
    if end is None:
        return False
    status, length = _STATUS.match(raw), _header(raw[: end.start()], b"content-length")
    if status is not None and status[1] in (b"204", b"304"):
        return True
    return length.isdigit() and len(length) < 10 and len(raw) - end.end() >= int(length)


def read_page(raw: bytes) -> Answer | None:
    """Read an answer; None where it is none."""
    end, status = _HEADERS_END.search(raw), _STATUS.match(raw)
    if end is None or status is None:
        return None
    return Answer(int(status[1]), _header(raw[: end.start()], b"date").decode("ascii", "replace"), raw[end.end() :])


def parse_date(text: str) -> int | None:
    """Read an HTTP date ("Sun, 06 Nov 1994 08:49:37 GMT", RFC 9110) as ms since 1970; None where it is none."""
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    day, month, year, hour, minute, second = found.groups()
    try:
        on = datetime.date(int(year), _MONTHS.index(month) + 1, int(day))
        at = datetime.time(int(hour), int(minute), min(int(second), 59), tzinfo=datetime.UTC)
    except ValueError:
        return None
    return round(datetime.datetime.combine(on, at).timestamp()) * 1000


def _header(head: bytes, name: bytes) -> bytes:
    for line in head.splitlines()[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return b""


def _question(host: str) -> bytes:
    labels = b"".join(bytes((len(label),)) + label.encode("ascii") for label in host.split("."))
    return labels + b"\0" + struct.pack("!HH", _TYPE_A, _CLASS_IN)


def _after_name(message: bytes, at: int) -> int:
    while at < len(message):
        length = message[at]
        if length == 0:
            return at + 1
        if length & 0xC0:
            return at + 2
        at += 1 + length
    raise ValueError("the answer is cut off")
