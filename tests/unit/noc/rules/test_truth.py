"""The timeline against what really was: equal to the second where anybody can know it, unknown elsewhere."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from noc.rules.anchors import place
from noc.rules.history import as_plain, from_plain, merge, observe
from noc.rules.reading import Terms
from noc.rules.states import Condition, Span
from noc.rules.timeline import timeline
from noc.store.contract import ArrivedRecord
from tests.unit.noc.rules.truth import BEGIN_MS, Truth, arrivals_of, truths

TERMS = Terms()
SECOND_MS = 1_000


def told(truth: Truth, arrived: Sequence[ArrivedRecord]) -> tuple[Span, ...]:
    spans = timeline(observe(arrived, TERMS), TERMS, BEGIN_MS, truth.end_ms)
    assert spans[0].start_ms == BEGIN_MS
    assert spans[-1].end_ms == truth.end_ms
    assert all(one.end_ms == other.start_ms for one, other in itertools.pairwise(spans))
    assert all(span.duration_ms > 0 for span in spans)
    return spans


def compare(truth: Truth, spans: Sequence[Span]) -> int:
    """Hold each moment that the timeline knows against the truth; return for how long it knows nothing."""
    borders = sorted({*truth.borders(), *(s.start_ms for s in spans), BEGIN_MS, truth.end_ms})
    unknown_ms = 0
    for begin_ms, end_ms in itertools.pairwise(border for border in borders if border <= truth.end_ms):
        middle_ms = (begin_ms + end_ms) // 2
        said = next(s.state.condition for s in spans if s.start_ms <= middle_ms < s.end_ms)
        if said is Condition.UNKNOWN:
            unknown_ms += end_ms - begin_ms
        elif end_ms - begin_ms > SECOND_MS:
            assert said is truth.at(middle_ms), (middle_ms, said)
    return unknown_ms


def must_be_unknown_ms(truth: Truth) -> int:
    """Before the first boot nobody listened; between its last record and its end a box may have stopped anywhere."""
    first = truth.boots[0]
    return first.start_ms + first.first_record_ms - BEGIN_MS + len(truth.boots) * (TERMS.silence_ms + 2 * SECOND_MS)


@settings(deadline=None)
@given(truths())
def test_all_is_known_where_nothing_was_lost(truth: Truth) -> None:
    assert compare(truth, told(truth, arrivals_of(truth))) <= must_be_unknown_ms(truth)


@settings(deadline=None)
@given(truths(clocks=("ntp", "arrival")))
def test_a_clock_that_is_never_set_is_made_up_for_by_arrivals(truth: Truth) -> None:
    unknown_ms = compare(truth, told(truth, arrivals_of(truth)))
    if all(boot.ntp_from_ms == 0 or boot.runs_ms > 400_000 for boot in truth.boots):
        assert unknown_ms <= must_be_unknown_ms(truth)


@settings(max_examples=200, deadline=None)
@given(truths(clocks=("ntp", "none", "arrival"), reasons=(0, 1, 2, 3)), st.randoms(use_true_random=False))
def test_what_is_said_is_true_whatever_is_lost(truth: Truth, random: object) -> None:
    everything = arrivals_of(truth)
    last = {each.record.boot_id: each.record.sequence for each in everything}
    kept = [
        each
        for each in everything
        if last[each.record.boot_id] == each.record.sequence or random.random() > 0.1  # type: ignore[attr-defined] # hypothesis' random
    ]
    compare(truth, told(truth, kept))


@settings(deadline=None)
@given(truths(clocks=("ntp", "none", "arrival"), reasons=(0, 1, 2, 3)), st.data())
def test_any_order_gives_the_same_timeline(truth: Truth, data: st.DataObject) -> None:
    everything = arrivals_of(truth)
    shuffled = data.draw(st.permutations(everything + everything[:20]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(shuffled)), max_size=5)))
    history = observe([], TERMS)
    for begin, end in itertools.pairwise([0, *cuts, len(shuffled)]):
        part = observe(shuffled[begin:end], TERMS)
        history = merge(part, history, TERMS) if len(part) % 2 else merge(history, part, TERMS)
        history = from_plain(as_plain(history))
    at_once = observe(everything, TERMS)
    assert history == at_once
    assert timeline(history, TERMS, BEGIN_MS, truth.end_ms) == told(truth, everything)


@settings(deadline=None)
@given(truths(clocks=("ntp", "none", "arrival")))
def test_nothing_is_placed_in_the_future(truth: Truth) -> None:
    arrived = arrivals_of(truth)
    placed = {anchor.boot.boot_id: anchor for anchor in place(observe(arrived, TERMS))}
    for each in arrived:
        anchor = placed.get(each.record.boot_id)
        assert anchor is None or anchor.time_ms(each.record.boottime_ms) <= each.received_ms
