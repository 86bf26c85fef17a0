"""Which step leads where, who may take it, and what no step ever does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.kiosk.actors import RESIDENT, Actor
from appliance.kiosk.letters import flow
from appliance.kiosk.letters.flow import Reason, Standing, State, Step, StepRefused
from appliance.kiosk.office.rules import Role

OPERATOR, SECRETARY, HEAD = Actor("sri", "operator"), Actor("ketut", "sekretaris"), Actor("made", "kepala_desa")
EVERYBODY = [RESIDENT, *(Actor("someone", role) for role in Role), Actor("someone", "nobody")]

# Written out by hand: the table of the flow must say the same.
WAY = [
    (State.DRAFT, Step.SUBMIT, State.SUBMITTED),
    (State.SUBMITTED, Step.CHANGE, State.SUBMITTED),
    (State.NEEDS_CORRECTION, Step.CHANGE, State.SUBMITTED),
    (State.WAITS_FOR_RT, Step.CHANGE, State.WAITS_FOR_RT),
    (State.VERIFIED, Step.CHANGE, State.SUBMITTED),
    (State.SUBMITTED, Step.ASK_CORRECTION, State.NEEDS_CORRECTION),
    (State.VERIFIED, Step.ASK_CORRECTION, State.NEEDS_CORRECTION),
    (State.SUBMITTED, Step.ASK_RT_LETTER, State.WAITS_FOR_RT),
    (State.SUBMITTED, Step.GOT_RT_LETTER, State.SUBMITTED),
    (State.WAITS_FOR_RT, Step.GOT_RT_LETTER, State.SUBMITTED),
    *((s, Step.REFUSE, State.REFUSED) for s in ("submitted", "needs_correction", "waits_for_rt", "verified")),
    *((s, Step.WITHDRAW, State.WITHDRAWN) for s in ("submitted", "needs_correction", "waits_for_rt", "verified")),
    (State.SUBMITTED, Step.VERIFY, State.VERIFIED),
    (State.VERIFIED, Step.APPROVE, State.APPROVED),
    (State.APPROVED, Step.SIGN_BY_HAND, State.SIGNED),
    (State.APPROVED, Step.SIGN_ELECTRONICALLY, State.SIGNED),
    (State.WAITS_FOR_CAMAT, Step.COUNTERSIGN, State.SIGNED),
    (State.SIGNED, Step.MAKE_READY, State.READY),
    (State.READY, Step.HAND_OVER, State.COLLECTED),
    *((s, Step.VOID, State.VOID) for s in ("approved", "waits_for_camat", "signed", "ready", "collected")),
]
KNOWN = {(State(before), step): then for before, step, then in WAY}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("step", Step)
def test_a_step_leads_where_it_is_written_and_nowhere_else(state: State, step: Step) -> None:
    if (state, step) in KNOWN:
        assert flow.after(state, step) is KNOWN[state, step]
        return
    with pytest.raises(StepRefused) as refused:
        flow.after(state, step)
    assert refused.value.reason is Reason.NOT_NOW


@given(st.lists(st.sampled_from(list(Step)), max_size=40))
def test_whatever_is_pressed_in_whatever_order_a_letter_is_numbered_once_and_signed_after(steps: list[Step]) -> None:
    state, taken = State.DRAFT, []
    for step in steps:
        try:
            state = flow.after(state, step)
        except StepRefused:
            continue
        taken.append(step)
    assert taken.count(Step.APPROVE) <= 1
    assert (state in flow.NUMBERED_STATES) == (Step.APPROVE in taken)
    signing = [step for step in taken if step in (Step.SIGN_BY_HAND, Step.SIGN_ELECTRONICALLY)]
    assert len(signing) <= 1
    if state in flow.SIGNED_STATES:
        assert taken.index(Step.APPROVE) < taken.index(signing[0])
    for end in (State.VOID, State.REFUSED, State.WITHDRAWN):
        if state is end:
            assert not flow.steps_for(HEAD, Standing(state))


def test_who_typed_or_verified_does_not_approve() -> None:
    for step in (Step.SUBMIT, Step.CHANGE, Step.GOT_RT_LETTER, Step.VERIFY):
        assert flow.makes_handler(SECRETARY, step)
    with pytest.raises(StepRefused) as refused:
        flow.may_step(SECRETARY, Step.APPROVE, Standing(State.VERIFIED, frozenset({"ketut"})))
    assert refused.value.reason is Reason.SAME_PERSON
    assert flow.may_step(HEAD, Step.APPROVE, Standing(State.VERIFIED, frozenset({"ketut"}))) is State.APPROVED


def test_a_residents_own_session_has_no_hand_in_the_offices_work() -> None:
    assert not flow.makes_handler(RESIDENT, Step.SUBMIT)


@pytest.mark.parametrize("actor", EVERYBODY, ids=lambda actor: actor.role)
@pytest.mark.parametrize("step", Step)
def test_only_those_whom_it_is_given_take_a_step(actor: Actor, step: Step) -> None:
    clerks, signers = {"operator", "sekretaris"}, {"sekretaris", "kepala_desa"}
    allowed = {
        Step.SUBMIT: clerks | {"warga"}, Step.CHANGE: clerks | {"warga"}, Step.WITHDRAW: clerks | {"warga"},
        Step.ASK_CORRECTION: clerks | signers, Step.REFUSE: clerks | signers, Step.SIGN_BY_HAND: clerks | signers,
        Step.ASK_RT_LETTER: clerks, Step.GOT_RT_LETTER: clerks, Step.VERIFY: clerks, Step.MAKE_READY: clerks,
        Step.COUNTERSIGN: clerks, Step.HAND_OVER: clerks, Step.APPROVE: signers, Step.SIGN_ELECTRONICALLY: signers,
        Step.VOID: signers,
    }[step]  # fmt: skip
    may = any(step in flow.steps_for(actor, Standing(state)) for state in State)
    assert may == (actor.role in allowed)


@pytest.mark.parametrize("state", set(State) - {State.NEEDS_CORRECTION})
def test_a_resident_changes_only_what_was_given_back(state: State) -> None:
    with pytest.raises(StepRefused):
        flow.may_step(RESIDENT, Step.CHANGE, Standing(state))


@pytest.mark.parametrize(
    ("actor", "account", "may"),
    [(HEAD, "", True), (HEAD, "ketut", True), (SECRETARY, "ketut", True), (SECRETARY, "made", False),
     (SECRETARY, "", False), (OPERATOR, "sri", False), (RESIDENT, "warga", False)],
)  # fmt: skip
def test_the_head_approves_for_all_officials_and_others_for_themselves(actor: Actor, account: str, may: bool) -> None:
    assert flow.may_sign_as(actor, account) is may


def test_a_letter_of_the_camat_is_not_signed_before_both_have_signed() -> None:
    standing = Standing(State.APPROVED, is_countersigned=True)
    assert flow.may_step(OPERATOR, Step.SIGN_BY_HAND, standing) is State.WAITS_FOR_CAMAT
    assert State.WAITS_FOR_CAMAT not in flow.SIGNED_STATES
    away = Standing(State.WAITS_FOR_CAMAT, is_countersigned=True)
    assert set(flow.steps_for(OPERATOR, away)) == {Step.COUNTERSIGN}
    assert set(flow.steps_for(HEAD, away)) == {Step.VOID}
    assert flow.may_step(OPERATOR, Step.COUNTERSIGN, away) is State.SIGNED
    assert flow.may_step(OPERATOR, Step.MAKE_READY, Standing(State.SIGNED, is_countersigned=True)) is State.READY
