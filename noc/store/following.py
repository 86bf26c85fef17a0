"""What follows for one hub from its batches: anchors of its boots, its latest records, the hours to be made. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from appliance.core.report import Report
from noc.store import reading
from noc.store.contract import ArrivedRecord
from noc.store.kept import DAY_MS, Kept
from noc.store.moments import Anchor, anchors, better, placed_ms
from noc.store.rollup import GAP_MS, hour_of

RECENT_RECORDS: Final = 5
HOURS_KEPT_MS: Final = 90 * DAY_MS


@dataclass(slots=True)
class Followed:
    """What a step knew of a hub, and what it found. ``better`` and ``moved`` are by boot."""

    hub_id: str
    anchors: dict[str, Anchor]
    recent: list[ArrivedRecord]
    contact_ms: int = 0
    moved: dict[str, tuple[Anchor, Anchor]] = field(default_factory=dict)
    better: dict[str, Anchor] = field(default_factory=dict)
    hours: set[int] = field(default_factory=set)


def follow(hub: Followed, batch: Kept, report: Report) -> None:
    """Take one more batch of a hub."""
    hub.contact_ms = max(hub.contact_ms, batch.received_ms)
    for boot_id, anchor in anchors(report, batch.received_ms).items():
        old = hub.anchors.get(boot_id)
        chosen = better(old, anchor)
        if chosen != old:
            hub.anchors[boot_id] = hub.better[boot_id] = chosen
            if old is not None:
                hub.moved[boot_id] = hub.moved.get(boot_id, (old,))[0], chosen
    placed = [each for each in reading.records(batch, report, hub.anchors) if each.time_ms is not None]
    # Older sums than that are not kept; nobody's clock has them made.
    since_ms = batch.received_ms - HOURS_KEPT_MS
    hub.hours.update(_hours(each.time_ms for each in placed if each.time_ms is not None and each.time_ms >= since_ms))
    hub.recent = reading.in_order([*hub.recent, *placed])[-RECENT_RECORDS:]


def move(hub: Followed, loose: Iterable[Kept]) -> None:
    """Find the hours that records leave and enter, where a boot turned out to have begun at another moment.

    Args:
        hub: whose boots moved.
        loose: its batches that say nothing of the date.
    """
    for batch, report in reading.decoded(loose):
        hub.hours.update(_moved_hours(report, batch.received_ms, hub))
    hub.recent = reading.in_order(_placed_anew(hub.recent, hub.anchors))


def _hours(times: Iterable[int]) -> set[int]:
    # What a counter moved in the first minutes of an hour is the difference to the last record of the hour before.
    return {hour_of(time_ms + ahead) for time_ms in times for ahead in (0, GAP_MS)}


def _moved_hours(report: Report, received_ms: int, hub: Followed) -> set[int]:
    times = {
        placed_ms(record, {record.boot_id: anchor}, received_ms)
        for record in report.records
        for anchor in hub.moved.get(record.boot_id, ())
    }
    return _hours(each for each in times if each is not None)


def _placed_anew(found: Sequence[ArrivedRecord], known: dict[str, Anchor]) -> list[ArrivedRecord]:
    return [
        ArrivedRecord(each.hub_id, each.record, placed_ms(each.record, known, each.received_ms), each.received_ms)
        for each in found
    ]
