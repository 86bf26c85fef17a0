"""Slow hashes: what they cost, one at a time, and few who wait."""

import threading

import pytest

from appliance.core.errors import StoreBusy
from appliance.store import slow_hash
from appliance.store.slow_hash import SHARED, Cost, SlowHash

CHEAP = Cost(memory_kibibytes=8, passes=1)


def test_what_the_program_uses_is_owasps_minimum() -> None:
    digest = SHARED.make("482913")
    assert digest.startswith("$argon2id$v=19$m=19456,t=2,p=1$") and SHARED.matches(digest, "482913")
    assert not SHARED.matches(digest, "482914")
    assert SHARED.nobody.startswith("$argon2id$v=19$m=19456,t=2,p=1$") and not SHARED.matches(SHARED.nobody, "")


def test_nobodys_hash_costs_what_everybodys_does() -> None:
    assert SlowHash(CHEAP).nobody.startswith("$argon2id$v=19$m=8,t=1,p=1$")


@pytest.mark.parametrize(("digest", "text"), [("", "x"), ("no hash", "x"), (SlowHash(CHEAP).nobody, "\ud800")])
def test_what_is_no_hash_or_no_text_matches_nothing(digest: str, text: str) -> None:
    assert not SlowHash(CHEAP).matches(digest, text)


def test_only_so_many_wait_and_one_more_is_told_at_once() -> None:
    hashing = SlowHash(CHEAP, waiting_max=2)
    inside, leave = threading.Barrier(4), threading.Event()

    def stay() -> None:
        with hashing.place():
            inside.wait(10)
            leave.wait(10)

    threads = [threading.Thread(target=stay) for _ in range(3)]
    for each in threads:
        each.start()
    inside.wait(10)
    with pytest.raises(StoreBusy, match="try again"), hashing.place():
        pass
    leave.set()
    for each in threads:
        each.join()
    with hashing.place():
        assert hashing.make("x")


def test_one_is_hashed_at_a_time_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, most = 0, 0
    guard = threading.Lock()

    class Counting:
        def hash(self, text: str) -> str:
            nonlocal at_once, most
            with guard:
                at_once += 1
                most = max(most, at_once)
            threading.Event().wait(0.01)
            with guard:
                at_once -= 1
            return text

    monkeypatch.setattr(slow_hash, "_hasher", lambda _cost: Counting())
    users = [SlowHash(CHEAP), SlowHash(Cost(16, 1))]
    threads = [threading.Thread(target=users[number % 2].make, args=("x",)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert most == 1
