"""The way of a letter from the request to the resident's hand: states, steps, and who may take which. Pure.

::

    draft ─▶ submitted ─▶ verified ─▶ approved ─▶ signed ─▶ ready ─▶ collected
              ▲  │  ▲        │            │          │        │          │
              │  │  └─change─┤            └──────────┴────────┴──────────┴─▶ void (keeps its number)
              │  ├─▶ waits_for_rt ─▶ submitted
              └──┼── needs_correction
                 └─▶ refused, withdrawn

Where the camat signs too, *sign_by_hand* leads to ``waits_for_camat``, and *countersign* from there to ``signed``.
A number is given by *approve* and by nothing else. Who typed or verified a letter does not approve it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from appliance.kiosk.actors import RESIDENT_ROLE, Actor
from appliance.kiosk.office.rules import Permission, Role, may


class State(enum.StrEnum):
    """Where a letter is."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    NEEDS_CORRECTION = "needs_correction"
    REFUSED = "refused"
    WAITS_FOR_RT = "waits_for_rt"
    VERIFIED = "verified"
    APPROVED = "approved"
    WAITS_FOR_CAMAT = "waits_for_camat"  # signed by the official, and on its way to the camat and back
    SIGNED = "signed"
    READY = "ready"
    COLLECTED = "collected"
    VOID = "void"
    WITHDRAWN = "withdrawn"


class Step(enum.StrEnum):
    """What somebody does with a letter."""

    SUBMIT = "submit"
    CHANGE = "change"  # of the answers, or of the facts as the register has them now
    ASK_CORRECTION = "ask_correction"
    ASK_RT_LETTER = "ask_rt_letter"
    GOT_RT_LETTER = "got_rt_letter"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    VERIFY = "verify"
    APPROVE = "approve"
    SIGN_BY_HAND = "sign_by_hand"
    SIGN_ELECTRONICALLY = "sign_electronically"
    COUNTERSIGN = "countersign"  # the letter came back with the camat's signature
    MAKE_READY = "make_ready"
    HAND_OVER = "hand_over"
    VOID = "void"


class Reason(enum.StrEnum):
    """Why a step is refused."""

    NOT_NOW = "not_now"  # the letter is in another state
    NOT_ALLOWED = "not_allowed"  # for this role
    SAME_PERSON = "same_person"  # who typed or verified it
    NOT_THIS_OFFICIAL = "not_this_official"  # the account may not sign as this official
    NOT_IN_OFFICE = "not_in_office"  # the official, on the letter's date
    RT_LETTER_MISSING = "rt_letter_missing"
    NO_ELECTRONIC_SIGNATURE = "no_electronic_signature"  # not for this kind
    MAY_NOT_ASK = "may_not_ask"  # the kind is not for this person
    TOO_MANY_WAIT = "too_many_wait"  # of this resident's own requests
    CHANGED_MEANWHILE = "changed_meanwhile"  # somebody else was faster: look again
    SENT_BEFORE = "sent_before"  # the same form, with other contents


OPEN_STATES: Final = frozenset({State.SUBMITTED, State.NEEDS_CORRECTION, State.WAITS_FOR_RT, State.VERIFIED})
NUMBERED_STATES: Final = frozenset(
    {State.APPROVED, State.WAITS_FOR_CAMAT, State.SIGNED, State.READY, State.COLLECTED, State.VOID}
)
# In these the letter carries every signature it needs.
SIGNED_STATES: Final = frozenset({State.SIGNED, State.READY, State.COLLECTED})
PRINTABLE_STATES: Final = SIGNED_STATES | {State.APPROVED, State.WAITS_FOR_CAMAT}
# What the office has still to do something about.
WORK_STATES: Final = frozenset(
    {
        State.SUBMITTED,
        State.WAITS_FOR_RT,
        State.VERIFIED,
        State.APPROVED,
        State.WAITS_FOR_CAMAT,
        State.SIGNED,
        State.READY,
    }
)
# Whoever took one of these has a hand in what the letter says.
_HANDLING: Final = frozenset({Step.SUBMIT, Step.CHANGE, Step.GOT_RT_LETTER, Step.VERIFY})

_FROM: Final[Mapping[Step, tuple[tuple[State, State], ...]]] = MappingProxyType(
    {
        Step.SUBMIT: ((State.DRAFT, State.SUBMITTED),),
        Step.CHANGE: (
            (State.SUBMITTED, State.SUBMITTED),
            (State.NEEDS_CORRECTION, State.SUBMITTED),
            (State.WAITS_FOR_RT, State.WAITS_FOR_RT),
            (State.VERIFIED, State.SUBMITTED),  # what was verified is another text now
        ),
        Step.ASK_CORRECTION: ((State.SUBMITTED, State.NEEDS_CORRECTION), (State.VERIFIED, State.NEEDS_CORRECTION)),
        Step.ASK_RT_LETTER: ((State.SUBMITTED, State.WAITS_FOR_RT),),
        Step.GOT_RT_LETTER: ((State.SUBMITTED, State.SUBMITTED), (State.WAITS_FOR_RT, State.SUBMITTED)),
        Step.REFUSE: tuple((state, State.REFUSED) for state in State if state in OPEN_STATES),
        Step.WITHDRAW: tuple((state, State.WITHDRAWN) for state in State if state in OPEN_STATES),
        Step.VERIFY: ((State.SUBMITTED, State.VERIFIED),),
        Step.APPROVE: ((State.VERIFIED, State.APPROVED),),
        Step.SIGN_BY_HAND: ((State.APPROVED, State.SIGNED),),
        Step.SIGN_ELECTRONICALLY: ((State.APPROVED, State.SIGNED),),
        Step.COUNTERSIGN: ((State.WAITS_FOR_CAMAT, State.SIGNED),),
        Step.MAKE_READY: ((State.SIGNED, State.READY),),
        Step.HAND_OVER: ((State.READY, State.COLLECTED),),
        Step.VOID: tuple((state, State.VOID) for state in State if state in NUMBERED_STATES - {State.VOID}),
    }
)

_PERMISSIONS: Final[Mapping[Step, tuple[Permission, ...]]] = MappingProxyType(
    {
        Step.SUBMIT: (Permission.PROCESS_LETTERS,),
        Step.CHANGE: (Permission.PROCESS_LETTERS,),
        # The head too sends back what should not be signed so.
        Step.ASK_CORRECTION: (Permission.PROCESS_LETTERS, Permission.APPROVE_LETTERS),
        Step.ASK_RT_LETTER: (Permission.PROCESS_LETTERS,),
        Step.GOT_RT_LETTER: (Permission.PROCESS_LETTERS,),
        Step.REFUSE: (Permission.PROCESS_LETTERS, Permission.APPROVE_LETTERS),
        Step.WITHDRAW: (Permission.PROCESS_LETTERS,),
        Step.VERIFY: (Permission.PROCESS_LETTERS,),
        Step.APPROVE: (Permission.APPROVE_LETTERS,),
        # The ink is the official's own; that it is there the clerk may write down.
        Step.SIGN_BY_HAND: (Permission.PROCESS_LETTERS, Permission.APPROVE_LETTERS),
        Step.SIGN_ELECTRONICALLY: (Permission.APPROVE_LETTERS,),
        Step.COUNTERSIGN: (Permission.PROCESS_LETTERS,),
        Step.MAKE_READY: (Permission.PROCESS_LETTERS,),
        Step.HAND_OVER: (Permission.PROCESS_LETTERS,),
        Step.VOID: (Permission.VOID_LETTERS,),
    }
)
# What a resident may do with a letter of their own.
_RESIDENTS: Final[Mapping[Step, frozenset[State]]] = MappingProxyType(
    {
        Step.SUBMIT: frozenset({State.DRAFT}),
        Step.CHANGE: frozenset({State.NEEDS_CORRECTION}),
        Step.WITHDRAW: OPEN_STATES,
    }
)


class StepRefused(Exception):  # noqa: N818 - reads as the sentence it is where it is caught
    """A step that cannot be taken. Nothing has changed."""

    def __init__(self, reason: Reason, step: Step) -> None:
        self.reason, self.step = reason, step
        super().__init__(f"{step}: {reason}")


@dataclass(frozen=True, slots=True)
class Standing:
    """What the rules ask of a letter: where it is, which accounts of the office had a hand in it, who signs too."""

    state: State
    handlers: frozenset[str] = frozenset()
    is_countersigned: bool = False


def after(state: State, step: Step, *, is_countersigned: bool = False) -> State:
    """The state after a step. Raises `StepRefused` where the step does not begin there.

    ``is_countersigned``: the camat signs too, by hand, after the official.
    """
    for before, then in _FROM[step]:
        if before is state:
            return State.WAITS_FOR_CAMAT if is_countersigned and step is Step.SIGN_BY_HAND else then
    raise StepRefused(Reason.NOT_NOW, step)


def makes_handler(actor: Actor, step: Step) -> bool:
    """Does this step give an account of the office a hand in what the letter says?"""
    return actor.role != RESIDENT_ROLE and step in _HANDLING


def may_step(actor: Actor, step: Step, standing: Standing) -> State:
    """Say to which state a step of this actor leads.

    A resident's letter must be theirs; whose it is the caller has checked.

    Raises:
        StepRefused: with the reason: the role, then the state, then the person.
    """
    if actor.role == RESIDENT_ROLE:
        if step not in _RESIDENTS:
            raise StepRefused(Reason.NOT_ALLOWED, step)
        if standing.state not in _RESIDENTS[step]:
            raise StepRefused(Reason.NOT_NOW, step)
    elif not any(may(actor.role, permission) for permission in _PERMISSIONS[step]):
        raise StepRefused(Reason.NOT_ALLOWED, step)
    then = after(standing.state, step, is_countersigned=standing.is_countersigned)
    if step is Step.APPROVE and actor.name in standing.handlers:
        raise StepRefused(Reason.SAME_PERSON, step)
    return then


def steps_for(actor: Actor, standing: Standing) -> tuple[Step, ...]:
    """The steps this actor may take now, for the buttons of a page."""
    found = []
    for step in Step:
        try:
            may_step(actor, step, standing)
        except StepRefused:
            continue
        found.append(step)
    return tuple(found)


def may_sign_as(actor: Actor, account: str) -> bool:
    """May the actor approve in the name of an official whose account is ``account``?

    The head answers for all of the office's signatures, and so approves for any of its officials; everybody else only
    for themselves, as the official's entry says (a.n., u.b., Plt).
    """
    if not may(actor.role, Permission.APPROVE_LETTERS):
        return False
    return actor.role == Role.KEPALA_DESA or (account != "" and account == actor.name)
