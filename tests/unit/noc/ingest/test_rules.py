"""What a message amounts to, and when its records were made."""

from __future__ import annotations

import pytest

from appliance.core.clock import WallQuality
from appliance.core.report import RANGES_MAX, Ack, Committed, Record, Report, State, encode
from noc.ingest import rules
from noc.ingest.rules import Message, placed_ms
from noc.store.contract import ArrivedRecord, AsideKind

BOOT, OTHER, NOW_MS = "aa" * 16, "bb" * 16, 1_780_000_000_000
KNOWN = {"hub-satu"}


def record(
    boottime_ms: int = 5_000, wall_ms: int = NOW_MS, quality: WallQuality = WallQuality.NTP, boot_id: str = BOOT
) -> Record:
    return Record(boot_id, boottime_ms, boottime_ms, wall_ms, quality, {"a": 1})


def test_records_and_states_are_told_apart_by_topic() -> None:
    state = State(BOOT, 1, True, "0.1.0", "")
    found = rules.sort(
        [
            Message("desahub/1/hub-satu/report", encode(Report(BOOT, 6_000, (record(),))), NOW_MS),
            Message("desahub/1/hub-satu/state", encode(state), NOW_MS),
        ],
        KNOWN,
    )
    assert [each.record for each in found.records] == [record()]
    assert [each.state for each in found.states] == [state]
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
        ("desahub/1/../report", b"", AsideKind.MALFORMED),
        ("x" * 5_000, b"", AsideKind.MALFORMED),
    ],
)
def test_what_cannot_be_used_goes_aside(topic: str, payload: bytes, kind: AsideKind) -> None:
    found = rules.sort([Message(topic, payload, NOW_MS)], KNOWN)
    assert (found.records, found.states) == ((), ())
    (aside,) = found.aside
    assert (aside.kind, aside.payload) == (kind, payload)
    assert len(aside.topic) <= 200


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (record(), NOW_MS),  # a time server's word
        (record(wall_ms=NOW_MS + 2 * rules.FUTURE_MS_MAX), NOW_MS - 1_000),  # … unless it is absurd
        (record(wall_ms=0, quality=WallQuality.UNKNOWN), NOW_MS - 1_000),  # as long ago as the uptime says
        (record(wall_ms=7, quality=WallQuality.RTC), NOW_MS - 1_000),
        (record(wall_ms=7, quality=WallQuality.RTC, boot_id=OTHER), 7),  # an older boot: its battery's clock
        (record(wall_ms=7, quality=WallQuality.UNKNOWN, boot_id=OTHER), None),  # nobody can tell
        (record(boottime_ms=9_000, wall_ms=7, quality=WallQuality.UNKNOWN), None),  # made after it was sent
    ],
)
def test_a_record_is_placed_in_time_or_not_at_all(made: Record, expected: int | None) -> None:
    assert placed_ms(made, Report(BOOT, 6_000, (made,)), NOW_MS) == expected


def test_acknowledgements_are_ranges_by_hub_and_bounded() -> None:
    arrived = [
        ArrivedRecord(hub, Record(BOOT, sequence, 1, 1, WallQuality.NTP, {}), None, 1)
        for hub, sequences in (("hub-satu", (1, 2, 3, 3)), ("hub-dua2", range(0, 2 * RANGES_MAX + 2, 2)))
        for sequence in sequences
    ]
    found = rules.acknowledgements(arrived, OTHER)
    assert found["hub-satu"] == [Ack(OTHER, (Committed(BOOT, 1, 3),))]
    assert [len(ack.committed) for ack in found["hub-dua2"]] == [RANGES_MAX, 1]
