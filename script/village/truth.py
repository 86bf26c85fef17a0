"""The truth of a cut, what ``desahub-noc timeline`` says of it, and where the two differ: pure."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from noc.papers import words
from noc.rules.outages import LONG_MS
from noc.rules.sla import SlaClass
from noc.rules.states import Condition

# Rounded to seconds on both sides.
EXACT_SECONDS: Final = 1


@dataclass(frozen=True, slots=True)
class Truth:
    """What happened, by this machine's clock (s of UTC), and how exactly a record may be expected to say so."""

    what: str
    condition: Condition
    began: float
    ended: float
    begin_seconds: int = EXACT_SECONDS
    end_seconds: int = EXACT_SECONDS

    @property
    def sla_class(self) -> SlaClass:
        """What it counts as."""
        if self.condition is Condition.POWER:
            return SlaClass.POWER
        return SlaClass.LINK_LONG if (self.ended - self.began) * 1000 > LONG_MS else SlaClass.LINK_SHORT


@dataclass(frozen=True, slots=True)
class Said:
    """One line of the NOC's timeline, in whole seconds of UTC."""

    start: int
    end: int
    condition: Condition
    cause: str


@dataclass(frozen=True, slots=True)
class Found:
    """What the NOC says of a cut: it began between two seconds (equal where it is exact), and ended at one."""

    begin_from: int
    begin_to: int
    end: int
    condition: Condition
    cause: str


def find(said: list[Said], truth: Truth) -> Found | None:
    """Find the outage of this kind at that time, once what came after it is known too."""
    for i, line in enumerate(said):
        if line.condition is not truth.condition or line.end < truth.began or line.start > truth.ended:
            continue
        last = i
        while last + 1 < len(said) and said[last + 1].condition is truth.condition:
            last += 1
        after = said[last + 1 :]
        if not any(each.condition is Condition.UP for each in after):
            return None
        # Of a box without power nobody knows the last moments.
        is_vague = truth.condition is Condition.POWER and i > 0 and said[i - 1].condition is Condition.UNKNOWN
        return Found(said[i - 1].start if is_vague else line.start, line.start, said[last].end, line.condition,
                     line.cause)  # fmt: skip
    return None


def faults(truth: Truth, found: Found) -> list[str]:
    """Say where the record is not the truth."""
    wrong = []
    began, ended = round(truth.began), round(truth.ended)
    if not found.begin_from - truth.begin_seconds <= began <= found.begin_to + truth.begin_seconds:
        wrong.append(f"it began {_off(began, found.begin_from)} away from the record")
    if abs(found.end - ended) > truth.end_seconds:
        wrong.append(f"it ended {_off(ended, found.end)} away from the record")
    said = dataclasses.replace(truth, began=found.begin_to, ended=found.end).sla_class
    if said is not truth.sla_class:
        wrong.append(f"it is {truth.sla_class}, the record says {said}")
    return wrong


def _off(true: int, said: int) -> str:
    return f"{true - said:+d} s"


def read_timeline(text: str, zone: ZoneInfo) -> list[Said]:
    """Read what ``desahub-noc timeline`` prints."""
    by_word = {word: condition for condition, word in words.conditions().items()}
    said = []
    for line in text.splitlines():
        start_text, length_text, condition, cause, *_ = line.split("\t")
        local = datetime.datetime.strptime(start_text.rpartition(" ")[0], "%Y-%m-%d %H:%M:%S").replace(tzinfo=zone)
        days, _, clock = length_text.rpartition(" hari ")
        hours, minutes, seconds = map(int, clock.split("."))
        length = int(days or 0) * 86_400 + hours * 3_600 + minutes * 60 + seconds
        begin = int(local.timestamp())
        said.append(Said(begin, begin + length, by_word[condition], cause))
    return said


def table(rows: Sequence[tuple[Truth, Found]], zone: ZoneInfo) -> str:
    """Write truth and record beside each other, in a zone's time."""

    def clock(seconds: float) -> str:
        return f"{datetime.datetime.fromtimestamp(round(seconds), zone):%H:%M:%S}"

    cells = [("", "began", "ended", "class", "cause")]
    for truth, found in rows:
        is_exact = found.begin_from == found.begin_to
        begin = clock(found.begin_to) if is_exact else f"{clock(found.begin_from)}-{clock(found.begin_to)}"
        said = dataclasses.replace(truth, began=found.begin_to, ended=found.end)
        cells.append((f"{truth.what}: truth", clock(truth.began), clock(truth.ended), truth.sla_class.value, ""))
        cells.append(("  the NOC's record", begin, clock(found.end), said.sla_class.value, found.cause))
    widths = [max(len(row[i]) for row in cells) for i in range(5)]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )
