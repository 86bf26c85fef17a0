"""What brings the tables of a database up to date: sets of steps, which sqlite-utils runs and keeps book of.

Only steps that a database still waits for load sqlite-utils: it takes 5 MB, which each resident process would keep for
good. Therefore they run `apart`, and nothing else here needs it.

Source: https://sqlite-utils.datasette.io/en/stable/migrations.html
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import sqlite_utils

    Step = Callable[[sqlite_utils.Database], None]

TABLE: Final = "_sqlite_migrations"  # as sqlite-utils names it


class Migrations:
    """One set of steps, in the order in which they stand. A release adds to its end, and changes none.

    The decorator of a step: ``@MIGRATIONS()`` takes the function's name, ``@MIGRATIONS(name=...)`` another.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.steps: dict[str, Step] = {}

    def __call__(self, *, name: str = "") -> Callable[[Step], Step]:
        """Add a step. Raises ValueError when the set has one of this name."""

        def add(step: Step) -> Step:
            chosen = name or step.__name__
            if chosen in self.steps:
                raise ValueError(f"{self.name}: there are two steps named {chosen}")
            self.steps[chosen] = step
            return step

        return add


def waiting(connection: sqlite3.Connection, migrations: Sequence[Migrations]) -> list[str]:
    """Name the steps that the database does not have yet."""
    applied = _applied(connection)
    return [name for each in migrations for name in each.steps if (each.name, name) not in applied]


def unknown(connection: sqlite3.Connection, migrations: Sequence[Migrations]) -> list[str]:
    """Name the steps that the database has and these sets do not know, with their set."""
    known = {each.name: each.steps for each in migrations}
    applied = sorted(_applied(connection))
    return [f"{name} of {group}" for group, name in applied if group in known and name not in known[group]]


def apply(connection: sqlite3.Connection, migrations: Sequence[Migrations]) -> None:
    """Run the steps that the database waits for, each undone when it raises. For use within a transaction."""
    import sqlite_utils  # noqa: PLC0415 - see the head of this file

    db = sqlite_utils.Database(connection, execute_plugins=False)
    for each in migrations:
        theirs = sqlite_utils.Migrations(each.name)
        for name, step in each.steps.items():
            theirs(name=name)(step)
        theirs.apply(db)


def apart(work: Callable[[], None]) -> None:
    """Do ``work`` in a forked process, with which all that it loaded goes away; it leaves no word when it fails.

    Where threads run nothing is done: a fork takes their locks along, but not them; nor where the kernel has no room
    for a process. Whoever asks looks for what came of it, and otherwise does the work itself.
    """
    if threading.active_count() > 1:
        return
    try:
        child = os.fork()
    except OSError:
        return
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    # Where whoever started this process has SIGCHLD ignored, that waits too, and then says that there is no child.
    with contextlib.suppress(ChildProcessError):
        os.waitpid(child, 0)


def _applied(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (TABLE,)).fetchone():
        return set()
    return set(connection.execute(f'SELECT migration_set, name FROM "{TABLE}"'))  # noqa: S608 - a constant
