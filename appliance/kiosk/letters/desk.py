"""The desk: letters from the request to the resident's hand. Each step is one transaction with its audit entry.

What a method returned is durable. What it refused has changed nothing. Whoever changes a letter says which version was
seen, so that of two officers at one letter the slower is told, and overwrites nothing.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from appliance.kiosk.actors import Actor, Look
from appliance.kiosk.letters import asking, codes, flow, marks, numbers, store, words
from appliance.kiosk.letters.answers import Answers
from appliance.kiosk.letters.drafts import Drafts
from appliance.kiosk.letters.flow import Reason, State, Step, StepRefused
from appliance.kiosk.letters.kinds import Kind
from appliance.kiosk.letters.letter import Letter, Official, Past, Receipt
from appliance.kiosk.letters.means import Means
from appliance.kiosk.letters.numbering import DateRefused, Number
from appliance.kiosk.letters.officials import Officials
from appliance.kiosk.letters.reading import Reading
from appliance.kiosk.letters.store import Head, LetterNotFound
from appliance.kiosk.residents import person
from appliance.store.database import Database

NO_FACTS: Final[Mapping[str, str]] = MappingProxyType({})
NOTE_LENGTH_MAX: Final = 500
# Of one resident's requests that the office has not verified yet. It takes more at its counter.
WAITING_MAX: Final = 10


class Desk(Reading):
    """What can be done with letters. What can be seen of them is in `Reading`.

    Methods raise `StoreError` where nothing was stored; `StepRefused` with the reason; `LetterNotFound`.
    """

    def __init__(self, means: Means) -> None:
        super().__init__(means)
        self.officials_book = Officials(means.store, means.vault, means.audit)
        self.drafts = Drafts(means)

    def officials(self) -> tuple[Official, ...]:
        """In whose names letters are approved today; all of them while it is not known which day that is."""
        today = self.today()
        return self.officials_book.active(today.date if today.is_known else None)

    def submit(
        self,
        actor: Actor,
        key: str,
        slug: str,
        *,
        answers: Answers,
        resident_id: int | None = None,
        facts: Mapping[str, str] = NO_FACTS,
    ) -> Receipt:
        """Take a request.

        Args:
            actor: a resident for themselves, or an account of the office for somebody.
            key: of the form, random: sent again it gives the same receipt, and no second letter.
            slug: the kind's.
            answers: checked.
            resident_id: whose letter; None for somebody whom the register does not know, which only the office takes.
            facts: of such a person, by the names of `appliance.kiosk.residents.person.facts`.

        Raises:
            KeyError: there is no such kind.
            StepRefused: MAY_NOT_ASK; SENT_BEFORE, where the same form came with other contents; TOO_MANY_WAIT, where
                `WAITING_MAX` of the resident's requests wait for the office.
        """
        kind = self.kinds[slug]
        flow.may_step(actor, Step.SUBMIT, flow.Standing(State.DRAFT))
        if resident_id is not None:
            facts = self._facts(Look(actor, "letter"), kind, resident_id)
        elif store.is_resident(actor):
            raise StepRefused(Reason.NOT_ALLOWED, Step.SUBMIT)
        elif not facts.get("nama", "").strip():
            raise ValueError("a letter needs the name of whom it is about")
        vault = self.means.vault
        content = store.as_text([slug, resident_id, answers.stored(), dict(facts) if resident_id is None else None])
        content_index = vault.index(content, "letters.content")
        key_index = vault.index(key, "letters.key")
        with self.means.store.transaction() as db:
            before = db.execute("SELECT id, code_sealed, content_index FROM letters WHERE key_index = ?", [key_index])
            if (row := before.fetchone()) is not None:
                if row[2] != content_index:
                    raise StepRefused(Reason.SENT_BEFORE, Step.SUBMIT)
                return Receipt(row[0], vault.open(row[1], store.CODE), was_there=True)
            if store.is_resident(actor) and _asks_too_much(db, resident_id):
                raise StepRefused(Reason.TOO_MANY_WAIT, Step.SUBMIT)
            letter_id = _new_id(db)
            code, code_index = store.unused(
                db, "code_index", codes.make_code, lambda made: vault.index(made, store.CODE)
            )
            now = self.now()
            row_ = {
                "id": letter_id, "version": 1, "slug": slug, "state": State.SUBMITTED, "resident_id": resident_id,
                "key_index": key_index, "content_index": content_index, "code_index": code_index,
                "code_sealed": vault.seal(code, store.CODE), "submitted_seconds": now, "changed_seconds": now,
                **self._sealed(facts, answers),
            }  # fmt: skip
            db.execute(
                f"INSERT INTO letters ({', '.join(row_)}) VALUES ({', '.join('?' * len(row_))})",  # noqa: S608 - ours
                list(row_.values()),
            )
            db.execute(
                "DELETE FROM letter_drafts WHERE owner = ? AND resident_id = ? AND slug = ?",
                [actor.name, resident_id or 0, slug],
            )
            self._write_down(db, letter_id, resident_id, self._past(actor, Step.SUBMIT, State.SUBMITTED))
        return Receipt(letter_id, code)

    def change_answers(
        self,
        actor: Actor,
        letter_id: int,
        answers: Answers,
        seen_version: int,
        *,
        resident_id: int | None = None,
        facts: Mapping[str, str] = NO_FACTS,
    ) -> None:
        """Write other answers, and take the facts afresh. What was verified must be verified again.

        Args:
            actor: an account of the office; or a resident, who was asked for a correction.
            letter_id: which.
            answers: checked.
            seen_version: the version that was changed.
            resident_id: with a resident's session, whose.
            facts: of somebody whom the register does not know, where they change too.
        """
        with self.means.store.reading() as db:
            found = self._own(store.head(db, letter_id), actor, resident_id)
        sealed = self._sealed(self._fresh(actor, found) or facts, answers)
        self._take(
            actor, letter_id, Step.CHANGE, seen_version, resident_id=resident_id, write=lambda _db, _head: sealed
        )

    def refresh_facts(self, actor: Actor, letter_id: int, seen_version: int) -> None:
        """Take the facts from the register as it is now, and leave the answers."""
        with self.means.store.reading() as db:
            found = store.head(db, letter_id)
        sealed = self._sealed_facts(self._fresh(actor, found))
        self._take(actor, letter_id, Step.CHANGE, seen_version, write=lambda _db, _head: sealed)

    def ask_correction(self, actor: Actor, letter_id: int, seen_version: int, note: str) -> None:
        """Give the letter back to the resident; ``note`` says what is to be corrected."""
        self._take(actor, letter_id, Step.ASK_CORRECTION, seen_version, note=_needed(note))

    def refuse(self, actor: Actor, letter_id: int, seen_version: int, note: str) -> None:
        """Refuse the request; ``note`` tells the resident why."""
        self._take(actor, letter_id, Step.REFUSE, seen_version, note=_needed(note))

    def withdraw(self, actor: Actor, letter_id: int, seen_version: int, *, resident_id: int | None = None) -> None:
        """Take the request back, as the resident wishes."""
        self._take(actor, letter_id, Step.WITHDRAW, seen_version, resident_id=resident_id)

    def ask_rt_letter(self, actor: Actor, letter_id: int, seen_version: int, note: str = "") -> None:
        """Let the letter wait for the covering letter of RT or RW."""
        self._take(actor, letter_id, Step.ASK_RT_LETTER, seen_version, note=one_line(note))

    def got_rt_letter(self, actor: Actor, letter_id: int, seen_version: int, note: str = "") -> None:
        """Write down that the covering letter is there; ``note`` may say its number and date."""
        write = {"has_rt_letter": True}
        self._take(
            actor, letter_id, Step.GOT_RT_LETTER, seen_version, note=one_line(note), write=lambda _db, _head: write
        )

    def verify(self, actor: Actor, letter_id: int, seen_version: int) -> None:
        """Say that what stands in the letter is true. Raises `StepRefused`: RT_LETTER_MISSING."""

        def require(_: Database, head: Head) -> dict[str, object]:
            kind = self.kinds.get(head.slug)
            if kind is None:
                raise store.KindGone(head.slug)
            if kind.needs_rt_letter and not head.has_rt_letter:
                raise StepRefused(Reason.RT_LETTER_MISSING, Step.VERIFY)
            return {}

        self._take(actor, letter_id, Step.VERIFY, seen_version, write=require)

    def approve(
        self, actor: Actor, letter_id: int, official_id: int, seen_version: int, date: datetime.date | None = None
    ) -> Number:
        """Approve the letter and give it its number, both or neither.

        Args:
            actor: who may sign as the official, and has not typed or verified the letter.
            letter_id: which.
            official_id: whose name stands below.
            seen_version: the version that was read.
            date: the letter's; None is today. Needed while the clock is not known.

        Raises:
            StepRefused: SAME_PERSON, NOT_THIS_OFFICIAL, NOT_IN_OFFICE on the letter's date, and others.
            DateNeeded, DateRefused: see `appliance.kiosk.letters.numbering`.
        """
        given: list[Number] = []

        def write(db: Database, head: Head) -> dict[str, object]:
            official = self.officials_book.find(db, official_id)
            if official is None or not official.is_active or not flow.may_sign_as(actor, official.account):
                raise StepRefused(Reason.NOT_THIS_OFFICIAL, Step.APPROVE)
            kind = self.kinds.get(head.slug)
            if kind is None:
                raise store.KindGone(head.slug)
            number = numbers.give(
                db,
                letter_id,
                kind.code,
                letters=self.means.config.letters,
                area_code=self.means.config.village.kode_wilayah,
                given=date,
                today=self.today(),
            )
            given.append(number)
            if not official.holds_on(number.date):
                raise StepRefused(Reason.NOT_IN_OFFICE, Step.APPROVE)
            until = number.date + datetime.timedelta(days=kind.validity_days) if kind.validity_days else None
            return {
                "kind_digest": store.freeze_kind(db, kind),
                "official_id": official_id,
                "signing": store.signing_text(official.signing),
                "valid_until": until.isoformat() if until else None,
                **self._marks(db),
            }

        self._take(actor, letter_id, Step.APPROVE, seen_version, write=write)
        return given[0]

    def sign_by_hand(self, actor: Actor, letter_id: int, seen_version: int) -> None:
        """Write down that the official has signed the printed letter, which then may wait for the camat."""
        self._take(actor, letter_id, Step.SIGN_BY_HAND, seen_version)

    def countersign(
        self, actor: Actor, letter_id: int, seen_version: int, date: datetime.date, brought_by: str
    ) -> None:
        """Write down that the letter came back with the camat's signature.

        Args:
            actor: an account of the office.
            letter_id: which.
            seen_version: the version that was read.
            date: on which the camat signed: not before the letter's own, nor after today.
            brought_by: who brought it back.

        Raises:
            DateRefused: with the dates that are allowed.
        """
        note, today = _needed(brought_by), self.today()

        def require(db: Database, _: Head) -> dict[str, object]:
            (written,) = db.execute("SELECT date FROM letter_numbers WHERE letter_id = ?", [letter_id]).fetchone()
            earliest = datetime.date.fromisoformat(written)
            if date < earliest or (today.is_known and date > max(today.date, earliest)):
                raise DateRefused(date, earliest, max(today.date, earliest) if today.is_known else None)
            return {}

        said = f"Camat: {words.tanggal(date)}. Dibawa kembali oleh {note}."
        self._take(actor, letter_id, Step.COUNTERSIGN, seen_version, note=said, write=require)

    def sign_electronically(self, actor: Actor, letter_id: int, seen_version: int, pdf: bytes) -> None:
        """Keep the letter as it was signed electronically.

        Raises:
            StepRefused: NO_ELECTRONIC_SIGNATURE for a kind that others sign by hand too; NOT_THIS_OFFICIAL.
        """

        def write(db: Database, _: Head) -> dict[str, object]:
            self._require_electronic(db, actor, self.reader.letter(db, letter_id))
            store.keep_pdf(db, self.means.vault, letter_id, pdf)
            return {"is_electronic": True}

        self._take(actor, letter_id, Step.SIGN_ELECTRONICALLY, seen_version, write=write)

    def require_electronic(self, actor: Actor, letter: Letter) -> None:
        """Refuse what `sign_electronically` would refuse, before a service signs what it cannot take back."""
        flow.may_step(actor, Step.SIGN_ELECTRONICALLY, letter.standing)
        with self.means.store.reading() as db:
            self._require_electronic(db, actor, letter)

    def _require_electronic(self, db: Database, actor: Actor, letter: Letter) -> None:
        if not letter.kind.can_sign_electronically:
            raise StepRefused(Reason.NO_ELECTRONIC_SIGNATURE, Step.SIGN_ELECTRONICALLY)
        official = self.officials_book.find(db, letter.official_id or 0)
        if official is None or not flow.may_sign_as(actor, official.account):
            raise StepRefused(Reason.NOT_THIS_OFFICIAL, Step.SIGN_ELECTRONICALLY)
        today = self.today()
        if today.is_known and not official.holds_on(today.date):
            raise StepRefused(Reason.NOT_IN_OFFICE, Step.SIGN_ELECTRONICALLY)

    def make_ready(self, actor: Actor, letter_id: int, seen_version: int) -> None:
        """Say that the letter lies ready for the resident."""
        self._take(actor, letter_id, Step.MAKE_READY, seen_version)

    def hand_over(self, actor: Actor, letter_id: int, seen_version: int, to_whom: str) -> None:
        """Write down who took the letter."""
        sealed = self.means.vault.seal(_needed(to_whom), store.HANDED_TO)
        self._take(actor, letter_id, Step.HAND_OVER, seen_version, write=lambda *_: {"handed_to_sealed": sealed})

    def void(self, actor: Actor, letter_id: int, seen_version: int, reason: str) -> None:
        """Declare the letter void. It keeps its number, and whoever checks it is told."""
        self._take(actor, letter_id, Step.VOID, seen_version, note=_needed(reason))

    def _take(
        self,
        actor: Actor,
        letter_id: int,
        step: Step,
        seen_version: int,
        *,
        resident_id: int | None = None,
        note: str = "",
        write: Callable[[Database, Head], Mapping[str, object]] = lambda _db, _head: {},
    ) -> None:
        """Take one step: check, write, add to the history and the audit; all of it or nothing."""
        with self.means.store.transaction() as db:
            found = self._own(store.head(db, letter_id), actor, resident_id)
            if found.version != seen_version:
                raise StepRefused(Reason.CHANGED_MEANWHILE, step)
            then = flow.may_step(actor, step, found.standing)
            columns = dict(write(db, found))
            columns |= {"state": then, "changed_seconds": self.now()}
            columns["note_sealed"] = self.means.vault.seal(note, store.NOTE) if note else None
            store.update(db, letter_id, columns)
            if not self.means.is_practice:
                marks.note(db, letter_id, then)
            self._write_down(db, letter_id, found.resident_id, self._past(actor, step, then, note))

    def _own(self, head: Head, actor: Actor, resident_id: int | None) -> Head:
        """Hold back what is somebody else's, as if it were not there."""
        if store.is_resident(actor) and (resident_id is None or head.resident_id != resident_id):
            raise LetterNotFound(head.id)
        return head

    def _past(self, actor: Actor, step: Step, then: State, note: str = "") -> Past:
        return Past(
            step=step,
            state=then,
            at_seconds=self.now(),
            clock_was_known=self.means.clock_is_known(),
            actor_name=actor.name,
            actor_role=actor.role,
            note=note,
        )

    def _write_down(self, db: Database, letter_id: int, resident_id: int | None, past: Past) -> None:
        store.add_step(db, self.means.vault, letter_id, past)
        subjects = [letter_id, *([resident_id] if resident_id is not None else [])]
        self.means.audit.note_in(db, past.actor_name, past.actor_role, f"letter.{past.step}", subjects)

    def _facts(self, look: Look, kind: Kind, resident_id: int) -> Mapping[str, str]:
        one = self.means.register.get(look, resident_id)
        today = self.today().date
        if one is None or asking.hindrance(kind, one, today) is not None:
            raise StepRefused(Reason.MAY_NOT_ASK, Step.SUBMIT)
        return person.facts(one, today)

    def _fresh(self, actor: Actor, head: Head) -> Mapping[str, str]:
        """The facts as the register has them now; none for somebody whom it does not know."""
        if head.resident_id is None:
            return NO_FACTS
        one = self.means.register.get(Look(actor, "letter"), head.resident_id)
        return person.facts(one, self.today().date) if one is not None else NO_FACTS

    def _sealed(self, facts: Mapping[str, str], answers: Answers) -> dict[str, object]:
        text = store.as_text(answers.stored())
        return self._sealed_facts(facts) | {"answers_sealed": self.means.vault.seal(text, store.ANSWERS)}

    def _sealed_facts(self, facts: Mapping[str, str]) -> dict[str, object]:
        if not facts:
            return {}
        vault = self.means.vault
        return {
            "name_sealed": vault.seal(facts.get("nama", ""), store.NAME),
            "facts_sealed": vault.seal(store.as_text(dict(facts)), store.FACTS),
        }

    def _marks(self, db: Database) -> dict[str, object]:
        """What is printed on the paper for whoever checks it."""
        vault = self.means.vault
        make_token = codes.make_practice_token if self.means.is_practice else codes.make_token
        token, digest = store.unused(db, "token_digest", make_token, store.token_digest)
        check, index = store.unused(db, "check_index", codes.make_code, lambda made: vault.index(made, store.CHECK))
        return {
            "token_digest": digest,
            "token_sealed": vault.seal(token, store.TOKEN),
            "check_index": index,
            "check_sealed": vault.seal(check, store.CHECK),
        }


def _asks_too_much(db: Database, resident_id: int | None) -> bool:
    """Do more requests wait than anybody needs? One who plays with the screen must not bury the others' letters."""
    found = db.execute(
        "SELECT count(*) FROM letters WHERE resident_id = ? AND state IN (?, ?, ?)",
        [resident_id, State.SUBMITTED, State.NEEDS_CORRECTION, State.WAITS_FOR_RT],
    ).fetchone()
    return bool(found[0] >= WAITING_MAX)


def _new_id(db: Database) -> int:
    while True:
        made = codes.make_id()
        if db.execute("SELECT 1 FROM letters WHERE id = ?", [made]).fetchone() is None:
            return made


def one_line(text: str) -> str:
    """What was said with a step as it is kept; "" for what holds nothing that can be seen."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:NOTE_LENGTH_MAX]


def _needed(text: str) -> str:
    """A note that must say something. Raises ValueError."""
    note = one_line(text)
    if not note:
        raise ValueError("a reason is needed")
    return note
