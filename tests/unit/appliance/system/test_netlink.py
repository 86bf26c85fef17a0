"""What the kernel answers is read within its own lengths, whatever it says."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from appliance.system import netlink

parts = st.tuples(st.integers(0, 0x3FFF), st.binary(max_size=40))


@given(st.lists(parts, max_size=8))
def test_attributes_are_read_as_written(written: list[tuple[int, bytes]]) -> None:
    data = b"".join(netlink.attribute(kind, value) for kind, value in written)
    assert list(netlink.attributes(data)) == written


@given(parts, st.lists(parts, max_size=4))
def test_what_is_nested_is_one_attribute(outer: tuple[int, bytes], inner: list[tuple[int, bytes]]) -> None:
    data = netlink.nested(outer[0], *(netlink.attribute(kind, value) for kind, value in inner))
    [(kind, content)] = netlink.attributes(data)
    assert kind == outer[0], "without the mark that it is nested"
    assert list(netlink.attributes(content)) == inner


@given(st.binary(max_size=400), st.integers(0, 8))
def test_any_bytes_end_the_reading_and_nothing_is_read_beyond_them(data: bytes, start: int) -> None:
    found = list(netlink.attributes(data, start))
    assert sum(4 + len(value) for _, value in found) <= max(0, len(data) - start)
    assert sum(16 + len(body) for _, _, _, body in netlink.messages(data)) <= len(data)


@given(st.lists(parts, min_size=1, max_size=5), st.integers(1, 60))
def test_a_message_that_was_cut_is_left_out_and_those_before_it_are_not(
    written: list[tuple[int, bytes]], cut: int
) -> None:
    whole = [
        struct.pack("=IHHII", 16 + len(body), kind, 0, number, 0) + body + bytes(-len(body) % 4)
        for number, (kind, body) in enumerate(written)
    ]
    last = written[-1][1]
    data = b"".join(whole[:-1]) + whole[-1][: max(0, 16 + len(last) - cut)]
    assert [(kind, body) for kind, _, _, body in netlink.messages(data)] == written[:-1]
