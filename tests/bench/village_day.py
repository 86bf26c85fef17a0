"""A day of a village as its hub would measure it: the reference record of ``docs/wire.md``, minute by minute."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

from appliance.core.clock import WallQuality
from appliance.core.report import Record
from noc.simulate.village import Village

MINUTE_MS: Final = 60_000


def records(
    minutes: int, seed: int = 1, *, boot_id: str = "5f3c1a72904e4bd8a1c6e0d39b7f2468", wall_ms: int = 1_780_000_000_000
) -> Iterator[Record]:
    """Make a record of 40 samples for each minute, oldest first."""
    chance = random.Random(seed)
    village = Village(chance)
    boottime_ms = chance.randrange(10**7, 10**9)
    sequence = 41_417 + boottime_ms // MINUTE_MS
    offset_ms = wall_ms - boottime_ms
    for minute in range(minutes):
        # The loop wakes some milliseconds late, never the same, and the time server's hand moves the wall clock a bit.
        at_ms = boottime_ms + minute * MINUTE_MS + int(chance.expovariate(1 / 6))
        offset_ms += chance.choice((0, 0, 0, 0, 0, 0, 0, 1, -1))
        samples = village.minute((wall_ms // MINUTE_MS + minute) % 1_440, at_ms)
        yield Record(boot_id, sequence + minute, at_ms, at_ms + offset_ms, WallQuality.NTP, samples)
