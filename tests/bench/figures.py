"""Figures of a bench: a table for people, a line of JSON each for machines, and whether each limit holds."""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure beside its peer's, measured in the same run.

    ``limit`` reads as a person would say it (``ratio >= 0.8``); ``holds`` is None where there is none.
    """

    name: str
    value: float
    unit: str
    peer: str
    peer_value: float | None
    limit: str
    holds: bool | None

    @property
    def ratio(self) -> float | None:
        """Ours to the peer's."""
        return None if not self.peer_value else self.value / self.peer_value

    def line(self) -> str:
        """Write the figure as one object of JSON."""
        return json.dumps(
            {
                "name": self.name,
                "value": round(self.value, 3),
                "unit": self.unit,
                "peer": self.peer,
                "peer_value": None if self.peer_value is None else round(self.peer_value, 3),
                "ratio": None if self.ratio is None else round(self.ratio, 3),
                "limit": self.limit,
                "holds": self.holds,
            }
        )


def at_least_ratio(
    name: str, unit: str, ours: Sequence[float], peer: str, peers: Sequence[float], low: float
) -> Figure:
    """Compare medians; ours must reach ``low`` of the peer's."""
    value, peer_value = statistics.median(ours), statistics.median(peers)
    return Figure(name, value, unit, peer, peer_value, f"ratio >= {low:g}", value >= low * peer_value)


def p95(values: Sequence[float]) -> float:
    """Find the value that 95 of 100 do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * 95 // 100) - 1)]


def trend(values: Sequence[float]) -> float:
    """Find by how much each value lies above the one before, in the long run.

    The median of all slopes between two of them (Theil and Sen): what came once, such as a thread's first page, is no
    trend; what comes again and again is one, also in steps.
    """
    pairs = itertools.combinations(enumerate(values), 2)
    return statistics.median((later - earlier) / (j - i) for (i, earlier), (j, later) in pairs)


def table(figures: Sequence[Figure]) -> str:
    """Write figures for people."""
    rows = [("figure", "value", "unit", "peer", "peer's", "ratio", "limit", "holds")]
    rows += [
        (
            figure.name,
            f"{figure.value:,.1f}",
            figure.unit,
            figure.peer,
            "not measured" if figure.peer_value is None else f"{figure.peer_value:,.1f}",
            "-" if figure.ratio is None else f"{figure.ratio:.2f}",
            figure.limit or "-",
            {True: "yes", False: "NO", None: "-"}[figure.holds],
        )
        for figure in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def run(title: str, measure: Callable[[Callable[[str], None]], Sequence[Figure]]) -> int:
    """Measure, print, and return the exit status: 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args()
    figures = measure(lambda text: print(text, file=sys.stderr, flush=True))
    print("\n".join(figure.line() for figure in figures) if options.json else table(figures))
    return 1 if any(figure.holds is False for figure in figures) else 0
