"""Marks of letters: as they travel, and as the kiosk tells the agent of them."""

from __future__ import annotations

import dataclasses
import datetime
import re
import secrets
import zlib
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as some

from appliance.core.errors import OperationError, ReportError, ReportMalformed, ReportUnknown
from appliance.core.letter_marks import (
    ANSWER_BYTES_MAX,
    MARKS_AT_ONCE,
    START_CHAIN,
    TITLE_LENGTH_MAX,
    Cursor,
    Found,
    Mark,
    decode_answer,
    decode_question,
    digest_of,
    encode_answer,
    encode_question,
    next_chain,
    title_that_fits,
)
from appliance.core.letter_marks_wire import (
    DICTIONARY,
    DICTIONARY_NUMBER,
    INFLATED_BYTES_MAX,
    MARKS_BYTES_MAX,
    MARKS_MAX,
    Receipt,
    decode_marks,
    decode_receipt,
    encode_marks,
    encode_receipt,
    is_receipt,
    receipt_key,
)

REPOSITORY = Path(__file__).resolve().parents[4]
GOLDEN = REPOSITORY / "tests/golden/letter_marks"
DAY = datetime.date(2026, 8, 17)
TWO = (
    Mark(digest_of("NRVMKl3nS1C8b6ZcQ2xwTA"), "Surat Keterangan Usaha", DAY, 90, False, False),
    Mark(digest_of("Zb0r5x6nH1cW9q2LkTfYvQ"), "Surat Izin Membawa Sapi", DAY, None, True, True),
)
RECEIPT = Receipt("cd" * 16, receipt_key(encode_marks(TWO)))


def made(title: str = "Surat Keterangan Usaha", days: int | None = 90) -> Mark:
    return Mark(digest_of(secrets.token_urlsafe(16)), title, DAY, days, False, False)


@pytest.mark.parametrize(
    ("name", "content"),
    [("marks", encode_marks(TWO)), ("receipt", encode_receipt(RECEIPT)), ("dictionary", DICTIONARY)],
)
def test_what_travels_is_what_the_golden_files_say(name: str, content: bytes) -> None:
    golden = bytes.fromhex((GOLDEN / f"{name}.hex").read_text())
    if name == "dictionary":
        assert content == golden
        return
    # Another zlib may pack it otherwise; what is in it stays.
    assert golden[:4] == content[:4]
    assert decode_marks(golden) == TWO if name == "marks" else decode_receipt(golden) == RECEIPT


def test_any_tool_reads_it() -> None:
    """As docs/wire.md says it: without a line of this project."""
    packed = bytes.fromhex((GOLDEN / "marks.hex").read_text())
    dictionary = bytes.fromhex((GOLDEN / "dictionary.hex").read_text())
    body = cbor2.loads(zlib.decompressobj(zdict=dictionary).decompress(packed[4:]))
    assert body == [
        b"".join(each.digest for each in TWO), [each.title for each in TWO], [0, 1], 20_682, [90, None], [0, 3],
    ]  # fmt: skip


def test_the_page_names_what_travels() -> None:
    page = (REPOSITORY / "docs/wire.md").read_text()
    assert f"{DICTIONARY_NUMBER:08x}" in page
    section = page.partition("## Schema 6, `letter-marks`")[2].partition("\n## Speed")[0]
    fields = re.findall(r"^\| (`?[a-z_]+`?) \|", section, re.MULTILINE)
    assert [each.strip("`") for each in fields if each != "field"] == [
        "digests", "titles", "title_of", "date", "valid_days", "flags", "store_epoch", "key",
    ]  # fmt: skip


def test_a_mark_is_few_bytes() -> None:
    assert len(encode_marks([made()])) <= 50
    assert len(encode_marks([made("Surat Keterangan Ternak Sapi Bali")])) <= 62
    assert len(encode_marks([made() for _ in range(MARKS_AT_ONCE)])) <= 20 * MARKS_AT_ONCE
    assert len(encode_receipt(Receipt(secrets.token_hex(16), secrets.token_hex(8)))) <= 48


def test_it_holds_neither_token_nor_name() -> None:
    token = secrets.token_urlsafe(16)
    mark = dataclasses.replace(made(), digest=digest_of(token))
    for text in (encode_marks([mark]), encode_answer(Found((mark,), Cursor(), True))):
        assert token.encode() not in text
    assert len(mark.digest) == 16


MARKS = some.builds(
    Mark,
    some.binary(min_size=16, max_size=16),
    some.text(min_size=1, max_size=TITLE_LENGTH_MAX).map(title_that_fits),
    some.dates(datetime.date(1970, 1, 1), datetime.date(2199, 12, 31)),
    some.none() | some.integers(1, 3_650),
    some.booleans(),
    some.booleans(),
)


@given(some.lists(MARKS, min_size=1, max_size=20))
def test_it_comes_out_as_it_went_in(marks: list[Mark]) -> None:
    assert decode_marks(encode_marks(marks)) == tuple(marks)
    found = Found(tuple(marks), Cursor(7, next_chain(START_CHAIN, marks[-1])), False)
    line = encode_answer(found)
    assert decode_answer(line) == found
    assert line.count(b"\n") == 1 and len(line) * MARKS_AT_ONCE / len(marks) <= 2 * ANSWER_BYTES_MAX


def test_the_longest_answer_fits() -> None:
    longest = dataclasses.replace(made("𝔖" * TITLE_LENGTH_MAX, 3_650))
    assert len(encode_answer(Found((longest,) * MARKS_AT_ONCE, Cursor(2**62), False))) <= ANSWER_BYTES_MAX
    assert len(encode_marks([longest] * MARKS_AT_ONCE)) <= MARKS_BYTES_MAX


def packed(body: Any, head: bytes = b"DH\x01\x06") -> bytes:
    return head + zlib.compress(cbor2.dumps(body))


GOOD: list[Any] = [b"d" * 16, ["Surat"], 0, 20_682, None, 0]


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (0, b""), (0, b"d" * 15), (0, "d" * 16), (0, b"d" * 16 * (MARKS_MAX + 1)), (1, []), (1, ["a", "b"]),
        (1, "Surat"),
        (1, [""]), (1, ["x" * 81]), (1, ["baris\nlain"]), (1, ["\u202eterbalik"]), (1, [7]), (2, 1), (2, -1), (2, None),
        (3, -1), (3, 2**40), (3, None), (3, 1.5), (4, 0), (4, 3_651), (4, -5), (5, 4), (5, None), (5, True),
        (3, [1, 2]), (3, {}), (4, 2**70),
    ],
)  # fmt: skip
def test_what_lies_outside_the_bounds_is_refused(at: int, value: Any) -> None:
    assert decode_marks(packed(GOOD))
    with pytest.raises(ReportMalformed):
        decode_marks(packed([*GOOD[:at], value, *GOOD[at + 1 :]]))


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (b"", ReportMalformed), (b"DH\x01", ReportMalformed), (b"XX\x01\x06", ReportMalformed),
        (b"DH\x02\x06x", ReportUnknown), (b"DH\x01\x07x", ReportUnknown), (b"DH\x01\x06", ReportMalformed),
        (packed(GOOD)[:-2], ReportMalformed), (packed(GOOD) + b"x", ReportMalformed), (packed({}), ReportMalformed),
        (packed(GOOD[:5]), ReportMalformed), (packed("a" * (INFLATED_BYTES_MAX + 1)), ReportMalformed),
        (b"DH\x01\x06" + b"x" * MARKS_BYTES_MAX, ReportMalformed),
        (packed(datetime.date(2026, 8, 17)), ReportMalformed),
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused(payload: bytes, error: type[ReportError]) -> None:
    with pytest.raises(error):
        decode_marks(payload)


@given(some.binary(max_size=200))
def test_no_bytes_break_it(noise: bytes) -> None:
    for read in (decode_marks, decode_receipt):
        for payload in (
            noise,
            b"DH\x01\x06" + noise,
            b"DH\x01\x07" + noise,
            packed(noise),
            packed(noise, b"DH\x01\x07"),
        ):
            try:
                read(payload)
            except ReportError:
                continue
    for line in (noise, b'{"marks":' + noise):
        with pytest.raises(OperationError):
            decode_answer(line)
        with pytest.raises(OperationError):
            decode_question(line)


def test_what_cannot_be_sent_is_not() -> None:
    for wrong in (made(""), made("a\nb"), made(days=0), made(days=4_000), dataclasses.replace(made(), digest=b"short")):
        with pytest.raises(ReportMalformed):
            encode_marks([wrong])
    with pytest.raises(ReportMalformed):
        encode_marks([])


def test_a_receipt_is_told_from_other_messages() -> None:
    assert is_receipt(encode_receipt(RECEIPT)) and decode_receipt(encode_receipt(RECEIPT)) == RECEIPT
    assert not is_receipt(encode_marks(TWO))


def test_a_question_is_a_line() -> None:
    cursor = Cursor(2**62, b"c" * 16)
    assert decode_question(encode_question(cursor)) == cursor
    for wrong in ({"sequence": -1}, {"sequence": 2**63}, {"sequence": True}, {"sequence": "7"}, {"chain": "00"}):
        line = cbor2.loads(cbor2.dumps({"sequence": 1, "chain": "00" * 16} | wrong))
        with pytest.raises(OperationError):
            decode_question(repr(line).replace("'", '"').replace("True", "true").encode())


def test_each_mark_is_chained_to_those_before() -> None:
    first, second = made(), made()
    both = next_chain(next_chain(START_CHAIN, first), second)
    assert both != next_chain(next_chain(START_CHAIN, second), first)
    assert next_chain(START_CHAIN, first) != next_chain(START_CHAIN, dataclasses.replace(first, is_void=True))


def test_a_title_fits() -> None:
    assert title_that_fits("Surat\nKeterangan \u202e Usaha") == "Surat Keterangan Usaha"
    assert title_that_fits("\n") == "Surat"
    assert len(title_that_fits("x" * 500)) == TITLE_LENGTH_MAX
