"""What an hour amounts to: pure. An hour is made anew from its records when a late one comes, never added to."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Mapping, Sequence
from typing import Final

import cbor2

from noc.store.contract import ArrivedRecord, Hour, Summary

HOUR_MS: Final = 3_600_000
GAP_MS: Final = 900_000  # two records further apart than this say nothing about what lay between
NUMBER_END: Final = 1 << 63  # a hub may say any number; what reaches beyond this says nothing, and its sums are none
_COUNTERS: Final = ("_bytes", "_packets", "logins", "refusals", "_restarts", "_count", "boots")


def hour_of(time_ms: int) -> int:
    """The hour of UTC that a moment lies in, as the ms of its beginning."""
    return time_ms - time_ms % HOUR_MS


def roll_up(hub_id: str, hour_ms: int, records: Sequence[ArrivedRecord]) -> Hour:
    """Sum an hour up.

    Args:
        hub_id: whose.
        hour_ms: its beginning.
        records: the hub's records from `GAP_MS` before the hour to its end, in order: what a counter moved is the
            difference to the record before, which may lie in the hour before.
    """
    within = [each for each in records if each.time_ms is not None and each.time_ms >= hour_ms]
    numbers: dict[str, list[float]] = {}
    for each in within:
        for name, value in each.record.samples.items():
            if value is not None and abs(value) < NUMBER_END:
                numbers.setdefault(name, []).append(value)
    moved = _moved(hour_ms, records)
    samples = {
        name: Summary(len(found), sum(found), min(found), max(found), moved.get(name, 0))
        for name, found in numbers.items()
    }
    return Hour(hub_id, hour_ms, len(within), samples)


def pack(samples: Mapping[str, Summary]) -> bytes:
    """Write summaries compactly."""
    rows = {name: [s.count, s.total, s.least, s.greatest, s.moved] for name, s in samples.items()}
    return zlib.compress(cbor2.dumps(rows), 6)


def unpack(packed: bytes) -> dict[str, Summary]:
    """Read what `pack` wrote."""
    return {name: Summary(*row) for name, row in cbor2.loads(zlib.decompress(packed)).items()}


def _moved(hour_ms: int, records: Sequence[ArrivedRecord]) -> dict[str, float]:
    found: dict[str, float] = {}
    for one, other in itertools.pairwise(records):
        if other.time_ms is None or other.time_ms < hour_ms or one.record.boot_id != other.record.boot_id:
            continue
        if not 0 < other.record.boottime_ms - one.record.boottime_ms <= GAP_MS:
            continue
        for name, after in other.record.samples.items():
            before = one.record.samples.get(name)
            # A counter that fell was reset: what it moved nobody knows.
            if before is not None and after is not None and 0 <= after - before < NUMBER_END and _is_counter(name):
                found[name] = found.get(name, 0) + after - before
    return found


def _is_counter(name: str) -> bool:
    return name.partition(".")[0].endswith(_COUNTERS)
