"""What a message amounts to."""

from __future__ import annotations

import datetime

import pytest

from appliance.core.clock import WallQuality
from appliance.core.letter_marks import Mark, digest_of
from appliance.core.letter_marks_wire import encode_marks, receipt_key
from appliance.core.report import Ack, Record, Report, State, encode
from noc.ingest import rules
from noc.ingest.brake import BAD_PER_MINUTE_MAX, DAY_SECONDS, LETTERS_PER_DAY_MAX, Brake
from noc.ingest.rules import Message
from noc.store.contract import ArrivedMarks, AsideKind

BOOT, OTHER, NOW_MS = "aa" * 16, "bb" * 16, 1_780_000_000_000
KNOWN = {"hub-satu"}
MARK = Mark(digest_of("token"), "Surat Keterangan Usaha", datetime.date(2026, 8, 17), None, True, False)
MARKS = encode_marks([MARK])


def record() -> Record:
    return Record(BOOT, 5_000, 5_000, NOW_MS, WallQuality.NTP, {"a": 1})


def test_records_and_states_are_told_apart_by_topic() -> None:
    state = State(BOOT, 1, True, "0.1.0", "")
    found = rules.sort(
        [
            Message("desahub/1/hub-satu/report", encode(Report(BOOT, 6_000, (record(),))), NOW_MS),
            Message("desahub/1/hub-satu/state", encode(state), NOW_MS),
        ],
        KNOWN,
    )
    (batch,) = found.batches
    assert (batch.identities, batch.from_ms, batch.to_ms) == (((BOOT, 5_000),), NOW_MS, NOW_MS)
    assert [each.state for each in found.states] == [state]
    assert found.aside == ()


def test_marks_of_letters_are_told_by_their_topic() -> None:
    found = rules.sort([Message("desahub/1/hub-satu/letter-marks", MARKS, NOW_MS)], KNOWN)
    assert found.marks == (ArrivedMarks("hub-satu", (MARK,), receipt_key(MARKS), NOW_MS),)
    assert found.aside == ()


@pytest.mark.parametrize(
    ("topic", "payload", "kind"),
    [
        ("desahub/1/hub-satu/report", b"nonsense", AsideKind.MALFORMED),
        ("desahub/1/hub-satu/report", b"DH\x09\x01", AsideKind.UNKNOWN_VERSION),
        ("desahub/1/hub-satu/report", encode(State(BOOT, 1, True, "", "")), AsideKind.MALFORMED),
        ("desahub/1/hub-satu/state", encode(Ack(BOOT, ())), AsideKind.MALFORMED),
        ("desahub/1/hub-asing/report", encode(Report(BOOT, 1, ())), AsideKind.UNKNOWN_HUB),
        ("desahub/1/hub-satu/command", b"", AsideKind.MALFORMED),
        ("desahub/1/hub-satu/letter-marks", b"nonsense", AsideKind.MALFORMED),
        ("desahub/1/hub-satu/letter-marks", encode(Report(BOOT, 1, ())), AsideKind.UNKNOWN_VERSION),
        ("desahub/1/hub-satu/letter-marks", MARKS[:-1], AsideKind.MALFORMED),
        ("desahub/1/hub-satu/report", MARKS, AsideKind.UNKNOWN_VERSION),
        ("desahub/1/hub-asing/letter-marks", MARKS, AsideKind.UNKNOWN_HUB),
        ("desahub/1/../report", b"", AsideKind.MALFORMED),
        ("x" * 5_000, b"", AsideKind.MALFORMED),
    ],
)
def test_what_cannot_be_used_goes_aside(topic: str, payload: bytes, kind: AsideKind) -> None:
    found = rules.sort([Message(topic, payload, NOW_MS)], KNOWN)
    assert (found.batches, found.states, found.marks) == ((), (), ())
    (aside,) = found.aside
    assert (aside.kind, aside.payload) == (kind, payload)
    assert len(aside.topic) <= 200


def test_a_hub_tells_of_no_more_letters_than_so_many_in_a_day_and_others_are_not_touched() -> None:
    brake, left = Brake(), 1
    brake.begin(10.0)
    brake.letters("hub-satu", LETTERS_PER_DAY_MAX - left)
    messages = [Message(f"desahub/1/{hub}/letter-marks", MARKS, NOW_MS) for hub in ("hub-satu", "hub-satu", "hub-dua")]
    found = rules.sort(messages, KNOWN | {"hub-dua"}, brake)
    assert [each.hub_id for each in found.marks] == ["hub-satu", "hub-dua"]
    (aside,) = found.aside
    assert "letters of one hub within a day" in aside.reason
    brake.letters("hub-satu", left)
    assert rules.sort(messages[:1], KNOWN, brake).marks == (), "what gets no receipt comes again"
    brake.begin(10.0 + DAY_SECONDS)
    assert len(rules.sort(messages[:1], KNOWN, brake).marks) == 1


def test_of_a_hub_that_sends_nonsense_only_so_much_is_read_and_others_are_not_touched() -> None:
    brake = Brake()
    brake.begin(100.0)
    good = encode(Report(BOOT, 6_000, (record(),)))
    bad = [Message("desahub/1/hub-satu/report", good[:-3], NOW_MS)] * (BAD_PER_MINUTE_MAX + 20)
    whole = [Message(f"desahub/1/{hub}/report", good, NOW_MS) for hub in ("hub-satu", "hub-dua2")]
    known = {"hub-satu", "hub-dua2"}
    found = rules.sort([whole[0], *bad, *whole], known, brake)
    assert [each.hub_id for each in found.batches] == ["hub-satu", "hub-dua2"]
    assert sum("not read" in each.reason for each in found.aside) == 21
    brake.begin(159.0)
    assert [each.hub_id for each in rules.sort(whole, known, brake).batches] == ["hub-dua2"]
    brake.begin(160.0)
    assert [each.hub_id for each in rules.sort(whole, known, brake).batches] == ["hub-satu", "hub-dua2"]
