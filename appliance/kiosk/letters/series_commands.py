"""``desahub letters numbers`` and ``go-on-after``: how far numbering has come, and where it begins."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from appliance.kiosk.actors import Actor
from appliance.kiosk.app import open_database, services
from appliance.kiosk.commands import STATE_DIRECTORY, as_owner_of
from appliance.kiosk.letters import kinds, numbering, numbers
from appliance.store.audit import Audit
from appliance.store.database import Store

ROOT: Final = Actor("root", "root")


def register(commands: Any) -> None:
    """Add the commands; each sets ``run``, a function of the parsed options to an exit status."""
    listing = commands.add_parser("numbers", help="how far each series of numbers has come; 1 where one has a gap")
    go_on = commands.add_parser("go-on-after", help="let a series go on after numbers given elsewhere this year")
    which = go_on.add_mutually_exclusive_group(required=True)
    which.add_argument("--code", help="the series of a kind's code, where each code is counted by itself")
    which.add_argument("--all", action="store_true", help="the one series, where all letters are counted together")
    go_on.add_argument("--year", type=int, required=True)
    go_on.add_argument("--last", type=int, required=True, metavar="NUMBER", help="the last number given elsewhere")
    for command, run in ((listing, _numbers), (go_on, _go_on)):
        command.add_argument(
            "--state-directory", type=Path, default=STATE_DIRECTORY, help="where kiosk.db is, by default %(default)s"
        )
        command.set_defaults(run=run)


def _numbers(options: argparse.Namespace) -> int:
    gaps = 0
    with _store(options) as store, store.reading() as db:
        rows = db.rows(
            "SELECT n.series, n.year, count(*) AS given, min(serial) AS first, max(serial) AS last, max(date) AS date,"
            " s.last_serial AS elsewhere FROM letter_numbers n"
            " LEFT JOIN letter_number_starts s ON s.series = n.series AND s.year = n.year"
            " GROUP BY n.series, n.year ORDER BY n.year, n.series"
        )
    for row in rows:
        missing = row["last"] - row["first"] + 1 - row["given"]
        gaps += missing
        name = "all letters" if row["series"] == numbering.ALL_LETTERS else row["series"]
        after = f", after {row['elsewhere']} given elsewhere" if row["elsewhere"] else ""
        gap = f", {missing} missing" if missing else ""
        said = f"{row['given']} numbers, {row['first']} to {row['last']} of {row['date']}{after}{gap}"
        sys.stdout.write(f"{row['year']}\t{name}\t{said}\n")
    return 1 if gaps else 0


def _go_on(options: argparse.Namespace) -> int:
    series = numbering.ALL_LETTERS if options.all else str(options.code)
    known = {kind.code for kind in kinds.load_all().kinds.values()}
    if not options.all and series not in known:
        sys.stderr.write(f"--code: {series} is the code of no kind; known are {', '.join(sorted(known))}\n")
        return 1
    if not (numbering.FIRST_YEAR <= options.year <= numbering.LAST_YEAR and 0 < options.last < 10**6):
        sys.stderr.write(
            f"--year: allowed are {numbering.FIRST_YEAR} to {numbering.LAST_YEAR}; --last: allowed are 1 to 999999\n"
        )
        return 1
    with _store(options) as store:
        audit = Audit(store, time.time)
        try:
            with store.transaction() as db:
                numbers.go_on_after(db, series, options.year, options.last)
                said = f"{series} {options.year} after {options.last}"
                audit.note_in(db, ROOT.name, ROOT.role, "letters.go_on_after", detail=said)
        except numbers.SeriesBegun as error:
            sys.stderr.write(f"{series}: {error}\n")
            return 1
    sys.stdout.write(f"The next number of {options.year} is {options.last + 1}.\n")
    return 0


@contextlib.contextmanager
def _store(options: argparse.Namespace) -> Iterator[Store]:
    folder = options.state_directory
    with as_owner_of(folder):
        store = open_database(folder, services())
        try:
            yield store
        finally:
            store.close()
