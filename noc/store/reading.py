"""From batches as they came to records in time: pure, but for a word in the journal."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence

import cbor2

from appliance.core.clock import WallQuality
from appliance.core.errors import ReportError
from appliance.core.report import Outline, Record, Report, decode
from noc.store.contract import CELLS_MAX, ArrivedBatch, ArrivedRecord, cells_of
from noc.store.kept import Held, Kept
from noc.store.moments import Anchor, anchors, bounds, placed_ms

_log = logging.getLogger(__name__)


def arrived(hub_id: str, payload: bytes, report: Report | Outline, received_ms: int) -> ArrivedBatch:
    """Describe a report that came, for a store to keep."""
    times = bounds(report.records, received_ms) or (None, None)
    identities = tuple((each.boot_id, each.sequence) for each in report.records)
    return ArrivedBatch(hub_id, payload, received_ms, identities, *times)


def decoded(batches: Iterable[Kept]) -> Iterator[tuple[Kept, Report]]:
    """Decode batches, and pass over what the disk did not give back as it was: one page must not stop all hubs."""
    for batch in batches:
        try:
            message = decode(batch.payload)
        except ReportError as error:
            _log.error("batch %d of %s is lost, it cannot be read any more: %s", batch.position, batch.hub_id, error)
            continue
        if isinstance(message, Report):
            yield batch, message


def parts(batches: Iterable[tuple[Kept, Report]]) -> Iterator[list[tuple[Kept, Report]]]:
    """Cut batches into parts that memory bears: each ends with the batch that reaches `CELLS_MAX`."""
    part: list[tuple[Kept, Report]] = []
    cells = 0
    for each in batches:
        part.append(each)
        cells += cells_of(each[1].records)
        if cells >= CELLS_MAX:
            yield part
            part, cells = [], 0
    if part:
        yield part


def boots_of(part: Iterable[tuple[Kept, Report]]) -> dict[str, set[str]]:
    """Name the boots of each hub that batches tell of."""
    found: dict[str, set[str]] = {}
    for batch, report in part:
        boots = found.setdefault(batch.hub_id, set())
        boots.add(report.sent_boot_id)
        boots.update(each.boot_id for each in report.records)
    return found


def records(batch: Kept, report: Report, known: Mapping[str, Anchor]) -> Iterator[ArrivedRecord]:
    """The records of a batch that are no repeats, each once, placed in time by the anchors that are known."""
    seen: set[tuple[str, int]] = set()
    anchored = {**anchors(report, batch.received_ms), **known}
    for record in report.records:
        identity = record.boot_id, record.sequence
        if identity not in seen and _counts(batch.held, *identity):
            seen.add(identity)
            time_ms = placed_ms(record, anchored, batch.received_ms)
            yield ArrivedRecord(batch.hub_id, record, time_ms, batch.received_ms)


def in_order(found: Iterable[ArrivedRecord]) -> list[ArrivedRecord]:
    """Sort records that have a time: by it, then as their boot made them."""
    timed = [each for each in found if each.time_ms is not None]
    return sorted(timed, key=lambda each: (each.time_ms, each.record.boot_id, each.record.sequence))


def write(found: Sequence[ArrivedRecord]) -> bytes:
    """Write records of one hub, for `read`."""
    return cbor2.dumps(
        [
            [
                each.record.boot_id, each.record.sequence, each.record.boottime_ms, each.record.wall_ms,
                int(each.record.wall_quality), dict(each.record.samples), each.time_ms, each.received_ms,
            ]
            for each in found
        ]
    )  # fmt: skip


def read(hub_id: str, written: bytes) -> tuple[ArrivedRecord, ...]:
    """Read what `write` wrote."""
    return tuple(
        ArrivedRecord(
            hub_id, Record(boot_id, sequence, boottime_ms, wall_ms, WallQuality(quality), samples), time_ms, received_ms
        )
        for boot_id, sequence, boottime_ms, wall_ms, quality, samples, time_ms, received_ms in cbor2.loads(written)
    )


def _counts(held: Held | None, boot_id: str, sequence: int) -> bool:
    return held is None or any(first <= sequence <= last for first, last in held.get(boot_id, ()))
