"""A month of seconds: it adds up, in the hub's own zone, and each change of it is told."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noc.rules.history import observe
from noc.rules.outages import Outage, Use, headline, is_used, outages
from noc.rules.reading import Terms
from noc.rules.sla import Change, Month, SlaClass, account, add, of_hub, revise
from noc.rules.states import UP, Basis, Cause, Condition, Span, State
from tests.unit.noc.rules.making import T0_MS, A, minutes, record

ZONES = ("Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura")
AUGUST = Month(2026, 8)
BEGIN_MS, END_MS = AUGUST.bounds_ms("Asia/Makassar")
FOREVER_MS = END_MS + 10**10


def spans(*parts: tuple[Condition, int]) -> list[Span]:
    """Lay spans end to end from the begin of August; the last reaches beyond its end."""
    found, at_ms = [], BEGIN_MS
    for condition, duration_ms in parts:
        found.append(Span(at_ms, at_ms + duration_ms, State(condition)))
        at_ms += duration_ms
    return [*found, Span(at_ms, max(at_ms + 1, END_MS + 400_000), UP)]


@pytest.mark.parametrize(("zone", "hours"), list(zip(ZONES, (7, 8, 9), strict=True)))
def test_a_month_is_the_hubs_own(zone: str, hours: int) -> None:
    begin_ms, end_ms = AUGUST.bounds_ms(zone)
    assert end_ms - begin_ms == 31 * 86_400_000
    assert datetime.datetime.fromtimestamp(begin_ms / 1000, ZoneInfo(zone)).isoformat()[:19] == "2026-08-01T00:00:00"
    assert begin_ms % 86_400_000 == (24 - hours) * 3_600_000
    assert Month(2026, 12).bounds_ms(zone)[1] == Month(2027, 1).bounds_ms(zone)[0]


def test_months_are_read_and_written() -> None:
    assert Month.parse("2026-08") == AUGUST
    assert str(Month(2026, 8)) == "2026-08"
    for text in ("2026-13", "08-2026", "", "2026-08-01", "x" * 99):
        with pytest.raises(ValueError, match="allowed is for example 2026-08"):
            Month.parse(text)


conditions = st.sampled_from(list(Condition))


@settings(deadline=None)
@given(st.lists(st.tuples(conditions, st.integers(1, 400_000_000)), max_size=30), st.integers(0, 40 * 86_400_000))
def test_the_classes_add_up_to_the_month_to_the_second(parts: list[tuple[Condition, int]], now_ms: int) -> None:
    sla = account(spans(*parts), AUGUST, "Asia/Makassar", BEGIN_MS + now_ms)
    assert sla.total_seconds == 31 * 86_400
    assert all(seconds >= 0 for seconds in sla.seconds.values())
    assert sla.seconds[SlaClass.AHEAD] == max(0, 31 * 86_400 - now_ms // 1000)
    down_ms = sum(duration for condition, duration in parts if condition is Condition.POWER)
    assert sla.seconds[SlaClass.POWER] <= (down_ms + 999 * len(parts)) // 1000 + len(parts)


def test_300_seconds_are_short_and_a_moment_more_is_long() -> None:
    sla = account(
        spans((Condition.UP, 5_000), (Condition.LINK, 300_000), (Condition.UP, 5_000), (Condition.LINK, 300_001)),
        AUGUST, "Asia/Makassar", FOREVER_MS,
    )  # fmt: skip
    assert (sla.seconds[SlaClass.LINK_SHORT], sla.seconds[SlaClass.LINK_LONG]) == (300, 300)
    assert (sla.short_cuts, sla.long_cuts) == (1, 1)


def test_a_cut_across_midnight_of_the_first_is_long_in_both_months() -> None:
    cut = Span(END_MS - 100_000, END_MS + 250_000, State(Condition.LINK))
    around = [Span(BEGIN_MS - 1_000, cut.start_ms, UP), cut, Span(cut.end_ms, END_MS + 86_400_000, UP)]
    august = account(around, AUGUST, "Asia/Makassar", FOREVER_MS)
    september = account(around, Month(2026, 9), "Asia/Makassar", FOREVER_MS)
    assert august.seconds[SlaClass.LINK_LONG] == 100
    assert september.seconds[SlaClass.LINK_LONG] == 250


def test_causes_within_one_cut_do_not_make_it_shorter() -> None:
    states = [State(Condition.LINK, cause) for cause in (Cause.NO_LINK, Cause.NO_ADDRESS)]
    parts = [Span(BEGIN_MS + i * 200_000, BEGIN_MS + (i + 1) * 200_000, state) for i, state in enumerate(states)]
    parts.append(Span(parts[-1].end_ms, END_MS, UP))
    assert account(parts, AUGUST, "Asia/Makassar", FOREVER_MS).seconds[SlaClass.LINK_LONG] == 400
    (found,) = outages(parts)
    assert (found.duration_ms, found.is_end_known, found.is_begin_known) == (400_000, True, False)


def test_availability_counts_what_the_provider_answers_for() -> None:
    day = 86_400_000
    parts = [(c, day) for c in (Condition.LINK, Condition.POWER, Condition.MAINTENANCE, Condition.UNKNOWN)]
    sla = account(spans(*parts), AUGUST, "Asia/Makassar", FOREVER_MS)
    assert sla.availability_permille == pytest.approx(1000 * 27 / 28)
    nothing = account([], AUGUST, "Asia/Makassar", FOREVER_MS)
    assert nothing.seconds[SlaClass.UNKNOWN] == 31 * 86_400
    assert nothing.availability_permille is None
    both = add((sla, nothing), AUGUST)
    assert both.total_seconds == 62 * 86_400
    assert both.long_cuts == 1


def test_late_records_make_a_new_version_that_says_what_changed() -> None:
    terms = Terms()
    start_ms = BEGIN_MS + 60_000
    now_ms = BEGIN_MS + 3_600_000
    every = minutes(A, start_ms, 1, 50, number=1)
    here = [*every[:20], *every[30:]]
    first = revise(None, of_hub(observe(here, terms), terms, AUGUST, timezone="Asia/Makassar", now_ms=now_ms), now_ms)
    assert first is not None
    assert (first.number, first.changes) == (1, ())
    again = of_hub(observe(here[::-1], terms), terms, AUGUST, timezone="Asia/Makassar", now_ms=now_ms)
    assert revise(first, again, now_ms + 1) is None
    late = of_hub(observe(every, terms), terms, AUGUST, timezone="Asia/Makassar", now_ms=now_ms)
    second = revise(first, late, now_ms + 2)
    assert second is not None
    assert second.number == 2
    before_up, before_unknown = first.sla.seconds[SlaClass.UP], first.sla.seconds[SlaClass.UNKNOWN]
    assert second.changes == (
        Change(SlaClass.UP, before_up, before_up + 675),
        Change(SlaClass.UNKNOWN, before_unknown, before_unknown - 675),
    )


def outage(end_ms: int, minutes_long: float, condition: Condition = Condition.LINK, *, known: bool = True) -> Outage:
    start_ms = end_ms - int(minutes_long * 60_000)
    return Outage(start_ms, end_ms, condition, Cause.NONE, Basis.MEASURED, (), is_begin_known=True, is_end_known=known)


def test_the_headline_counts_who_lives_and_is_used_and_how_fast_repairs_are() -> None:
    day = 86_400_000
    uses = [
        Use("a", T0_MS - day, T0_MS - 2 * day),
        Use("b", T0_MS - day, T0_MS - 8 * day),
        Use("c", T0_MS - 8 * day, T0_MS - 8 * day),
        Use("d", None, None),
    ]
    repaired = [
        outage(T0_MS - day, 10), outage(T0_MS - day, 30), outage(T0_MS - day, 500, Condition.POWER),
        outage(T0_MS - day, 5), outage(T0_MS - 8 * day, 999), outage(T0_MS - day, 999, known=False),
        outage(T0_MS - day, 999, Condition.UNUSABLE), outage(T0_MS + day, 999),
    ]  # fmt: skip
    found = headline(uses, repaired, T0_MS)
    assert (found.hubs, found.alive, found.alive_and_used) == (4, 2, 1)
    assert (found.repairs, found.median_repair_seconds) == (3, 1_800)
    assert headline([], [], T0_MS).median_repair_seconds is None
    assert is_used(record(A, 1, 1, clients_online=3))
    assert not any(is_used(record(A, 1, 1, clients_online=count)) for count in (0, None))
