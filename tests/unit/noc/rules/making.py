"""Short ways to records, for tests of the rules."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.core.clock import WallQuality
from appliance.core.report import Number, Record
from noc.store.contract import ArrivedRecord

T0_MS = 1_780_000_000_000
A, B, C, D = (letter * 32 for letter in "abcd")


def record(
    boot_id: str,
    sequence: int,
    boottime_ms: int,
    *,
    wall_ms: int | None = None,
    quality: WallQuality = WallQuality.NTP,
    time_ms: int | None = None,
    received_ms: int | None = None,
    event: str = "",
    said: Mapping[str, Number | None] | None = None,
    **samples: Number | None,
) -> ArrivedRecord:
    """A record; without ``wall_ms`` of a box that knows no date. ``time_ms`` is where the ingest placed it."""
    if wall_ms is None:
        quality = WallQuality.UNKNOWN
    elif quality is WallQuality.NTP:
        time_ms = wall_ms
    everything = {**(said or {}), **samples, **({f"event.{event}": 1} if event else {})}
    made = Record(boot_id, sequence, boottime_ms, 86_400_000 if wall_ms is None else wall_ms, quality, everything)
    late = T0_MS + 400 * 86_400_000
    return ArrivedRecord("hub-0001", made, time_ms, late if received_ms is None else received_ms)


def minutes(
    boot_id: str,
    start_ms: int,
    first: int,
    last: int,
    *,
    number: int,
    known: bool = True,
    said: Mapping[str, Number | None] | None = None,
    **samples: Number | None,
) -> list[ArrivedRecord]:
    """A record a minute of a boot that began at ``start_ms``, from minute ``first`` to ``last``."""
    everything = {"uplink_state": 5, "boots": number, **(said or {}), **samples}
    return [
        record(boot_id, 60_000 + i - 1, i * 60_000, wall_ms=start_ms + i * 60_000 if known else None, said=everything)
        for i in range(first, last + 1)
    ]
