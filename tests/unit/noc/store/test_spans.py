"""The first and the last of a table of millions are looked up, not searched for."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from noc.fleet_book import months, past
from noc.fleet_book.sqlite import open_fleet_book
from noc.store import sqlite
from noc.store.sqlite import open_noc_store


@pytest.mark.parametrize("sql", [past.DAYS_SPAN, months.MONTHS_SPAN, sqlite.HOURS_SPAN])
def test_the_ends_of_a_table_are_looked_up(tmp_path: Path, sql: str) -> None:
    path = tmp_path / "some.db"
    is_hours = sql == sqlite.HOURS_SPAN
    (open_noc_store if is_hours else open_fleet_book)(path).close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        plan = " ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}"))
    assert plan.count("SEARCH") == 2, plan
