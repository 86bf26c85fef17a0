"""Requests that are still being written: kept by themselves, so that an interruption loses nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from appliance.kiosk.actors import Actor
from appliance.kiosk.letters import store
from appliance.kiosk.letters.means import Means

KEPT_SECONDS: Final = 30 * 86_400
CHARACTERS_MAX: Final = 32_000
ANSWERS: Final = "letter_drafts.answers"


class Drafts:
    """The drafts in one store: one for each owner, person and kind. Methods raise `StoreError`.

    The owner is an account of the office, or a resident's own session; ``resident_id`` says about whom, None for
    somebody whom the register does not know. What is kept is as it was typed.
    """

    def __init__(self, means: Means) -> None:
        self._means = means

    def save(self, owner: Actor, slug: str, resident_id: int | None, raw: Mapping[str, str]) -> None:
        """Keep what has been typed so far, in place of what was kept before. Raises ValueError where it is too long."""
        text = store.as_text(dict(raw))
        if len(text) > CHARACTERS_MAX:
            raise ValueError(f"a draft has at most {CHARACTERS_MAX} characters, this one {len(text)}")
        now = int(self._means.clock())
        with self._means.store.transaction() as db:
            # Not by a clock that lost its time: it would throw away all of them.
            if self._means.clock_is_known():
                db.execute("DELETE FROM letter_drafts WHERE saved_seconds < ?", [now - KEPT_SECONDS])
            db.execute(
                "INSERT OR REPLACE INTO letter_drafts (owner, resident_id, slug, saved_seconds, answers_sealed)"
                " VALUES (?, ?, ?, ?, ?)",
                [owner.name, resident_id or 0, slug, now, self._means.vault.seal(text, ANSWERS)],
            )

    def find(self, owner: Actor, slug: str, resident_id: int | None) -> dict[str, str]:
        """What was kept, by field; nothing where nothing was."""
        with self._means.store.reading() as db:
            row = db.execute(
                "SELECT answers_sealed FROM letter_drafts WHERE owner = ? AND resident_id = ? AND slug = ?",
                [owner.name, resident_id or 0, slug],
            ).fetchone()
        if row is None:
            return {}
        found: dict[str, str] = json.loads(self._means.vault.open(row[0], ANSWERS))
        return found

    def slugs(self, owner: Actor, resident_id: int | None) -> tuple[str, ...]:
        """Of which kinds there are drafts, the newest first."""
        with self._means.store.reading() as db:
            rows = db.execute(
                "SELECT slug FROM letter_drafts WHERE owner = ? AND resident_id = ? ORDER BY saved_seconds DESC, slug",
                [owner.name, resident_id or 0],
            ).fetchall()
        return tuple(slug for (slug,) in rows)

    def drop(self, owner: Actor, slug: str, resident_id: int | None) -> None:
        """Throw a draft away; sending the request does so by itself."""
        with self._means.store.transaction() as db:
            db.execute(
                "DELETE FROM letter_drafts WHERE owner = ? AND resident_id = ? AND slug = ?",
                [owner.name, resident_id or 0, slug],
            )
