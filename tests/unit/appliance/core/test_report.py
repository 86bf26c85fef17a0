"""The report contract: goldens, round trips, and everything a stranger may send."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core import report, samples
from appliance.core.clock import WallQuality
from appliance.core.columns import ABSENT, INTEGER_MAX
from appliance.core.errors import ReportError, ReportMalformed, ReportUnknown
from appliance.core.report import Ack, Committed, Record, Report, Schema, State, decode, encode, outline, ranges
from appliance.core.report_dictionary import DICTIONARY, NUMBER
from appliance.core.samples import told
from tests.bench import village_day

REPOSITORY = Path(__file__).parents[4]
GOLDEN = REPOSITORY / "tests/golden/report"
BOOT, OTHER = "00112233445566778899aabbccddeeff", "ff" * 16
RECORD = Record(
    BOOT, 41, 90_061_000, 1_780_000_000_123, WallQuality.RTC,
    {"uptime_seconds": 90061.0, "interface_received_bytes.uplink": 2**40, "uplink_round_trip_seconds": None},
)  # fmt: skip
REFERENCE = tuple(
    dataclasses.replace(each, samples={name: told(name, value) for name, value in each.samples.items()})
    for each in village_day.records(5)
)
EXAMPLES: dict[str, report.Message] = {
    "report": Report(BOOT, 90_062_000, (RECORD, Record(OTHER, 7, 5, 0, WallQuality.UNKNOWN, {}))),
    "state": State(BOOT, 90_000_000, True, "0.1.0", "3f9a1c22b0de", 60, 300),
    "reference": Report(REFERENCE[-1].boot_id, REFERENCE[-1].boottime_ms + 41, REFERENCE),
    "ack": Ack(OTHER, (Committed(BOOT, 40, 41), Committed(OTHER, 7, 7))),
}

ids = st.binary(min_size=16, max_size=16).map(bytes.hex)
wholes = st.integers(0, INTEGER_MAX)
floats = st.floats(allow_nan=False, allow_infinity=False)
decimals = st.tuples(st.integers(-(10**6), 10**6), st.integers(0, 9)).map(lambda t: t[0] / 10 ** t[1])
values = st.none() | st.integers(-INTEGER_MAX, INTEGER_MAX) | st.integers(-300, 300) | floats | decimals
names = st.from_regex(r"\A[a-z][a-z0-9_]{0,20}(\.[a-z0-9][a-z0-9_]{0,9})?\Z") | st.sampled_from(
    ("boots", "uplink_up", "uplink_latency_ms.t1", "interface_sent_bytes.net_warga", "a")
)
records = st.builds(
    Record, st.sampled_from((BOOT, OTHER)) | ids, wholes, wholes, wholes, st.sampled_from(WallQuality),
    st.dictionaries(names, values, max_size=8),
)  # fmt: skip
texts = st.text(st.characters(categories=("L", "N", "P")), max_size=64)
messages = (
    st.builds(Report, ids, wholes, st.lists(records, max_size=5).map(tuple))
    | st.builds(State, ids, wholes, st.booleans(), texts, texts)
    | st.builds(
        Ack,
        ids,
        st.lists(st.tuples(ids, wholes, wholes).map(lambda t: Committed(t[0], *sorted(t[1:]))), max_size=5).map(tuple),
    )
)


def wrapped(body: Any, schema: Schema = Schema.REPORT, version: int | None = None) -> bytes:
    return b"DH" + bytes((version or report.VERSIONS[schema], schema)) + zlib.compress(cbor2.dumps(body))


def inflated(message: bytes) -> bytes:
    inflater = zlib.decompressobj(zdict=DICTIONARY)
    return inflater.decompress(message[4:])


def group(**changes: Any) -> bytes:
    """A report of one group with two records of one sample, and what is wrong with it."""
    fields = {
        "boot": 0, "count": 2, "sequences": [1, 1], "boottimes": [[5, 60]], "offsets": 0, "qualities": 0,
        "names": [[0, 1]], "columns": [17],
    } | changes  # fmt: skip
    return wrapped([[bytes(16)], 0, [list(fields.values())]])


@pytest.mark.parametrize("name", EXAMPLES)
def test_bytes_on_the_wire_do_not_change(name: str) -> None:
    golden = (GOLDEN / f"{name}.hex").read_text()
    # The body is compared inflated: another zlib may compress otherwise and still be read.
    made = encode(EXAMPLES[name])
    assert (made[:4] + inflated(made)).hex() == golden.strip()


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_golden_is_read(name: str) -> None:
    golden = bytes.fromhex((GOLDEN / f"{name}.hex").read_text())
    assert decode(golden[:4] + zlib.compress(golden[4:])) == EXAMPLES[name]


def test_the_dictionary_never_changes() -> None:
    assert DICTIONARY.hex() == (GOLDEN / "dictionary.hex").read_text().strip()
    assert f"{NUMBER:08x}" in (REPOSITORY / "docs/wire.md").read_text()


def test_a_report_that_was_packed_without_the_dictionary_is_read_too() -> None:
    made = encode(EXAMPLES["report"])
    assert decode(made[:4] + zlib.compress(inflated(made))) == EXAMPLES["report"]


def exactly(message: report.Message) -> str:
    """As text: there 1 is not 1.0, and 0.0 is not -0.0."""
    return repr(
        [(dataclasses.replace(each, samples={}), sorted(each.samples.items())) for each in message.records]
        if isinstance(message, Report)
        else message
    )


@given(messages)
def test_what_goes_in_comes_out(message: report.Message) -> None:
    back = decode(encode(message))
    assert back == message
    assert exactly(back) == exactly(message)


@given(st.lists(st.lists(values, min_size=6, max_size=6), min_size=1, max_size=4))
def test_every_column_comes_out_to_the_last_bit(columns: list[list[float | None]]) -> None:
    rows = itertools.count(1)
    made = Report(
        BOOT, 0,
        tuple(
            Record(BOOT, next(rows), 1, 1, WallQuality.NTP, {f"a{i}": each for i, each in enumerate(row)})
            for row in zip(*columns, strict=True)
        ),
    )  # fmt: skip
    assert exactly(decode(encode(made))) == exactly(made)


def test_none_is_kept_apart_from_absent() -> None:
    given: tuple[dict[str, float | None], ...] = ({"a": None}, {}, {"a": 1}, {"a": 0.5, "b": None}, {"a": 1.0})
    made = Report(
        BOOT, 0, tuple(Record(BOOT, number, 1, 1, WallQuality.NTP, each) for number, each in enumerate(given))
    )
    back = decode(encode(made))
    assert isinstance(back, Report)
    assert [dict(each.samples) for each in back.records] == list(given)
    assert exactly(back) == exactly(made)


def test_more_names_than_a_group_may_have_become_more_groups() -> None:
    made = tuple(
        Record(BOOT, number, 1, 1, WallQuality.NTP, {f"a{number}_{i}": i for i in range(150)}) for number in range(4)
    )
    assert decode(encode(Report(BOOT, 0, made))) == Report(BOOT, 0, made)


def test_five_minutes_of_the_reference_record_take_less_than_300_bytes() -> None:
    day = [
        dataclasses.replace(each, samples={name: told(name, value) for name, value in each.samples.items()})
        for each in village_day.records(1_440, seed=9)
    ]
    assert {len(each.samples) for each in day} == {40}
    sizes = [len(encode(Report(BOOT, 0, tuple(day[at : at + 5])))) for at in range(0, len(day), 5)]
    assert sum(sizes) / len(sizes) < 300
    # Days of backlog in large reports: 48 hours within 170 kB, and the ways there and back.
    assert sum(len(encode(Report(BOOT, 0, tuple(day[at : at + 480])))) for at in range(0, len(day), 480)) < 60_000


@given(st.binary(max_size=300))
def test_noise_is_refused_and_nothing_else(noise: bytes) -> None:
    for payload in (noise, b"DH" + noise, b"DH\x02\x01" + noise, b"DH\x02\x01" + zlib.compress(noise)):
        with pytest.raises(ReportError):
            decode(payload)


nested = st.recursive(
    st.integers(-(2**64), 2**64 - 1) | st.floats() | st.none() | st.just(ABSENT) | st.text(max_size=5)
    | st.binary(max_size=17) | st.booleans() | st.just(bytes(16)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(-41, 10), inner, max_size=2),
    max_leaves=12,
)  # fmt: skip


@given(st.lists(nested, min_size=8, max_size=8), st.data())
def test_whatever_a_group_holds_it_is_a_report_or_refused(fields: list[Any], data: st.DataObject) -> None:
    sound = [0, 2, [1, 1], [[5, 60]], 0, 0, [[0, 1]], [17]]
    which = data.draw(st.sets(st.integers(0, 7)))
    mixed = [wrong if place in which else right for place, (wrong, right) in enumerate(zip(fields, sound, strict=True))]
    try:
        found = decode(wrapped([[bytes(16)], 0, [mixed]]))
    except ReportError:
        return
    assert isinstance(found, Report)
    assert decode(encode(found)) == found


@given(messages, st.data())
def test_a_cut_message_is_refused(message: report.Message, data: st.DataObject) -> None:
    made = encode(message)
    with pytest.raises(ReportMalformed):
        decode(made[: data.draw(st.integers(0, len(made) - 1))])


@pytest.mark.parametrize(
    ("payload", "wrong"),
    [
        (b"", "does not begin"),
        (b'{"uptime": 1}', "does not begin"),
        (b"DH\x02\x01" + b"x" * 40, "zlib"),
        (wrapped([[bytes(16)], 0, []])[:-3], "cut off"),
        (wrapped([[bytes(16)], 0, []]) + b"x", "follow after"),
        (b"DH\x02\x01" + zlib.compress(bytes(report.INFLATED_BYTES_MAX + 1)), "grows beyond"),
        (b"x" * (report.MESSAGE_BYTES_MAX + 1), "at most"),
        (wrapped("text"), "list of 3"),
        (wrapped([[bytes(16)], 0]), "list of 3"),
        (wrapped([[bytes(15)], 0, []]), "16 bytes"),
        (wrapped([[BOOT], 0, []]), "16 bytes"),
        (wrapped([[], 0, []]), "boot ids"),
        (wrapped([bytes(16), 0, []]), "boot ids"),
        (wrapped([[bytes(16)], -1, []]), "whole number"),
        (wrapped([[bytes(16)], True, []]), "whole number"),
        (wrapped([[bytes(16)], 0, {}]), "list of at most"),
        (wrapped([[bytes(16)], 0, [[]] * (report.RECORDS_MAX + 1)]), "list of at most"),
        (wrapped([[bytes(16)], 0, ["x"]]), "list of 8"),
        (group(boot=1), "its place"),
        (group(boot=-1), "its place"),
        (group(count=0), "at least one"),
        (group(count=report.RECORDS_MAX + 1), "at least one"),
        (group(count=True), "at least one"),
        (group(sequences=[1, 1, 1]), "another length"),
        (group(sequences=1.0), "sequence"),
        (group(sequences=[1, -2]), "sequence"),
        (group(sequences=None), "sequence"),
        (group(sequences=[2**63 - 1, 1]), "finite number"),
        (group(sequences=[1, 2**64]), "CBOR"),
        (group(offsets=-6), "wall_ms"),
        (group(offsets=0.5), "wall_ms"),
        (group(boottimes=ABSENT), "finite number"),
        (group(qualities=3), "wall_quality"),
        (group(qualities=False), "finite number"),
        (group(names={}), "list of shelves"),
        (group(names=[[0]]), "list of shelves"),
        (group(names=[[0, *[1] * (report.SAMPLES_MAX + 1)]]), "at most 200 names"),
        (group(names=[[0, "UPPER"]]), "name a sample"),
        (group(names=[[0, ""]]), "name a sample"),
        (group(names=[[0, 0]]), "name a sample"),
        (group(names=[[0, "a.b"]]), "name a sample"),
        (group(names=[["", 1]]), "no label"),
        (group(names=[[-1, 1]]), "no label"),
        (group(names=[[0, 1.5]]), "whole numbers and texts"),
        (group(names=[[0, "a", "a"]], columns=[1, 1]), "stands twice"),
        (group(columns=[]), "a column for each"),
        (group(columns=["1"]), "finite number"),
        (group(columns=[True]), "finite number"),
        (group(columns=[[1, True]]), "finite number"),
        (group(columns=[float("nan")]), "finite number"),
        (group(columns=[[1.0, float("inf")]]), "finite number"),
        (group(columns=[-(2**63)]), "finite number"),
        (group(columns=[[2**62, 2**62]]), "finite number"),
        (group(columns=[[None, 2**63]]), "finite number"),
        (group(columns=[ABSENT]), "finite number"),
        (group(columns=[[[1, None]]]), "differences of differences"),
        (group(columns=[[[[1, 1]]]]), "differences of differences"),
        (group(columns=[{}]), "one entry"),
        (group(columns=[{0: 1, 1: 1}]), "one entry"),
        (group(columns=[{10: 1}]), "scale"),
        (group(columns=[{-41: 1}]), "scale"),
        (group(columns=[{2: 0.5}]), "whole numbers"),
        (group(columns=[{-40: [2**40, 0]}]), "finite number"),
        (group(columns=[[1, b""]]), "1 to 8 bytes"),
        (group(columns=[[1, bytes(9)]]), "1 to 8 bytes"),
        (group(columns=[[None, bytes(1)]]), "1 to 8 bytes"),
        (group(count=1, sequences=1, boottimes=5, columns=[[1, bytes(1)]]), "1 to 8 bytes"),
        (group(columns=[2**64]), "CBOR"),
        (group(columns=[cbor2.CBORTag(1, 0)]), "CBOR"),
        (group(columns=[cbor2.CBORTag(35, "(a+)+$")]), "CBOR"),
        (group(columns=[cbor2.CBORTag(99_999, 1)]), "finite number"),
        (b"DH\x02\x01" + zlib.compress(b"\x9f\xff"), "CBOR"),  # a list without a length
        (b"DH\x02\x01" + zlib.compress(b"\x81" * 100_000), "CBOR"),
        (b"DH\x02\x01" + zlib.compress(b"\x9b" + struct.pack(">Q", 2**62)), "CBOR"),
        (b"DH\x02\x01" + zlib.compress(b"\xa2\x01\x01\x01\x02"), "CBOR"),  # a key twice
        (wrapped([bytes(16), 0, 1, "", "", 60, 300], Schema.STATE), "online"),
        (wrapped([bytes(16), 0, True, "x" * 65, "", 60, 300], Schema.STATE), "software_version"),
        (wrapped([bytes(16), 0, True, "", "a\nb", 60, 300], Schema.STATE), "configuration_fingerprint"),
        (wrapped([bytes(16), 0, True, "", ""], Schema.STATE), "a state is a list of 7"),
        (wrapped([bytes(16), 0, True, "", "", 60, 300, 1], Schema.STATE), "a state is a list of 7"),
        (wrapped([bytes(16), 0, True, "", "", -1, 300], Schema.STATE), "interval_seconds"),
        (wrapped([bytes(16), 0, True, "", "", 60, 86_401], Schema.STATE), "batch_seconds is at most 86400"),
        (wrapped([bytes(16), 0, True, "", "", 60.0, 300], Schema.STATE), "interval_seconds"),
        (wrapped([bytes(16), [[bytes(16), 2, 1]]], Schema.ACK), "ends before"),
        (wrapped([bytes(16), {}], Schema.ACK), "ranges"),
    ],
)
def test_bad_input_is_named(payload: bytes, wrong: str) -> None:
    with pytest.raises(ReportMalformed, match=re.escape(wrong)):
        decode(payload)


@pytest.mark.parametrize(("version", "schema"), [(1, 1), (3, 1), (255, 1), (3, 2), (2, 3), (2, 0), (1, 4)])
def test_what_a_later_release_says_is_unknown_not_malformed(version: int, schema: int) -> None:
    with pytest.raises(ReportUnknown, match=f"version {version}, schema {schema}"):
        decode(b"DH" + bytes((version, schema)) + zlib.compress(b"\x80"))


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (group(names=[[0, 60_000]]), "sample number 60000"),
        (group(names=[[60_000, 1]]), "label number 60000"),
        (b"DH\x02\x01\x78\xf9\x00\x00\x00\x01" + bytes(9), "dictionary 00000001"),
        (b"DH\x01\x02" + encode(EXAMPLES["report"])[4:], "dictionary"),
    ],
)
def test_what_a_later_release_has_given_a_number_is_unknown_too(payload: bytes, said: str) -> None:
    with pytest.raises(ReportUnknown, match=said):
        decode(payload)


def test_any_cbor_tool_reads_a_report() -> None:
    """As docs/wire.md says it: without a line of this project."""
    packed = encode(EXAMPLES["reference"])
    tool = zlib.decompressobj(zdict=bytes.fromhex((GOLDEN / "dictionary.hex").read_text()))
    boots, _sent, (group,) = cbor2.loads(tool.decompress(packed[4:]))
    assert (boots[0].hex(), group[1]) == (REFERENCE[0].boot_id, 5)
    assert json.dumps(group[6]).startswith("[[0, 1, 2, 1, 1")


@pytest.mark.parametrize(
    "record",
    [
        Record("not hex", 1, 1, 1, WallQuality.NTP, {}),
        Record(BOOT, -1, 1, 1, WallQuality.NTP, {}),
        Record(BOOT, 1, 1, 1, WallQuality.NTP, {"a": float("nan")}),
        Record(BOOT, 1, 1, 1, WallQuality.NTP, {"a": 2**63}),
        Record(BOOT, 1, 1, 1, WallQuality.NTP, {"a": True}),
        Record(BOOT, 1, 1, 1, WallQuality.NTP, {"Bad Name": 1}),
    ],
)
def test_nothing_is_sent_that_would_be_refused(record: Record) -> None:
    with pytest.raises(ReportMalformed):
        encode(Report(BOOT, 1, (record,)))


def test_a_box_of_an_earlier_release_does_not_say_its_rhythm() -> None:
    golden = bytes.fromhex((GOLDEN / "state-version-1.hex").read_text())
    for read in (decode, outline):
        said = read(golden[:4] + zlib.compress(golden[4:]))
        assert said == State(BOOT, 90_000_000, True, "0.1.0", "3f9a1c22b0de", 0, 0)
    with pytest.raises(ReportMalformed, match="a list of 5"):
        decode(wrapped([bytes(16), 0, True, "", "", 60, 300], Schema.STATE, version=1))


def test_ranges_are_few_and_in_order() -> None:
    found = ranges([(OTHER, 3), (BOOT, 2), (BOOT, 1), (BOOT, 2), (BOOT, 5), (OTHER, 4)])
    assert found == (Committed(BOOT, 1, 2), Committed(BOOT, 5, 5), Committed(OTHER, 3, 4))


def test_the_page_on_the_wire_names_every_field_topic_and_choice() -> None:
    page = (REPOSITORY / "docs/wire.md").read_text()
    wanted = {field for kind in (Record, Report, State, Ack, Committed) for field in kind.__dataclass_fields__}
    wanted |= {report.report_topic("HUB"), report.state_topic("HUB"), report.ack_topic("HUB")}
    wanted |= set(samples.NAMES.values()) - {"event"} | set(samples.LABELS.values())
    wanted |= {quality.name.lower() for quality in WallQuality} | {schema.name.lower() for schema in Schema}
    assert sorted(word for word in wanted if f"`{word}`" not in page) == []
