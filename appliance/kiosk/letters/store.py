"""Letters in the database: rows to letters and back. Functions work within a transaction of the store."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from appliance.core import schema
from appliance.kiosk.actors import RESIDENT_ROLE, Actor
from appliance.kiosk.letters import answers as answering
from appliance.kiosk.letters.answers import Answers
from appliance.kiosk.letters.flow import Standing, State, Step, makes_handler
from appliance.kiosk.letters.kinds import Kind
from appliance.kiosk.letters.letter import Letter, Mine, Past, Waiting
from appliance.kiosk.letters.numbering import Number
from appliance.kiosk.letters.paper import Signing, SigningMode
from appliance.store.database import Database
from appliance.store.vault import Vault

NAME: Final = "letters.name"
FACTS: Final = "letters.facts"
ANSWERS: Final = "letters.answers"
CODE: Final = "letters.code"
NOTE: Final = "letters.note"
TOKEN: Final = "letters.token"  # noqa: S105 - the name of a column
CHECK: Final = "letters.check"
HANDED_TO: Final = "letters.handed_to"
STEP_NOTE: Final = "letter_steps.note"
PDF: Final = "letter_papers.pdf"


class LetterNotFound(LookupError):  # noqa: N818 - reads as the sentence it is where it is caught
    """There is no such letter, or it is somebody else's."""


class KindGone(LookupError):  # noqa: N818 - as above
    """A letter's kind has no file any more, or one of another form; the file must come back."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a step asks of a letter before it is taken."""

    id: int
    slug: str
    version: int
    standing: Standing
    resident_id: int | None
    has_rt_letter: bool


def token_digest(token: str) -> bytes:
    """By what a token is found, here and at the NOC."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def as_text(value: object) -> str:
    """JSON that is the same for equal values."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def signing_text(signing: Signing) -> str:
    """A signing as it is kept."""
    return as_text(dataclasses.asdict(signing))


def signing_of(text: str) -> Signing:
    """The opposite of `signing_text`."""
    found: dict[str, Any] = json.loads(text)
    return Signing(**(found | {"mode": SigningMode(found["mode"])}))


def freeze_kind(db: Database, kind: Kind) -> bytes:
    """Keep a kind as it is now; returns by what it is found."""
    text = as_text(_without_none(dataclasses.asdict(kind)))
    digest = hashlib.sha256(text.encode()).digest()
    db.execute("INSERT INTO letter_kinds (digest, text) VALUES (?, ?) ON CONFLICT DO NOTHING", [digest, text])
    return digest


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(each) for key, each in value.items() if each is not None}
    return [_without_none(each) for each in value] if isinstance(value, list | tuple) else value


def head(db: Database, letter_id: int) -> Head:
    """Raises `LetterNotFound`."""
    found = db.rows(
        "SELECT id, slug, version, state, resident_id, has_rt_letter, (SELECT json_extract(text,"
        " '$.countersigned_by_camat') FROM letter_kinds WHERE digest = kind_digest) AS is_countersigned"
        " FROM letters WHERE id = ?",
        [letter_id],
    )
    if not found:
        raise LetterNotFound(letter_id)
    row = found[0]
    standing = Standing(State(row["state"]), handlers(db, letter_id), bool(row["is_countersigned"]))
    return Head(row["id"], row["slug"], row["version"], standing, row["resident_id"], bool(row["has_rt_letter"]))


def handlers(db: Database, letter_id: int) -> frozenset[str]:
    """The accounts of the office that had a hand in what the letter says."""
    rows = db.execute("SELECT actor_name, actor_role, step FROM letter_steps WHERE letter_id = ?", [letter_id])
    return frozenset(name for name, role, step in rows if makes_handler(Actor(name, role), Step(step)))


def add_step(db: Database, vault: Vault, letter_id: int, past: Past) -> None:
    """Add to a letter's history."""
    db.execute(
        "INSERT INTO letter_steps (letter_id, position, step, state, at_seconds, clock_was_known, actor_name,"
        " actor_role, note_sealed) SELECT ?, coalesce(max(position), 0) + 1, ?, ?, ?, ?, ?, ?, ?"
        " FROM letter_steps WHERE letter_id = ?",
        [
            letter_id, past.step, past.state, past.at_seconds, past.clock_was_known, past.actor_name, past.actor_role,
            vault.seal(past.note, STEP_NOTE) if past.note else None, letter_id,
        ],
    )  # fmt: skip


def update(db: Database, letter_id: int, columns: Mapping[str, object]) -> None:
    """Write some columns, and count the version up."""
    names = ", ".join(f"{name} = ?" for name in columns)
    db.execute(
        f"UPDATE letters SET version = version + 1, {names} WHERE id = ?",  # noqa: S608 - names of columns
        [*columns.values(), letter_id],
    )


_LETTER: Final = (
    "SELECT letters.*, n.series, n.year, n.serial, n.text AS number, n.date, n.clock_was_known FROM letters"
    " LEFT JOIN letter_numbers n ON n.letter_id = letters.id"
)


class Reader:
    """Opens what is sealed.

    Args:
        vault: that sealed it.
        kinds: by slug, as they are now.
    """

    def __init__(self, vault: Vault, kinds: Mapping[str, Kind]) -> None:
        self._vault, self._kinds = vault, kinds
        # As they were when letters were approved: some dozens in years, and each takes 5 ms to read.
        self._frozen: dict[bytes, Kind] = {}

    def letter(self, db: Database, letter_id: int) -> Letter:
        """Raises `LetterNotFound`, `KindGone`."""
        found = db.rows(f"{_LETTER} WHERE letters.id = ?", [letter_id])
        if not found:
            raise LetterNotFound(letter_id)
        row = found[0]
        kind = self._kind(db, row)
        return Letter(
            id=row["id"],
            version=row["version"],
            kind=kind,
            state=State(row["state"]),
            resident_id=row["resident_id"],
            facts=json.loads(self._vault.open(row["facts_sealed"], FACTS)),
            answers=self.answers(kind, row["answers_sealed"]),
            code=self._vault.open(row["code_sealed"], CODE),
            submitted_seconds=row["submitted_seconds"],
            changed_seconds=row["changed_seconds"],
            has_rt_letter=bool(row["has_rt_letter"]),
            handlers=handlers(db, letter_id),
            history=self._history(db, letter_id),
            number=number_of(row),
            signing=signing_of(row["signing"]) if row["signing"] else None,
            official_id=row["official_id"],
            token=self._opened(row["token_sealed"], TOKEN),
            check_code=self._opened(row["check_sealed"], CHECK),
            valid_until=datetime.date.fromisoformat(row["valid_until"]) if row["valid_until"] else None,
            is_electronic=bool(row["is_electronic"]),
            handed_to=self._opened(row["handed_to_sealed"], HANDED_TO),
        )

    def answers(self, kind: Kind, sealed: bytes) -> Answers:
        """Answers as they were kept."""
        return answering.restore(kind, json.loads(self._vault.open(sealed, ANSWERS)))

    def waiting(self, row: Mapping[str, Any], now: int) -> Waiting:
        """One row of the queue."""
        return Waiting(
            id=row["id"],
            slug=row["slug"],
            state=State(row["state"]),
            name=self._vault.open(row["name_sealed"], NAME),
            number=row["number"] or "",
            code=self._vault.open(row["code_sealed"], CODE),
            submitted_seconds=row["submitted_seconds"],
            waited_seconds=max(0, now - row["submitted_seconds"]),
            version=row["version"],
            changed_seconds=row["changed_seconds"],
            changed_by=row["changed_by"],
        )

    def mine(self, row: Mapping[str, Any]) -> Mine:
        """One row of a resident's own letters."""
        return Mine(
            id=row["id"],
            slug=row["slug"],
            state=State(row["state"]),
            number=row["number"] or "",
            code=self._vault.open(row["code_sealed"], CODE),
            submitted_seconds=row["submitted_seconds"],
            changed_seconds=row["changed_seconds"],
            note=self._opened(row["note_sealed"], NOTE),
        )

    def _kind(self, db: Database, row: Mapping[str, Any]) -> Kind:
        if (digest := row["kind_digest"]) is not None:
            if digest not in self._frozen:
                [(text,)] = db.execute("SELECT text FROM letter_kinds WHERE digest = ?", [digest])
                self._frozen[digest] = schema.load(Kind, json.loads(text))
            return self._frozen[digest]
        found = self._kinds.get(row["slug"])
        if found is None:
            raise KindGone(row["slug"])
        return found

    def _history(self, db: Database, letter_id: int) -> tuple[Past, ...]:
        rows = db.rows("SELECT * FROM letter_steps WHERE letter_id = ? ORDER BY position", [letter_id])
        return tuple(
            Past(
                step=Step(row["step"]),
                state=State(row["state"]),
                at_seconds=row["at_seconds"],
                clock_was_known=bool(row["clock_was_known"]),
                actor_name=row["actor_name"],
                actor_role=row["actor_role"],
                note=self._opened(row["note_sealed"], STEP_NOTE),
            )
            for row in rows
        )

    def _opened(self, sealed: bytes | None, place: str) -> str:
        return "" if sealed is None else self._vault.open(sealed, place)


def keep_pdf(db: Database, vault: Vault, letter_id: int, content: bytes) -> None:
    """Keep a letter as it was signed."""
    digest = hashlib.sha256(content).digest()
    db.execute(
        "INSERT INTO letter_papers (letter_id, digest, pdf_sealed) VALUES (?, ?, ?)",
        [letter_id, digest, vault.seal_bytes(content, PDF)],
    )


def number_of(row: Mapping[str, Any]) -> Number | None:
    """The number in a row that has been joined with its own."""
    if row["serial"] is None:
        return None
    date = datetime.date.fromisoformat(row["date"])
    return Number(row["series"], row["year"], row["serial"], row["number"], date, bool(row["clock_was_known"]))


def unused(db: Database, column: str, make: Callable[[], str], index: Callable[[str], object]) -> tuple[str, object]:
    """Make something random until no letter has it; returns it and by what it is found."""
    while True:
        made = make()
        key = index(made)
        taken = db.execute(f"SELECT 1 FROM letters WHERE {column} = ?", [key]).fetchone()  # noqa: S608 - a column's name
        if not taken:
            return made, key


def is_resident(actor: Actor) -> bool:
    """Is this a resident's own session?"""
    return actor.role == RESIDENT_ROLE
