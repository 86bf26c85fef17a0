"""Acknowledgements: hourly while records flow, at once when they do not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.core.report import RANGES_MAX, Ack, Committed, ack_topic, encode
from noc.ingest.acknowledging import FLOWING_RECORDS_MAX, Acknowledging
from noc.store.contract import ArrivedBatch

BOOT, OTHER, EPOCH = "aa" * 16, "bb" * 16, "cc" * 16
HUB = "hub-satu"


def batch(*sequences: int, boot_id: str = BOOT, hub_id: str = HUB) -> ArrivedBatch:
    return ArrivedBatch(hub_id, b"", 1, tuple((boot_id, sequence) for sequence in sequences), None, None)


def test_a_day_of_what_flows_takes_25_acknowledgements() -> None:
    acknowledging = Acknowledging()
    told = []
    for number in range(288):
        first = number * 5
        told += acknowledging.committed([batch(*range(first, first + 5))], EPOCH, number * 300.0).get(HUB, [])
    assert len(told) <= 25
    assert told[0] == Ack(EPOCH, (Committed(BOOT, 0, 4),)), "the first at once"
    assert told[1] == Ack(EPOCH, (Committed(BOOT, 5, 69),))
    assert all(len(each.committed) == 1 for each in told), "one range each"
    assert len(encode(told[1])) + len(ack_topic(HUB)) < 100


def test_what_is_sent_again_is_answered_at_once_with_all_that_was_not_told() -> None:
    acknowledging = Acknowledging()
    acknowledging.committed([batch(1, 2)], EPOCH, 0.0)
    assert acknowledging.committed([batch(3, 4)], EPOCH, 1.0) == {}
    assert acknowledging.committed([batch(4, 5)], EPOCH, 2.0) == {HUB: [Ack(EPOCH, (Committed(BOOT, 3, 5),))]}
    assert acknowledging.committed([batch(1, 2)], EPOCH, 3.0) == {HUB: [Ack(EPOCH, (Committed(BOOT, 1, 2),))]}


def test_backlog_and_a_new_boot_are_answered_at_once() -> None:
    acknowledging = Acknowledging()
    acknowledging.committed([batch(1_000)], EPOCH, 0.0)
    large = range(2_000, 2_001 + FLOWING_RECORDS_MAX)
    assert HUB in acknowledging.committed([batch(*large)], EPOCH, 1.0)
    assert HUB in acknowledging.committed([batch(7, boot_id=OTHER)], EPOCH, 2.0)
    assert acknowledging.committed([batch(8, boot_id=OTHER)], EPOCH, 3.0) == {}
    assert HUB in acknowledging.committed([batch(3_000)], EPOCH, 4.0), "an older boot"


def test_each_hub_has_its_own_hour() -> None:
    acknowledging = Acknowledging()
    hubs = [f"hub-{number}" for number in range(4)]
    for second, hub_id in enumerate(hubs):
        acknowledging.committed([batch(1, hub_id=hub_id)], EPOCH, second)
        acknowledging.committed([batch(2, hub_id=hub_id)], EPOCH, second + 100.0 * second)
    assert set(acknowledging.committed([], EPOCH, 3_600.0)) == {hubs[0]}
    assert set(acknowledging.committed([], EPOCH, 3_701.0)) == {hubs[1]}
    assert set(acknowledging.committed([batch(3, hub_id=hubs[0])], EPOCH, 9_000.0)) == {hubs[2], hubs[3]}


def test_without_a_pause_everything_is_answered() -> None:
    acknowledging = Acknowledging(0.0)
    for number in range(3):
        assert acknowledging.committed([batch(number)], EPOCH, 5.0) == {
            HUB: [Ack(EPOCH, (Committed(BOOT, number, number),))]
        }


def test_messages_are_bounded_and_a_report_without_records_says_nothing() -> None:
    acknowledging = Acknowledging()
    assert acknowledging.committed([batch()], EPOCH, 0.0) == {}
    told = acknowledging.committed([batch(*range(0, 2 * RANGES_MAX + 2, 2))], EPOCH, 0.0)[HUB]
    assert [len(each.committed) for each in told] == [RANGES_MAX, 1]


@given(st.lists(st.tuples(st.sampled_from((BOOT, OTHER)), st.lists(st.integers(0, 40), min_size=1, max_size=8))))
def test_in_the_end_a_hub_is_told_of_every_record_that_came_and_of_no_other(
    arrived: list[tuple[str, list[int]]],
) -> None:
    acknowledging, told = Acknowledging(), set()
    came = {(boot_id, sequence) for boot_id, sequences in arrived for sequence in sequences}
    answers = [
        acknowledging.committed([batch(*sequences, boot_id=boot_id)], EPOCH, number)
        for number, (boot_id, sequences) in enumerate(arrived)
    ]
    answers.append(acknowledging.committed([], EPOCH, 1e6))
    for answer in answers:
        for ack in answer.get(HUB, []):
            for each in ack.committed:
                told |= {(each.boot_id, sequence) for sequence in range(each.first, each.last + 1)}
    assert told == came
