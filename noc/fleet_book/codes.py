"""How words become small numbers in the fleet book, and areas become ranges of codes: pure.

Millions of rows are kept: a state is one byte, a day two. The numbers are in files for good: add to an end, change
none.
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, TypeVar

from noc.fleet import HubState
from noc.fleet_book.contract import Scope
from noc.rules.problems import Problem
from noc.rules.sla import Month, SlaClass
from noc.rules.states import Basis, Cause, Condition, Evidence

Word = TypeVar("Word", bound=enum.Enum)

VILLAGE_LEVEL: Final = 4
# In the order of urgency, which the list of hubs is sorted by.
STATES: Final = (HubState.NO_CONTACT, HubState.ATTENTION, HubState.NEVER, HubState.ONLINE)
PROBLEMS: Final = (
    Problem.NOC_DEAF, Problem.NO_CONTACT, Problem.UPLINK_DOWN, Problem.GATE_SILENT, Problem.GATE_OPEN,
    Problem.DISK_FULL, Problem.MEMORY_FULL, Problem.HOT, Problem.RECORDS_DROPPED, Problem.READ_ONLY,
    Problem.UNIT_FAILED, Problem.UNDER_VOLTAGE, Problem.DISK_WORN, Problem.TWO_BOXES,
    Problem.CERTIFICATE_ENDS,
)  # fmt: skip
CLASSES: Final = (
    SlaClass.UP, SlaClass.LINK_LONG, SlaClass.LINK_SHORT, SlaClass.UNUSABLE, SlaClass.POWER, SlaClass.MAINTENANCE,
    SlaClass.UNKNOWN, SlaClass.AHEAD,
)  # fmt: skip
CONDITIONS: Final = (
    Condition.UP, Condition.LINK, Condition.UNUSABLE, Condition.POWER, Condition.MAINTENANCE, Condition.UNKNOWN,
)  # fmt: skip
CAUSES: Final = (
    Cause.NONE, Cause.NO_LINK, Cause.NO_ADDRESS, Cause.NO_GATEWAY, Cause.NO_INTERNET, Cause.LINK_DOWN, Cause.CAPTIVE,
    Cause.LOSS, Cause.SLOW, Cause.POWER_LOST, Cause.MODEM_WITHOUT_POWER, Cause.SWITCHED_OFF, Cause.REBOOT,
    Cause.PLANNED,
)  # fmt: skip
BASES: Final = (Basis.NONE, Basis.MEASURED, Basis.INFERRED)
EVIDENCE: Final = (
    Evidence.UPLINK_STATE, Evidence.LOSS, Evidence.SPEED_TEST, Evidence.ON_BATTERY, Evidence.UNDER_VOLTAGE,
    Evidence.BOOT_GAP, Evidence.UNCLEAN_SHUTDOWN, Evidence.CLEAN_SHUTDOWN, Evidence.REBOOT_ASKED, Evidence.WINDOW,
    Evidence.NO_RECORD, Evidence.NOT_TOLD, Evidence.CHANGED_UNSEEN, Evidence.LAST_MOMENTS, Evidence.NOT_EXPLAINED,
)  # fmt: skip

_EPOCH: Final = datetime.date(1970, 1, 1).toordinal()
_CUT_OFF: Final = frozenset((Problem.NO_CONTACT, Problem.UPLINK_DOWN))


def numbers(words: Sequence[Word]) -> dict[Word, int]:
    """Number each word by its place."""
    return {word: number for number, word in enumerate(words)}


STATE_NUMBERS: Final = numbers(STATES)
CONDITION_NUMBERS: Final = numbers(CONDITIONS)
CAUSE_NUMBERS: Final = numbers(CAUSES)
BASIS_NUMBERS: Final = numbers(BASES)
_PROBLEM_BITS: Final = {problem: 1 << number for number, problem in enumerate(PROBLEMS)}
_EVIDENCE_LETTERS: Final = {evidence: chr(ord("a") + number) for number, evidence in enumerate(EVIDENCE)}


def problem_bits(problems: Iterable[Problem]) -> int:
    """Write a set of problems as one number."""
    return sum(_PROBLEM_BITS[each] for each in set(problems))


def problems_of(bits: int) -> tuple[Problem, ...]:
    """Read what `problem_bits` wrote."""
    return tuple(problem for problem, bit in _PROBLEM_BITS.items() if bits & bit)


def is_cut_off(state: HubState, problems: Iterable[Problem]) -> bool:
    """Say whether a village is without internet, as far as the NOC can tell."""
    return state is HubState.NO_CONTACT or not _CUT_OFF.isdisjoint(problems)


def evidence_text(evidence: Iterable[Evidence]) -> str:
    """Write evidence in its order, a letter each."""
    return "".join(_EVIDENCE_LETTERS[each] for each in evidence)


def evidence_of(text: str) -> tuple[Evidence, ...]:
    """Read what `evidence_text` wrote."""
    return tuple(EVIDENCE[ord(letter) - ord("a")] for letter in text)


def class_seconds(seconds: Mapping[SlaClass, int]) -> tuple[int, ...]:
    """Write seconds by class in the order of `CLASSES`."""
    return tuple(seconds.get(each, 0) for each in CLASSES)


def seconds_of(row: Iterable[int]) -> dict[SlaClass, int]:
    """Read what `class_seconds` wrote."""
    return dict(zip(CLASSES, row, strict=True))


def day_number(day: str) -> int:
    """Count days since 1970. Raises ValueError with what is allowed."""
    try:
        return datetime.date.fromisoformat(day).toordinal() - _EPOCH
    except ValueError:
        raise ValueError(f"{day[:20]!r} is no day; allowed is for example 2026-08-17") from None


def day_text(number: int) -> str:
    """Write a day as 2026-08-17."""
    return datetime.date.fromordinal(number + _EPOCH).isoformat()


def month_number(month: Month) -> int:
    """Count months since the year 0."""
    return month.year * 12 + month.month - 1


def level(code: str) -> int:
    """Say how deep an area lies: 0 the country, 1 a province, 2 a kabupaten, 3 a kecamatan, 4 a village."""
    return code.count(".") + 1 if code else 0


def above(code: str) -> tuple[str, ...]:
    """List the areas whose sums a village counts into: country, province, kabupaten, kecamatan."""
    parts = code.split(".")
    return ("", *(".".join(parts[:depth]) for depth in range(1, VILLAGE_LEVEL)))


def bounds(area: str) -> tuple[str, str]:
    """Say from which code up to which the villages of an area lie; of a village, itself."""
    # "/" follows "." in ASCII: what begins with the area and a dot sorts before it, and no longer number does.
    return (area, f"{area}/") if area else ("", "~")


def visible(scope: Scope, area: str) -> tuple[str, ...]:
    """List the areas, none within another, whose hubs an account sees of ``area``."""
    if scope.sees(area):
        return (area,)
    within = sorted({each for each in scope.areas if f"{each}.".startswith(f"{area}.") or not area})
    return tuple(each for each in within if not _has_above(each, within))


def _has_above(area: str, areas: Collection[str]) -> bool:
    return any(area != other and area.startswith(f"{other}.") for other in areas)


def within(code: str, areas: Sequence[str]) -> bool:
    """Say whether a village lies in one of these areas."""
    return any(not area or f"{code}.".startswith(f"{area}.") for area in areas)
