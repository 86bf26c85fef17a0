"""What is written of a connection, and when a file is dropped. Pure."""

from __future__ import annotations

import datetime
import json
from typing import Final

from appliance.core.clock import WallQuality
from appliance.core.config import Config
from appliance.records.conntrack import Ended

_PROTOCOLS: Final = {1: "icmp", 6: "tcp", 17: "udp"}
_DAY_MS: Final = 86_400_000


def is_recorded(config: Config, one: Ended) -> bool:
    """Did a resident's device reach somebody outside? Talk with the box itself, and what it redirected, is not kept."""
    inside = [network.interface_address.network for network in config.networks]
    return (
        any(one.source in network.interface_address.network for network in config.resident_networks)
        and not any(one.destination in network or one.answerer in network for network in inside)
        and not one.destination.is_multicast
        and (one.sent_bytes, one.received_bytes) != (0, 0)
    )


def line(one: Ended, mac: str | None, wall_ms: int, quality: WallQuality) -> str:
    """One record as a line of JSON.

    ``began`` is the kernel's, by the wall clock as it stood then; ``clock`` tells how far the clock could be believed
    when the connection ended. ``seconds`` is null where the clock was set back in between.

    Args:
        one: the connection.
        mac: of the device, None where it is not known any more.
        wall_ms: now, for connections whose times the kernel did not keep.
        quality: of the wall clock now.
    """
    ended_ms = one.ended_ns // 1_000_000 if one.ended_ns is not None else wall_ms
    began = ended_ms if one.began_ns is None else one.began_ns // 1_000_000
    found = {
        "began": moment(began), "clock": quality.name.lower(),
        "seconds": duration_seconds(one, wall_ms),
        "mac": mac, "source": str(one.source), "source_port": one.source_port, "destination": str(one.destination),
        "destination_port": one.destination_port, "protocol": _PROTOCOLS.get(one.protocol, str(one.protocol)),
        "sent_bytes": one.sent_bytes, "received_bytes": one.received_bytes,
    }  # fmt: skip
    return json.dumps(found, separators=(",", ":")) + "\n"


def duration_seconds(one: Ended, wall_ms: int) -> float | None:
    """How long it lasted; None where the kernel kept no begin, or the clock was set back in between."""
    ended_ms = one.ended_ns // 1_000_000 if one.ended_ns is not None else wall_ms
    seconds = -1.0 if one.began_ns is None else round(ended_ms / 1000 - one.began_ns / 1e9, 1)
    return seconds if seconds >= 0 else None


def gap(wall_ms: int, quality: WallQuality) -> str:
    """The line that says: before this moment connections ended that nobody heard of."""
    return json.dumps({"lost_before": moment(wall_ms), "clock": quality.name.lower()}, separators=(",", ":")) + "\n"


def moment(wall_ms: int) -> str:
    """A moment as ISO 8601 in UTC, to the second."""
    return datetime.datetime.fromtimestamp(wall_ms // 1000, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_over(begun_ms: int, keep_days: int, now_ms: int) -> bool:
    """Must a file that was begun then be dropped?"""
    return now_ms - begun_ms > keep_days * _DAY_MS
