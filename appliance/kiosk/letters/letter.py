"""What is known of one letter, as the desk gives it out. Pure."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from appliance.kiosk.letters.answers import Answers
from appliance.kiosk.letters.flow import Standing, State, Step
from appliance.kiosk.letters.kinds import Kind
from appliance.kiosk.letters.numbering import Number
from appliance.kiosk.letters.paper import Signing


@dataclass(frozen=True, slots=True, kw_only=True)
class Official:
    """Somebody whose name stands below letters, and how.

    ``account`` is who of the office this is: that account may approve in this name
    (`appliance.kiosk.letters.flow.may_sign_as`). ``has_nik``: the electronic signature finds its certificate by it.
    ``begins`` and ``ends`` are the first and the last day in office, None where that is open; ``is_active`` is False
    for an entry that somebody has ended.
    """

    id: int
    version: int
    signing: Signing
    account: str = ""
    has_nik: bool = False
    is_active: bool = True
    begins: datetime.date | None = None
    ends: datetime.date | None = None

    def holds_on(self, day: datetime.date) -> bool:
        """Is this their office on a day?"""
        return (self.begins is None or self.begins <= day) and (self.ends is None or day <= self.ends)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One step of a letter: what, when, who. ``note`` is what was said with it, to whoever follows the letter."""

    step: Step
    state: State
    at_seconds: int
    clock_was_known: bool
    actor_name: str
    actor_role: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One letter, opened: ``facts`` and ``answers`` are personal data.

    ``version`` grows with each step: who changes a letter says which version was seen. ``code`` is the receipt's, by
    which anybody follows the letter; ``check_code`` and ``token`` are printed on the paper. From approval on ``number``
    and ``signing`` are set. ``kind`` is as it is now, and from approval on as it was then.
    """

    id: int
    version: int
    kind: Kind
    state: State
    resident_id: int | None
    facts: Mapping[str, str]
    answers: Answers
    code: str
    submitted_seconds: int
    changed_seconds: int
    has_rt_letter: bool
    handlers: frozenset[str]
    history: tuple[Past, ...]
    number: Number | None = None
    signing: Signing | None = None
    official_id: int | None = None
    token: str = field(default="", repr=False)
    check_code: str = field(default="", repr=False)
    valid_until: datetime.date | None = None
    is_electronic: bool = False
    handed_to: str = ""

    @property
    def standing(self) -> Standing:
        """What the rules of the flow ask."""
        return Standing(self.state, self.handlers, self.kind.countersigned_by_camat)

    @property
    def slug(self) -> str:
        """By which its kind is known."""
        return self.kind.slug

    @property
    def name(self) -> str:
        """Whose letter it is."""
        return self.facts.get("nama", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One row of the office's queue: ``waited_seconds`` since it was submitted, ``changed_by`` took the last step."""

    id: int
    slug: str
    state: State
    name: str
    number: str
    code: str
    submitted_seconds: int
    waited_seconds: int
    version: int
    changed_seconds: int
    changed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mine:
    """One row of a resident's own letters. ``note`` is what the office said last."""

    id: int
    slug: str
    state: State
    number: str
    code: str
    submitted_seconds: int
    changed_seconds: int
    note: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a resident takes home. ``was_there``: the same form was sent before, and this is what came of it."""

    letter_id: int
    code: str
    was_there: bool = False


@dataclass(frozen=True, slots=True)
class Tracking:
    """What a receipt's code shows to anybody who holds it: no personal data."""

    slug: str
    state: State
    submitted_seconds: int
    changed_seconds: int
    steps: tuple[tuple[State, int], ...]


class Validity(enum.StrEnum):
    """What can be said of a letter that somebody holds."""

    VALID = "valid"
    VOID = "void"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    NOT_SIGNED = "not_signed"
    PRACTICE = "practice"  # made for training; never valid


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer to "is this letter true?": masked, for anybody who holds the paper.

    ``today_is_known``: else whoever asks has to hold ``valid_until`` against a calendar of their own.
    """

    validity: Validity
    title: str = ""
    number: str = ""
    date: datetime.date | None = None
    valid_until: datetime.date | None = None
    masked_name: str = ""
    masked_nik: str = ""
    signed_by: str = ""
    signed_title: str = ""
    was_signed: bool = False
    is_electronic: bool = False
    today_is_known: bool = True
