"""NIK and PIN: nobody tries many, nobody learns whose NIK is known, and a new PIN ends what was."""

import statistics
import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.core.errors import StoreBusy
from appliance.kiosk.citizen.access import open_pins
from appliance.kiosk.citizen.pins import Entrance, Outcome, Pins, Try
from appliance.kiosk.citizen.rules import PinProblem
from appliance.kiosk.citizen.sessions import Where
from appliance.kiosk.residents.codes import StatusDasar
from appliance.store import brake
from appliance.store.audit import Audit
from appliance.store.slow_hash import Cost, SlowHash
from tests.unit.appliance.kiosk.citizen.people import CLERK, MADE, PIN, STRANGER, WAYAN

NOW = 1_790_000_000
PHONE = Try(WAYAN, PIN, "10.20.0.7", Where.PHONE, NOW)
WRONG = Entrance(Outcome.WRONG)


def _from(number: int, **changes: Any) -> Try:
    return replace(PHONE, device=f"10.20.{number // 250}.{number % 250}", **changes)


def test_the_right_pin_opens(hall: Any) -> None:
    entrance = hall.pins.log_in(PHONE)
    assert entrance.outcome is Outcome.WELCOME and entrance.resident_id == hall.ids[WAYAN]
    visit = hall.pins.sessions.of(entrance.token, Where.PHONE, NOW + 1)
    assert visit is not None and visit.resident_id == hall.ids[WAYAN] and not visit.must_change


@pytest.mark.parametrize(
    ("nik", "pin"),
    [(WAYAN, "482914"), (WAYAN, ""), (STRANGER, PIN), (MADE, PIN), ("", ""), ("bukan", "\ud800"), (WAYAN, "4" * 9999)],
)
def test_every_wrong_try_has_one_answer(hall: Any, nik: str, pin: str) -> None:
    assert hall.pins.log_in(replace(PHONE, nik=nik, pin=pin)) == WRONG


@pytest.mark.parametrize("status", [each for each in StatusDasar if each is not StatusDasar.HIDUP])
def test_who_is_dead_or_gone_has_no_login(hall: Any, status: StatusDasar) -> None:
    hall.set_status(WAYAN, status)
    assert hall.pins.log_in(PHONE) == WRONG


def test_a_hash_put_into_another_row_opens_nothing(hall: Any) -> None:
    hall.give(MADE, "739105")
    with hall.world.store.transaction() as db:
        db.execute(
            "UPDATE pins SET pin_hash = (SELECT pin_hash FROM pins WHERE resident_id = ?) WHERE resident_id = ?",
            [hall.ids[WAYAN], hall.ids[MADE]],
        )
    assert hall.pins.log_in(replace(PHONE, nik=MADE)) == WRONG


def test_without_the_pepper_the_database_opens_nothing(hall: Any) -> None:
    kiosk = replace(hall.world.kiosk(), pepper=b"q" * 32)
    assert open_pins(kiosk).log_in(PHONE) == WRONG


def test_neither_nik_nor_pin_nor_token_is_stored(hall: Any) -> None:
    token = hall.pins.log_in(PHONE).token
    hall.pins.log_in(replace(PHONE, nik=STRANGER, pin="739105"))
    hall.world.store.close()
    content = b"".join(path.read_bytes() for path in hall.world.store.path.parent.iterdir())
    for secret in (WAYAN, STRANGER, PIN, "739105", token):
        assert secret.encode() not in content


def test_five_wrong_pins_at_a_device_end_in_a_wait_that_grows_and_no_restart_forgets(hall: Any) -> None:
    wrong = replace(PHONE, pin="000000")
    for _ in range(5):
        assert hall.pins.log_in(wrong) == WRONG
    assert hall.pins.log_in(PHONE) == Entrance(Outcome.WAIT, wait_seconds=30)
    restarted = open_pins(hall.world.kiosk())
    assert restarted.log_in(replace(PHONE, now=NOW + 29)).wait_seconds == 1
    assert restarted.log_in(replace(wrong, now=NOW + 30)) == WRONG
    assert restarted.log_in(replace(PHONE, now=NOW + 31)).wait_seconds == 59
    assert restarted.log_in(replace(PHONE, now=NOW + 90)).outcome is Outcome.WELCOME


def test_a_clock_set_back_prolongs_a_wait_once_and_not_for_ever(hall: Any) -> None:
    for _ in range(5):
        hall.pins.log_in(replace(PHONE, pin="000000"))
    back = NOW - 400 * 86_400
    assert hall.pins.log_in(replace(PHONE, now=back)).wait_seconds == 30
    assert hall.pins.log_in(replace(PHONE, now=back + 30)).outcome is Outcome.WELCOME


def test_one_nik_from_many_devices_ends_in_a_wait_but_not_where_its_owner_has_been(hall: Any) -> None:
    assert hall.pins.log_in(PHONE).outcome is Outcome.WELCOME
    for number in range(10):
        assert hall.pins.log_in(_from(500 + number, pin="000000")) == WRONG
    assert hall.pins.log_in(_from(600)).wait_seconds == 60
    assert hall.pins.log_in(PHONE).outcome is Outcome.WELCOME, "others cannot lock its owner out at home"


def test_a_nik_that_nobody_has_is_braked_the_same(hall: Any) -> None:
    for number in range(10):
        assert hall.pins.log_in(_from(500 + number, nik=STRANGER)) == WRONG
    assert hall.pins.log_in(_from(600, nik=STRANGER)).wait_seconds == 60


def test_one_device_that_tries_many_niks_waits_and_honest_mistakes_fade(hall: Any) -> None:
    niks = [f"510301170890{1000 + number}" for number in range(30)]
    for nik in niks[:20]:
        assert hall.pins.log_in(replace(PHONE, nik=nik)) == WRONG
    assert hall.pins.log_in(replace(PHONE, nik=niks[20])).wait_seconds == 30
    later = NOW + 10 * 120
    for nik in niks[21:30]:
        assert hall.pins.log_in(replace(PHONE, nik=nik, now=later)) == WRONG
    for day in range(40):
        assert hall.pins.log_in(_from(7, nik=STRANGER, now=later + day * 130 * 60)) == WRONG


def test_many_devices_that_try_many_niks_slow_the_air_but_not_the_hall(hall: Any) -> None:
    for number in range(100):
        assert hall.pins.log_in(_from(number, nik=f"5103011708{number:06}")) == WRONG
    assert hall.pins.log_in(_from(200)).wait_seconds == 10
    assert hall.pins.log_in(replace(PHONE, device="127.0.0.1", where=Where.HALL)).outcome is Outcome.WELCOME
    assert hall.pins.log_in(_from(200, now=NOW + 10)).outcome is Outcome.WELCOME


def test_tries_at_the_same_moment_do_not_pass_the_brake_together(hall: Any) -> None:
    found: list[Outcome] = []
    threads = [
        threading.Thread(target=lambda: found.append(hall.pins.log_in(replace(PHONE, pin="000000")).outcome))
        for _ in range(9)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(found) == [Outcome.WAIT] * 4 + [Outcome.WRONG] * 5


def test_a_full_queue_counts_nothing(hall: Any) -> None:
    hashing = SlowHash(Cost(8, 1), waiting_max=0)
    pins = open_pins(replace(hall.world.kiosk(), hashing=hashing))
    with hashing.place():
        for _ in range(20):
            with pytest.raises(StoreBusy):
                pins.log_in(replace(PHONE, pin="000000"))
    assert pins.log_in(PHONE).outcome is Outcome.WELCOME


def test_a_new_pin_from_the_office_ends_sessions_and_lockouts_and_must_be_changed(hall: Any) -> None:
    token = hall.pins.log_in(PHONE).token
    for number in range(10):
        hall.pins.log_in(_from(number, pin="000000"))
    hall.pins.give(CLERK, hall.ids[WAYAN], WAYAN, "739105", NOW)
    assert hall.pins.sessions.of(token, Where.PHONE, NOW) is None
    assert hall.pins.log_in(PHONE) == WRONG, "the old one is void"
    entrance = hall.pins.log_in(_from(77, pin="739105"))
    visit = hall.pins.sessions.of(entrance.token, Where.PHONE, NOW)
    assert visit is not None and visit.must_change


def test_what_was_taken_away_opens_no_more(hall: Any) -> None:
    token = hall.pins.log_in(PHONE).token
    hall.pins.take_away(CLERK, hall.ids[WAYAN])
    assert hall.pins.log_in(PHONE) == WRONG and hall.pins.sessions.of(token, Where.PHONE, NOW) is None


def test_a_changed_pin_ends_every_session_and_begins_one(hall: Any) -> None:
    tokens = [hall.pins.log_in(PHONE).token for _ in range(2)]
    changed = hall.pins.change(hall.ids[WAYAN], "739105", PHONE)
    assert [hall.pins.sessions.of(each, Where.PHONE, NOW) for each in tokens] == [None, None]
    assert hall.pins.sessions.of(changed.token, Where.PHONE, NOW) is not None
    assert hall.pins.log_in(replace(PHONE, pin="739105")).outcome is Outcome.WELCOME


def test_an_open_session_is_no_way_around_the_brake(hall: Any) -> None:
    wrong = replace(PHONE, pin="000000")
    for _ in range(5):
        assert hall.pins.change(hall.ids[WAYAN], "739105", wrong).problem is PinProblem.OLD_WRONG
    assert hall.pins.change(hall.ids[WAYAN], "739105", PHONE).wait_seconds == 30
    assert hall.pins.log_in(PHONE).outcome is Outcome.WAIT
    assert hall.pins.change(hall.ids[WAYAN], PIN, PHONE).problem is PinProblem.UNCHANGED


def test_a_pin_given_while_another_is_checked_wins(hall: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    matches = hall.pins.hashing.matches

    def slow(digest: str, text: str) -> bool:
        found = matches(digest, text)
        hall.pins.give(CLERK, hall.ids[WAYAN], WAYAN, "739105", NOW)
        return bool(found)

    monkeypatch.setattr(hall.pins.hashing, "matches", slow)
    assert hall.pins.log_in(PHONE) == WRONG
    with hall.world.store.reading() as db:
        assert db.rows("SELECT * FROM pin_sessions") == []


def test_each_step_stands_in_the_audit_with_nobodys_number(hall: Any) -> None:
    hall.pins.log_in(PHONE)
    hall.pins.change(hall.ids[WAYAN], "739105", PHONE)
    hall.pins.take_away(CLERK, hall.ids[WAYAN])
    book = Audit(hall.world.store, hall.world.kiosk().clock)
    found = [(each.what, each.name) for each in book.about(hall.ids[WAYAN], 10)]
    assert found == [
        ("pin.taken_away", "siti"), ("pin.changed", "warga"), ("resident.logged_in", "warga"), ("pin.given", "siti"),
        ("resident.added", "siti"),
    ]  # fmt: skip
    assert book.verify() is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(st.text(max_size=300), st.text(max_size=300), st.integers(0, 60_000))
def test_any_text_is_answered(hall: Any, nik: str, pin: str, number: int) -> None:
    outcome = hall.pins.log_in(_from(number, nik=nik, pin=pin)).outcome
    assert outcome in (Outcome.WRONG, Outcome.WAIT)


def test_whether_somebody_has_a_nik_cannot_be_told_by_the_clock(hall: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the real cost, and no brake: what is compared is the work."""
    monkeypatch.setattr(brake, "wait_seconds", lambda *_: 0)
    pins: Pins = open_pins(replace(hall.world.kiosk(), hashing=SlowHash()))
    pins.give(CLERK, hall.ids[WAYAN], WAYAN, PIN, NOW)
    spent: dict[str, list[float]] = {WAYAN: [], STRANGER: []}
    for _ in range(9):
        for nik, found in spent.items():
            begun = time.thread_time()
            assert pins.log_in(replace(PHONE, nik=nik, pin="000000")) == WRONG
            found.append(time.thread_time() - begun)
    known, unknown = (statistics.median(found) for found in spent.values())
    assert 0.5 < known / unknown < 2
