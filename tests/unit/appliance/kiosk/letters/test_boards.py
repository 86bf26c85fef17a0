"""Counts are kept while letters are written, never made by counting: they are right after anything that happened."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.kiosk.letters import boards, store, tables
from appliance.kiosk.letters.flow import WORK_STATES, State
from appliance.kiosk.letters.reading import Only
from appliance.store import audit
from appliance.store.database import Database, open_store
from appliance.store.migrations import Migrations
from appliance.store.vault import Vault
from tests.unit.appliance.kiosk.letters.desks import KEY, LOOK, Bench

VAULT: Final = Vault(KEY)
SLUGS: Final = ("keterangan-usaha", "keterangan-penghasilan", "keterangan-domisili")
LETTERS: Final = st.lists(st.tuples(st.sampled_from(SLUGS), st.sampled_from(State)), max_size=30)
# Which letter becomes what; kept, or undone with its transaction.
CHANGES: Final = st.lists(st.tuples(st.integers(0, 29), st.sampled_from(State), st.booleans()), max_size=20)


@contextlib.contextmanager
def fresh() -> Iterator[Bench]:
    """A desk whose letters are written by the test."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        try:
            yield bench
        finally:
            bench.store.close()


def put(db: Database, id_: int, slug: str, state: State, submitted_seconds: int = 0) -> None:
    """Write one letter as it lies there, without its way."""
    mark, empty = id_.to_bytes(8), VAULT.seal("x", store.NAME)
    row = {
        "id": id_, "version": 1, "slug": slug, "state": state, "name_sealed": empty, "facts_sealed": b"",
        "answers_sealed": b"", "key_index": mark, "content_index": b"", "code_index": mark,
        "code_sealed": VAULT.seal("AAAABBBB", store.CODE), "submitted_seconds": submitted_seconds,
        "changed_seconds": submitted_seconds,
    }  # fmt: skip
    db.execute(f"INSERT INTO letters ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
    db.execute(
        "INSERT INTO letter_steps VALUES (?, 1, 'submit', 'submitted', ?, 1, 'sri', 'operator', NULL)",
        [id_, submitted_seconds],
    )


def counted(db: Database) -> dict[tuple[str, State], int]:
    """The same by counting."""
    rows = db.execute("SELECT slug, state, count(*) FROM letters GROUP BY slug, state")
    return {(slug, State(state)): letters for slug, state, letters in rows}


class UndoneError(Exception):
    """Undoes a transaction."""


@settings(max_examples=25, deadline=None)
@given(letters=LETTERS, changes=CHANGES)
def test_counts_equal_the_letters_after_whatever_was_kept_or_undone(
    letters: list[tuple[str, State]], changes: list[tuple[int, State, bool]]
) -> None:
    with fresh() as bench:
        with bench.store.transaction() as db:
            for id_, (slug, state) in enumerate(letters, 1):
                put(db, id_, slug, state)
        for which, state, is_kept in changes:
            with contextlib.suppress(UndoneError), bench.store.transaction() as db:
                store.update(db, which + 1, {"state": state})
                if not is_kept:
                    raise UndoneError
            with bench.store.reading() as db:
                assert boards.standing(db) == counted(db)
        with bench.store.reading() as db:
            assert boards.standing(db) == counted(db)
            assert sum(boards.standing(db).values()) == len(letters)


@settings(max_examples=25, deadline=None)
@given(
    letters=LETTERS,
    states=st.frozensets(st.sampled_from(State)),
    slug=st.sampled_from(("", *SLUGS)),
    newest_first=st.booleans(),
    offset=st.integers(0, 12),
    limit=st.integers(1, 8),
)
def test_a_page_of_the_queue_holds_what_sorting_all_letters_would_put_there(
    *,
    letters: list[tuple[str, State]],
    states: frozenset[State],
    slug: str,
    newest_first: bool,
    offset: int,
    limit: int,
) -> None:
    only = Only(states=states, slug=slug, newest_first=newest_first, offset=offset, limit=limit)
    with fresh() as bench:
        with bench.store.transaction() as db:
            for id_, (each, state) in enumerate(letters, 1):
                put(db, id_, each, state)
        shown = [row.id for row in bench.desk.queue(LOOK, only)]
    every = [id_ for id_, (each, state) in enumerate(letters, 1) if state in states and slug in ("", each)]
    assert shown == (every[::-1] if newest_first else every)[offset : offset + limit]


@settings(max_examples=10, deadline=None)
@given(letters=st.lists(st.tuples(st.sampled_from(State), st.integers(0, 100)), max_size=12))
def test_who_waits_longest_is_found_without_looking_at_all(letters: list[tuple[State, int]]) -> None:
    with fresh() as bench:
        with bench.store.transaction() as db:
            for id_, (state, seconds) in enumerate(letters, 1):
                put(db, id_, SLUGS[0], state, seconds)
        with bench.store.reading() as db:
            found = boards.count(db, 1_000, 0, 0).oldest_open_seconds
    waiting = [seconds for state, seconds in letters if state in WORK_STATES]
    assert found == (1_000 - min(waiting) if waiting else None)


def test_a_box_that_has_letters_already_gets_its_counts(tmp_path: Path) -> None:
    before = Migrations(tables.MIGRATIONS.name)
    before(name="m001_letters")(tables.m001_letters)
    old = open_store(tmp_path / "kiosk.db", [audit.MIGRATIONS, before])
    with old.transaction() as db:
        for id_, state in enumerate((State.SUBMITTED, State.SUBMITTED, State.VOID), 1):
            put(db, id_, SLUGS[0], state)
    old.close()
    new = open_store(tmp_path / "kiosk.db", [audit.MIGRATIONS, tables.MIGRATIONS])
    with new.reading() as db:
        assert boards.standing(db) == counted(db) == {(SLUGS[0], State.SUBMITTED): 2, (SLUGS[0], State.VOID): 1}


@pytest.mark.parametrize("states", [WORK_STATES, frozenset({State.VERIFIED}), frozenset(State)])
@pytest.mark.parametrize("slug", ["", SLUGS[0]])
def test_neither_queue_nor_counts_read_all_letters(tmp_path: Path, states: frozenset[State], slug: str) -> None:
    bench, plans = Bench(tmp_path), list[str]()
    with bench.store.transaction() as db:
        for id_ in range(1, 4):
            put(db, id_, SLUGS[0], State.SUBMITTED)
    connection = bench.store._connection()
    connection.set_trace_callback(plans.append)
    bench.desk.queue(LOOK, Only(states=states, slug=slug))
    bench.desk.standing()
    with bench.store.reading() as db:
        boards.count(db, 0, 0, 0)
    connection.set_trace_callback(None)
    asked = [sql for sql in plans if sql.startswith("SELECT") and "letters" in sql]
    assert asked
    for sql in asked:
        steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
        assert not any(step.startswith(("SCAN letters", "SCAN s")) for step in steps), (sql, steps)
