"""How hub and NOC measure the line between them: pure.

Over mutual TLS the hub says one line of JSON, ``{"do": "download", "bytes": 5000000}`` or ``{"do": "upload"}``. The
NOC answers with a line, ``{"go": true}`` or ``{"error": "..."}``. A download is then as many bytes as asked for, and
the end of the connection. An upload is blocks, each with four bytes of length (big-endian) before it, the last one
empty; the NOC answers with a line of what it saw: ``{"bytes": ..., "kbit": ...}``.

What is told is the speed of the second half of the time: the first belongs to TCP's beginning, which on a satellite
takes seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

PORT: Final = 8444
LINE_BYTES_MAX: Final = 512
BLOCK_BYTES: Final = 16_384
TRANSFER_SECONDS: Final = 10.0  # each way; the rest of the bytes asked for is not sent
TRANSFER_BYTES_MAX: Final = 100_000_000


@dataclass(slots=True)
class Meter:
    """Bytes as they came, and when, in seconds of any steady clock."""

    marks: list[tuple[float, int]] = field(default_factory=list)

    def add(self, at_seconds: float, count: int) -> None:
        """Note that ``count`` bytes came."""
        self.marks.append((at_seconds, self.total + count))

    @property
    def total(self) -> int:
        """All bytes that came."""
        return self.marks[-1][1] if self.marks else 0

    def kbit(self) -> int | None:
        """The speed in the second half of the time, in 1,000 bits a second; None where too little came to tell."""
        return speed_kbit(self.marks)


def speed_kbit(marks: Iterable[tuple[float, int]]) -> int | None:
    """Tell the speed of the second half of a transfer by moments and the bytes that had come by then."""
    every = list(marks)
    if len(every) < 2:
        return None
    end, total = every[-1]
    middle = (every[0][0] + end) / 2
    at, before = max((mark for mark in every if mark[0] <= middle), key=lambda mark: mark[0])
    return None if end <= at else round((total - before) * 8 / (end - at) / 1000)


def say(document: dict[str, Any]) -> bytes:
    """Write a line."""
    return json.dumps(document, ensure_ascii=False).encode() + b"\n"


def heard(line: bytes) -> dict[str, Any]:
    """Read a line. Raises ValueError."""
    said = json.loads(line) if len(line) <= LINE_BYTES_MAX else None
    if not isinstance(said, dict):
        raise ValueError("a line is an object of JSON")
    return said


def asked_bytes(document: dict[str, Any]) -> int | None:
    """Tell how many bytes a hub wants to be sent, None for an upload. Raises ValueError for anything else."""
    if document == {"do": "upload"}:
        return None
    count = document.get("bytes")
    if document.get("do") != "download" or type(count) is not int or not 1 <= count <= TRANSFER_BYTES_MAX:
        raise ValueError(f"allowed are upload, and download with bytes from 1 to {TRANSFER_BYTES_MAX}")
    return count
