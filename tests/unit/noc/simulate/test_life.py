"""The life of a simulated hub is the same each time, and true to itself."""

from __future__ import annotations

from itertools import pairwise

from appliance.core.report import Record, Report, decode, encode
from noc.simulate.life import MINUTE_MS, Life, Minute, Rates, TroubleKind

START_MS = 1_780_000_000_000
DAY = 1_440


def lived(life: Life, minutes: int) -> list[Minute]:
    return [life.minute() for _ in range(minutes)]


def records(minutes: list[Minute]) -> list[Record]:
    return [record for minute in minutes for record in minute.records]


def test_the_same_seed_gives_the_same_life_and_another_another() -> None:
    rates = Rates().times(10)
    one, same, other = (Life(seed, START_MS, rates=rates) for seed in (1, 1, 2))
    assert lived(one, DAY) == lived(same, DAY)
    assert one.troubles == same.troubles and one.troubles
    assert records(lived(other, 5)) != records(lived(one, 5))


def test_identities_are_never_given_twice_and_all_can_be_sent() -> None:
    found = records(lived(Life(3, START_MS, rates=Rates().times(20)), 3 * DAY))
    assert len({(each.boot_id, each.sequence) for each in found}) == len(found)
    for at in range(0, len(found), 60):
        report = Report(found[at].boot_id, found[at].boottime_ms, tuple(found[at : at + 60]))
        assert decode(encode(report)) == report


def test_a_power_cut_is_a_gap_and_a_new_boot_and_a_line_cut_is_measured() -> None:
    life = Life(4, START_MS, rates=Rates().times(20))
    minutes = lived(life, 3 * DAY)
    assert {each.kind for each in life.troubles} == set(TroubleKind)
    by_minute = {START_MS + (at + 1) * MINUTE_MS: each for at, each in enumerate(minutes)}
    for trouble in life.troubles:
        if trouble.end_ms is None:
            continue
        within = [by_minute[at] for at in range(trouble.begin_ms, trouble.end_ms, MINUTE_MS)]
        assert within and not any(each.is_reachable for each in within)
        after = by_minute[trouble.end_ms].records
        if trouble.kind is TroubleKind.POWER:
            assert not records(within)
            assert after[0].samples == {"event.boot": 1, "boot_reason": 2}
            assert after[0].boottime_ms < MINUTE_MS
        else:
            assert {each.samples.get("uplink_up") for each in records(within)} == {0, None}
            assert within[0].records[0].samples["event.uplink_down"] == 1
            assert after[0].samples["event.uplink_up"] == 1
    assert all(each.samples.get("uplink_up") != 0 for m in minutes if m.is_reachable for each in m.records)


def test_counters_grow_within_a_boot() -> None:
    name = "interface_received_bytes.uplink"
    found = [
        each for each in records(lived(Life(5, START_MS, rates=Rates().times(10)), 2 * DAY)) if name in each.samples
    ]
    for one, other in pairwise(found):
        assert one.boot_id != other.boot_id or (one.samples[name] or 0) <= (other.samples[name] or 0)
        assert one.wall_ms < other.wall_ms


def test_evenings_are_busier_than_nights_by_local_time() -> None:
    life = Life(6, START_MS - START_MS % 86_400_000, utc_hours=9, rates=Rates(0, 1, 0, 1))
    clients = [each.samples["clients_online"] or 0 for each in records(lived(life, DAY))]
    night, evening = clients[(27 - 9 - 24) % 24 * 60 :][:60], clients[(20 - 9) * 60 :][:60]
    assert sum(evening) > 5 * sum(night)
