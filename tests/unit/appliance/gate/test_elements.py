"""Elements and quotas as the kernel writes them, taken apart; what does not fit its own length ends a message."""

from __future__ import annotations

import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.gate.elements import Element, QuotaState, _elements, _packed, _quotas
from appliance.system.netlink import attribute, attributes, messages, nested, text

HEAD = bytes(4)
numbers = st.integers(0, 2**63)
elements = st.builds(
    Element,
    key=st.binary(min_size=4, max_size=12).filter(lambda key: len(key) % 4 == 0),
    timeout=numbers,
    expires=numbers,
    packet_count=st.just(5),
    byte_count=st.none() | numbers,
    comment=st.from_regex("([a-z][a-z0-9]{0,10})?", fullmatch=True),
    data=st.just(b"") | st.binary(min_size=4, max_size=4),
    object=st.from_regex("(q[0-9]{1,9})?", fullmatch=True),
)


def listed(*found: Element) -> bytes:
    """An answer of the kernel that holds these elements."""
    return HEAD + attribute(1, text("desahub")) + nested(3, *(nested(1, _packed(element)) for element in found))


@given(st.lists(elements, max_size=4))
@settings(deadline=None)
def test_elements_come_back_as_they_were(found: list[Element]) -> None:
    wanted = [one if one.byte_count is not None else one._replace(packet_count=None) for one in found]
    assert list(_elements([listed(*found)])) == wanted


def test_a_counter_is_read_in_any_form() -> None:
    parts = [attribute(2, struct.pack(">Q", 3)), attribute(1, struct.pack(">Q", 700)), attribute(3, b"")]
    counter = nested(7, attribute(1, text("counter")), nested(2, *parts))
    answer = HEAD + nested(3, nested(1, nested(1, attribute(1, bytes(4))), counter))
    assert list(_elements([answer])) == [Element(bytes(4), packet_count=3, byte_count=700)]


def test_a_quota_is_read_as_x86_and_arm_write_it_and_in_any_other_form() -> None:
    limit, used = attribute(1, struct.pack(">Q", 900)), attribute(4, struct.pack(">Q", 1_000))
    flags, padding = attribute(2, struct.pack(">I", 1)), attribute(3, b"")
    for values in ([limit, used, flags], [padding, limit, padding, used, flags]):
        answer = HEAD + attribute(1, text("desahub")) + attribute(2, text("q5")) + nested(4, *values)
        assert list(_quotas([answer, answer])) == [QuotaState("q5", 900, 1_000)] * 2
    assert QuotaState("q5", 900, 1_000).left_bytes == 0


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_no_bytes_are_read_past_their_end(data: bytes) -> None:
    assert sum(4 + len(value) for _, value in attributes(data)) <= len(data)
    assert sum(16 + len(body) for _, _, _, body in messages(data)) <= len(data)
