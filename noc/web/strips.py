"""Strips of time: what was when, as rectangles by colour and pattern. Pure: no request, no clock.

Places are shares of the whole (0 to 100), so that a strip is as wide as its page and its patterns keep their shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from noc.rules.sla import SlaClass
from noc.rules.states import Condition, Span

# The same look for a condition and for the class that it counts as.
FILLS: Final = {
    SlaClass.UP: "up", SlaClass.LINK_LONG: "link", SlaClass.LINK_SHORT: "short", SlaClass.UNUSABLE: "unusable",
    SlaClass.POWER: "power", SlaClass.MAINTENANCE: "maintenance", SlaClass.UNKNOWN: "unknown",
}  # fmt: skip
# Later ones are drawn over earlier ones: what is down is never hidden by what is not.
_LAYERS: Final = (
    Condition.UP, Condition.UNKNOWN, Condition.MAINTENANCE, Condition.UNUSABLE, Condition.POWER, Condition.LINK,
)  # fmt: skip
_SEEN_PERCENT: Final = 0.15  # narrower than that nobody sees it
_STEPS: Final = (1, 2, 5, 10, 20, 50, 100)
_STACK: Final = (
    SlaClass.LINK_LONG, SlaClass.LINK_SHORT, SlaClass.UNUSABLE, SlaClass.POWER, SlaClass.MAINTENANCE, SlaClass.UNKNOWN,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, in percent of the drawing."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Layer:
    """All rectangles of one look."""

    fill: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Stacks:
    """A column for each day: what was not up, in layers, up to ``top_percent`` of it; what is higher is cut off."""

    layers: tuple[Layer, ...]
    top_percent: int


def timeline(spans: Sequence[Span], from_ms: int, to_ms: int) -> tuple[Layer, ...]:
    """Draw a timeline: one row, what is down at least as wide as can be seen."""
    width_ms = to_ms - from_ms
    boxes: dict[Condition, list[Box]] = {}
    for span in spans:
        begin, end = max(span.start_ms, from_ms), min(span.end_ms, to_ms)
        if end <= begin:
            continue
        x, width = 100 * (begin - from_ms) / width_ms, 100 * (end - begin) / width_ms
        condition = span.state.condition
        if condition not in (Condition.UP, Condition.UNKNOWN):
            width = max(width, _SEEN_PERCENT)
        found = boxes.setdefault(condition, [])
        last = found[-1] if found else None
        if last is not None and x <= last.x + last.width + 0.01:
            found[-1] = Box(last.x, 0, max(last.width, round(x + width - last.x, 3)), 100)
        else:
            found.append(Box(round(x, 3), 0, round(width, 3), 100))
    return tuple(Layer(each.value, tuple(boxes[each])) for each in _LAYERS if each in boxes)


def stacks(days: Sequence[Mapping[SlaClass, int] | None]) -> Stacks:
    """Draw days side by side; None is a day of which nothing is kept, and stays empty.

    The scale follows what is known: a day of which nobody knows half would press everything else flat.
    """
    shares = [None if seconds is None else _shares(seconds) for seconds in days]
    highest = max((sum(each.values()) - each[SlaClass.UNKNOWN] for each in shares if each), default=0.0)
    top = next((step for step in _STEPS if highest <= step), 100)
    boxes: dict[SlaClass, list[Box]] = {}
    width = 100 / max(1, len(days))
    for place, share in enumerate(shares):
        at = 100.0
        for each in _STACK:
            height = min(at, 100 * share[each] / top) if share else 0.0
            if height < 0.05:
                continue
            at -= height
            boxes.setdefault(each, []).append(
                Box(round(place * width, 2), round(at, 2), round(width * 0.9, 2), round(height, 2))
            )
    return Stacks(tuple(Layer(FILLS[each], tuple(boxes[each])) for each in _STACK if each in boxes), top)


def _shares(seconds: Mapping[SlaClass, int]) -> dict[SlaClass, float]:
    """Percent of what is over of a day, by class."""
    over = sum(amount for each, amount in seconds.items() if each is not SlaClass.AHEAD)
    return {each: 100 * seconds.get(each, 0) / over for each in _STACK} if over else {}


def add(many: Iterable[Mapping[SlaClass, int]]) -> dict[SlaClass, int]:
    """Add seconds up."""
    total = dict.fromkeys(SlaClass, 0)
    for seconds in many:
        for each, amount in seconds.items():
            total[each] += amount
    return total
