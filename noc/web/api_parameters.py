"""What may stand behind the question mark of an API address: one table to read it, refuse it and describe it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from noc.fleet import HubState
from noc.fleet_book.contract import Order
from noc.rules.affected import Part
from noc.rules.problems import Problem

INTEGER_MAX: Final = 2**53 - 1  # what JavaScript counts exactly; beyond the year 287000 in ms
PAGE_MAX: Final = 200
OFFSET_MAX: Final = 1_000_000
SAMPLES_MAX: Final = 10


class ParameterError(ValueError):
    """A parameter is not allowed; the message says what is."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: a whole number with bounds, one of some words, or a text of a form. ``default`` None is none."""

    name: str
    about: str
    default: int | str | None = None
    bounds: tuple[int, int] | None = None
    words: tuple[str, ...] = ()
    pattern: str = ""

    def read(self, text: str) -> int | str:
        """Read a value. Raises `ParameterError`."""
        if self.bounds is not None:
            if not re.fullmatch(r"-?[0-9]{1,16}", text, re.ASCII) or not self.bounds[0] <= int(text) <= self.bounds[1]:
                raise ParameterError(
                    f"{self.name}: allowed is a whole number from {self.bounds[0]} to {self.bounds[1]}"
                )
            return int(text)
        if self.words and text not in self.words:
            raise ParameterError(f"{self.name}: allowed are {', '.join(self.words)}")
        if self.pattern and not re.fullmatch(self.pattern, text, re.ASCII):
            raise ParameterError(f"{self.name}: allowed is {self.about}")
        return text

    def holds(self, text: str) -> bool:
        """Say whether a value is allowed."""
        try:
            self.read(text)
        except ParameterError:
            return False
        return True

    def schema(self) -> dict[str, Any]:
        """Describe the value as JSON Schema."""
        if self.bounds is not None:
            said: dict[str, Any] = {"type": "integer", "minimum": self.bounds[0], "maximum": self.bounds[1]}
        elif self.words:
            said = {"type": "string", "enum": list(self.words)}
        else:
            said = {"type": "string", "pattern": f"^(?:{self.pattern})$"}
        return said if self.default is None else {**said, "default": self.default}


def read(table: Sequence[Parameter], given: MultiDict[str, str]) -> Mapping[str, Any]:
    """Read what was given. Raises `ParameterError` for what is unknown, double or not allowed."""
    known = {each.name: each for each in table}
    for name, values in given.lists():
        if name not in known:
            raise ParameterError(f"{name[:40]}: is not known here; there are: {', '.join(known) or 'none'}")
        if len(values) > 1:
            raise ParameterError(f"{name}: is given {len(values)} times, allowed is once")
    return {name: each.read(given[name]) if name in given else each.default for name, each in known.items()}


_TIME: Final = (0, INTEGER_MAX)
_DAY: Final = r"20[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
# fmt: off
OFFSET: Final = Parameter("offset", "how many to leave out", 0, bounds=(0, OFFSET_MAX))
LIMIT: Final = Parameter("limit", "how many at most", 25, bounds=(1, PAGE_MAX))
FROM_MS: Final = Parameter("from_ms", "from this moment, ms of UTC; 24 hours before to_ms by default", bounds=_TIME)
TO_MS: Final = Parameter("to_ms", "up to this moment, ms of UTC; now by default", bounds=_TIME)
FROM_DAY: Final = Parameter("from_day", "from this day, as 2026-08-01; 30 days before to_day by default", pattern=_DAY)
TO_DAY: Final = Parameter("to_day", "up to and with this day, as 2026-08-31; tomorrow (UTC) by default", pattern=_DAY)
AREA: Final = Parameter(
    "area", "the beginning of a kode wilayah: 51, 51.03 or 51.03.01", "", pattern=r"|[0-9]{2}(?:\.[0-9]{2}){0,2}"
)
HUBS: Final = (
    AREA,
    Parameter("state", "how the hub is", words=tuple(HubState)),
    Parameter("problem", "what it has", words=tuple(Problem)),
    Parameter("provider", "who sells its line, up to 64 letters", "", pattern=r"[^\x00-\x1f\x7f]{0,64}"),
    Parameter("q", "part of a name, id or code, up to 64 letters", "", pattern=r"[^\x00-\x1f\x7f]{0,64}"),
    Parameter("order", "how the list is sorted", Order.URGENCY.value, words=tuple(Order)),
    OFFSET, LIMIT,
)
SERIES: Final = (
    Parameter("kind", "minutes as they came, or sums of hours", "hours", words=("hours", "records")),
    Parameter(
        "samples", f"1 to {SAMPLES_MAX} names of samples with commas between, such as clients_online,uplink_up",
        pattern=rf"[A-Za-z0-9_.:@/-]{{1,80}}(?:,[A-Za-z0-9_.:@/-]{{1,80}}){{0,{SAMPLES_MAX - 1}}}",
    ),
    FROM_MS, TO_MS,
)
OUTAGES: Final = (FROM_MS, TO_MS, OFFSET, LIMIT)
DAYS: Final = (FROM_DAY, TO_DAY)
AREAS: Final = (Parameter("parent", "whose children; the country's are provinces", "", pattern=AREA.pattern),)
INCIDENTS: Final = (
    Parameter("open", "whether it is still going on", "true", words=("true", "false")),
    AREA,
    Parameter("problem", "what it is", words=tuple(Problem)),
    OFFSET, LIMIT,
)
INCIDENT_HUBS: Final = (
    Parameter("part", "how its hubs are now", Part.DARK.value, words=tuple(Part)),
    OFFSET, LIMIT,
)
# fmt: on
