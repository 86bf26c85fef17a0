"""When a record was made, in ms of UTC: pure.

A box has no clock battery. What places a boot in time is its *anchor*: wall time less boottime, in ms. A time server's
word in a record is taken as it is; other records of that boot lie by the anchor that such a record gives. Where no
record of a boot ever knew the date, the quickest of its reports does: it arrived so long after the boot began. A
battery's clock is the last resort; an unset clock says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from appliance.core.clock import WallQuality
from appliance.core.report import Report

FUTURE_MS_MAX: Final = 86_400_000
_MOVED_MS_MIN: Final = 1_000  # a time server moves a clock a little all day; that is no news


class Clocks(Protocol):
    """The clocks of a record."""

    @property
    def boot_id(self) -> str: ...

    @property
    def boottime_ms(self) -> int: ...

    @property
    def wall_ms(self) -> int: ...

    @property
    def wall_quality(self) -> WallQuality: ...


@dataclass(frozen=True, slots=True)
class Anchor:
    """Wall time less boottime of one boot, in ms. ``is_known`` tells a time server's word from a guess by arrival."""

    offset_ms: int
    is_known: bool


def anchors(report: Report, received_ms: int) -> dict[str, Anchor]:
    """What a report that came at ``received_ms`` says of the boots in it."""
    found = {report.sent_boot_id: Anchor(received_ms - report.sent_boottime_ms, is_known=False)}
    for record in report.records:
        if is_told(record, received_ms):
            found[record.boot_id] = Anchor(record.wall_ms - record.boottime_ms, is_known=True)
    return found


def better(old: Anchor | None, new: Anchor) -> Anchor:
    """Choose between what was known of a boot and what a later report says."""
    if old is None or (new.is_known and not old.is_known):
        return new
    if old.is_known:
        return new if new.is_known and abs(new.offset_ms - old.offset_ms) >= _MOVED_MS_MIN else old
    # A report may have waited anywhere on its way: the quickest tells the most.
    return new if new.offset_ms <= old.offset_ms - _MOVED_MS_MIN else old


def is_told(record: Clocks, received_ms: int) -> bool:
    """Say whether a time server told the box the date of this record, and it is not absurd."""
    return record.wall_quality is WallQuality.NTP and record.wall_ms <= received_ms + FUTURE_MS_MAX


def bounds(records: Iterable[Clocks], received_ms: int) -> tuple[int, int] | None:
    """The first and last moment of records whose date was told, None unless it was told for all of them."""
    walls = [each.wall_ms if is_told(each, received_ms) else None for each in records]
    told = [each for each in walls if each is not None]
    return (min(told), max(told)) if told and len(told) == len(walls) else None


def placed_ms(record: Clocks, known: Mapping[str, Anchor], received_ms: int) -> int | None:
    """Say when a record of a report that came at ``received_ms`` was made, None where nobody can tell."""
    if is_told(record, received_ms):
        return record.wall_ms
    anchor = known.get(record.boot_id)
    if anchor is not None:
        made_ms = record.boottime_ms + anchor.offset_ms
        if 0 <= made_ms <= received_ms + FUTURE_MS_MAX:
            return made_ms
    if record.wall_quality is WallQuality.RTC and record.wall_ms <= received_ms + FUTURE_MS_MAX:
        return record.wall_ms
    return None
