"""What a connection that is there anyway knows of the line, for nothing: the round trip of the one to the NOC.

`Source` is the seam: who holds a connection gives a function that tells of it, from any thread.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass

from appliance.system import tcp_info


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """A smoothed round trip, and how long ago the other end was last heard."""

    seconds: float
    heard_seconds_ago: float


Source = Callable[[], RoundTrip | None]


def nobody() -> RoundTrip | None:
    """Know of no connection."""
    return None


def of(connection: object) -> RoundTrip | None:
    """Ask the kernel of a TCP connection, or TLS over one; None where it is none, or nothing was measured on it."""
    if not isinstance(connection, socket.socket):
        return None
    try:
        found = tcp_info.of(connection)
    except (OSError, ValueError):
        return None
    return RoundTrip(found.round_trip_seconds, found.heard_seconds_ago) if found.round_trip_seconds > 0 else None
