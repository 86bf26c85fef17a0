"""The report contract: goldens, round trips, and everything a stranger may send."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core import report
from appliance.core.clock import WallQuality
from appliance.core.errors import ReportError, ReportMalformed, ReportUnknown
from appliance.core.report import Ack, Committed, Record, Report, Schema, State, decode, encode, ranges

REPOSITORY = Path(__file__).parents[4]
GOLDEN = REPOSITORY / "tests/golden/report"
BOOT, OTHER = "00112233445566778899aabbccddeeff", "ff" * 16
RECORD = Record(
    BOOT, 41, 90_061_000, 1_780_000_000_123, WallQuality.RTC,
    {"uptime_seconds": 90061.0, "interface_received_bytes.uplink": 2**40, "uplink_round_trip_seconds": None},
)  # fmt: skip
EXAMPLES: dict[str, report.Message] = {
    "report": Report(BOOT, 90_062_000, (RECORD, Record(OTHER, 7, 5, 0, WallQuality.UNKNOWN, {}))),
    "state": State(BOOT, 90_000_000, True, "0.1.0", "3f9a1c22b0de"),
    "ack": Ack(OTHER, (Committed(BOOT, 40, 41), Committed(OTHER, 7, 7))),
}

ids = st.binary(min_size=16, max_size=16).map(bytes.hex)
wholes = st.integers(0, report.INTEGER_MAX)
values = (
    st.none() | st.integers(-report.INTEGER_MAX, report.INTEGER_MAX) | st.floats(allow_nan=False, allow_infinity=False)
)
names = st.from_regex(r"\A[a-z][a-z0-9_]{0,20}(\.[a-z0-9][a-z0-9_]{0,9})?\Z")
records = st.builds(
    Record, ids, wholes, wholes, wholes, st.sampled_from(WallQuality), st.dictionaries(names, values, max_size=8)
)
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


def wrapped(body: Any, schema: int = Schema.REPORT, version: int = report.VERSION) -> bytes:
    return b"DH" + bytes((version, schema)) + zlib.compress(cbor2.dumps(body))


def row(**changes: Any) -> list[Any]:
    fields = {"boot": bytes(16), "sequence": 1, "boottime": 2, "wall": 3, "quality": 0, "samples": {}} | changes
    return list(fields.values())


@pytest.mark.parametrize("name", EXAMPLES)
def test_bytes_on_the_wire_do_not_change(name: str) -> None:
    golden = (GOLDEN / f"{name}.hex").read_text()
    # The body is compared inflated: another zlib may compress otherwise and still be read.
    made = encode(EXAMPLES[name])
    assert (made[:4] + zlib.decompress(made[4:])).hex() == golden.strip()


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_golden_is_read(name: str) -> None:
    golden = bytes.fromhex((GOLDEN / f"{name}.hex").read_text())
    assert decode(golden[:4] + zlib.compress(golden[4:])) == EXAMPLES[name]


@given(messages)
def test_what_goes_in_comes_out(message: report.Message) -> None:
    assert decode(encode(message)) == message


@given(st.binary(max_size=300))
def test_noise_is_refused_and_nothing_else(noise: bytes) -> None:
    for payload in (noise, b"DH" + noise, b"DH\x01\x01" + noise, b"DH\x01\x01" + zlib.compress(noise)):
        with pytest.raises(ReportError):
            decode(payload)


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
        (b"DH\x01\x01" + b"x" * 40, "zlib"),
        (wrapped([bytes(16), 0, []])[:-3], "cut off"),
        (wrapped([bytes(16), 0, []]) + b"x", "follow after"),
        (b"DH\x01\x01" + zlib.compress(bytes(report.INFLATED_BYTES_MAX + 1)), "grows beyond"),
        (b"x" * (report.MESSAGE_BYTES_MAX + 1), "at most"),
        (wrapped("text"), "list of 3"),
        (wrapped([bytes(16), 0]), "list of 3"),
        (wrapped([bytes(15), 0, []]), "16 bytes"),
        (wrapped([BOOT, 0, []]), "16 bytes"),
        (wrapped([bytes(16), -1, []]), "whole number"),
        (wrapped([bytes(16), True, []]), "whole number"),
        (wrapped([bytes(16), 0, {}]), "list of at most"),
        (wrapped([bytes(16), 0, [row()] * (report.RECORDS_MAX + 1)]), "list of at most"),
        (wrapped([bytes(16), 0, ["x"]]), "list of 6"),
        (wrapped([bytes(16), 0, [row(sequence=1.0)]]), "sequence"),
        (wrapped([bytes(16), 0, [row(sequence=2**63)]]), "sequence"),
        (wrapped([bytes(16), 0, [row(sequence=2**64)]]), "CBOR"),
        (wrapped([bytes(16), 0, [row(quality=3)]]), "wall_quality"),
        (wrapped([bytes(16), 0, [row(quality=False)]]), "wall_quality"),
        (wrapped([bytes(16), 0, [row(samples=[])]]), "samples"),
        (wrapped([bytes(16), 0, [row(samples={f"a{i}": 1 for i in range(report.SAMPLES_MAX + 1)})]]), "samples"),
        (wrapped([bytes(16), 0, [row(samples={"UPPER": 1})]]), "name a sample"),
        (wrapped([bytes(16), 0, [row(samples={"": 1})]]), "name a sample"),
        (wrapped([bytes(16), 0, [row(samples={1: 1})]]), "CBOR"),
        (wrapped([bytes(16), 0, [row(samples={"a": "1"})]]), "finite number"),
        (wrapped([bytes(16), 0, [row(samples={"a": True})]]), "finite number"),
        (wrapped([bytes(16), 0, [row(samples={"a": float("nan")})]]), "finite number"),
        (wrapped([bytes(16), 0, [row(samples={"a": float("inf")})]]), "finite number"),
        (wrapped([bytes(16), 0, [row(samples={"a": -(2**63)})]]), "finite number"),
        (wrapped([bytes(16), 0, [row(samples={"a": 2**64})]]), "CBOR"),
        (wrapped([bytes(16), 0, [row(samples={"a": cbor2.CBORTag(1, 0)})]]), "CBOR"),
        (wrapped([bytes(16), 0, [row(samples={"a": cbor2.CBORTag(35, "(a+)+$")})]]), "CBOR"),
        (wrapped([bytes(16), 0, [row(samples={"a": cbor2.CBORTag(99_999, 1)})]]), "finite number"),
        (b"DH\x01\x01" + zlib.compress(b"\x9f\xff"), "CBOR"),  # a list without a length
        (b"DH\x01\x01" + zlib.compress(b"\x81" * 100_000), "CBOR"),
        (b"DH\x01\x01" + zlib.compress(b"\x9b" + struct.pack(">Q", 2**62)), "CBOR"),
        (b"DH\x01\x01" + zlib.compress(b"\xa2\x61a\x01\x61a\x02"), "CBOR"),  # a key twice
        (wrapped([bytes(16), 0, 1, "", ""], Schema.STATE), "online"),
        (wrapped([bytes(16), 0, True, "x" * 65, ""], Schema.STATE), "software_version"),
        (wrapped([bytes(16), 0, True, "", "a\nb"], Schema.STATE), "configuration_fingerprint"),
        (wrapped([bytes(16), [[bytes(16), 2, 1]]], Schema.ACK), "ends before"),
        (wrapped([bytes(16), {}], Schema.ACK), "ranges"),
    ],
)
def test_bad_input_is_named(payload: bytes, wrong: str) -> None:
    with pytest.raises(ReportMalformed, match=re.escape(wrong)):
        decode(payload)


@pytest.mark.parametrize(("version", "schema"), [(0, 1), (2, 1), (255, 1), (1, 0), (1, 4)])
def test_what_a_later_release_says_is_unknown_not_malformed(version: int, schema: int) -> None:
    with pytest.raises(ReportUnknown, match=f"version {version}, schema {schema}"):
        decode(wrapped([bytes(16), 0, []], schema, version))


@pytest.mark.parametrize(
    "record",
    [
        Record("not hex", 1, 1, 1, WallQuality.NTP, {}),
        Record(BOOT, -1, 1, 1, WallQuality.NTP, {}),
        Record(BOOT, 1, 1, 1, WallQuality.NTP, {"a": float("nan")}),
        Record(BOOT, 1, 1, 1, WallQuality.NTP, {"Bad Name": 1}),
    ],
)
def test_nothing_is_sent_that_would_be_refused(record: Record) -> None:
    with pytest.raises(ReportMalformed):
        encode(Report(BOOT, 1, (record,)))


def test_ranges_are_few_and_in_order() -> None:
    found = ranges([(OTHER, 3), (BOOT, 2), (BOOT, 1), (BOOT, 2), (BOOT, 5), (OTHER, 4)])
    assert found == (Committed(BOOT, 1, 2), Committed(BOOT, 5, 5), Committed(OTHER, 3, 4))


def test_the_page_on_the_wire_names_every_field_topic_and_choice() -> None:
    page = (REPOSITORY / "docs/wire.md").read_text()
    wanted = {field for kind in (Record, Report, State, Ack, Committed) for field in kind.__dataclass_fields__}
    wanted |= {report.report_topic("HUB"), report.state_topic("HUB"), report.ack_topic("HUB")}
    wanted |= {quality.name.lower() for quality in WallQuality} | {schema.name.lower() for schema in Schema}
    assert sorted(word for word in wanted if f"`{word}`" not in page) == []
