"""Ranges against sets of numbers."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as some

from noc.store.ranges import Range, count, gathered, missing, united

SETS = some.frozensets(some.integers(0, 40))


def spread(ranges: list[Range]) -> set[int]:
    return {number for first, last in ranges for number in range(first, last + 1)}


@given(SETS, SETS)
def test_ranges_are_sets(one: frozenset[int], other: frozenset[int]) -> None:
    held, wanted = gathered(one), gathered(other)
    assert spread(held) == one
    assert spread(missing(wanted, held)) == other - one
    assert spread(united(held, missing(wanted, held))) == one | other
    assert count(held) == len(one)


@given(SETS, SETS)
def test_ranges_are_as_few_as_can_be(one: frozenset[int], other: frozenset[int]) -> None:
    for found in (gathered(one), united(gathered(one), gathered(other))):
        assert all(after[0] > before[1] + 1 for before, after in itertools.pairwise(found))
