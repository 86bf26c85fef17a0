"""What is in the database plus what the keeper remembers is what was used, however counters jump."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from appliance.core.config.networks import Access
from appliance.gate.protocol import Admitted, Client
from captive_portal.keeper.metering import Flow, Ledger
from captive_portal.now import Now
from captive_portal.rules import NOTHING_KNOWN, Budget, Grant

ONE, OTHER = Client("10.20.0.7", "02:00:00:00:00:01"), Client("10.20.0.8", "02:00:00:00:00:01")


def _at(seconds: int) -> Now:
    return Now("a" * 32, seconds, 0)


def _grant(client: Client = ONE, session: int = 3, begun: int = 1_000, **values: Any) -> Grant:
    budget = Budget(values.pop("budget", 7), 600, "a" * 32, begun, begun, 10**12)
    return Grant(client, budget, session, "warga", values.pop("way", Access.TERMS), 0, **values)


def _inside(client: Client, sent: int, received: int) -> dict[Client, Admitted]:
    return {client: Admitted(client, 600, sent, received, 0, "", None)}


def test_rates_are_of_the_last_look() -> None:
    ledger = Ledger(1_000)
    assert ledger.observe([_grant()], _inside(ONE, 1_000, 500_000), _at(1_002), 2.0) == (1_000, 500_000)
    assert ledger.flow(3) == Flow(1_000, 500_000, 4_000, 2_000_000)
    assert ledger.observe([_grant()], _inside(ONE, 1_000, 500_000), _at(1_004), 2.0) == (0, 0)
    assert ledger.flow(3) == Flow(1_000, 500_000, 0, 0)
    assert ledger.flow(99) == Flow()


@given(st.lists(st.tuples(st.integers(0, 1_000), st.integers(0, 1_000), st.booleans()), max_size=30))
def test_every_byte_is_counted_once_though_counters_begin_anew(steps: list[tuple[int, int, bool]]) -> None:
    ledger, noted, total = Ledger(1_000), 0, 0
    sent = received = 0
    for more_sent, more_received, is_reset in steps:
        if is_reset:
            sent = received = 0
            ledger.observe([_grant()], _inside(ONE, 0, 0), _at(1_000), 2.0)
        sent, received = sent + more_sent, received + more_received
        total += more_sent + more_received
        ledger.observe([_grant()], _inside(ONE, sent, received), _at(1_000), 2.0)
        assert ledger.grant_now(_grant()).budget.used_bytes + noted == total
        assert ledger.known_now(ONE.mac, NOTHING_KNOWN).bytes_today + noted == total
        if more_sent % 3 == 0:
            notes = ledger.notes()
            noted += notes.budget_bytes.get(7, 0)
            ledger.noted(notes, [3])
            assert ledger.notes().is_empty


def test_a_restart_of_the_keeper_goes_on_where_the_counters_were_noted() -> None:
    ledger = Ledger(1_000)
    grant = _grant(counted_sent_bytes=100, counted_received_bytes=900)
    assert ledger.observe([grant], _inside(ONE, 150, 1_000), _at(1_010), 0) == (50, 100)
    assert ledger.known_now(ONE.mac, NOTHING_KNOWN).seconds_today == 10, "the time without a keeper counts too"


def test_a_renewal_owes_nothing_of_the_session_before_it() -> None:
    ledger = Ledger(1_000)
    ledger.observe([_grant()], _inside(ONE, 0, 5_000), _at(1_002), 2.0)
    renewed = _grant(session=4, budget=8)
    ledger.observe([renewed], _inside(ONE, 0, 5_100), _at(1_004), 2.0)
    notes = ledger.notes()
    assert {one.session_id: one.received_bytes for one in notes.sessions} == {3: 5_000, 4: 100}
    assert notes.budget_bytes == {7: 5_000, 8: 100}
    assert notes.day_bytes == {ONE.mac: 5_100}
    ledger.noted(notes, [4])
    assert ledger.flow(3) == Flow()


def test_what_came_while_notes_were_written_is_not_lost() -> None:
    ledger = Ledger(1_000)
    ledger.observe([_grant()], _inside(ONE, 0, 100), _at(1_002), 2.0)
    notes = ledger.notes()
    ledger.observe([_grant()], _inside(ONE, 0, 130), _at(1_004), 2.0)
    ledger.noted(notes, [3])
    assert (ledger.notes().day_bytes, ledger.notes().day_seconds) == ({ONE.mac: 30}, {ONE.mac: 2})


def test_a_device_with_two_addresses_lives_one_day() -> None:
    ledger = Ledger(1_000)
    ledger.observe([_grant(), _grant(OTHER, 4, begun=1_005)], {}, _at(1_010), 2.0)
    assert ledger.notes().day_seconds == {ONE.mac: 10}


def test_vouchers_and_villages_without_daily_limits_count_no_day() -> None:
    for ledger, grant in ((Ledger(1_000), _grant(way=Access.VOUCHER)), (Ledger(1_000, has_days=False), _grant())):
        ledger.observe([grant], _inside(ONE, 5, 5), _at(1_010), 2.0)
        assert (ledger.notes().day_seconds, ledger.notes().day_bytes) == ({}, {})
        assert ledger.notes().budget_bytes == {7: 10}
