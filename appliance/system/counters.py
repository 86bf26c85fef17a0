"""What each interface has counted: bytes and packets, as the kernel tells them.

Source: proc(5), ``/proc/net/dev``.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.system.roots import REAL, Roots


@dataclass(frozen=True, slots=True)
class Counters:
    """One interface's counters since it was made; 64 bits wide, or 32 where its driver counts so."""

    received_bytes: int
    received_packets: int
    sent_bytes: int
    sent_packets: int


def parse(text: str) -> dict[str, Counters]:
    """Read ``/proc/net/dev``: counters by interface. A line of another form is passed over."""
    found: dict[str, Counters] = {}
    for line in text.splitlines():
        name, colon, rest = line.partition(":")
        fields = rest.split()
        if colon and len(fields) >= 16 and all(field.isascii() and field.isdecimal() for field in fields):
            found[name.strip()] = Counters(int(fields[0]), int(fields[1]), int(fields[8]), int(fields[9]))
    return found


def read(roots: Roots = REAL) -> dict[str, Counters]:
    """Read all interfaces' counters. Raises OSError."""
    return parse((roots.proc / "net/dev").read_text("utf-8", "replace"))
