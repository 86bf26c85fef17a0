"""Letters in figures, for boards and the monthly page: by kind and state, and how long people waited. No names."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from appliance.kiosk.letters.flow import WORK_STATES, State, Step
from appliance.store.database import Database


@dataclass(frozen=True, slots=True)
class Turnaround:
    """From the request until the letter lay ready. Letters whose times the box did not know are only counted."""

    letters: int
    of_known_time: int
    median_seconds: int | None
    longest_seconds: int | None


@dataclass(frozen=True, slots=True)
class Board:
    """``now``: how many letters of a kind are in a state. ``oldest_open_seconds``: since when one waits for the office.

    ``asked`` and ``made`` are of the period: requests by kind, and letters that became ready.
    """

    now: Mapping[tuple[str, State], int]
    oldest_open_seconds: int | None
    asked: Mapping[str, int]
    made: Mapping[str, Turnaround]

    def in_state(self, state: State) -> int:
        """How many letters of all kinds are in a state."""
        return sum(count for (_, one), count in self.now.items() if one is state)


def count(db: Database, now: int, since: int, until: int) -> Board:
    """Count all letters. The period is from ``since``, up to and without ``until``, in seconds of wall time."""
    asked = db.execute(
        "SELECT slug, count(*) FROM letter_steps s JOIN letters ON letters.id = s.letter_id"
        " WHERE s.step = ? AND s.at_seconds >= ? AND s.at_seconds < ? GROUP BY slug",
        [Step.SUBMIT, since, until],
    ).fetchall()
    return Board(
        now=standing(db),
        oldest_open_seconds=max(0, now - min(first)) if (first := _first_requests(db)) else None,
        asked=dict(asked),
        made=_made(db, since, until),
    )


def standing(db: Database) -> dict[tuple[str, State], int]:
    """How many letters of a kind are in a state now; kinds and states without one are left out."""
    rows = db.execute("SELECT slug, state, letters FROM letter_counts WHERE letters > 0")
    return {(slug, State(state)): letters for slug, state, letters in rows}


def _first_requests(db: Database) -> list[int]:
    """When the oldest letter of each state that waits for the office was asked for."""
    # One state at a time: each is one look into the index, where all of them together would be read one by one.
    found = (
        db.execute("SELECT min(submitted_seconds) FROM letters WHERE state = ?", [state]).fetchone()[0]
        for state in WORK_STATES
    )
    return [seconds for seconds in found if seconds is not None]


def _made(db: Database, since: int, until: int) -> dict[str, Turnaround]:
    rows = db.execute(
        "SELECT slug, ready.at_seconds - first.at_seconds, ready.clock_was_known AND first.clock_was_known"
        " FROM letter_steps ready JOIN letters ON letters.id = ready.letter_id"
        " JOIN letter_steps first ON first.letter_id = ready.letter_id AND first.position = 1"
        " WHERE ready.step = ? AND ready.at_seconds >= ? AND ready.at_seconds < ?",
        [Step.MAKE_READY, since, until],
    )
    found: dict[str, list[int | None]] = defaultdict(list)
    for slug, seconds, is_known in rows:
        found[slug].append(max(0, seconds) if is_known else None)
    return {slug: _turnaround(every) for slug, every in found.items()}


def _turnaround(every: list[int | None]) -> Turnaround:
    known = [one for one in every if one is not None]
    median = int(statistics.median(known)) if known else None
    return Turnaround(len(every), len(known), median, max(known, default=None))
