"""The sealed format: whole, cut off anywhere, changed anywhere."""

from __future__ import annotations

import io

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.clock import WallQuality
from appliance.records.sealed import CHUNK_BYTES_MAX, HEADER_BYTES, NotSealed, Reading, Writer, header, read

KEY = X25519PrivateKey.from_private_bytes(bytes(range(32)))
CONTENTS = st.lists(st.binary(min_size=1, max_size=300), max_size=6)


def sealed(contents: list[bytes], *, finish: bool = True) -> bytes:
    file = io.BytesIO()
    writer = Writer(file, KEY.public_key(), 1_790_000_000_000, WallQuality.NTP)
    for content in contents:
        writer.write(content)
    if finish:
        writer.finish()
    return file.getvalue()


def opened(data: bytes, key: X25519PrivateKey = KEY) -> tuple[list[bytes], Reading]:
    reading = Reading()
    return list(read(io.BytesIO(data), key, reading)), reading


@settings(deadline=None)
@given(CONTENTS)
def test_what_is_sealed_is_read_whole(contents: list[bytes]) -> None:
    assert opened(sealed(contents)) == (contents, Reading(True, ""))


def test_long_content_becomes_several_chunks() -> None:
    content = bytes(range(256)) * 600
    found, reading = opened(sealed([content]))
    assert b"".join(found) == content
    assert max(map(len, found)) == CHUNK_BYTES_MAX
    assert reading.is_whole


def test_the_time_of_begin_needs_no_key_and_the_content_does() -> None:
    data = sealed([b"secret of the village"])
    head = header(data)
    assert (head.wall_ms, head.quality) == (1_790_000_000_000, WallQuality.NTP)
    assert b"secret" not in data
    found, reading = opened(data, X25519PrivateKey.generate())
    assert found == []
    assert "another key" in reading.trouble


def test_no_two_files_are_alike() -> None:
    assert sealed([b"x"]) != sealed([b"x"])


@settings(max_examples=300, deadline=None)
@given(CONTENTS, st.data())
def test_a_cut_off_file_is_readable_to_its_last_whole_chunk(contents: list[bytes], data: st.DataObject) -> None:
    whole = sealed(contents)
    cut = data.draw(st.integers(HEADER_BYTES, len(whole) - 1))
    found, reading = opened(whole[:cut])
    ends = [HEADER_BYTES]
    for content in contents:
        ends.append(ends[-1] + 4 + len(content) + 16)
    assert found == contents[: sum(cut >= end for end in ends[1:])]
    assert (reading.is_whole, reading.trouble) == (False, f"cut off after {len(found)} chunks")


@settings(max_examples=300, deadline=None)
@given(CONTENTS, st.data())
def test_a_changed_bit_is_found_and_what_stood_before_it_is_right(contents: list[bytes], data: st.DataObject) -> None:
    whole = bytearray(sealed(contents))
    at = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[at // 8] ^= 1 << (at % 8)
    try:
        found, reading = opened(bytes(whole))
    except NotSealed:
        assert at // 8 < HEADER_BYTES
        return
    assert not reading.is_whole
    assert reading.trouble
    assert found == contents[: len(found)]
    if at // 8 < HEADER_BYTES:
        assert found == [], "the header is bound to the key"


@settings(deadline=None)
@given(CONTENTS.filter(lambda contents: len(contents) >= 2), st.data())
def test_chunks_are_not_swapped_left_out_or_added(contents: list[bytes], data: st.DataObject) -> None:
    whole = sealed(contents)
    chunks, at = [], HEADER_BYTES
    for size in [*map(len, contents), 0]:
        chunks.append(whole[at : at + 4 + size + 16])
        at += 4 + size + 16
    which = data.draw(st.integers(0, len(contents) - 1))
    for changed in (
        chunks[:which] + chunks[which + 1 :],
        chunks[: which + 1] + chunks[which:],
        [chunks[-1], *chunks[:-1]],
        [*chunks, chunks[0]],
    ):
        found, reading = opened(whole[:HEADER_BYTES] + b"".join(changed))
        assert not reading.is_whole
        assert found == contents[: len(found)]


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_anything_else_is_refused_or_empty(data: bytes) -> None:
    try:
        found, reading = opened(data)
    except NotSealed:
        return
    assert (found, reading.is_whole) == ([], False)


@pytest.mark.parametrize("data", [b"", b"DHREC1\n\0", bytes(HEADER_BYTES), b"x" * 500])
def test_no_header(data: bytes) -> None:
    with pytest.raises(NotSealed):
        opened(data)
