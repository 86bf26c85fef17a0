"""The register's tables. Whatever says something of somebody is sealed; what is not, are opaque numbers and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.store.migrations import Migrations

if TYPE_CHECKING:
    import sqlite_utils

MIGRATIONS: Final = Migrations("residents")


@MIGRATIONS()
def m001_residents(db: sqlite_utils.Database) -> None:
    """Residents, and imports that wait to be decided."""
    db.executescript(
        """
        CREATE TABLE residents (
            id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 9007199254740991),
            nik_index BLOB NOT NULL UNIQUE,
            family_index BLOB NOT NULL,  -- empty where somebody belongs to no family
            version INTEGER NOT NULL,
            generation INTEGER NOT NULL,  -- of the register, when this row was written last
            sealed BLOB NOT NULL,
            imported BLOB NOT NULL  -- what the last import said of them, sealed; empty where none did
        ) STRICT;
        CREATE INDEX residents_by_family ON residents (family_index);
        CREATE INDEX residents_by_generation ON residents (generation);
        CREATE TABLE residents_generation (number INTEGER NOT NULL) STRICT;
        INSERT INTO residents_generation VALUES (0);

        CREATE TABLE imports (
            id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 9007199254740991),
            made_by TEXT NOT NULL,
            made_seconds INTEGER NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('reading', 'waiting', 'applied')),
            generation INTEGER NOT NULL,  -- of the register that it was compared with
            columns TEXT NOT NULL,  -- the file's columns, as JSON: known ones and others
            counts TEXT NOT NULL  -- as JSON
        ) STRICT;
        CREATE TABLE import_rows (
            import_id INTEGER NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
            number INTEGER NOT NULL,  -- of the row in the file
            outcome TEXT NOT NULL,
            undecided INTEGER NOT NULL,
            has_notes INTEGER NOT NULL,
            resident_id INTEGER NOT NULL,  -- 0 where the row is refused
            nik_index BLOB NOT NULL,
            family_index BLOB NOT NULL,
            report BLOB NOT NULL,  -- sealed: what the row says, and what is found about it
            sealed BLOB NOT NULL,  -- as residents has it once this is applied
            imported BLOB NOT NULL,
            PRIMARY KEY (import_id, number)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX import_rows_by_outcome ON import_rows (import_id, outcome, number);
        CREATE INDEX import_rows_by_nik ON import_rows (import_id, nik_index);
        """
    )
