"""The brake on guessing codes: who waits, for how long, and who never does."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.gate.protocol import Client
from appliance.store import boot_brake
from appliance.store.database import Database, Store, open_store
from captive_portal import attempts
from captive_portal.now import Now

ONE, OTHER = Client("10.20.0.7", "02:00:00:00:00:01"), Client("10.20.0.8", "02:00:00:00:00:02")


def _at(seconds: int, boot: str = "a") -> Now:
    return Now(boot * 32, seconds, 0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(tmp_path / "grants.db", [attempts.MIGRATIONS])
    yield made
    made.close()


@pytest.fixture
def db(store: Store) -> Iterator[Database]:
    with store.transaction() as db:
        yield db


def _guess(db: Database, client: Client, at: int, count: int = 1) -> int:
    return [attempts.count_wrong(db, client, _at(at)) for _ in range(count)][-1]


def test_four_wrong_codes_cost_nothing_and_each_further_one_costs_more(db: Database) -> None:
    assert _guess(db, ONE, 1_000, 4) == 0
    waits, at = [], 1_000
    for _ in range(8):
        waits.append(_guess(db, ONE, at))
        at += waits[-1]
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]


def test_a_wait_runs_off_and_binds_only_who_earned_it(db: Database) -> None:
    _guess(db, ONE, 1_000, 5)
    assert [attempts.wait_seconds(db, ONE, _at(at)) for at in (1_000, 1_029, 1_030)] == [30, 1, 0]
    assert attempts.wait_seconds(db, OTHER, _at(1_000)) == 0


@pytest.mark.parametrize("changed", [Client(ONE.address, OTHER.mac), Client(OTHER.address, ONE.mac)])
def test_changing_the_mac_or_the_address_alone_does_not_help(db: Database, changed: Client) -> None:
    _guess(db, ONE, 1_000, 5)
    assert attempts.wait_seconds(db, changed, _at(1_001)) == 29


def test_ten_quiet_minutes_after_the_wait_all_is_forgotten(db: Database) -> None:
    _guess(db, ONE, 1_000, 5)
    assert _guess(db, ONE, 1_000 + 30 + 599) == 60
    assert _guess(db, ONE, 1_629 + 60 + 600) == 0


def test_a_reboot_shortens_no_wait_and_lengthens_none_beyond_itself(store: Store) -> None:
    with store.transaction() as db:
        _guess(db, ONE, 50_000, 8)
    store.close()
    again = open_store(store.path, [attempts.MIGRATIONS])
    with again.transaction() as db:
        assert attempts.wait_seconds(db, ONE, _at(20, "b")) == 220
        assert attempts.wait_seconds(db, ONE, _at(240, "b")) == 0
        assert attempts.count_wrong(db, ONE, _at(240, "b")) == 480
        assert attempts.wait_seconds(db, ONE, _at(300, "b")) == 420
        # The next boot: again from its start, never longer than the wait itself.
        assert attempts.wait_seconds(db, ONE, _at(0, "c")) == 480
        assert attempts.wait_seconds(db, ONE, _at(480, "c")) == 0
    again.close()


def test_under_attack_those_who_guess_wait_sooner_and_nobody_else(db: Database) -> None:
    for number in range(boot_brake.BOX_COUNT_MAX):
        client = Client(f"10.20.1.{number}", f"02:00:00:00:01:{number:02x}")
        assert attempts.count_wrong(db, client, _at(1_000)) == 0
    assert attempts.count_wrong(db, OTHER, _at(1_000)) == 30
    assert attempts.wait_seconds(db, ONE, _at(1_000)) == 0
    # However long it went on, a minute after the last code a slip of the finger is free again.
    for number in range(1_000):
        attempts.count_wrong(db, Client(f"10.20.2.{number % 250}", f"02:00:00:00:02:{number % 250:02x}"), _at(1_001))
    assert attempts.count_wrong(db, ONE, _at(1_062)) == 0


def test_made_up_devices_do_not_fill_the_disk(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boot_brake, "ROWS_MAX", 20)
    for number in range(100):
        _guess(db, Client(f"10.20.1.{number}", f"02:00:00:00:01:{number:02x}"), 1_000 + number)
    kinds = [row["kind"] for row in db.rows("SELECT kind FROM attempts")]
    assert len(kinds) <= 24
    assert set(kinds) == {"mac", "address", "box"}


@given(st.integers(0, 10_000_000), st.booleans())
def test_waits_grow_and_have_an_end(count: int, under_attack: bool) -> None:
    wait = boot_brake.wait_after(count, under_attack=under_attack)
    assert 0 <= wait <= boot_brake.LONGEST_WAIT_SECONDS
    assert wait <= boot_brake.wait_after(count + 1, under_attack=under_attack)
    assert wait <= boot_brake.wait_after(count, under_attack=True)
