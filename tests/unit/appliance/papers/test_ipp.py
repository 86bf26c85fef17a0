"""IPP's bytes against RFC 8010, and answers that are cut, wrong or hostile."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.papers import ipp, queue_words
from appliance.papers.ipp import Attribute, Operation, Tag
from appliance.papers.printing import Condition, JobState, page_count

# As in RFC 8010, appendix A.2: a successful answer to Print-Job.
GOOD = (
    b"\x02\x00\x00\x00\x00\x00\x00\x01"
    b"\x01\x47\x00\x12attributes-charset\x00\x05utf-8"
    b"\x48\x00\x1battributes-natural-language\x00\x05en-us"
    b"\x41\x00\x0estatus-message\x00\x0dsuccessful-ok"
    b"\x02\x21\x00\x06job-id\x00\x04\x00\x00\x00\x93"
    b"\x23\x00\x09job-state\x00\x04\x00\x00\x00\x03"
    b"\x44\x00\x11job-state-reasons\x00\x04none\x44\x00\x00\x00\x05other"
    b"\x36\x00\x08job-name\x00\x0c\x00\x02id\x00\x06X 1234"
    b"\x22\x00\x04flag\x00\x01\x01"
    b"\x31\x00\x04when\x00\x0b\x07\xea\x01\x01\x00\x00\x00\x00+\x07\x00"
    b"\x03"
)


def test_an_answer_is_read() -> None:
    answer = ipp.decode(GOOD)
    assert answer.is_good and answer.message == "successful-ok"
    ((group, found),) = answer.groups
    assert group == Tag.JOB
    assert found == {
        "job-id": (147,), "job-state": (3,), "job-state-reasons": ("none", "other"), "job-name": ("X 1234",),
        "flag": (True,),
    }  # fmt: skip


def test_a_request_byte_by_byte() -> None:
    made = ipp.encode(
        Operation.GET_JOBS,
        [
            Attribute(Tag.URI, "printer-uri", ("ipp://localhost/printers/a",)),
            Attribute(Tag.INTEGER, "limit", (1,)),
            Attribute(Tag.BOOLEAN, "my-jobs", (True,)),
            Attribute(Tag.KEYWORD, "requested-attributes", ("job-id", "job-name")),
        ],
    )
    assert made == (
        b"\x02\x00\x00\x0a\x00\x00\x00\x01\x01"
        b"\x47\x00\x12attributes-charset\x00\x05utf-8"
        b"\x48\x00\x1battributes-natural-language\x00\x02en"
        b"\x45\x00\x0bprinter-uri\x00\x1aipp://localhost/printers/a"
        b"\x21\x00\x05limit\x00\x04\x00\x00\x00\x01"
        b"\x22\x00\x07my-jobs\x00\x01\x01"
        b"\x44\x00\x14requested-attributes\x00\x06job-id\x44\x00\x00\x00\x08job-name"
        b"\x03"
    )


@pytest.mark.parametrize("length", range(len(GOOD)))
def test_an_answer_that_was_cut_anywhere_is_none(length: int) -> None:
    with pytest.raises(ValueError, match="answer"):
        ipp.decode(GOOD[:length])


@given(st.binary(max_size=400) | st.binary(max_size=200).map(lambda tail: GOOD[:90] + tail))
def test_no_bytes_do_more_than_be_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        ipp.decode(data)


@pytest.mark.parametrize(
    ("reasons", "state", "condition"),
    [
        (["none"], 3, Condition.READY),
        (["none"], 4, Condition.READY),
        (["media-low-report"], 3, Condition.READY),
        (["marker-supply-low-warning"], 3, Condition.READY),
        (["media-empty-error"], 4, Condition.PAPER_OUT),
        (["media-empty-warning"], 4, Condition.PAPER_OUT),  # as usb and socket tell it
        (["media-empty"], 5, Condition.PAPER_OUT),
        (["media-needed-error", "offline-report"], 5, Condition.PAPER_OUT),
        (["media-empty-report"], 3, Condition.READY),
        (["media-jam-warning"], 4, Condition.ATTENTION),
        (["toner-empty-warning"], 4, Condition.ATTENTION),
        (["connecting-to-device"], 4, Condition.OFFLINE),
        (["offline-report"], 3, Condition.OFFLINE),
        (["none"], 5, Condition.OFFLINE),
        (["paused"], 5, Condition.OFFLINE),
        (["something-new-error"], 4, Condition.ATTENTION),
        ([], 3, Condition.READY),
    ],
)
def test_a_printer_is_judged(reasons: list[str], state: int, condition: Condition) -> None:
    found = queue_words.printer(
        {"printer-state": (state,), "printer-state-reasons": tuple(reasons), "printer-is-accepting-jobs": (True,)}
    )
    assert found.condition is condition


def test_what_is_not_said_is_taken_for_trouble() -> None:
    assert queue_words.printer({}).condition is Condition.OFFLINE
    refuses = {"printer-state": (3,), "printer-is-accepting-jobs": (False,)}
    assert queue_words.printer(refuses).condition is Condition.OFFLINE
    assert queue_words.job({}).state is JobState.GONE


def test_pages_are_counted() -> None:
    assert page_count(b"%PDF /Type /Pages /Type/Page /Type  /Page\n") == 2
    assert page_count(b"") == 1
