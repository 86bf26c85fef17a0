"""Whatever is asked and whenever: no 24 hours cost more than the budget."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.budget import Budget

DAY_MS = 86_400_000


@given(
    st.integers(30_000, 10_000_000),
    st.lists(st.tuples(st.integers(0, 8 * 3_600_000), st.integers(1, 50), st.integers(40, 4_000)), max_size=60),
)
def test_no_day_costs_more(day_bytes: int, rows: list[tuple[int, int, int]]) -> None:
    budget, now_ms = Budget(day_bytes), 1_000
    spent: list[tuple[int, int]] = []
    for milliseconds, times, cost in rows:
        now_ms += milliseconds
        for _ in range(times):
            if budget.may(cost, now_ms):
                budget.spend(cost)
                spent.append((now_ms, cost))
    for start, _ in spent:
        assert sum(cost for at, cost in spent if start <= at < start + DAY_MS) <= day_bytes
    assert budget.spent_bytes == sum(cost for _, cost in spent)


def test_what_is_kept_for_others_is_left() -> None:
    budget = Budget(300_000)
    assert budget.may(9_000, 0)
    assert not budget.may(9_000, 0, keep_bytes=1)
    budget.spend(9_000)
    assert not budget.may(300, 1_000)
    assert budget.may(300, 1_000 + 120_000)
    assert budget.may(75_000, 10 * DAY_MS)
    assert not budget.may(75_001, 20 * DAY_MS), "nothing is saved up beyond a quarter"
