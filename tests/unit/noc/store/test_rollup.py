"""An hour's sums are numbers whatever a hub said."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from appliance.core.report import Number
from noc.store.contract import Summary
from noc.store.rollup import hour_of, roll_up
from tests.unit.noc.rules.making import T0_MS, A, record

NAME = "interface_received_bytes.uplink"


def summary(*values: Number) -> Summary | None:
    hour_ms = hour_of(T0_MS)
    records = [record(A, i, i * 60_000, wall_ms=hour_ms + i * 60_000, said={NAME: v}) for i, v in enumerate(values)]
    hour = roll_up("hub-0001", hour_ms, records)
    assert hour.records == len(values)
    return hour.samples.get(NAME)


@pytest.mark.parametrize("values", [(-1e308, 1e308), (1e308, 1e308), (-1e308, -1e308, 1e308)])
def test_what_reaches_beyond_64_bits_says_nothing(values: Sequence[float]) -> None:
    assert summary(*values) is None
    found = summary(10, *values, 30)
    assert found == Summary(2, 40, 10, 30, 0)


def test_a_counter_moves_by_no_more_than_64_bits() -> None:
    found = summary(-(2**62), 2**62, 2**62 + 5)
    assert found is not None
    assert found.moved == 5
    assert math.isfinite(found.total)
