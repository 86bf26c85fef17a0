"""One box boots often; two boxes take turns."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from noc.clones import WINDOW_MS, Birth, find

A, B, C = "a" * 32, "b" * 32, "c" * 32
NOW = 10 * WINDOW_MS


def births(*told: tuple[str, int]) -> list[Birth]:
    return [Birth(NOW - 1_000_000 + number * 1_000, boot_id, session) for number, (boot_id, session) in enumerate(told)]


def test_two_boxes_take_turns() -> None:
    found = find(births((A, 1), (B, 1), (A, 2), (B, 2)), NOW)
    assert found is not None
    assert (found.boot_ids, found.returns, found.last_ms) == ((A, B), 2, NOW - 1_000_000 + 3_000)


def test_three_boxes_too() -> None:
    found = find(births((A, 1), (B, 1), (C, 1), (A, 2), (B, 2), (C, 2)), NOW)
    assert found is not None
    assert found.boot_ids == (A, B, C)


def test_one_return_is_not_enough() -> None:
    assert find(births((A, 1), (B, 1), (A, 2)), NOW) is None


def test_old_words_that_come_late_are_no_second_box() -> None:
    assert find(births((A, 1), (A, 2), (B, 1), (A, 1), (B, 2), (A, 2), (B, 3), (A, 1)), NOW) is None


def test_what_is_long_ago_is_forgotten() -> None:
    told = births((A, 1), (B, 1), (A, 2), (B, 2))
    old = [Birth(each.received_ms - WINDOW_MS, each.boot_id, each.session) for each in told]
    assert find(old, NOW) is None
    assert find(old, NOW, window_ms=3 * WINDOW_MS) is not None


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=12),
    st.randoms(use_true_random=False),
    st.lists(st.integers(0, 30), max_size=10),
)
def test_one_box_never_is_two(connections_of_boots: list[int], random: object, repeated: list[int]) -> None:
    told = [(f"{boot:032x}", session) for boot, count in enumerate(connections_of_boots) for session in range(count)]
    # Each arrives in its order; some arrive a second time, at any later moment.
    arrived = births(*told)
    again = [Birth(NOW - 10 + number, arrived[place].boot_id, arrived[place].session)
             for number, place in enumerate(repeated) if place < len(arrived)]  # fmt: skip
    shuffled = arrived + again
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert find(shuffled, NOW) is None


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_two_boxes_are_found_as_soon_as_both_came_back(order: list[bool]) -> None:
    sessions = {A: 0, B: 0}
    told = []
    for is_a in order:
        boot_id = A if is_a else B
        sessions[boot_id] += 1
        told.append((boot_id, sessions[boot_id]))
    changes = sum(one != other for one, other in itertools.pairwise(order))
    assert (find(births(*told), NOW) is not None) == (changes - 1 >= 2)
