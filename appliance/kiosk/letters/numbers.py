"""Give a letter its number, in the transaction that approves it.

The store's transactions follow each other (BEGIN IMMEDIATE), so the next serial is one more than the last: no double,
and, since a transaction that fails takes its number back with it, no gap. The table refuses doubles, changes and
deletions by itself.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from appliance.core import letter_number
from appliance.core.config.letters import Letters, NumberScope
from appliance.core.errors import DesahubError
from appliance.kiosk.letters import numbering
from appliance.kiosk.letters.numbering import Number, SeriesEnd
from appliance.store.database import Database


@dataclass(frozen=True, slots=True)
class Today:
    """The day in the village's zone, and whether to believe it."""

    date: datetime.date
    is_known: bool


def series_end(db: Database, scope: NumberScope, code: str, year: int) -> SeriesEnd:
    """How far a series has come, over numbers of either scope: a village that changes it begins no number twice."""
    only, values = ("", []) if scope is NumberScope.ALL else ("code = ? AND ", [code])
    serial, last = db.execute(
        f"SELECT max(serial), max(date) FROM letter_numbers WHERE {only}year = ?",  # noqa: S608 - constants
        [*values, year],
    ).fetchone()
    series = ("", []) if scope is NumberScope.ALL else ("series IN (?, ?) AND ", [code, numbering.ALL_LETTERS])
    (elsewhere,) = db.execute(
        f"SELECT max(last_serial) FROM letter_number_starts WHERE {series[0]}year = ?",  # noqa: S608 - constants
        [*series[1], year],
    ).fetchone()
    (known,) = db.execute(
        f"SELECT max(date) FROM letter_numbers WHERE {only}clock_was_known",  # noqa: S608 - constants
        values,
    ).fetchone()
    return SeriesEnd(max(serial or 0, elsewhere or 0), _date(last), _date(known))


class SeriesBegun(DesahubError):  # noqa: N818 - reads as the sentence it is
    """Numbers of this series were given here already in that year."""


def go_on_after(db: Database, series: str, year: int, last_serial: int) -> None:
    """Let a series go on after numbers that were given elsewhere in the same year, on paper or by another program.

    Args:
        db: within a transaction.
        series: a kind's code, or `numbering.ALL_LETTERS`.
        year: which.
        last_serial: the last number given elsewhere.

    Raises:
        SeriesBegun: a number was given here already, after which nothing may be left out.
    """
    scope = NumberScope.ALL if series == numbering.ALL_LETTERS else NumberScope.KIND
    if series_end(db, scope, series, year).last_date is not None:
        raise SeriesBegun(f"numbers of {year} were given here already; a series goes on from there without a gap")
    db.execute(
        "INSERT OR REPLACE INTO letter_number_starts (series, year, last_serial) VALUES (?, ?, ?)",
        [series, year, last_serial],
    )


def give(
    db: Database,
    letter_id: int,
    code: str,
    *,
    letters: Letters,
    area_code: str,
    given: datetime.date | None,
    today: Today,
) -> Number:
    """Give the next number of the letter's series.

    Args:
        db: within a transaction.
        letter_id: which letter; it has none yet.
        code: of its kind.
        letters: the format and the scope.
        area_code: the village's.
        given: the date that an officer told; None takes today's.
        today: in the village's zone.

    Raises:
        DateNeeded, DateRefused: as in `appliance.kiosk.letters.numbering`.
    """
    date = numbering.choose_date(given, today.date, clock_is_known=today.is_known)
    end = series_end(db, letters.number_scope, code, date.year)
    numbering.require_date(date, end, today.date, clock_is_known=today.is_known)
    serial = end.last_serial + 1
    text = letter_number.write(letters.number_format, code=code, serial=serial, date=date, area_code=area_code)
    made = Number(numbering.series_of(letters.number_scope, code), date.year, serial, text, date, today.is_known)
    db.execute(
        "INSERT INTO letter_numbers (letter_id, series, code, year, serial, text, date, clock_was_known)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [letter_id, made.series, code, made.year, serial, text, date.isoformat(), today.is_known],
    )
    return made


def _date(text: str | None) -> datetime.date | None:
    return datetime.date.fromisoformat(text) if text else None
