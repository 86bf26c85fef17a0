"""The tables of letters. What is personal stands in columns named ``…_sealed``; see `appliance.store.vault`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.store.migrations import Migrations

if TYPE_CHECKING:
    import sqlite_utils

MIGRATIONS: Final = Migrations("letters")


@MIGRATIONS()
def m001_letters(db: sqlite_utils.Database) -> None:
    """Letters, their steps, numbers, officials, signed papers, and drafts."""
    db.executescript(_LETTERS)
    db.executescript(_NUMBERS)
    db.executescript(_OTHERS)


@MIGRATIONS()
def m002_counts(db: sqlite_utils.Database) -> None:
    """How many letters of a kind are in a state, and since when one waits: read as they are, never counted."""
    db.executescript(_COUNTS)


@MIGRATIONS()
def m003_camat_and_terms(db: sqlite_utils.Database) -> None:
    """Officials' days in office; and letters that the camat has yet to sign wait for that.

    Whether a letter that was signed until now came back from the camat nobody wrote down: the office says so once more.
    """
    db.executescript(_TERMS)
    db.execute(CAMAT)


_LETTERS: Final = """
CREATE TABLE letters (
    arrival INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of the queue, whatever the clock says
    id INTEGER NOT NULL UNIQUE, -- random: it stands in addresses
    version INTEGER NOT NULL,
    slug TEXT NOT NULL,
    state TEXT NOT NULL,
    resident_id INTEGER, -- none: somebody whom the register does not know
    name_sealed BLOB NOT NULL, -- of the facts, for lists
    facts_sealed BLOB NOT NULL,
    answers_sealed BLOB NOT NULL,
    key_index BLOB NOT NULL UNIQUE, -- of the form that was sent: sent twice it is one letter
    content_index BLOB NOT NULL,
    code_index BLOB NOT NULL UNIQUE, -- of the receipt
    code_sealed BLOB NOT NULL,
    submitted_seconds INTEGER NOT NULL,
    changed_seconds INTEGER NOT NULL,
    has_rt_letter INTEGER NOT NULL DEFAULT 0,
    note_sealed BLOB, -- what was said last
    -- From here on: given by approval.
    kind_digest BLOB REFERENCES letter_kinds (digest),
    official_id INTEGER,
    signing TEXT,
    valid_until TEXT,
    token_digest BLOB UNIQUE, -- SHA-256: 128 random bits need no key
    token_sealed BLOB,
    check_index BLOB UNIQUE,
    check_sealed BLOB,
    is_electronic INTEGER NOT NULL DEFAULT 0,
    handed_to_sealed BLOB
) STRICT;
CREATE INDEX letters_by_state ON letters (state, arrival);
CREATE INDEX letters_by_resident ON letters (resident_id, arrival);
CREATE INDEX letters_by_slug ON letters (slug, arrival, state);
CREATE INDEX letters_by_kind_and_state ON letters (slug, state);
CREATE TRIGGER letters_remain BEFORE DELETE ON letters
    BEGIN SELECT raise(ABORT, 'letters are not deleted'); END;
CREATE TABLE letter_steps (
    letter_id INTEGER NOT NULL REFERENCES letters (id),
    position INTEGER NOT NULL,
    step TEXT NOT NULL,
    state TEXT NOT NULL,
    at_seconds INTEGER NOT NULL,
    clock_was_known INTEGER NOT NULL,
    actor_name TEXT NOT NULL,
    actor_role TEXT NOT NULL,
    note_sealed BLOB,
    PRIMARY KEY (letter_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX letter_steps_by_step ON letter_steps (step, at_seconds);
CREATE TRIGGER letter_steps_stay BEFORE UPDATE ON letter_steps
    BEGIN SELECT raise(ABORT, 'steps are not changed'); END;
CREATE TRIGGER letter_steps_remain BEFORE DELETE ON letter_steps
    BEGIN SELECT raise(ABORT, 'steps are not deleted'); END;
-- Kinds as they were when a letter was approved: a file may change, a letter that is signed may not.
CREATE TABLE letter_kinds (digest BLOB PRIMARY KEY, text TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""

_NUMBERS: Final = """
CREATE TABLE letter_numbers (
    letter_id INTEGER NOT NULL UNIQUE REFERENCES letters (id),
    series TEXT NOT NULL,
    code TEXT NOT NULL,
    year INTEGER NOT NULL,
    serial INTEGER NOT NULL CHECK (serial > 0),
    text TEXT NOT NULL,
    date TEXT NOT NULL,
    clock_was_known INTEGER NOT NULL,
    UNIQUE (series, year, serial)
) STRICT;
-- Up to where a village had numbered elsewhere when it began here.
CREATE TABLE letter_number_starts (
    series TEXT NOT NULL,
    year INTEGER NOT NULL,
    last_serial INTEGER NOT NULL CHECK (last_serial > 0),
    PRIMARY KEY (series, year)
) STRICT, WITHOUT ROWID;
CREATE INDEX letter_numbers_by_code ON letter_numbers (code, year, serial, date);
CREATE INDEX letter_numbers_by_year ON letter_numbers (year, serial, date);
CREATE INDEX letter_numbers_by_text ON letter_numbers (text);
CREATE INDEX letter_numbers_known ON letter_numbers (date, code) WHERE clock_was_known;
CREATE TRIGGER letter_numbers_stay BEFORE UPDATE ON letter_numbers
    BEGIN SELECT raise(ABORT, 'a number is given once'); END;
CREATE TRIGGER letter_numbers_remain BEFORE DELETE ON letter_numbers
    BEGIN SELECT raise(ABORT, 'a number is given once'); END;
"""

_OTHERS: Final = """
CREATE TABLE letter_officials (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    version INTEGER NOT NULL,
    signing TEXT NOT NULL,
    account TEXT NOT NULL,
    nik_sealed BLOB,
    is_active INTEGER NOT NULL
) STRICT;
CREATE TABLE letter_papers (
    letter_id INTEGER PRIMARY KEY REFERENCES letters (id),
    digest BLOB NOT NULL,
    pdf_sealed BLOB NOT NULL
) STRICT;
CREATE TABLE letter_drafts (
    owner TEXT NOT NULL, -- an account of the office, or warga
    resident_id INTEGER NOT NULL, -- 0: somebody whom the register does not know
    slug TEXT NOT NULL,
    saved_seconds INTEGER NOT NULL,
    answers_sealed BLOB NOT NULL,
    PRIMARY KEY (owner, resident_id, slug)
) STRICT, WITHOUT ROWID;
"""

# Kept by the database itself, within the transaction that writes the letter: whoever writes it, they are right.
_COUNTS: Final = """
CREATE TABLE letter_counts (
    slug TEXT NOT NULL,
    state TEXT NOT NULL,
    letters INTEGER NOT NULL CHECK (letters >= 0),
    PRIMARY KEY (slug, state)
) STRICT, WITHOUT ROWID;
INSERT INTO letter_counts SELECT slug, state, count(*) FROM letters GROUP BY slug, state;
CREATE TRIGGER letters_are_counted AFTER INSERT ON letters
    BEGIN
        INSERT INTO letter_counts VALUES (new.slug, new.state, 1)
            ON CONFLICT (slug, state) DO UPDATE SET letters = letters + 1;
    END;
CREATE TRIGGER letters_are_counted_anew AFTER UPDATE OF slug, state ON letters
    WHEN old.slug != new.slug OR old.state != new.state
    BEGIN
        UPDATE letter_counts SET letters = letters - 1 WHERE slug = old.slug AND state = old.state;
        INSERT INTO letter_counts VALUES (new.slug, new.state, 1)
            ON CONFLICT (slug, state) DO UPDATE SET letters = letters + 1;
    END;
CREATE INDEX letters_by_state_and_request ON letters (state, submitted_seconds);
"""

_TERMS: Final = """
ALTER TABLE letter_officials ADD COLUMN begins TEXT; -- the first day in office
ALTER TABLE letter_officials ADD COLUMN ends TEXT; -- the last one
"""
CAMAT: Final = """
UPDATE letters SET state = 'waits_for_camat' WHERE state = 'signed' AND (
    SELECT json_extract(text, '$.countersigned_by_camat') FROM letter_kinds WHERE digest = kind_digest)
"""
