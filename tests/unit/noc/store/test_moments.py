"""When a record was made: by a time server's word, by the boot's anchor, or nobody knows."""

from __future__ import annotations

import pytest

from appliance.core.clock import WallQuality
from appliance.core.report import Record, Report
from noc.store import moments
from noc.store.moments import Anchor, anchors, better, bounds, placed_ms

BOOT, OTHER, NOW_MS = "aa" * 16, "bb" * 16, 1_780_000_000_000


def record(
    boottime_ms: int = 5_000, wall_ms: int = NOW_MS, quality: WallQuality = WallQuality.NTP, boot_id: str = BOOT
) -> Record:
    return Record(boot_id, boottime_ms, boottime_ms, wall_ms, quality, {"a": 1})


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (record(), NOW_MS),  # a time server's word
        (record(wall_ms=NOW_MS + 2 * moments.FUTURE_MS_MAX), NOW_MS - 1_000),  # … unless it is absurd
        (record(wall_ms=0, quality=WallQuality.UNKNOWN), NOW_MS - 1_000),  # as long ago as the uptime says
        (record(wall_ms=7, quality=WallQuality.RTC), NOW_MS - 1_000),
        (record(wall_ms=7, quality=WallQuality.RTC, boot_id=OTHER), 7),  # an older boot: its battery's clock
        (record(wall_ms=7, quality=WallQuality.UNKNOWN, boot_id=OTHER), None),  # nobody can tell
        (record(wall_ms=2**62, quality=WallQuality.RTC, boot_id=OTHER), None),
        (record(boottime_ms=2**62, wall_ms=7, quality=WallQuality.UNKNOWN), None),  # made after it was sent
    ],
)
def test_a_record_is_placed_in_time_or_not_at_all(made: Record, expected: int | None) -> None:
    known = anchors(Report(BOOT, 6_000, ()), NOW_MS)
    assert placed_ms(made, known, NOW_MS) == expected


def test_a_report_tells_of_the_boot_that_sent_it_and_of_those_that_knew_the_date() -> None:
    told = record(wall_ms=NOW_MS - 50_000, boot_id=OTHER)
    assert anchors(Report(BOOT, 6_000, (told, record(quality=WallQuality.RTC))), NOW_MS) == {
        BOOT: Anchor(NOW_MS - 6_000, is_known=False),
        OTHER: Anchor(NOW_MS - 55_000, is_known=True),
    }


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (None, Anchor(5_000, False), "new"),
        (Anchor(5_000, False), Anchor(9_000, True), "new"),
        (Anchor(9_000, True), Anchor(5_000, False), "old"),
        (Anchor(9_000, False), Anchor(5_000, False), "new"),  # the quicker way
        (Anchor(5_000, False), Anchor(9_000, False), "old"),
        (Anchor(5_000, False), Anchor(4_500, False), "old"),  # no news
        (Anchor(5_000, True), Anchor(5_900, True), "old"),
        (Anchor(5_000, True), Anchor(6_000, True), "new"),
    ],
)
def test_the_better_anchor_is_kept(old: Anchor | None, new: Anchor, expected: str) -> None:
    assert better(old, new) == (new if expected == "new" else old)


def test_bounds_are_of_records_that_all_knew_the_date() -> None:
    assert bounds([record(wall_ms=7), record(wall_ms=3)], NOW_MS) == (3, 7)
    assert bounds([record(), record(quality=WallQuality.RTC)], NOW_MS) is None
    assert bounds([], NOW_MS) is None
