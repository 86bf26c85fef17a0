"""What is planned for quotas is what the kernel would take, in any order of coming, renewing, sharing and leaving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.gate.elements import Change, Element, Put, PutQuota, Take, TakeQuota
from appliance.gate.protocol import Quota
from appliance.gate.quotas import Shares, address_key, object_name

ADDRESSES = [f"10.20.0.{number}" for number in range(2, 7)]
steps = st.lists(
    st.dictionaries(
        st.sampled_from(ADDRESSES),
        st.none() | st.builds(Quota, st.integers(1, 3), st.integers(0, 9)),
        min_size=1,
        max_size=3,
    ),
    max_size=12,
)


@dataclass
class Kernel:
    """The kernel's rules for objects and elements that refer to them."""

    quotas: dict[str, int] = field(default_factory=dict)
    elements: dict[bytes, str] = field(default_factory=dict)

    def do(self, changes: Sequence[Change]) -> None:
        for change in changes:
            match change:
                case Take("quota_of", key):
                    del self.elements[key]
                case TakeQuota(name):
                    assert name not in self.elements.values(), "busy"
                    del self.quotas[name]
                case PutQuota(name, limit_bytes):
                    assert name not in self.quotas, "exists"
                    self.quotas[name] = limit_bytes
                case Put("quota_of", Element(key=key, object=name)):
                    assert key not in self.elements, "exists"
                    assert name in self.quotas, "no such quota"
                    self.elements[key] = name
                case _:
                    raise AssertionError(change)


@given(steps)
@settings(deadline=None)
def test_the_kernel_takes_every_plan_and_keeps_nothing_that_is_not_used(
    plan: list[dict[str, Quota | None]],
) -> None:
    kernel, shares = Kernel(), Shares()
    have: dict[str, int | None] = {}
    left: dict[str, int] = {}
    for moves in plan:
        ids = {address: None if quota is None else quota.id for address, quota in moves.items()}
        renewed = [quota for quota in moves.values() if quota is not None]
        kernel.do(shares.changes(ids, renewed))
        shares.apply(ids)
        have |= ids
        left |= {object_name(quota.id): quota.left_bytes for quota in renewed}
        wanted = {address: number for address, number in have.items() if number is not None}
        assert shares.by_address() == wanted
        assert kernel.elements == {address_key(one): object_name(number) for one, number in wanted.items()}
        assert kernel.quotas == {object_name(number): left[object_name(number)] for number in wanted.values()}
        again = Shares.of(Element(key, object=name) for key, name in kernel.elements.items())
        assert again.by_address() == wanted
