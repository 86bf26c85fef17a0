"""Which sequences of a boot are in the store: disjoint ranges that do not touch, both ends included. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Range = tuple[int, int]


def gathered(sequences: Iterable[int]) -> list[Range]:
    """Gather sequences into as few ranges as they need, in order."""
    found: list[Range] = []
    for sequence in sorted(set(sequences)):
        if found and found[-1][1] == sequence - 1:
            found[-1] = (found[-1][0], sequence)
        else:
            found.append((sequence, sequence))
    return found


def missing(wanted: Sequence[Range], held: Sequence[Range]) -> list[Range]:
    """What of ``wanted`` is not in ``held``; both are in order."""
    found: list[Range] = []
    for begin, last in wanted:
        first = begin
        for one, other in held:
            if other < first:
                continue
            if one > last:
                break
            if one > first:
                found.append((first, one - 1))
            first = other + 1
        if first <= last:
            found.append((first, last))
    return found


def united(held: Sequence[Range], added: Sequence[Range]) -> list[Range]:
    """All of both, ranges that touch made one."""
    found: list[Range] = []
    for first, last in sorted([*held, *added]):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found


def count(ranges: Iterable[Range]) -> int:
    """How many sequences these ranges hold."""
    return sum(last - first + 1 for first, last in ranges)
