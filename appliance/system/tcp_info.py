"""What the kernel knows of one of our TCP connections: its round trip and what went over it.

Source: tcp(7), ``TCP_INFO``; the kernel's include/uapi/linux/tcp.h (its layout only ever grows).
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import Final

_LAYOUT: Final = struct.Struct("=52xII8xI48x8xQII56xQ")
_IP_AND_TCP_BYTES: Final = 52  # 20 of IP, 20 of TCP, 12 of its timestamps
_SYN_EXTRA_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class TcpInfo:
    """``round_trip_seconds`` is smoothed, 0 before the first; ``heard_seconds_ago`` since the last segment came."""

    round_trip_seconds: float
    heard_seconds_ago: float
    line_bytes: int


def parse(raw: bytes) -> TcpInfo:
    """Read the kernel's structure.

    Raises:
        ValueError: an older kernel's, which does not count (before 4.19).
    """
    if len(raw) < _LAYOUT.size:
        raise ValueError(f"the kernel told {len(raw)} bytes of its tcp_info; {_LAYOUT.size} are needed")
    data_ms, answer_ms, round_trip_us, received_bytes, sent, received, sent_bytes = _LAYOUT.unpack_from(raw)
    heads = (sent + received) * _IP_AND_TCP_BYTES + 2 * _SYN_EXTRA_BYTES
    return TcpInfo(round_trip_us / 1e6, min(data_ms, answer_ms) / 1e3, heads + sent_bytes + received_bytes)


def of(connection: socket.socket) -> TcpInfo:
    """Ask the kernel of a TCP connection, or of TLS over one. Raises OSError, ValueError."""
    return parse(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256))
