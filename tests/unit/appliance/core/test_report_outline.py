"""What the ingest reads of a report before it acknowledges it: it takes what `decode` takes, and nothing else."""

from __future__ import annotations

import zlib
from typing import Any

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.publisher import BACKLOG_RECORDS
from appliance.core.clock import WallQuality
from appliance.core.columns import INTEGER_MAX, check_columns, read_column
from appliance.core.errors import ReportError, ReportMalformed
from appliance.core.report import (
    CELLS_MAX,
    SAMPLES_MAX,
    Ack,
    Committed,
    Outline,
    Record,
    Report,
    Stamp,
    State,
    decode,
    encode,
    outline,
)
from appliance.core.report_dictionary import DICTIONARY

BOOTS = ("0123456789abcdef" * 2, "fedcba9876543210" * 2)
EDGES = (
    0,
    1,
    -1,
    2**31,
    2**39,
    2**40,
    2**47,
    2**55,
    2**61,
    2**62,
    INTEGER_MAX,
    INTEGER_MAX + 1,
    -INTEGER_MAX,
    2**64 - 1,
)

whole = st.sampled_from(EDGES) | st.integers(-(2**64), 2**64 - 1) | st.integers(-100, 100)
cell = whole | st.floats() | st.none() | st.just(cbor2.undefined) | st.booleans() | st.text(max_size=2)
lists = st.lists(whole, min_size=1, max_size=6) | st.lists(cell, max_size=6)
packed = st.tuples(whole | cell, st.binary(max_size=24)).map(list)
bare = cell | lists | st.lists(lists, max_size=2) | packed | st.binary(max_size=3)
scaled = st.dictionaries(st.integers(-41, 10) | st.booleans() | st.none(), bare, max_size=2)
column = bare | scaled


def _error(read: Any, *given: Any) -> type[Exception] | None:
    try:
        read(*given)
    except ReportError as error:
        return type(error)
    return None


@given(st.lists(column, max_size=4), st.sampled_from((1, 2, 3, 4, 5, 1000)))
@example([[2**62, 2**62]], 2)
@example([[[2**61, 2**61, 2**61]]], 3)
@example([[1, b"\x7f\xff"]], 2)
@example([[2**62 - 1, b"\xff" * 10]], 3)
@example([[True, 1]], 2)
@example([{0: True}, {True: 1}], 2)
@example([{1: [1.0, 2]}], 2)
@example([{1: [None, 2]}], 2)
@example([{-40: [2**30, 1]}], 2)
@example([[[None, 1]], [1, 2]], 2)
@example([float("nan")], 1)
def test_columns_are_refused_exactly_where_they_cannot_be_read(columns: list[Any], count: int) -> None:
    def read_all() -> None:
        for each in columns:
            read_column(each, count)

    assert _error(check_columns, columns, count) == _error(read_all)


@given(st.integers(2, 400), st.sampled_from((1, 2, 5, 8)), st.data())
def test_long_columns_too(count: int, width: int, data: st.DataObject) -> None:
    columns = [
        [data.draw(whole), data.draw(st.sampled_from((b"\x7f", b"\x80", b"\x01"))) * (width * (count - 1))],
        [[data.draw(whole)] * count],
        [data.draw(whole)] * count,
    ]
    for each in columns:
        assert _error(check_columns, [each], count) == _error(read_column, each, count)


def reports() -> st.SearchStrategy[Report]:
    names = st.sampled_from(["boots", "load_one_minute", "uplink_latency_ms.t1", "a_b.c", "event.boot"])
    values = st.integers(-INTEGER_MAX, INTEGER_MAX) | st.floats(allow_nan=False, allow_infinity=False) | st.none()
    small = st.integers(0, 2**40)
    record = st.builds(
        Record,
        st.sampled_from(BOOTS),
        small,
        small,
        small,
        st.sampled_from(WallQuality),
        st.dictionaries(names, values),
    )
    return st.builds(Report, st.sampled_from(BOOTS), small, st.lists(record, max_size=8).map(tuple))


def outlined(report: Report) -> Outline:
    stamps = (Stamp(r.boot_id, r.sequence, r.boottime_ms, r.wall_ms, r.wall_quality) for r in report.records)
    return Outline(report.sent_boot_id, report.sent_boottime_ms, tuple(stamps))


def agree(payload: bytes) -> None:
    assert _error(outline, payload) == _error(decode, payload)
    if _error(decode, payload) is None:
        message = decode(payload)
        assert outline(payload) == (outlined(message) if isinstance(message, Report) else message)


@given(reports())
def test_an_outline_is_the_report_without_its_samples(report: Report) -> None:
    assert outline(encode(report)) == outlined(report)


def _paths(value: Any, path: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    found = [path]
    if isinstance(value, list):
        for at, each in enumerate(value):
            found += _paths(each, (*path, at))
    return found


@given(reports(), st.data())
def test_a_report_that_was_changed_anywhere_is_taken_by_both_or_by_none(report: Report, data: st.DataObject) -> None:
    made = encode(report)
    body = cbor2.loads(zlib.decompressobj(zdict=DICTIONARY).decompress(made[4:]))
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from(_paths(body)))
        value = data.draw(column)
        if not path:
            body = value
            break
        inside = body
        for at in path[:-1]:
            inside = inside[at]
        inside[path[-1]] = value
        if len(path) == 1 and not isinstance(value, list):
            break
    packing = zlib.compressobj(9, zlib.DEFLATED, 15, 9, zlib.Z_DEFAULT_STRATEGY, DICTIONARY)
    agree(made[:4] + packing.compress(cbor2.dumps(body)) + packing.flush())


@given(reports(), st.data())
def test_bytes_that_were_changed_cut_or_added_are_taken_by_both_or_by_none(report: Report, data: st.DataObject) -> None:
    made = bytearray(encode(report))
    kind, at = data.draw(st.sampled_from(("flip", "cut", "add"))), data.draw(st.integers(0, len(made) - 1))
    if kind == "flip":
        made[at] ^= data.draw(st.integers(1, 255))
    elif kind == "cut":
        del made[at:]
    else:
        made[at:at] = data.draw(st.binary(min_size=1, max_size=4))
    agree(bytes(made))


@given(st.binary(max_size=200))
def test_noise_is_taken_by_none(noise: bytes) -> None:
    with pytest.raises(ReportError):
        outline(b"DH\x02\x01" + noise)


def test_other_messages_come_as_they_are() -> None:
    for message in (State(BOOTS[0], 1, True, "1", "f"), Ack(BOOTS[0], (Committed(BOOTS[1], 1, 2),))):
        assert outline(encode(message)) == message
    with pytest.raises(ReportMalformed):
        outline(encode(Ack(BOOTS[0], ()))[:-3])


def _constant(records: int, names: int, groups: int = 1) -> bytes:
    """A report of columns that never change, which packs to nothing."""
    shelf = [[0, *(f"a_{number}" for number in range(names))]]
    each = [0, records, [[0] * records], 0, 0, 2, shelf, [1.5] * names]
    packing = zlib.compressobj(9, zlib.DEFLATED, 15, 9, zlib.Z_DEFAULT_STRATEGY, DICTIONARY)
    body = packing.compress(cbor2.dumps([[bytes(16)], 0, [each] * groups])) + packing.flush()
    return b"DH\x02\x01" + body


@pytest.mark.parametrize("given", [(481, 200), (1_000, 97), (240, 200, 3), (800, 120, 1)])
def test_few_bytes_that_would_take_much_memory_are_refused_by_both(given: tuple[int, ...]) -> None:
    records, names, *groups = given
    payload = _constant(records, names, *groups)
    is_too_much = records * names * (groups or [1])[0] > CELLS_MAX
    assert len(payload) < 3_000
    for read in (decode, outline):
        if is_too_much:
            with pytest.raises(ReportMalformed, match="at most 96000 samples"):
                read(payload)
        else:
            read(payload)
    agree(payload)


def test_what_a_hub_sends_at_once_is_never_too_much() -> None:
    names = {f"a_{number}": 1.5 for number in range(SAMPLES_MAX)}
    records = (Record(BOOTS[0], number, number, number, WallQuality.NTP, names) for number in range(BACKLOG_RECORDS))
    assert len(outlined(report := Report(BOOTS[0], 0, tuple(records))).records) == BACKLOG_RECORDS
    assert decode(encode(report)) == report
