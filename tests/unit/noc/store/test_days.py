"""Files of batches: what of them is read for a span of time."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path

from noc.store.days import DAY_MS, Days, day_of
from tests.unit.noc.seed import NOW_MS, arrived, batch

HUB = "hub-0001"


def test_of_batches_that_say_no_date_only_those_are_read_that_may_lie_in_the_span(tmp_path: Path) -> None:
    # A box that never knows the date would otherwise have all it ever sent read again for each of its hours.
    known = batch(arrived(HUB, 1, 0))
    came = [NOW_MS - 2 * DAY_MS, NOW_MS - DAY_MS - 1, NOW_MS - DAY_MS, NOW_MS + 30 * DAY_MS]
    loose = [dataclasses.replace(known, received_ms=at, from_ms=None, to_ms=None) for at in came]
    with contextlib.closing(Days(tmp_path / "batches", "e" * 32)) as days:
        last = days.append(day_of(NOW_MS), 0, [(each, None) for each in loose])
        read = days.of_hub(day_of(NOW_MS), last, HUB, NOW_MS, NOW_MS + 1)
        assert [each.received_ms for each in read] == came[2:]
        assert [each.received_ms for each in days.loose(day_of(NOW_MS), last, HUB)] == came
