"""What any register of residents must do for the portal. A real one is added to ``register``'s parameters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.core.config import parse
from appliance.core.errors import ConfigError
from appliance.gate.protocol import Client
from captive_portal.accounts import AccountAnswer, AccountOutcome, AccountTerms, ResidentAccounts
from captive_portal.now import Now
from tests.contract.resident_accounts_twin import TwinResidentAccounts

ONE, TWO = Client("10.20.0.7", "02:00:00:00:00:01"), Client("10.20.0.8", "02:00:00:00:00:02")
NOW = Now("a" * 32, 1_000, 1_790_000_000)
TERMS = AccountTerms("A-1", 7_200, 1_000_000_000, "cepat", 1)
NOBODY: frozenset[Client] = frozenset()


class Register(ResidentAccounts, Protocol):
    """A register into which a test can put somebody."""

    def add(self, name: str, pin: str, terms: AccountTerms) -> None: ...


@pytest.fixture(params=["twin"])
def register(request: pytest.FixtureRequest) -> Iterator[Register]:
    made: Register = {"twin": TwinResidentAccounts}[request.param]()
    made.add("wayan", "482913", TERMS)
    yield made


def test_the_right_pin_gives_the_accounts_terms_however_the_name_is_typed(register: Register) -> None:
    for name in ("wayan", " Wayan ", "WAYAN"):
        assert register.check(name, "482913", ONE, NOBODY, NOW) == AccountAnswer(AccountOutcome.WELCOME, TERMS)


@pytest.mark.parametrize(("name", "pin"), [("wayan", "482914"), ("ketut", "482913"), ("", ""), ("wayan", "")])
def test_a_wrong_name_and_a_wrong_pin_have_one_answer(register: Register, name: str, pin: str) -> None:
    assert register.check(name, pin, ONE, NOBODY, NOW) == AccountAnswer(AccountOutcome.WRONG)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.text(max_size=500), st.text(max_size=500), st.integers(2, 250))
def test_any_text_is_answered(register: Register, name: str, pin: str, phone: int) -> None:
    client = Client(f"10.20.1.{phone}", f"02:00:00:00:01:{phone:02x}")
    outcome = register.check(name, pin, client, NOBODY, NOW).outcome
    assert outcome in (AccountOutcome.WRONG, AccountOutcome.WAIT)


def test_guessing_ends_in_a_wait_for_the_device_and_for_the_name(register: Register) -> None:
    for _ in range(5):
        register.check("wayan", "000000", ONE, NOBODY, NOW)
    for name, client in (("wayan", ONE), ("ketut", ONE), ("wayan", TWO)):
        answer = register.check(name, "482913", client, NOBODY, NOW)
        assert answer.outcome is AccountOutcome.WAIT and answer.wait_seconds == 30
    later = Now(NOW.boot_id, NOW.boot_seconds + 30, NOW.wall_seconds)
    assert register.check("wayan", "482913", ONE, NOBODY, later).outcome is AccountOutcome.WELCOME


def test_no_reboot_shortens_a_wait(register: Register) -> None:
    for _ in range(5):
        register.check("wayan", "000000", ONE, NOBODY, NOW)
    answer = register.check("wayan", "482913", ONE, NOBODY, Now("b" * 32, 10, 0))
    assert answer == AccountAnswer(AccountOutcome.WAIT, wait_seconds=20)


def test_an_account_has_as_many_places_as_it_says(register: Register) -> None:
    register.check("wayan", "482913", ONE, NOBODY, NOW)
    assert register.check("wayan", "482913", TWO, NOBODY, NOW) == AccountAnswer(AccountOutcome.PLACES_TAKEN)
    register.leave(TERMS.reference, ONE)
    register.leave(TERMS.reference, ONE)
    assert register.check("wayan", "482913", TWO, NOBODY, NOW).outcome is AccountOutcome.WELCOME


def test_a_silent_device_makes_room_for_the_same_person(register: Register) -> None:
    register.check("wayan", "482913", ONE, NOBODY, NOW)
    answer = register.check("wayan", "482913", TWO, frozenset({ONE}), NOW)
    assert answer == AccountAnswer(AccountOutcome.WELCOME, TERMS, moved_out=ONE)
    assert register.check("wayan", "482913", ONE, NOBODY, NOW).outcome is AccountOutcome.PLACES_TAKEN


def test_the_same_phone_at_another_address_keeps_its_place(register: Register) -> None:
    register.check("wayan", "482913", ONE, NOBODY, NOW)
    moved = Client("10.20.0.99", ONE.mac)
    assert register.check("wayan", "482913", moved, NOBODY, NOW).moved_out == ONE


def test_until_there_is_a_register_hub_toml_may_not_name_accounts(hub_toml: Path) -> None:
    text = hub_toml.read_text(encoding="utf-8")
    assert 'kind = "resident"' in text
    without = "\n".join(line for line in text.splitlines() if not line.startswith("access = "))
    with pytest.raises(ConfigError, match="no register of residents"):
        parse(without.replace('kind = "resident"', 'kind = "resident"\naccess = ["account"]'))
