"""A batch as a store keeps it: pure, and the same whatever the store."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Final

import cbor2

from noc.store.ranges import Range

DAY_MS: Final = 86_400_000

Held = dict[str, list[Range]]


@dataclass(frozen=True, slots=True)
class Kept:
    """A batch as it is kept. ``held`` names by boot which of its records count, None: all of them."""

    position: int
    hub_id: str
    received_ms: int
    held: Held | None
    payload: bytes


def day_of(time_ms: int) -> str:
    """Name the day of UTC that a moment lies in, as in ``2026-11-22``. Days before 1970 and after 9999 are these."""
    seconds = min(max(0, time_ms // 1000), 253_402_300_799)
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).date().isoformat()


def start_ms(day: str) -> int:
    """Say when a day of UTC begins."""
    return int(datetime.datetime.fromisoformat(day).replace(tzinfo=datetime.UTC).timestamp()) * 1000


def pack_held(held: Held | None) -> bytes | None:
    """Write which records count, for `unpack_held`."""
    return None if held is None else cbor2.dumps({bytes.fromhex(boot): ranges for boot, ranges in held.items()})


def unpack_held(packed: bytes | None) -> Held | None:
    """Read what `pack_held` wrote."""
    if packed is None:
        return None
    return {boot.hex(): [(first, last) for first, last in ranges] for boot, ranges in cbor2.loads(packed).items()}
