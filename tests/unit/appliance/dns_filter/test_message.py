"""Messages: what is read, what is written, and that nothing breaks the reader."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from appliance.dns_filter import message
from appliance.dns_filter.message import Code, Malformed, Query, Type

ASKED = message.ask(0x1234, b"www.judi.example", Type.A)


def test_a_query_is_read_with_its_own_case_kept() -> None:
    wire = ASKED.replace(b"judi", b"JuDi")
    query = message.parse_query(wire)
    assert (query.id, query.name, query.type) == (0x1234, b"www.judi.example", Type.A)
    assert b"JuDi" in query.question
    assert b"JuDi" in message.respond(query, Code.NO_ERROR)


@pytest.mark.parametrize(
    "wire",
    [
        b"", ASKED[:11], ASKED[:-1], ASKED[:12],
        ASKED[:2] + b"\x81\x00" + ASKED[4:],  # an answer
        ASKED[:2] + b"\x28\x00" + ASKED[4:],  # an UPDATE
        ASKED[:4] + b"\0\0" + ASKED[6:],  # no question
        ASKED[:4] + b"\0\x02" + ASKED[6:],  # two
        ASKED[:6] + b"\0\x01" + ASKED[8:],  # with an answer in it
        ASKED[:12] + b"\xc0\x0c\0\x01\0\x01",  # its name points to itself
        ASKED[:12] + b"\x40abc\0\0\x01\0\x01",
        ASKED[:12] + b"\x3f" * 300 + b"\0\0\x01\0\x01",
    ],
)  # fmt: skip
def test_what_is_no_query_is_refused(wire: bytes) -> None:
    with pytest.raises(Malformed):
        message.parse_query(wire)


@given(st.binary(max_size=600) | st.binary(max_size=80).map(lambda tail: ASKED[:12] + tail))
@example(ASKED[:12] + b"\x01.\x07example\0\0\x01\0\x01")
def test_no_bytes_break_the_reader(wire: bytes) -> None:
    try:
        query = message.parse_query(wire)
    except Malformed:
        pass
    else:
        assert wire[12:].startswith(query.question)
        assert message.answers_to(query, query.id, message.respond(query, Code.NO_ERROR))
        assert len(message.clamp(wire, query)) == len(wire)
    message.records(wire, Type.A)
    assert message.answers_to(message.parse_query(ASKED), 0x1234, wire) in (True, False)


@given(st.integers(0, len(ASKED) + 40), st.integers(0, 255))
def test_a_changed_byte_never_leads_records_out_of_the_message(place: int, value: int) -> None:
    query = message.parse_query(ASKED)
    raw = bytearray(message.alias(query, b"aman.example", [message.Record(Type.A, 9, b"\xc6\x12\x00\x26")]))
    raw[place % len(raw)] = value
    for record in message.records(bytes(raw), Type.A):
        assert len(record.data) <= len(raw)


def test_an_answer_is_believed_only_with_its_id_and_question() -> None:
    query = message.parse_query(ASKED)
    answer = message.address(query, b"\xc0\0\0\x08")
    assert message.answers_to(query, 0x1234, answer)
    assert message.answers_to(query, 0x1234, answer.replace(b"judi", b"JUDI")), "some servers lower the case"
    assert not message.answers_to(query, 0x1235, answer)
    assert not message.answers_to(query, 0x1234, ASKED), "a question is no answer"
    other = message.parse_query(message.ask(0x1234, b"www.slot.example", Type.A))
    assert not message.answers_to(other, 0x1234, answer)
    assert not message.answers_to(
        message.parse_query(message.ask(0x1234, b"www.judi.example", Type.AAAA)), 0x1234, answer
    )


def test_edns_is_clamped_and_nothing_else_changes() -> None:
    options = b"\0\0\x29\x10\x00\0\0\x80\0\0\0"
    wire = ASKED[:10] + b"\0\x01" + ASKED[12:] + options
    clamped = message.clamp(wire, message.parse_query(wire))
    assert clamped == wire[: len(ASKED)] + b"\0\0\x29\x04\xd0" + options[5:]
    small = wire.replace(b"\x29\x10\x00", b"\x29\x02\x00")
    assert message.clamp(small, message.parse_query(small)) == small


def test_an_alias_carries_the_addresses_found_and_the_shortest_time() -> None:
    query: Query = message.parse_query(ASKED)
    found = [message.Record(Type.A, 20, b"\x01\x02\x03\x04"), message.Record(Type.A, 90, b"\x05\x06\x07\x08")]
    answer = message.alias(query, b"aman.example", found)
    assert [record.data for record in message.records(answer, Type.A)] == [one.data for one in found]
    alias = message.records(answer, Type.CNAME)
    assert [(one.seconds, one.data) for one in alias] == [(20, b"\x04aman\x07example\0")]


def test_no_answer_says_for_how_long() -> None:
    query = message.parse_query(ASKED)
    for code in (Code.NO_ERROR, Code.NO_SUCH_NAME):
        answer = message.nothing(query, code)
        assert message.code(answer) == code
        assert answer[6:10] == b"\0\0\0\x01", "no answer, one record of authority"
        assert answer.endswith(b"\0\0\0\x3c")
