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
    states = db.execute("SELECT slug, state, count(*) FROM letters GROUP BY slug, state").fetchall()
    marks = ", ".join("?" * len(WORK_STATES))
    (oldest,) = db.execute(
        f"SELECT min(submitted_seconds) FROM letters WHERE state IN ({marks})",  # noqa: S608 - question marks
        sorted(WORK_STATES),
    ).fetchone()
    asked = db.execute(
        "SELECT slug, count(*) FROM letter_steps s JOIN letters ON letters.id = s.letter_id"
        " WHERE s.step = ? AND s.at_seconds >= ? AND s.at_seconds < ? GROUP BY slug",
        [Step.SUBMIT, since, until],
    ).fetchall()
    return Board(
        now={(slug, State(state)): how_many for slug, state, how_many in states},
        oldest_open_seconds=max(0, now - oldest) if oldest is not None else None,
        asked=dict(asked),
        made=_made(db, since, until),
    )


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
