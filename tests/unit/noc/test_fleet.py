"""How a hub is judged: by what it said, how long ago, and never by a guess."""

from __future__ import annotations

import dataclasses

import pytest

from noc import fleet
from noc.fleet import HubState, Reason
from noc.store.contract import ArrivedRecord, ArrivedState, Hub, HubFacts
from tests.unit.noc.seed import MINUTE_MS, NOW_MS, arrived, born

HUB = Hub("hub-0001", "Sukamaju", "51.03.01.2001")


def facts(*recent: ArrivedRecord, state: ArrivedState | None = None, contact_ms: int | None = None) -> HubFacts:
    last = recent[-1].received_ms if recent and contact_ms is None else contact_ms
    return HubFacts(HUB, last, state, recent)


def rebooted(record: ArrivedRecord, boot_id: str) -> ArrivedRecord:
    return dataclasses.replace(record, record=dataclasses.replace(record.record, boot_id=boot_id))


def test_never_heard_is_not_the_same_as_silent() -> None:
    status = fleet.judge(facts(), NOW_MS)
    assert (status.state, status.contact_age_seconds, status.uptime_seconds, status.rates) == (
        HubState.NEVER,
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("ago_ms", "state"), [(0, HubState.ONLINE), (450_000, HubState.ONLINE), (450_001, HubState.NO_CONTACT)]
)
def test_silence_longer_than_450_s_is_no_contact(ago_ms: int, state: HubState) -> None:
    status = fleet.judge(facts(arrived(HUB.hub_id, 10, ago_ms)), NOW_MS)
    assert status.state is state
    assert status.contact_age_seconds == ago_ms / 1000
    assert (status.uptime_seconds is None) is (state is HubState.NO_CONTACT)


def test_a_will_says_at_once_what_silence_tells_later() -> None:
    record = arrived(HUB.hub_id, 10, 60_000)
    gone = born(HUB.hub_id, NOW_MS - 1, online=False)
    assert fleet.judge(facts(record, state=gone), NOW_MS).state is HubState.NO_CONTACT
    older = born(HUB.hub_id, NOW_MS - 90_000, online=False)
    assert fleet.judge(facts(record, state=older), NOW_MS).state is HubState.ONLINE


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"uplink_up": 0}, Reason.UPLINK_DOWN),
        ({"collector_success.clients": 0}, Reason.GATE_SILENT),
        ({"gate_closed_by_default": 0}, Reason.GATE_OPEN),
        ({"disk_free_bytes": 3_199_999_999}, Reason.DISK_FULL),
        ({"memory_available_bytes": 79_999_999}, Reason.MEMORY_FULL),
        ({"temperature_celsius": 80.0}, Reason.HOT),
    ],
)
def test_what_needs_attention(changes: dict[str, float], reason: Reason) -> None:
    status = fleet.judge(facts(arrived(HUB.hub_id, 10, 0, **changes)), NOW_MS)
    assert (status.state, status.reasons) == (HubState.ATTENTION, (reason,))


@pytest.mark.parametrize("name", ["uplink_up", "disk_size_bytes", "memory_total_bytes", "gate_closed_by_default"])
def test_what_is_unknown_is_no_alarm(name: str) -> None:
    assert fleet.judge(facts(arrived(HUB.hub_id, 10, 0, **{name: None})), NOW_MS).state is HubState.ONLINE


def test_dropped_records_count_while_they_grow() -> None:
    one = arrived(HUB.hub_id, 10, MINUTE_MS, outbox_dropped_records=5)
    same = arrived(HUB.hub_id, 11, 0, outbox_dropped_records=5)
    more = arrived(HUB.hub_id, 11, 0, outbox_dropped_records=6)
    assert fleet.judge(facts(one, same), NOW_MS).reasons == ()
    assert fleet.judge(facts(one, more), NOW_MS).reasons == (Reason.RECORDS_DROPPED,)


def counted(minute: int, received: int | None, ago_ms: int) -> ArrivedRecord:
    changes = {"interface_received_bytes.uplink": received, "interface_sent_bytes.uplink": received}
    return arrived(HUB.hub_id, minute, ago_ms, **changes)


def test_rates_are_differences_of_counters() -> None:
    status = fleet.judge(facts(counted(10, 1_000, MINUTE_MS), counted(11, 751_000, 0)), NOW_MS)
    assert status.rates == fleet.Rates(100_000.0, 100_000.0)


def test_reboots_resets_unknowns_and_silences_give_no_flow() -> None:
    one = counted(10, 1_000, MINUTE_MS)
    assert list(fleet.flows([one, rebooted(counted(11, 2_000, 0), "cd" * 16)])) == []
    assert list(fleet.flows([one, counted(11, 999, 0)])) == []
    assert list(fleet.flows([one, counted(11, None, 0)])) == []
    assert list(fleet.flows([one, counted(26, 2_000, 0)])) == []
    assert list(fleet.flows([one, dataclasses.replace(counted(11, 2_000, 0), time_ms=None)])) == []
    assert len(list(fleet.flows([one, counted(11, 2_000, 0)]))) == 1


@pytest.mark.parametrize(("before", "after"), [(-1e308, 1e308), (0, 1e300), (-(2**62), 2**62)])
def test_more_than_any_counter_counts_gives_no_flow(before: float, after: float) -> None:
    def said(minute: int, value: float, ago_ms: int) -> ArrivedRecord:
        counters = {"interface_received_bytes.uplink": value, "interface_sent_bytes.uplink": 0}
        return arrived(HUB.hub_id, minute, ago_ms, **counters)

    status = fleet.judge(facts(said(10, before, MINUTE_MS), said(11, after, 0)), NOW_MS)
    assert (status.state, status.rates) == (HubState.ONLINE, None)


def test_a_series_keeps_its_gaps() -> None:
    start = NOW_MS - 60 * MINUTE_MS
    records = [
        counted(minute, minute * 7_500, (60 - minute) * MINUTE_MS) for minute in range(61) if not 20 < minute < 45
    ]
    buckets = fleet.series(records, start, NOW_MS, 12)
    assert [bucket.rates is None for bucket in buckets] == [False] * 4 + [True] * 5 + [False] * 3
    assert buckets[0].rates == fleet.Rates(1_000.0, 1_000.0)
    assert [bucket.start_ms for bucket in buckets[:2]] == [start, start + 5 * MINUTE_MS]


def test_sparse_records_fill_every_span_they_cover() -> None:
    records = [counted(minute, minute * 7_500, (60 - minute) * MINUTE_MS) for minute in range(0, 61, 10)]
    buckets = fleet.series(records, NOW_MS - 60 * MINUTE_MS, NOW_MS, 30)
    assert {bucket.rates for bucket in buckets} == {fleet.Rates(1_000.0, 1_000.0)}


def test_counts_add_up() -> None:
    found = [fleet.judge(facts(), NOW_MS), fleet.judge(facts(arrived(HUB.hub_id, 1, 0)), NOW_MS)]
    assert fleet.count_states(found) == {
        HubState.NO_CONTACT: 0, HubState.ATTENTION: 0, HubState.NEVER: 1, HubState.ONLINE: 1,
    }  # fmt: skip


def test_what_the_noc_could_not_hear_is_no_silence_of_the_hub() -> None:
    record = arrived(HUB.hub_id, 10, 3_600_000)
    will = born(HUB.hub_id, NOW_MS - 60_000, online=False)
    heard_until_ms = NOW_MS - 3_500_000
    assert fleet.judge(facts(record), NOW_MS).state is HubState.NO_CONTACT
    assert fleet.judge(facts(record), NOW_MS, heard_until_ms).state is HubState.ONLINE
    assert fleet.judge(facts(record, state=will), NOW_MS, heard_until_ms).state is HubState.ONLINE
    assert fleet.judge(facts(record), NOW_MS, NOW_MS - 3_000_000).state is HubState.NO_CONTACT


def test_a_contact_that_a_wrong_clock_noted_in_the_future_holds_for_nothing() -> None:
    ahead = facts(arrived(HUB.hub_id, 10, 0), contact_ms=NOW_MS + 3_650 * 86_400_000)
    assert fleet.judge(ahead, NOW_MS).state is HubState.NO_CONTACT
    assert fleet.judge(ahead, NOW_MS, NOW_MS - 60_000).state is HubState.ONLINE, "while the NOC itself is in doubt"
