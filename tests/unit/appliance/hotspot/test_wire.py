"""The office's messages: each makes the way to bytes and back, and nothing else becomes one."""

import dataclasses
import enum
import json
import types
import typing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.errors import HotspotRefused
from appliance.gate.protocol import Client
from appliance.hotspot import protocol
from appliance.hotspot.protocol import RefusalCode, answer_type, decode_answer, decode_request, encode

PHONE = Client("10.20.0.7", "02:00:00:00:00:01")
REQUESTS = [
    protocol.ListClients(), protocol.ListHistory("", 0), protocol.ListHistory("2026-12-31", 3),
    protocol.Extend(PHONE, 600, "made", "ujian"), protocol.Stop(PHONE, "made", "x"),
    protocol.Block(PHONE.mac, None, "made", "x"), protocol.Block(PHONE.mac, 600, "made", "x"),
    protocol.Unblock(PHONE.mac, "made", "x"), protocol.ListBlocked(),
    protocol.MakeBatch("Rapat \u2013 desa \U0001f600", 500, 10, 60, 0, "", 1, "made"), protocol.ListBatches(),
    protocol.GetBatch(1, "made"), protocol.VoidBatch(1, "made", "x"), protocol.VoidVoucher(1, 2, "made", "x"),
    protocol.AskUsage(), protocol.ListActions(0), protocol.InstallDistrictKey("ab" * 32, "root"),
    protocol.AskTravel("A-7K2M9Q4X"), protocol.MakeTravelCode("A-7K2M9Q4X", "warga"),
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=6),
    max_leaves=15,
)


def _example(kind: Any) -> Any:
    """A value of an annotation, each part filled."""
    if kind is Client:
        return PHONE
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return kind(**{field.name: _example(hints[field.name]) for field in dataclasses.fields(kind)})  # type: ignore[operator]  # a class
    if typing.get_origin(kind) is tuple:
        return (_example(typing.get_args(kind)[0]),) * 2
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        return _example(typing.get_args(kind)[0])
    if issubclass(kind, enum.Enum):
        return next(iter(kind))
    return {str: "teks \u2028", int: 2**40, bool: True}[kind]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda one: type(one).__name__)
def test_requests_make_the_way_to_bytes_and_back(request_: Any) -> None:
    line = encode(request_)
    assert line.endswith(b"\n") and line.count(b"\n") == 1 and len(line) <= protocol.REQUEST_BYTES_MAX
    assert decode_request(line) == request_
    assert answer_type(request_) in protocol._ANSWERS.values()


def test_every_request_is_shown_above() -> None:
    assert {type(one) for one in REQUESTS} == set(protocol.REQUESTS)


@pytest.mark.parametrize("kind", protocol._ANSWERS.values(), ids=lambda kind: kind.__name__)
def test_answers_make_the_way_to_bytes_and_back(kind: Any) -> None:
    answer = _example(kind)
    assert decode_answer(encode(answer)) == answer


def test_the_longest_reason_fits() -> None:
    longest = protocol.Stop(PHONE, "a" * 32, "\U0001f600" * protocol.WHY_LENGTH_MAX)
    assert len(encode(longest)) <= protocol.REQUEST_BYTES_MAX


@settings(max_examples=300)
@given(st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_request_or_refused(line: bytes) -> None:
    with pytest.raises(HotspotRefused) as caught:
        decode_request(line)
    assert caught.value.code == RefusalCode.MALFORMED and str(caught.value)


@settings(max_examples=300)
@given(st.sampled_from(REQUESTS), st.data())
def test_a_request_with_a_changed_field_is_another_one_or_refused(request_: Any, data: st.DataObject) -> None:
    document = json.loads(encode(request_))
    name = data.draw(st.sampled_from(sorted(document)))
    document[name] = data.draw(JSON)
    try:
        found = decode_request(json.dumps(document).encode())
    except HotspotRefused as error:
        assert error.code == RefusalCode.MALFORMED
    else:
        assert decode_request(encode(found)) == found


@pytest.mark.parametrize(
    ("make", "allowed"),
    [
        (lambda: protocol.ListHistory("2026-02-30", 0), "a date such as"),
        (lambda: protocol.ListHistory("20261231", 0), "a date such as"),
        (lambda: protocol.ListActions(-1), "page is a whole number from 0"),
        (lambda: protocol.Extend(PHONE, 59, "made", "x"), "from 60 to 2592000"),
        (lambda: protocol.Stop(PHONE, "Made", "x"), "an office account"),
        (lambda: protocol.Stop(PHONE, "made", ""), "why is one line"),
        (lambda: protocol.Stop(PHONE, "made", "a\nb"), "why is one line"),
        (lambda: protocol.Stop(PHONE, "made", " x"), "why is one line"),
        (lambda: protocol.Block("02:00:00:00:00:0G", None, "made", "x"), "mac is like"),
        (lambda: protocol.Block(PHONE.mac, True, "made", "x"), "whole number"),
        (lambda: protocol.MakeBatch("x" * 61, 1, 1, 60, 0, "", 1, "made"), "title is one line of 1 to 60"),
        (lambda: protocol.MakeBatch("x", 501, 1, 60, 0, "", 1, "made"), "count is a whole number from 1 to 500"),
        (lambda: protocol.MakeBatch("x", 1, 1, 60, 0, "Cepat!", 1, "made"), "a name of"),
        (lambda: protocol.InstallDistrictKey("AB" * 32, "root"), "64 hexadecimal"),
    ],
)
def test_values_out_of_bounds_are_refused_with_what_is_allowed(make: Any, allowed: str) -> None:
    with pytest.raises(HotspotRefused, match=allowed):
        make()
