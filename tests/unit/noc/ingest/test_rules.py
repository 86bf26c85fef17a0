"""What a message amounts to."""

from __future__ import annotations

import pytest

from appliance.core.clock import WallQuality
from appliance.core.report import Ack, Record, Report, State, encode
from noc.ingest import rules
from noc.ingest.rules import Message
from noc.store.contract import AsideKind

BOOT, OTHER, NOW_MS = "aa" * 16, "bb" * 16, 1_780_000_000_000
KNOWN = {"hub-satu"}


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
    assert (found.batches, found.states) == ((), ())
    (aside,) = found.aside
    assert (aside.kind, aside.payload) == (kind, payload)
    assert len(aside.topic) <= 200
