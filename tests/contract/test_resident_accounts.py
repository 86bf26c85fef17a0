"""What any register of residents must do for the portal: the twin, and the kiosk's own over its real socket."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.core.errors import AccountsUnavailable
from appliance.gate.protocol import Client
from appliance.kiosk.actors import Actor
from appliance.kiosk.wifi import store as wifi_store
from appliance.kiosk.wifi.accounts import WifiAccounts
from appliance.kiosk.wifi.checks import LIVING_SECONDS, BootSecond, Checks
from appliance.kiosk.wifi.door import THREADS, Door
from appliance.kiosk.wifi.rules import Slip
from appliance.store import audit
from appliance.store.audit import Audit
from appliance.store.database import Store, open_store
from appliance.store.slow_hash import Cost, SlowHash
from appliance.unit.ask import ask
from appliance.wifi.accounts import (
    HELD_MAX,
    AccountAnswer,
    AccountOutcome,
    Ended,
    Holding,
    Refusal,
    ResidentAccounts,
    decode_answer,
    encode,
)
from appliance.wifi.client import AccountsClient
from tests.contract.resident_accounts_twin import TwinResidentAccounts

ONE, TWO = Client("10.20.0.7", "02:00:00:00:00:01"), Client("10.20.0.8", "02:00:00:00:00:02")
OPERATOR = Actor("operator", "operator")


@dataclass
class Register:
    """A register into which a test can put somebody, and the time."""

    now: BootSecond = field(default_factory=lambda: BootSecond("a" * 32, 1_000))

    @property
    def asked(self) -> ResidentAccounts:
        raise NotImplementedError

    def add(self, name: str, pin: str) -> None:
        """Open an account, or give the one of this name another PIN."""
        raise NotImplementedError

    def close_account(self, name: str) -> None:
        raise NotImplementedError

    def check(self, name: str, pin: str, client: Client) -> AccountAnswer:
        return self.asked.check(name, pin, client)

    def enter(self, name: str = "wayan", pin: str = "482913", client: Client = ONE) -> Holding:
        answer = self.check(name, pin, client)
        assert answer.outcome is AccountOutcome.WELCOME and answer.holding is not None, answer
        return answer.holding


@dataclass
class InMemory(Register):
    def __post_init__(self) -> None:
        self.twin = TwinResidentAccounts(lambda: self.now)

    @property
    def asked(self) -> ResidentAccounts:
        return self.twin

    def add(self, name: str, pin: str) -> None:
        self.twin.add(name, pin, f"A-{sum(map(ord, name))}")

    def close_account(self, name: str) -> None:
        self.twin.close_account(name)


@dataclass
class OfTheKiosk(Register):
    """The kiosk's tables, hashes and threads behind a socket, asked as the portal asks."""

    folder: Path = Path()

    def __post_init__(self) -> None:
        self.store: Store = open_store(self.folder / "kiosk.db", [wifi_store.MIGRATIONS, audit.MIGRATIONS])
        self.slip = Slip("", "")
        self.living = dict[str, int]()
        self.moved_away = set[int]()
        self.accounts = WifiAccounts(
            self.store, Audit(self.store, lambda: 1_790_000_000.0), SlowHash(Cost(8, 1)), b"p" * 32, lambda: self.slip
        )
        checks = Checks(self.accounts, lambda number: number not in self.moved_away, lambda: self.now)
        self.path = self.folder / "accounts.sock"
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(self.path))
        self.listener.listen()
        Door(self.listener, checks, (os.getuid(),)).open()

    @property
    def asked(self) -> ResidentAccounts:
        return AccountsClient(self.path, timeout_seconds=30.0)

    def add(self, name: str, pin: str) -> None:
        self.slip = Slip(name, pin)
        self.accounts.give(OPERATOR, self.living.setdefault(name, len(self.living) + 1), 1_790_000_000)

    def close_account(self, name: str) -> None:
        self.accounts.end(OPERATOR, self.living[name])


@pytest.fixture
def kiosk(tmp_path: Path) -> Iterator[OfTheKiosk]:
    made = OfTheKiosk(folder=tmp_path)
    made.add("wayan", "482913")
    yield made
    made.store.close()


@pytest.fixture(params=["twin", "kiosk"])
def register(request: pytest.FixtureRequest) -> Register:
    made: Register = InMemory() if request.param == "twin" else request.getfixturevalue("kiosk")
    made.add("wayan", "482913")
    return made


@pytest.mark.parametrize("name", ["wayan", " Wayan ", "WAYAN", "way an", "way-an"])
def test_the_right_pin_is_welcome_however_the_name_is_typed(register: Register, name: str) -> None:
    assert register.enter(name) == register.enter(pin=" 482 913 ")


@pytest.mark.parametrize(("name", "pin"), [("wayan", "482914"), ("ketut", "482913"), ("", ""), ("wayan", "")])
def test_a_wrong_name_and_a_wrong_pin_have_one_answer(register: Register, name: str, pin: str) -> None:
    assert register.check(name, pin, ONE) == AccountAnswer(AccountOutcome.WRONG)


def test_two_accounts_are_two(register: Register) -> None:
    register.add("ketut", "190735")
    assert register.enter().reference != register.enter("ketut", "190735", TWO).reference
    assert register.check("ketut", "482913", TWO).outcome is AccountOutcome.WRONG


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(st.text(max_size=500), st.text(max_size=500), st.integers(2, 250))
def test_any_text_is_answered(register: Register, name: str, pin: str, phone: int) -> None:
    client = Client(f"10.20.1.{phone}", f"02:00:00:00:01:{phone:02x}")
    assert register.check(name, pin, client).outcome in (AccountOutcome.WRONG, AccountOutcome.WAIT)


def test_guessing_ends_in_a_wait_for_the_device_and_for_the_name(register: Register) -> None:
    answers = [register.check("wayan", "000000", ONE) for _ in range(5)]
    assert [one.wait_seconds for one in answers] == [0, 0, 0, 0, 30]
    for name, client in (("wayan", ONE), ("ketut", ONE), ("wayan", TWO)):
        answer = register.check(name, "482913", client)
        assert answer == AccountAnswer(AccountOutcome.WAIT, wait_seconds=30)
    register.now = BootSecond(register.now.boot_id, register.now.boot_seconds + 30)
    register.enter()


def test_who_guesses_elsewhere_keeps_nobody_out_of_a_device_that_knows_the_pin(register: Register) -> None:
    register.enter()
    for _ in range(5):
        register.check("wayan", "000000", TWO)
    assert register.check("wayan", "482913", TWO).outcome is AccountOutcome.WAIT
    register.enter()
    for _ in range(5):
        register.check("wayan", "000000", ONE)
    assert register.check("wayan", "482913", ONE).outcome is AccountOutcome.WAIT, "its own mistakes count"


def test_no_reboot_shortens_a_wait(register: Register) -> None:
    for _ in range(5):
        register.check("wayan", "000000", ONE)
    register.now = BootSecond("b" * 32, 10)
    assert register.check("wayan", "482913", ONE) == AccountAnswer(AccountOutcome.WAIT, wait_seconds=20)


def test_a_new_pin_ends_what_came_with_the_old_one(register: Register) -> None:
    before = register.enter()
    assert register.asked.ended(frozenset({before})) == frozenset()
    register.add("wayan", "730164")
    assert register.asked.ended(frozenset({before})) == {before}
    assert register.check("wayan", "482913", ONE).outcome is AccountOutcome.WRONG
    after = register.enter(pin="730164")
    assert after.reference == before.reference, "the day's share stays with its owner"
    assert register.asked.ended(frozenset({before, after})) == {before}


def test_an_account_that_ended_lets_nobody_in(register: Register) -> None:
    held = register.enter()
    register.close_account("wayan")
    assert register.check("wayan", "482913", ONE).outcome is AccountOutcome.WRONG
    assert register.asked.ended(frozenset({held})) == {held}


def test_an_account_nobody_knows_has_ended(register: Register) -> None:
    stranger = Holding("A-STRANGER", 1)
    assert register.asked.ended(frozenset({stranger})) == {stranger}


def test_who_moved_away_is_let_in_no_more(kiosk: OfTheKiosk) -> None:
    held = kiosk.enter()
    kiosk.moved_away.add(1)
    assert kiosk.check("wayan", "482913", ONE).outcome is AccountOutcome.WRONG
    assert kiosk.asked.ended(frozenset({held})) == {held}


def test_who_moves_away_while_online_is_found_within_a_minute(kiosk: OfTheKiosk) -> None:
    held = kiosk.enter()
    assert kiosk.asked.ended(frozenset({held})) == frozenset()
    kiosk.moved_away.add(1)
    kiosk.now = BootSecond(kiosk.now.boot_id, kiosk.now.boot_seconds + LIVING_SECONDS)
    assert kiosk.asked.ended(frozenset({held})) == {held}


def test_a_lockout_survives_a_restart_of_the_kiosk(kiosk: OfTheKiosk) -> None:
    for _ in range(5):
        kiosk.check("wayan", "000000", ONE)
    again = Checks(kiosk.accounts, lambda _: True, lambda: kiosk.now)
    assert again.check("wayan", "482913", ONE) == AccountAnswer(AccountOutcome.WAIT, wait_seconds=30)


def test_racing_guesses_do_not_pass_the_brake_together(kiosk: OfTheKiosk) -> None:
    answers: list[AccountAnswer] = []
    guesses = [threading.Thread(target=lambda: answers.append(kiosk.check("wayan", "000000", ONE))) for _ in range(12)]
    for one in guesses:
        one.start()
    for one in guesses:
        one.join()
    assert sum(one.outcome is AccountOutcome.WRONG for one in answers) == 5, answers


LINES = [
    b"", b"\n", b"{}\n", b"[]\n", b"null\n", b'{"kind": []}\n', b'{"kind": "check"}\n',
    b'{"kind": "welcome"}\n', b"\xff\xfe\n",
    b'{"kind": "check", "name": "wayan", "pin": 482913, "address": "10.20.0.7", "mac": "02:00:00:00:00:01"}\n',
    b'{"kind": "check", "name": "wayan", "pin": "482913", "address": "nowhere", "mac": "02:00:00:00:00:01"}\n',
    b'{"kind": "answer", "outcome": "welcome", "holding": null, "wait_seconds": 0}\n',
    b'{"kind": "ask_ended", "held": [{"reference": "A-1", "generation": "1"}]}\n', b"[" * 20_000 + b"\n",
]  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_nonsense_is_refused_and_the_next_is_answered(kiosk: OfTheKiosk, line: bytes) -> None:
    if line.endswith(b"\n"):
        assert isinstance(decode_answer(ask(kiosk.path, line, 30.0, 65_536)), Refusal)
    kiosk.enter()


def test_who_asks_slowly_or_goes_away_keeps_no_thread(kiosk: OfTheKiosk) -> None:
    with socket.socket(socket.AF_UNIX) as slow:
        slow.connect(str(kiosk.path))
        slow.sendall(b'{"kind":')
        kiosk.enter()
    for _ in range(8):
        with socket.socket(socket.AF_UNIX) as gone:
            gone.connect(str(kiosk.path))
    kiosk.enter()


def test_a_fault_in_a_question_takes_no_thread_and_is_told_without_its_words(
    kiosk: OfTheKiosk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: object, name: str, *__: object) -> object:
        raise RuntimeError(name)

    with monkeypatch.context() as patched:
        patched.setattr(Checks, "_check", broken)
        for _ in range(THREADS + 1):
            with pytest.raises(AccountsUnavailable, match="does not answer"):
                AccountsClient(kiosk.path, timeout_seconds=30.0).check("wayan", "482913", ONE)
    kiosk.enter()
    assert "RuntimeError" in caplog.text and "wayan" not in caplog.text


def test_more_accounts_than_one_question_takes_are_asked_for_in_several(kiosk: OfTheKiosk) -> None:
    held = kiosk.enter()
    strangers = frozenset(Holding(f"A-{number:016d}", 1) for number in range(HELD_MAX + 10))
    assert kiosk.asked.ended(strangers | {held}) == strangers


def test_another_user_is_turned_away(tmp_path: Path, kiosk: OfTheKiosk) -> None:
    path = tmp_path / "other.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        Door(listener, TwinResidentAccounts(lambda: kiosk.now), (os.getuid() + 1,)).open()
        with pytest.raises(AccountsUnavailable, match="does not answer"):
            AccountsClient(path, 30.0).check("wayan", "482913", ONE)


def test_a_kiosk_that_is_away_or_silent_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(AccountsUnavailable, match="does not answer"):
        AccountsClient(tmp_path / "nothing.sock").check("wayan", "482913", ONE)
    path = tmp_path / "silent.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        with pytest.raises(AccountsUnavailable, match="does not answer"):
            AccountsClient(path, timeout_seconds=0.2).ended(frozenset())


@pytest.mark.parametrize(
    "answer",
    [
        AccountAnswer(AccountOutcome.WELCOME),
        AccountAnswer(AccountOutcome.WELCOME, Holding("12-7", 1)),
        AccountAnswer(AccountOutcome.WRONG, Holding("A-1", 1)),
        AccountAnswer(AccountOutcome.WAIT, wait_seconds=-1),
        Ended(()),
    ],
)
def test_a_kiosk_that_answers_nonsense_opens_nothing(tmp_path: Path, answer: AccountAnswer | Ended) -> None:
    path = tmp_path / "nonsense.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def answer_once() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4_096)
                connection.sendall(encode(answer))

        answering = threading.Thread(target=answer_once)
        answering.start()
        with pytest.raises(AccountsUnavailable, match="does not belong to the question"):
            AccountsClient(path, timeout_seconds=30.0).check("wayan", "482913", ONE)
        answering.join()


def test_no_more_than_a_few_threads_of_the_portal_wait_for_the_kiosk(tmp_path: Path) -> None:
    path, waiting = tmp_path / "silent.sock", list[threading.Thread]()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        client = AccountsClient(path, timeout_seconds=60.0, waiting_max=2)

        def wait() -> None:
            with pytest.raises(AccountsUnavailable):
                client.check("wayan", "482913", TWO)

        for _ in range(2):
            waiting.append(threading.Thread(target=wait))
            waiting[-1].start()
        held = [listener.accept()[0] for _ in waiting]
        assert client.check("wayan", "482913", ONE) == AccountAnswer(AccountOutcome.BUSY)
        for connection in held:
            connection.close()
        for one in waiting:
            one.join()
