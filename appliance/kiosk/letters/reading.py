"""What can be seen of letters: the office's queue, one letter, a resident's own, what a code or a token tells."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from appliance.core.errors import StoreError
from appliance.kiosk.actors import Look
from appliance.kiosk.letters import boards, checking, codes, kinds, logos, paper, store
from appliance.kiosk.letters.boards import Board
from appliance.kiosk.letters.flow import NUMBERED_STATES, WORK_STATES, State
from appliance.kiosk.letters.kinds import Kind
from appliance.kiosk.letters.letter import Letter, Mine, Tracking, Validity, Verdict, Waiting
from appliance.kiosk.letters.means import Means
from appliance.kiosk.letters.numbers import Today
from appliance.kiosk.letters.paper import Paper, Signing, Watermark
from appliance.kiosk.letters.store import LetterNotFound, Reader

QUEUE_LIMIT_MAX: Final = 200
_LISTED: Final = (
    "SELECT letters.id, slug, state, version, resident_id, name_sealed, code_sealed, note_sealed, submitted_seconds,"
    " changed_seconds, n.text AS number, (SELECT actor_name FROM letter_steps s WHERE s.letter_id = letters.id"
    " ORDER BY position DESC LIMIT 1) AS changed_by"
    " FROM letters LEFT JOIN letter_numbers n ON n.letter_id = letters.id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Only:
    """Which letters of the office's queue, and in which order.

    ``text``: a receipt's code, the code on the paper, or how a number begins; "" all. ``slug``: of one kind.
    ``after``: only what stands behind this letter, by its number; 0 all. Not with ``text``.
    """

    states: frozenset[State] = WORK_STATES
    slug: str = ""
    text: str = ""
    newest_first: bool = False
    offset: int = 0
    limit: int = 50
    after: int = 0


class Reading:
    """Looks at letters. Where somebody else's data are seen the look is written down, before they are given out."""

    def __init__(self, means: Means) -> None:
        self.means = means
        self.reader = Reader(means.vault, means.kinds)
        self._zone = ZoneInfo(means.config.village.timezone)

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """What can be asked for, by slug."""
        return self.means.kinds

    def now(self) -> int:
        """Wall time in whole seconds, as the box believes it."""
        return int(self.means.clock())

    def today(self) -> Today:
        """The day in the village's zone."""
        date = datetime.datetime.fromtimestamp(self.means.clock(), self._zone).date()
        return Today(date, self.means.clock_is_known())

    def queue(self, look: Look, only: Only = Only()) -> list[Waiting]:
        """Letters by the order in which they came, each with a name; the look is written down.

        Raises:
            StoreError: nothing was written down, so nothing is shown.
        """
        order = "DESC" if only.newest_first else "ASC"
        limit, offset = min(only.limit, QUEUE_LIMIT_MAX), max(0, only.offset)
        found, values = self._by_text(only) if only.text.strip() else _by_state(only, order, limit + offset)
        # What a later page leaves out is skipped in the index, and not read.
        shown = f"SELECT arrival FROM ({found}) ORDER BY arrival {order} LIMIT ? OFFSET ?"  # noqa: S608 - ours
        sql = f"{_LISTED} WHERE arrival IN ({shown}) ORDER BY arrival {order}"
        with self.means.store.transaction() as db:
            rows = db.rows(sql, [*values, limit, offset])
            subjects = {row["id"] for row in rows} | {row["resident_id"] for row in rows if row["resident_id"]}
            actor = look.actor
            self.means.audit.note_in(db, actor.name, actor.role, "letters.queue", sorted(subjects), detail=look.purpose)
        now = self.now()
        return [self.reader.waiting(row, now) for row in rows]

    def _by_text(self, only: Only) -> tuple[str, list[object]]:
        """Find by what stands on paper: few letters, or those whose numbers begin alike."""
        # The plus keeps the states out of the plan: a code finds one letter, a state finds half of them.
        sql = (
            "SELECT arrival FROM letters WHERE (code_index = ? OR check_index = ? OR letters.id IN"  # noqa: S608 - marks
            " (SELECT letter_id FROM letter_numbers WHERE text >= ? AND text < ?))"
            f" AND +state IN ({', '.join('?' * len(only.states))})"
        )
        code, text, index = codes.read_code(only.text) or "", only.text.strip(), self.means.vault.index
        values: list[object] = [
            index(code, store.CODE),
            index(code, store.CHECK),
            text,
            f"{text}\U0010ffff",
            *sorted(only.states),
        ]
        return (f"{sql} AND slug = ?", [*values, only.slug]) if only.slug else (sql, values)

    def get(self, look: Look, letter_id: int) -> Letter:
        """One letter, for the office; the look is written down. Raises `LetterNotFound`, `KindGone`."""
        with self.means.store.transaction() as db:
            letter = self.reader.letter(db, letter_id)
            subjects = [letter_id, *([letter.resident_id] if letter.resident_id is not None else [])]
            actor = look.actor
            self.means.audit.note_in(db, actor.name, actor.role, "letter.seen", subjects, detail=look.purpose)
        return letter

    def own(self, resident_id: int, letter_id: int) -> Letter:
        """One of a resident's own letters. Raises `LetterNotFound` for somebody else's too."""
        with self.means.store.reading() as db:
            if store.head(db, letter_id).resident_id != resident_id:
                raise LetterNotFound(letter_id)
            return self.reader.letter(db, letter_id)

    def of_resident(self, resident_id: int, limit: int = 50, *, before: int = 0) -> list[Mine]:
        """A resident's own letters, the newest first; only what came before the letter with the number ``before``."""
        sql, values = f"{_LISTED} WHERE resident_id = ?", [resident_id]
        if before:
            sql += " AND arrival < (SELECT arrival FROM letters WHERE id = ? AND resident_id = ?)"
            values += [before, resident_id]
        with self.means.store.reading() as db:
            rows = db.rows(f"{sql} ORDER BY arrival DESC LIMIT ?", [*values, limit])
        return [self.reader.mine(row) for row in rows]

    def track(self, typed: str) -> Tracking | None:
        """What a receipt's code tells; None for one that nobody was given. The caller slows down who guesses."""
        code = codes.read_code(typed)
        if code is None:
            return None
        with self.means.store.reading() as db:
            rows = db.rows("SELECT * FROM letters WHERE code_index = ?", [self.means.vault.index(code, store.CODE)])
            if not rows:
                return None
            row = rows[0]
            steps = db.execute(
                "SELECT state, min(at_seconds) FROM letter_steps WHERE letter_id = ?"
                " GROUP BY state ORDER BY min(position)",
                [row["id"]],
            ).fetchall()
        reached = tuple((State(state), at) for state, at in steps)
        return Tracking(row["slug"], State(row["state"]), row["submitted_seconds"], row["changed_seconds"], reached)

    def check(self, token: str) -> Verdict:
        """Is the letter true whose QR code holds this token? Masked, for anybody."""
        if not codes.is_token(token):
            return Verdict(validity=Validity.UNKNOWN)
        verdict = self._verdict("token_digest", store.token_digest(token))
        if verdict.validity is Validity.UNKNOWN and codes.is_practice_token(token):
            return Verdict(validity=Validity.PRACTICE)
        return verdict

    def check_code(self, typed: str) -> Verdict:
        """As `check`, by the code that is printed on the letter. The caller slows down who guesses."""
        code = codes.read_code(typed)
        if code is None:
            return Verdict(validity=Validity.UNKNOWN)
        return self._verdict("check_index", self.means.vault.index(code, store.CHECK))

    def _verdict(self, column: str, value: bytes) -> Verdict:
        with self.means.store.reading() as db:
            row = db.execute(f"SELECT id FROM letters WHERE {column} = ?", [value]).fetchone()  # noqa: S608 - ours
            if row is None:
                return Verdict(validity=Validity.UNKNOWN)
            letter = self.reader.letter(db, row[0])
        return checking.verdict(letter, self.today(), is_practice=self.means.is_practice)

    def standing(self) -> Mapping[tuple[str, State], int]:
        """How many letters of a kind are in a state now; see `boards.standing`."""
        with self.means.store.reading() as db:
            return boards.standing(db)

    def board(self, since: int, until: int) -> Board:
        """Letters in figures, with a period in seconds of wall time. No look: there is nobody in it."""
        with self.means.store.reading() as db:
            return boards.count(db, self.now(), since, until)

    def paper(self, letter: Letter, *, electronically: bool = False) -> Paper:
        """The letter as it is printed: without a number a preview, which says so.

        Args:
            letter: as `get` or `own` gave it.
            electronically: it is about to be signed by certificate.
        """
        config = self.means.config
        head = Signing(config.village.head_name, paper.head_title(config.village))
        host = config.letters.verification_host
        return Paper(
            kind=letter.kind,
            village=config.village,
            facts=letter.facts,
            answers=letter.answers,
            signing=letter.signing or head,
            number=letter.number.text if letter.number else "",
            date=letter.number.date if letter.number else None,
            countersign=letter.kind.countersigned_by_camat,
            verification_address=f"https://{host}/{letter.token}" if host and letter.token else "",
            verification_code=codes.shown_code(letter.check_code) if letter.check_code else "",
            watermark=self._watermark(letter),
            is_electronic=electronically or letter.is_electronic,
            valid_until=letter.valid_until,
            logo=logos.own(kinds.OWN),
        )

    def _watermark(self, letter: Letter) -> Watermark:
        if self.means.is_practice:
            return Watermark.PRACTICE
        if letter.state is State.VOID:
            return Watermark.VOID
        return Watermark.NONE if letter.state in NUMBERED_STATES else Watermark.DRAFT

    def signed_pdf(self, letter: Letter) -> bytes | None:
        """The letter as it was signed electronically; None where it was not.

        Raises:
            StoreError: what is kept is not what was signed.
        """
        if not letter.is_electronic:
            return None
        with self.means.store.reading() as db:
            row = db.execute("SELECT digest, pdf_sealed FROM letter_papers WHERE letter_id = ?", [letter.id]).fetchone()
        content = self.means.vault.open_bytes(row[1], store.PDF) if row is not None else b""
        if row is None or hashlib.sha256(content).digest() != row[0]:
            # Drawn anew it would say that it is signed, and not be.
            raise StoreError(f"letter_papers/{letter.id}: what is kept is not what was signed; restore the backup")
        return content


def _by_state(only: Only, order: str, count: int) -> tuple[str, list[object]]:
    """Find the first ``count`` of each state in their order. SQLite would gather all of them, and sort them then."""
    of_kind = "state = ? AND slug = ?" if only.slug else "state = ?"
    if only.after:
        of_kind += f" AND arrival {'<' if only.newest_first else '>'} (SELECT arrival FROM letters WHERE id = ?)"  # noqa: S608 - ours
    one = f"SELECT arrival FROM (SELECT arrival FROM letters WHERE {of_kind} ORDER BY arrival {order} LIMIT ?)"  # noqa: S608 - ours
    values: list[object] = []
    for state in sorted(only.states):
        values += [state, *([only.slug] if only.slug else []), *([only.after] if only.after else []), count]
    return " UNION ALL ".join([one] * len(only.states)) or "SELECT arrival FROM letters WHERE false", values
