"""What the family filter last heard of its lists: written by its update, shown by status and doctor.

The file is JSON, `State` with its names; times are ISO 8601 in UTC, a label, since the clock of a hub may be wrong.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from appliance.system.roots import REAL, Roots

_BYTES_MAX = 65_536
NAME = "state.json"
_Made = TypeVar("_Made", "ListState", "State")


@dataclass(frozen=True, slots=True)
class ListState:
    """One list.

    ``domains`` and ``invalid_lines`` are those of the copy that is kept; ``fetched_wall`` is when it came,
    ``checked_wall`` when the source was last asked. ``error`` says why the last attempt failed, in words for a
    technician; empty when it went well. ``etag`` and ``modified`` are the source's own marks of its version.
    """

    name: str
    source: str
    domains: int = 0
    invalid_lines: int = 0
    fetched_wall: str = ""
    checked_wall: str = ""
    error: str = ""
    etag: str = ""
    modified: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """All lists; ``domains`` is how many of them together are blocked, each counted once."""

    domains: int = 0
    updated_wall: str = ""
    error: str = ""
    lists: tuple[ListState, ...] = ()

    def of(self, name: str) -> ListState | None:
        """The state of one list, None where it has never been heard of."""
        return next((one for one in self.lists if one.name == name), None)

    @property
    def errors(self) -> tuple[str, ...]:
        """What went wrong at the last attempt, one line each."""
        found = [f"{one.name}: {one.error}" for one in self.lists if one.error]
        return (*([self.error] if self.error else []), *found)


def encode(state: State) -> str:
    """The file's text."""
    return json.dumps(dataclasses.asdict(state), indent=1) + "\n"


def parse(text: str) -> State:
    """Read the file's text.

    Raises:
        ValueError: it has another form.
    """
    try:
        document: dict[str, Any] = json.loads(text)
        lists = tuple(_typed(ListState(**one)) for one in document.pop("lists"))
        return _typed(State(**document, lists=lists))
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"is no state of the filter: {error}") from None


def read(roots: Roots = REAL) -> State | None:
    """The state; None where no update has run, or its file cannot be read."""
    return read_at(roots.var / "lib" / "desahub-filter")


def read_at(folder: Path) -> State | None:
    """The state in the filter's own folder; see `read`."""
    try:
        with (folder / NAME).open("rb") as file:
            return parse(file.read(_BYTES_MAX).decode("utf-8"))
    except (OSError, ValueError):
        return None


def _typed(one: _Made) -> _Made:
    """Refuse values of other types than the default's: what is shown comes from here."""
    for field in dataclasses.fields(one):
        wanted = str if field.default is dataclasses.MISSING else type(field.default)
        if type(getattr(one, field.name)) is not wanted:
            raise ValueError(f"{field.name} is no {wanted.__name__}")
    return one
