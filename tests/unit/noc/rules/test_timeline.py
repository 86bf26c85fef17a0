"""What the timeline says of a few plain stories, with causes and what they rest on."""

from __future__ import annotations

from appliance.core.report import Number
from noc.rules.history import observe
from noc.rules.reading import Link, Terms, read
from noc.rules.states import Basis, Cause, Condition, Evidence, Span, Window
from noc.rules.timeline import timeline
from noc.store.contract import ArrivedRecord
from tests.unit.noc.rules.making import T0_MS, A, B, C, minutes, record

TERMS = Terms(download_kbit=10_000, upload_kbit=2_000)
MINUTE_MS = 60_000
Told = tuple[Condition, float, float]


def told(*records: ArrivedRecord, until_minute: float = 10, windows: tuple[Window, ...] = ()) -> list[Span]:
    end_ms = T0_MS + int(until_minute * MINUTE_MS)
    return list(timeline(observe(records, TERMS), TERMS, T0_MS + MINUTE_MS, end_ms, windows))


def in_minutes(spans: list[Span]) -> list[Told]:
    return [(s.state.condition, (s.start_ms - T0_MS) / MINUTE_MS, (s.end_ms - T0_MS) / MINUTE_MS) for s in spans]


def look(minute: float, sequence: int, *, event: str = "", **samples: Number | None) -> ArrivedRecord:
    at_ms = round(minute * MINUTE_MS)
    return record(A, 59_999 + sequence, at_ms, wall_ms=T0_MS + at_ms, event=event, said=samples)


def test_a_cut_is_as_long_as_its_events_say() -> None:
    spans = told(
        look(1, 1, uplink_state=5, boots=1),
        look(2, 2, uplink_state=5, boots=1),
        look(2.25, 3, event="uplink_down", uplink_state=2),
        look(3, 4, uplink_state=2, boots=1),
        look(3.5, 5, event="uplink_up", uplink_state=5),
        look(4, 6, uplink_state=5, boots=1),
        until_minute=4,
    )
    assert in_minutes(spans) == [(Condition.UP, 1, 2.25), (Condition.LINK, 2.25, 3.5), (Condition.UP, 3.5, 4)]
    state = spans[1].state
    assert (state.cause, state.basis, state.evidence) == (
        Cause.NO_GATEWAY, Basis.MEASURED, (Evidence.UPLINK_STATE,),
    )  # fmt: skip


def test_a_cut_that_was_noticed_late_is_dated_back() -> None:
    spans = told(
        look(1, 1, uplink_state=5),
        look(2, 2, uplink_state=5),
        look(1.9, 3, event="uplink_down", uplink_state=3),
        look(3, 4, uplink_state=3),
        until_minute=3,
    )
    assert in_minutes(spans) == [(Condition.UP, 1, 1.9), (Condition.LINK, 1.9, 3)]


def test_without_an_event_nobody_knows_when_it_changed() -> None:
    spans = told(look(1, 1, uplink_up=1), look(2, 2, uplink_up=0, uplink_has_gateway=1), look(3, 3, uplink_up=0))
    assert in_minutes(spans)[:2] == [(Condition.UNKNOWN, 1, 2), (Condition.LINK, 2, 3)]
    assert spans[0].state.evidence == (Evidence.CHANGED_UNSEEN,)
    assert spans[1].state.cause is Cause.NO_INTERNET


def test_a_missing_record_and_a_silence_are_unknown() -> None:
    spans = told(look(1, 1, uplink_state=5), look(2, 2, uplink_state=5), look(4, 4, uplink_state=5), until_minute=4)
    assert in_minutes(spans) == [(Condition.UP, 1, 1.75), (Condition.UNKNOWN, 1.75, 4)]
    spans = told(look(1, 1, uplink_state=5), look(9, 2, uplink_state=5))
    assert in_minutes(spans) == [(Condition.UNKNOWN, 1, 9), (Condition.UNKNOWN, 9, 10)]
    assert [s.state.evidence for s in spans] == [(Evidence.NO_RECORD,), (Evidence.NOT_EXPLAINED,)]


def test_an_event_of_something_else_leaves_the_line_as_it_was() -> None:
    spans = told(
        look(1, 1, uplink_state=5),
        look(1.5, 2, event="power_lost", power_on_battery=1),
        look(2, 3, uplink_state=5),
        until_minute=2,
    )
    assert in_minutes(spans) == [(Condition.UP, 1, 2)]


def test_a_collector_that_failed_makes_the_line_unknown() -> None:
    spans = told(look(1, 1, uplink_state=5), look(2, 2, uplink_state=None), look(3, 3), until_minute=3)
    assert {condition for condition, *_ in in_minutes(spans)} == {Condition.UNKNOWN}


def test_up_but_unusable() -> None:
    lost: dict[str, Number | None] = {
        "uplink_state": 5,
        "uplink_loss_permille.t1": 400,
        "uplink_loss_permille.t2": 300,
        "uplink_loss_permille.t3": None,
    }
    spans = told(
        look(1, 1, uplink_state=5),
        record(A, 60_001, 120_000, wall_ms=T0_MS + 120_000, said=lost),
        look(3, 3, uplink_state=5),
        look(3.5, 4, event="uplink_half_open", uplink_state=4),
        look(4, 5, uplink_state=4),
        until_minute=4,
    )
    assert in_minutes(spans) == [
        (Condition.UNUSABLE, 1, 2), (Condition.UP, 2, 3.5), (Condition.UNUSABLE, 3.5, 4),
    ]  # fmt: skip
    assert [s.state.cause for s in spans] == [Cause.LOSS, Cause.NONE, Cause.CAPTIVE]
    assert (
        read({"uplink_state": 5, "uplink_loss_permille.t1": 900, "uplink_loss_permille.t2": 0}, TERMS).is_lossy is False
    )


def test_a_slow_line_is_unusable_until_a_better_test_or_an_hour() -> None:
    slow: dict[str, Number | None] = {"speed_test_download_kbit": 4_999, "speed_test_upload_kbit": 1_900}
    fine: dict[str, Number | None] = {"speed_test_download_kbit": 5_000, "speed_test_upload_kbit": 1_900}

    def story(**at_minute_30: Number | None) -> list[Told]:
        looks = [look_at(i, slow if i == 10 else at_minute_30 if i == 30 else {}) for i in range(1, 91)]
        return in_minutes(told(*looks, until_minute=90))

    assert story() == [(Condition.UP, 1, 10), (Condition.UNUSABLE, 10, 70), (Condition.UP, 70, 90)]
    assert story(**fine) == [(Condition.UP, 1, 10), (Condition.UNUSABLE, 10, 30), (Condition.UP, 30, 90)]
    busy = {**slow, "interface_received_peak_kbit.uplink": 9_000}
    assert read(busy, TERMS).is_slow is False, "residents used the line while it was tested"
    assert read(slow, Terms()).is_slow is None, "without a contract no speed is too low"


def look_at(minute: int, said: dict[str, Number | None]) -> ArrivedRecord:
    at_ms = minute * MINUTE_MS
    return record(A, 59_999 + minute, at_ms, wall_ms=T0_MS + at_ms, said={"uplink_state": 5, **said})


def rebooted(reason: int | None, number: int = 2, **last: Number | None) -> list[ArrivedRecord]:
    """Ten minutes of one boot, and of the next that began at minute 20."""
    one = [*minutes(A, T0_MS, 1, 9, number=1), *minutes(A, T0_MS, 10, 10, number=1, said=last)]
    start_ms = T0_MS + 20 * MINUTE_MS
    return [*one, *minutes(B, start_ms, 1, 5, number=number, boot_reason=reason)]


def gap(*records: ArrivedRecord, windows: tuple[Window, ...] = ()) -> list[Span]:
    return told(*records, until_minute=21, windows=windows)[1:]


def test_power_lost_is_inferred_from_an_unclean_shutdown() -> None:
    unknown, off = gap(*rebooted(2))
    assert in_minutes([unknown]) == [(Condition.UNKNOWN, 10, 10 + 65 / 60)]
    assert unknown.state.evidence == (Evidence.LAST_MOMENTS,)
    assert (off.state.condition, off.state.cause, off.state.basis) == (
        Condition.POWER, Cause.POWER_LOST, Basis.INFERRED,
    )  # fmt: skip
    assert off.end_ms == T0_MS + 21 * MINUTE_MS, "until the box had started"
    *_, off = gap(*rebooted(2, power_under_voltage=1))
    assert off.state.basis is Basis.INFERRED
    assert Evidence.UNDER_VOLTAGE in off.state.evidence


def test_power_lost_is_measured_where_the_box_saw_the_mains_go() -> None:
    for reason in (1, 2):
        *_, off = gap(*rebooted(reason, power_on_battery=1))
        assert (off.state.cause, off.state.basis) == (Cause.POWER_LOST, Basis.MEASURED)
        assert Evidence.ON_BATTERY in off.state.evidence


def test_other_ends_of_a_boot() -> None:
    *_, off = gap(*rebooted(1))
    assert (off.state.condition, off.state.cause) == (Condition.POWER, Cause.SWITCHED_OFF)
    *_, off = gap(*rebooted(3))
    assert (off.state.condition, off.state.cause) == (Condition.MAINTENANCE, Cause.REBOOT)
    for unexplained in (rebooted(0), rebooted(None), rebooted(2, number=3)):
        assert {s.state.condition for s in gap(*unexplained)} == {Condition.UNKNOWN}


def test_a_reboot_that_took_hours_was_not_only_that() -> None:
    start_ms = T0_MS + 200 * MINUTE_MS
    records = [*minutes(A, T0_MS, 1, 10, number=1), *minutes(B, start_ms, 1, 2, number=2, boot_reason=3)]
    assert in_minutes(told(*records, until_minute=201)) == [(Condition.UP, 1, 10), (Condition.UNKNOWN, 10, 201)]


def test_a_link_that_goes_with_the_mains_is_a_modem_without_power() -> None:
    spans = told(
        look(1, 1, uplink_state=5, power_on_battery=0),
        look(1.5, 2, event="power_lost"),
        look(1.6, 3, event="uplink_down", uplink_state=0),
        look(2, 4, uplink_state=0, power_on_battery=1),
        look(2.5, 5, event="power_back"),
        look(2.75, 6, event="uplink_up", uplink_state=5),
        look(3, 7, uplink_state=5, power_on_battery=0),
        until_minute=3,
    )
    assert in_minutes(spans) == [
        (Condition.UP, 1, 1.6), (Condition.POWER, 1.6, 2.5), (Condition.LINK, 2.5, 2.75), (Condition.UP, 2.75, 3),
    ]  # fmt: skip
    assert (spans[1].state.cause, spans[1].state.basis) == (Cause.MODEM_WITHOUT_POWER, Basis.INFERRED)


def test_maintenance_excuses_what_is_down_and_not_what_is_unknown_or_up() -> None:
    window = Window(T0_MS + 5 * MINUTE_MS, T0_MS + 15 * MINUTE_MS)
    found = in_minutes(told(*rebooted(2), until_minute=21, windows=(window,)))
    off = 10 + 65 / 60
    assert found == [
        (Condition.UP, 1, 10), (Condition.UNKNOWN, 10, off),
        (Condition.MAINTENANCE, off, 15), (Condition.POWER, 15, 21),
    ]  # fmt: skip
    assert in_minutes(told(until_minute=10, windows=(window,))) == [(Condition.UNKNOWN, 1, 10)]


def test_of_a_boot_between_others_only_the_certain_is_said() -> None:
    first = minutes(A, T0_MS, 1, 10, number=1)
    last = minutes(C, T0_MS + 100 * MINUTE_MS, 1, 5, number=3, boot_reason=2)
    between = minutes(B, 0, 0, 60, number=2, known=False, uplink_state=3)
    # It lies somewhere in the 90 minutes from 10 to 100 and lasts 60: from 40 to 70 it surely ran.
    assert in_minutes(told(*first, *between, *last, until_minute=101)) == [
        (Condition.UP, 1, 10), (Condition.UNKNOWN, 10, 40), (Condition.LINK, 40, 70), (Condition.UNKNOWN, 70, 101),
    ]  # fmt: skip


def test_all_ways_to_say_that_the_line_is_down() -> None:
    assert read({"uplink_up": 0, "uplink_has_link": 0}, TERMS).link is Link.NO_LINK
    assert read({"uplink_up": 0, "uplink_has_link": 1, "uplink_has_address": 0}, TERMS).link is Link.NO_ADDRESS
    assert read({"uplink_up": 0, "uplink_has_address": 1, "uplink_has_gateway": 0}, TERMS).link is Link.NO_GATEWAY
    assert read({"event.uplink_down": 1}, TERMS).link is Link.DOWN
    assert read({"event.uplink_up": 1}, TERMS).link is Link.UP
    assert read({"event.boot": 1}, TERMS).link is None
    assert read({"uplink_state": 17}, TERMS).link is Link.UNTOLD
    assert read({"uplink_state": 0.5}, TERMS).link is Link.UNTOLD
