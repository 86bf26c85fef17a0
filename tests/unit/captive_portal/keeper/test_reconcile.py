"""What must be asked of the gate so that it lets through exactly whom the grants do."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.gate.protocol import Admit, Admitted, Client, Limits, Quota, Revoke
from captive_portal.keeper.reconcile import SAME_BYTES, SAME_SECONDS, changes, is_exhausted
from captive_portal.rules import Standing

ONE, OTHER = Client("10.20.0.7", "02:00:00:00:00:01"), Client("10.20.0.8", "02:00:00:00:00:02")
FOUND = Admitted(ONE, 600, 0, 0, 0, "biasa", 5 * SAME_BYTES)
STANDING = Standing(600, Limits("biasa", Quota(7, 5 * SAME_BYTES)))


def test_who_has_no_grant_goes_first_and_who_is_missing_comes() -> None:
    assert changes({OTHER: FOUND}, {ONE: STANDING}) == (Revoke(OTHER), Admit(ONE, 600, STANDING.limits))


@pytest.mark.parametrize(
    ("found", "is_same"),
    [
        (FOUND, True),
        (dataclasses.replace(FOUND, remaining_seconds=600 + SAME_SECONDS), True),
        (dataclasses.replace(FOUND, remaining_seconds=600 - SAME_SECONDS - 1), False),
        (dataclasses.replace(FOUND, remaining_seconds=9_000), False),
        (dataclasses.replace(FOUND, speed=""), False),
        (dataclasses.replace(FOUND, quota_left_bytes=None), False),
        (dataclasses.replace(FOUND, quota_left_bytes=4 * SAME_BYTES), True),
        (dataclasses.replace(FOUND, quota_left_bytes=4 * SAME_BYTES - 1), False),
        (dataclasses.replace(FOUND, quota_left_bytes=6 * SAME_BYTES + 1), False),
    ],
)
def test_only_what_differs_is_mended(found: Admitted, is_same: bool) -> None:
    assert changes({ONE: found}, {ONE: STANDING}) == (() if is_same else (Admit(ONE, 600, STANDING.limits),))


def test_a_quota_that_should_not_be_is_taken_away() -> None:
    assert changes({ONE: FOUND}, {ONE: Standing(600, Limits("biasa"))}) == (Admit(ONE, 600, Limits("biasa")),)


@pytest.mark.parametrize(
    ("kernel_left", "counted_left", "is_end"),
    [(0, 0, True), (0, SAME_BYTES, True), (0, SAME_BYTES + 1, False), (1, 0, False), (None, 0, False)],
)
def test_the_kernels_end_of_a_quota_is_the_end(kernel_left: int | None, counted_left: int, is_end: bool) -> None:
    found = dataclasses.replace(FOUND, quota_left_bytes=kernel_left)
    assert is_exhausted(found, Standing(600, Limits("", Quota(7, counted_left)))) is is_end
    assert not is_exhausted(None, Standing(600, Limits("", Quota(7, counted_left))))
    assert not is_exhausted(found, Standing(600, Limits()))


clients = st.builds(Client, st.integers(2, 20).map(lambda n: f"10.20.0.{n}"), st.sampled_from([ONE.mac, OTHER.mac]))
quotas = st.none() | st.integers(0, 10**8)


@given(
    st.dictionaries(clients, st.tuples(st.integers(1, 10**6), st.sampled_from(["", "biasa"]), quotas)),
    st.dictionaries(clients, st.tuples(st.integers(1, 10**6), st.sampled_from(["", "biasa"]), quotas)),
)
def test_after_the_changes_the_gate_lets_through_exactly_whom_it_should_and_a_second_look_changes_nothing(
    gate: dict[Client, tuple[int, str, int | None]], grants: dict[Client, tuple[int, str, int | None]]
) -> None:
    inside = {
        client: Admitted(client, seconds, 0, 0, 0, speed, left) for client, (seconds, speed, left) in gate.items()
    }
    wanted = {
        client: Standing(seconds, Limits(speed, None if left is None else Quota(7, left)))
        for client, (seconds, speed, left) in grants.items()
    }
    for change in changes(inside, wanted):
        if isinstance(change, Revoke):
            del inside[change.client]
        else:
            quota = change.limits.quota
            inside[change.client] = Admitted(
                change.client,
                change.lease_seconds,
                0,
                0,
                0,
                change.limits.speed,
                None if quota is None else quota.left_bytes,
            )
    assert inside.keys() == wanted.keys()
    assert changes(inside, wanted) == ()
