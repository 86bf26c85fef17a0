"""Accounts: nobody guesses a password, and a session ends when it should."""

import statistics
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.core.errors import StoreBusy
from appliance.store import accounts, brake
from appliance.store.accounts import (
    AccountError,
    Accounts,
    Outcome,
    PasswordProblem,
    password_problems,
)
from appliance.store.brake import BRAKES, KNOWN_DEVICE_SECONDS, wait_after
from appliance.store.database import open_store
from appliance.store.slow_hash import SlowHash

DEVICE, NEW = "10.21.0.7", "kopi pagi di balai"


@pytest.fixture
def people(tmp_path: Path) -> Accounts:
    store = open_store(tmp_path / "a.db", [accounts.MIGRATIONS])
    return Accounts(store, idle_seconds=600, absolute_seconds=3600, hashing=SlowHash(waiting_max=20))


def test_the_one_time_password_opens_and_must_be_changed(people: Accounts) -> None:
    password = people.add("siti", "operator", 0)
    login = people.log_in(" Siti ", password, DEVICE, 1)
    assert login.outcome is Outcome.WELCOME
    assert login.account is not None and login.account.must_change
    assert people.change_password("siti", password, NEW, DEVICE, 2) is None
    assert people.of_session(login.token, 3) is None, "a changed password ends every session"
    assert people.log_in("siti", password, DEVICE, 4).outcome is Outcome.WRONG
    again = people.log_in("siti", NEW, DEVICE, 5)
    assert again.account is not None and not again.account.must_change


def test_neither_password_nor_token_is_stored(people: Accounts) -> None:
    password = people.add("siti", "operator", 0)
    token = people.log_in("siti", password, DEVICE, 1).token
    people.log_in("rahasia-di-kolom-nama", "x", DEVICE, 1)
    with people.store.reading() as db:
        everything = "\n".join(db.iterdump())
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in everything
    for secret in (password, token, "rahasia-di-kolom-nama"):
        assert secret not in everything


@pytest.mark.parametrize("name", ["", "a", "Siti", "1siti", "siti budi", "../etc", "s" * 33, "siti\n"])
def test_a_bad_name_is_refused_with_what_is_allowed(people: Accounts, name: str) -> None:
    with pytest.raises(AccountError, match="allowed are"):
        people.add(name, "operator", 0)


def test_a_taken_and_an_unknown_name(people: Accounts) -> None:
    people.add("siti", "operator", 0)
    with pytest.raises(AccountError, match="taken"):
        people.add("siti", "operator", 0)
    for act in (people.reset, people.disable):
        with pytest.raises(AccountError, match="there are: siti"):
            act("budi")


def test_a_disabled_account_lets_nobody_in_until_reset(people: Accounts) -> None:
    password = people.add("siti", "operator", 0)
    token = people.log_in("siti", password, DEVICE, 1).token
    people.disable("siti")
    assert people.of_session(token, 2) is None
    assert people.log_in("siti", password, DEVICE, 3).outcome is Outcome.WRONG
    assert [(each.name, each.disabled) for each in people.all()] == [("siti", True)]
    assert people.log_in("siti", people.reset("siti"), DEVICE, 4).outcome is Outcome.WELCOME


def test_guessing_a_name_waits_longer_and_longer_and_survives_a_restart(people: Accounts) -> None:
    password = people.add("siti", "operator", 0)
    for _ in range(5):
        assert people.log_in("siti", "salah", DEVICE, 100).outcome is Outcome.WRONG
    restarted = Accounts(people.store)
    answer = restarted.log_in("siti", password, DEVICE, 100)
    assert (answer.outcome, answer.wait_seconds) == (Outcome.WAIT, 30)
    assert restarted.log_in("siti", "salah", DEVICE, 130).outcome is Outcome.WRONG
    assert restarted.log_in("siti", password, DEVICE, 131).wait_seconds == 59
    assert restarted.log_in("siti", password, DEVICE, 190).outcome is Outcome.WELCOME


def test_wrong_tries_elsewhere_do_not_lock_a_person_out(people: Accounts) -> None:
    password = people.add("siti", "operator", 0)
    for i in range(60):
        people.log_in("siti", "salah", f"10.21.1.{i // 5}", 100)
    assert people.log_in("siti", password, DEVICE, 100).outcome is Outcome.WELCOME


@pytest.mark.parametrize("name", ["siti", "bukan"])
def test_a_name_tried_from_everywhere_is_slowed_and_not_shut(people: Accounts, name: str) -> None:
    password = people.add("siti", "operator", 0)
    assert people.log_in("siti", password, "10.21.0.1", 100).outcome is Outcome.WELCOME
    outcomes = [people.log_in(name, "salah", f"10.22.{i // 200}.{i % 200}", 100).outcome for i in range(101)]
    assert outcomes == [Outcome.WRONG] * 100 + [Outcome.WAIT]
    assert people.log_in(name, "salah", DEVICE, 100).wait_seconds == 2
    assert people.log_in("siti", password, "10.21.0.1", 100).outcome is Outcome.WELCOME, "known there"
    for i in range(20):
        people.log_in(name, "salah", f"10.23.0.{i}", 200 + 60 * i)
    assert people.log_in(name, "salah", DEVICE, 200 + 60 * 19).wait_seconds == 60


def test_strangers_at_the_same_address_do_not_shut_out_who_is_known_there(people: Accounts) -> None:
    password = people.add("siti", "operator", 0)
    assert people.log_in("siti", password, DEVICE, 100).outcome is Outcome.WELCOME
    for i in range(30):
        people.log_in(f"nama{i}", "x", DEVICE, 101)
    assert people.log_in("siti", password, DEVICE, 102).outcome is Outcome.WELCOME
    for _ in range(5):
        people.log_in("siti", "salah", DEVICE, 103)
    assert people.log_in("siti", password, DEVICE, 103).wait_seconds == 30, "the strict brake holds there too"
    assert people.log_in("siti", people.reset("siti"), "10.21.0.9", 103).outcome is Outcome.WELCOME


def test_who_was_long_away_is_no_longer_known(people: Accounts) -> None:
    password = people.add("siti", "operator", 0)
    people.log_in("siti", password, DEVICE, 100)
    later = 100 + KNOWN_DEVICE_SECONDS
    for i in range(20):
        people.log_in(f"nama{i}", "x", DEVICE, later)
    assert people.log_in("siti", password, DEVICE, later).outcome is Outcome.WAIT


def test_one_device_trying_many_names_is_slowed(people: Accounts) -> None:
    outcomes = [people.log_in(f"nama{i}", "x", DEVICE, 100).outcome for i in range(21)]
    assert outcomes == [Outcome.WRONG] * 20 + [Outcome.WAIT]
    assert people.log_in("nama0", "x", "10.21.0.8", 100).outcome is Outcome.WRONG


def test_logging_in_right_does_not_wash_a_device_clean(people: Accounts) -> None:
    password = people.add("siti", "operator", 0)
    for i in range(19):
        people.log_in(f"nama{i}", "x", DEVICE, 100)
    assert people.log_in("siti", password, DEVICE, 100).outcome is Outcome.WELCOME
    people.log_in("nama98", "x", DEVICE, 100)
    assert people.log_in("nama99", "x", DEVICE, 100).outcome is Outcome.WAIT


def test_attempts_at_the_same_moment_do_not_pass_the_brake_together(people: Accounts) -> None:
    people.add("siti", "operator", 0)
    outcomes: list[Outcome] = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(people.log_in("siti", "x", DEVICE, 100).outcome))
        for _ in range(12)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert outcomes.count(Outcome.WRONG) == 5


def test_who_finds_the_queue_full_is_told_at_once_and_not_counted(people: Accounts) -> None:
    password = people.add("siti", "operator", 0)
    people.hashing = SlowHash(waiting_max=0)
    with people.hashing.place():
        for _ in range(30):
            with pytest.raises(StoreBusy, match="try again"):
                people.log_in("siti", "x", DEVICE, 100)
            with pytest.raises(StoreBusy):
                people.check_password("siti", "x", DEVICE, 100)
            with pytest.raises(StoreBusy):
                people.change_password("siti", "x", NEW, DEVICE, 100)
    assert people.log_in("siti", password, DEVICE, 100).outcome is Outcome.WELCOME


def test_a_clock_set_back_locks_nobody_out_for_long_and_ends_sessions(people: Accounts) -> None:
    password = people.add("siti", "operator", 0)
    token = people.log_in("siti", password, DEVICE, 1_000_000).token
    for _ in range(6):
        people.log_in("siti", "salah", DEVICE, 1_000_000)
    assert people.of_session(token, 500) is None
    assert people.log_in("siti", password, DEVICE, 500).wait_seconds == 30
    assert people.log_in("siti", password, DEVICE, 530).outcome is Outcome.WELCOME


def test_waits_grow_to_a_limit() -> None:
    assert [wait_after(BRAKES["pair"], count) for count in (0, 4, 5, 6, 7, 50, 5000)] == [0, 0, 30, 60, 120, 900, 900]
    assert [wait_after(BRAKES["name"], count) for count in (99, 100, 101, 105, 5000)] == [0, 2, 4, 60, 60]


def test_made_up_names_do_not_fill_the_disk(people: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brake, "FAILURE_ROWS_MAX", 6)
    for i in range(10):
        people.log_in(f"nama{i}", "x", f"10.21.0.{i}", 100 + i)
    with people.store.reading() as db:
        assert len(db.rows("SELECT * FROM failures")) == 6


def test_a_session_ends_when_idle_and_after_its_longest_time(people: Accounts) -> None:
    password = people.add("siti", "operator", 0)
    token = people.log_in("siti", password, DEVICE, 0).token
    for now in range(300, 3600, 300):
        assert people.of_session(token, now) is not None
    assert people.of_session(token, 3600) is None, "longest time"
    token = people.log_in("siti", password, DEVICE, 5000).token
    assert people.of_session(token, 5599) is not None
    assert people.of_session(token, 6300) is None, "idle"


def test_logging_out_ends_the_session_in_the_store(people: Accounts) -> None:
    token = people.log_in("siti", people.add("siti", "operator", 0), DEVICE, 0).token
    people.log_out(token)
    people.log_out(token)
    assert people.of_session(token, 1) is None


@pytest.mark.parametrize(
    ("new", "problem"),
    [
        ("pendek", PasswordProblem.TOO_SHORT),
        ("x" * 257, PasswordProblem.TOO_LONG),
        ("password-SITI-1", PasswordProblem.CONTAINS_NAME),
        ("sama dengan lama", PasswordProblem.UNCHANGED),
    ],
)
def test_what_a_new_password_must_be(new: str, problem: PasswordProblem) -> None:
    assert password_problems("siti", "sama dengan lama", new) == (problem,)


def test_all_that_is_wrong_with_a_new_password_is_said_at_once() -> None:
    assert password_problems("siti", "siti", "siti") == (
        PasswordProblem.TOO_SHORT,
        PasswordProblem.CONTAINS_NAME,
        PasswordProblem.UNCHANGED,
    )
    assert password_problems("siti", "sama dengan lama", NEW) == ()


def test_an_open_session_is_no_way_to_guess_the_password(people: Accounts) -> None:
    people.add("siti", "operator", 0)
    problems = [people.change_password("siti", "salah", NEW, DEVICE, 1) for _ in range(6)]
    assert problems == [PasswordProblem.OLD_WRONG] * 5 + [PasswordProblem.WAIT]


def test_unknown_names_take_as_long_as_known_ones(people: Accounts) -> None:
    people.add("siti", "operator", 0)

    # In processor time, and in turns: what else the machine does must not count.
    def seconds(name: str, i: int) -> float:
        begun = time.thread_time()
        people.log_in(name, "salah", f"10.21.1.{i}", i * 100_000)
        return time.thread_time() - begun

    both = [(seconds("siti", i), seconds("bukan", 10 + i)) for i in range(7)]
    known, unknown = (statistics.median(times) for times in zip(*both, strict=True))
    assert 0.4 < unknown / known < 2.5


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(max_size=80), password=st.text(max_size=400))
def test_any_text_is_a_wrong_login_not_an_error(people: Accounts, name: str, password: str) -> None:
    with people.store.transaction() as db:
        db.execute("DELETE FROM failures")
    assert people.log_in(name, password, DEVICE, 1).outcome is Outcome.WRONG
    assert people.of_session(password, 1) is None


def test_the_last_of_a_role_stays(people: Accounts) -> None:
    people.add("satu", "admin", 0)
    with pytest.raises(AccountError, match="only admin"):
        people.disable("satu", keep_one_of=("admin",))
    with pytest.raises(AccountError, match="only admin"):
        people.set_role("satu", "operator", keep_one_of=("admin",))
    people.add("dua", "admin", 0)
    people.set_role("satu", "operator", keep_one_of=("admin",))
    assert people.one("satu").role == "operator"
    people.disable("satu", keep_one_of=("admin",))
    people.enable("satu")
    assert not people.one("satu").disabled
    with pytest.raises(AccountError, match="only admin"):
        people.disable("dua", keep_one_of=("admin",))


def test_sessions_are_listed_and_ended(people: Accounts) -> None:
    password = people.add("satu", "admin", 0)
    tokens = [people.log_in("satu", password, DEVICE, now).token for now in (100, 200)]
    assert [each.begun_seconds for each in people.sessions("satu", 210)] == [200, 100]
    assert people.sessions("satu", 200 + 3600) == ()
    people.end_sessions("satu")
    assert [people.of_session(token, 210) for token in tokens] == [None, None]


def test_the_password_is_asked_again_behind_the_same_brake(people: Accounts) -> None:
    password = people.add("satu", "admin", 0)
    assert people.check_password("satu", password, DEVICE, 0).outcome is Outcome.WELCOME
    assert [people.check_password("satu", "x", DEVICE, 0).outcome for _ in range(6)][-1] is Outcome.WAIT
    assert people.log_in("satu", password, DEVICE, 0).outcome is Outcome.WAIT
