"""What a resident has answered so far, sealed, and only as long as their session: it goes with it.

The table hangs on the sessions' own: who logs out, is idle at the hall's screen, or is given a new PIN, takes their
half-filled forms along.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from appliance.store.database import Store
from appliance.store.migrations import Migrations
from appliance.store.vault import Vault

if TYPE_CHECKING:
    import sqlite_utils

MIGRATIONS: Final = Migrations("letter_forms")
_CONTENT: Final = "letter_forms.content"


@MIGRATIONS()
def m001_forms(db: sqlite_utils.Database) -> None:
    """One form for each session and kind."""
    db.executescript(
        """
        CREATE TABLE letter_forms (
            session TEXT NOT NULL REFERENCES pin_sessions (token_sha256) ON DELETE CASCADE,
            slug TEXT NOT NULL,
            content_sealed BLOB NOT NULL,
            PRIMARY KEY (session, slug)
        ) STRICT, WITHOUT ROWID;
        """
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form that is being filled in.

    Args:
        slug: the kind's.
        key: random; the form sent twice is one letter.
        answers: by field, as typed, each found good when it was given.
        facts: what the register says of the resident, for the preview.
        suggested: by field, what the register lets one suppose; shown in the field, and changed by who knows better.
        known: fields that the register has answered, so that they are not asked.
        letter_id: the letter that is corrected; 0 for a new one.
        version: that letter's, as it was seen.
    """

    slug: str
    key: str
    answers: Mapping[str, str]
    facts: Mapping[str, str]
    suggested: Mapping[str, str] = field(default_factory=dict)
    known: tuple[str, ...] = ()
    letter_id: int = 0
    version: int = 0


class Forms:
    """The forms in one store, which was opened with `MIGRATIONS`. ``session``: the digest of a session's token."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store, self._vault = store, vault

    def get(self, session: str, slug: str) -> Form | None:
        """The form of this session for a kind."""
        with self._store.reading() as db:
            row = db.execute(
                "SELECT content_sealed FROM letter_forms WHERE session = ? AND slug = ?", [session, slug]
            ).fetchone()
        if row is None:
            return None
        content = json.loads(self._vault.open(row[0], _CONTENT))
        return Form(slug=slug, **content | {"known": tuple(content["known"])})

    def put(self, session: str, form: Form) -> None:
        """Keep a form as it is now. One whose session has just ended is not kept."""
        content = {
            "key": form.key, "answers": dict(form.answers), "facts": dict(form.facts),
            "suggested": dict(form.suggested), "known": form.known,
            "letter_id": form.letter_id, "version": form.version,
        }  # fmt: skip
        sealed = self._vault.seal(json.dumps(content), _CONTENT)
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO letter_forms (session, slug, content_sealed)"
                " SELECT token_sha256, ?, ? FROM pin_sessions WHERE token_sha256 = ?"
                " ON CONFLICT (session, slug) DO UPDATE SET content_sealed = excluded.content_sealed",
                [form.slug, sealed, session],
            )

    def drop(self, session: str, slug: str) -> None:
        """Forget a form that was sent."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM letter_forms WHERE session = ? AND slug = ?", [session, slug])
