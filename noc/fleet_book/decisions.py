"""What people decide: silences, planned work, and notes from one shift to the next."""

from __future__ import annotations

import itertools
import json
from typing import Any, Final

from appliance.store.database import Database
from noc.fleet_book import checks, lookup
from noc.fleet_book.codes import visible, within
from noc.fleet_book.contract import KeptWindow, Note, Scope
from noc.rules.alert_state import Silence
from noc.rules.groups import Group, GroupKind
from noc.rules.problems import Problem
from noc.rules.states import Window

_SILENCE: Final = "kind, name, until_ms, by, why, problem"
_WINDOW: Final = "planned.number, area, planned.hub_id, start_ms, end_ms, by, why"


def silences(db: Database, now_ms: int) -> tuple[Silence, ...]:
    """List the silences that hold now, first the one that ends first."""
    rows = db.execute(f"SELECT {_SILENCE} FROM silence WHERE until_ms > ? ORDER BY until_ms, kind, name", (now_ms,))  # noqa: S608 - constants
    return tuple(
        Silence(Group(GroupKind(kind), name), until_ms, by, why, Problem(problem) if problem else None)
        for kind, name, until_ms, by, why, problem in rows
    )


def put_silence(db: Database, silence: Silence, now_ms: int) -> None:
    """Keep silent about a group from now on; a silence of the same is replaced. Raises ValueError."""
    checks.require(checks.of_silence(silence, now_ms))
    db.execute(
        f"INSERT OR REPLACE INTO silence ({_SILENCE}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants
        (silence.group.kind, silence.group.name, silence.until_ms, silence.by, silence.why, silence.problem or ""),
    )


def lift(db: Database, silence: Silence) -> None:
    """End a silence before its time. Raises KeyError where there is none."""
    if (
        db.execute(
            "DELETE FROM silence WHERE kind = ? AND name = ? AND problem = ?",
            (silence.group.kind, silence.group.name, silence.problem or ""),
        ).rowcount
        == 0
    ):
        raise KeyError(silence.group.name)


def windows(db: Database, span: tuple[int, int], hub_id: str, scope: Scope) -> tuple[KeptWindow, ...]:
    """List planned work that lies within a time or reaches into it: all that an account sees, or all that is on a hub.

    A window on an area that contains the account's is seen too: it is on its hubs.
    """
    codes = "SELECT {}, coalesce(hub.code, '') FROM planned LEFT JOIN hub ON hub.hub_id = planned.hub_id"
    rows = db.execute(
        f"{codes.format(_WINDOW)} WHERE end_ms > ? AND start_ms < ? ORDER BY start_ms, planned.number", span
    ).fetchall()
    if hub_id:
        found = db.execute("SELECT code FROM hub WHERE hub_id = ?", (hub_id,)).fetchone()
        code = "" if found is None else found[0]
        rows = [row for row in rows if row[2] == hub_id or (row[1] and code and within(code, (row[1],)))]
    return tuple(_window(row) for row in rows if visible(scope, row[1] or row[7]))


def window(db: Database, window_id: int, scope: Scope) -> KeptWindow | None:
    """Read one window; None where there is none, or none within the account's areas."""
    row = db.execute(
        f"SELECT {_WINDOW}, coalesce(hub.code, '') FROM planned LEFT JOIN hub ON hub.hub_id = planned.hub_id"  # noqa: S608 - constants
        " WHERE planned.number = ?",
        (window_id,),
    ).fetchone()
    return _window(row) if row is not None and scope.sees(row[1] or row[7]) else None


def put_window(db: Database, window: KeptWindow) -> int:
    """Plan work (its id is 0), or change a plan. Raises ValueError, and KeyError with a hub that has no card."""
    checks.require(checks.of_window(window))
    if window.hub_id:
        lookup.number(db, window.hub_id)
    values = (window.area, window.hub_id, window.window.start_ms, window.window.end_ms, window.by, window.why)
    if window.window_id == 0:
        cursor = db.execute(
            "INSERT INTO planned (area, hub_id, start_ms, end_ms, by, why) VALUES (?, ?, ?, ?, ?, ?)", values
        )
        return int(cursor.lastrowid or 0)
    if (
        db.execute(
            "UPDATE planned SET (area, hub_id, start_ms, end_ms, by, why) = (?, ?, ?, ?, ?, ?) WHERE number = ?",
            (*values, window.window_id),
        ).rowcount
        == 0
    ):
        raise KeyError(window.window_id)
    return window.window_id


def end_window(db: Database, window_id: int, end_ms: int) -> None:
    """End planned work early. One that has not begun is called off. Raises KeyError where there is none that lasts."""
    row = db.execute("SELECT start_ms FROM planned WHERE number = ? AND end_ms > ?", (window_id, end_ms)).fetchone()
    if row is None:
        raise KeyError(window_id)
    if row[0] >= end_ms:
        db.execute("DELETE FROM planned WHERE number = ?", (window_id,))
    else:
        db.execute("UPDATE planned SET end_ms = ? WHERE number = ?", (end_ms, window_id))


def notes(db: Database, limit: int, scope: Scope) -> tuple[Note, ...]:
    """List the newest notes, newest first, whose writers saw nothing but what this account sees."""
    found = (
        Note(number, at_ms, by, text, tuple(json.loads(areas)))
        for number, at_ms, by, text, areas in db.execute(
            "SELECT number, at_ms, by, text, areas FROM note ORDER BY number DESC"
        )
    )
    return tuple(itertools.islice((note for note in found if all(map(scope.sees, note.areas or ("",)))), limit))


def put_note(db: Database, note: Note) -> int:
    """Add a note. Raises ValueError."""
    checks.require(checks.of_note(note))
    cursor = db.execute(
        "INSERT INTO note (at_ms, by, text, areas) VALUES (?, ?, ?, ?)",
        (note.at_ms, note.by, note.text, json.dumps(note.areas)),
    )
    return int(cursor.lastrowid or 0)


def _window(row: Any) -> KeptWindow:
    number, area, hub_id, start_ms, end_ms, by, why, _ = row
    return KeptWindow(number, area, hub_id, Window(start_ms, end_ms), by, why)
