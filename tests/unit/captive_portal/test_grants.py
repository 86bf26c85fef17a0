"""Grants survive restarts and reboots, and hold no history."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.core.errors import StoreTooNew
from appliance.gate.protocol import Client
from captive_portal import grants as module
from captive_portal.grants import Grants, open_grants
from captive_portal.rules import Decision, Now, Verdict

ONE, OTHER = Client("10.20.0.7", "02:00:00:00:00:01"), Client("10.20.0.8", "02:00:00:00:00:02")
NOW = Now("a" * 32, 1_000, 7)


def _at(seconds: int, boot: str = "a") -> Now:
    return Now(boot * 32, seconds, 0)


def _decision(client: Client, lease_seconds: int = 600) -> Decision:
    return Decision(Verdict.ADMIT, client, lease_seconds, 0)


@pytest.fixture
def grants(world: Any) -> Grants:
    found: Grants = world.grants
    return found


def test_a_grant_is_found_until_it_ends_and_after_a_restart(grants: Grants, world: Any) -> None:
    kept = grants.keep(_decision(ONE), NOW)
    grants.store.close()
    again = open_grants(world.folder / "grants.db")
    assert again.of(ONE, _at(1_599)) == kept
    assert again.of(ONE, _at(1_600)) is None
    assert again.of(Client(ONE.address, OTHER.mac), NOW) is None
    again.store.close()


def test_nothing_is_kept_of_who_is_not_admitted(grants: Grants) -> None:
    with pytest.raises(ValueError, match="no_mac"):
        grants.keep(Decision(Verdict.NO_MAC), NOW)


def test_an_address_given_to_another_device_takes_the_grant_away(grants: Grants) -> None:
    grants.keep(_decision(ONE), NOW)
    newcomer = Client(ONE.address, OTHER.mac)
    grants.keep(_decision(newcomer), NOW)
    assert grants.of(ONE, NOW) is None and grants.of(newcomer, NOW) is not None


def test_carrying_over_gives_back_the_last_checkpoint_and_only_once(grants: Grants) -> None:
    grants.keep(_decision(ONE), NOW)
    grants.checkpoint(_at(1_250))
    carried = grants.carry_over(_at(20, "b"))
    assert [(one.client, one.lease_seconds, one.boot_seconds) for one in carried] == [(ONE, 350, 20)]
    again = grants.carry_over(_at(120, "b"))
    assert again == carried
    assert grants.of(ONE, _at(369, "b")) is not None and grants.of(ONE, _at(370, "b")) is None


def test_without_a_checkpoint_the_whole_lease_is_given_back(grants: Grants) -> None:
    grants.keep(_decision(ONE), NOW)
    assert [one.lease_seconds for one in grants.carry_over(_at(5, "b"))] == [600]


def test_what_had_ended_is_not_given_back(grants: Grants) -> None:
    grants.keep(_decision(ONE), NOW)
    grants.checkpoint(_at(1_600))
    assert grants.carry_over(_at(5, "b")) == ()


def test_a_new_grant_notes_the_others_when_the_last_note_is_old(grants: Grants) -> None:
    grants.keep(_decision(ONE, 3_600), NOW)
    grants.keep(_decision(OTHER, 3_600), _at(1_000 + module.CHECKPOINT_SECONDS - 1))
    assert _left(grants)[ONE.address] == 3_600
    grants.keep(_decision(OTHER, 3_600), _at(1_000 + module.CHECKPOINT_SECONDS))
    assert _left(grants) == {ONE.address: 3_600 - module.CHECKPOINT_SECONDS, OTHER.address: 3_600}


def test_what_has_ended_is_deleted(grants: Grants) -> None:
    grants.keep(_decision(ONE), NOW)
    grants.keep(_decision(OTHER), _at(1_600))
    assert _left(grants) == {OTHER.address: 600}


def _left(grants: Grants) -> dict[str, int]:
    with grants.store.reading() as db:
        return {row["address"]: row["left_seconds"] for row in db.table("grants").rows}


def test_one_device_holds_four_addresses_and_loses_the_oldest(grants: Grants) -> None:
    clients = [Client(f"10.20.0.{number}", ONE.mac) for number in range(7, 207)]
    grants.keep(_decision(OTHER), NOW)
    for number, client in enumerate(clients):
        grants.keep(_decision(client, 9_000), _at(1_000 + number))
    now = _at(1_500)
    assert [client for client in clients if grants.of(client, now)] == clients[-4:]
    assert set(grants.leaving()) == set(clients[:-4])
    grants.keep(_decision(clients[-4], 9_000), now)  # renewed, it is the newest
    grants.keep(_decision(clients[0], 9_000), now)
    assert grants.of(clients[-4], now) is not None and grants.of(clients[-3], now) is None
    assert clients[0] not in grants.leaving(), "it is granted anew"


def test_grants_of_an_earlier_boot_are_the_oldest(grants: Grants) -> None:
    old = [Client(f"10.20.1.{number}", ONE.mac) for number in range(1, 5)]
    for number, client in enumerate(old):
        grants.keep(_decision(client), _at(50_000 + number, "b"))
    grants.keep(_decision(ONE), NOW)
    assert grants.leaving() == (old[0],)


def test_who_left_is_remembered_until_the_gate_has_shut(grants: Grants, world: Any) -> None:
    grants.keep(_decision(ONE), NOW)
    grants.take_back(ONE)
    grants.take_back(ONE)
    assert grants.of(ONE, NOW) is None
    again = open_grants(world.folder / "grants.db")
    assert again.leaving() == (ONE,)
    again.shut_out(ONE)
    assert grants.leaving() == ()
    again.store.close()


def _tear(content: bytes) -> bytes:
    return content[:4096] + bytes(4096) + content[8192:]


@pytest.mark.parametrize("damage", [lambda content: b"no database" * 999, _tear], ids=["other", "page"])
def test_a_damaged_database_is_set_aside_and_older_ones_stay(
    tmp_path: Path, damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "grants.db"
    for number in (1, 2):
        grants = open_grants(path)
        assert grants.of(ONE, NOW) is None
        grants.keep(_decision(ONE), NOW)
        with grants.store.reading() as db:
            assert db.execute("PRAGMA page_count").fetchone()[0] > 2
        grants.store.close()
        damaged = damage(path.read_bytes())
        path.write_bytes(damaged)
        open_grants(path).store.close()
        assert (tmp_path / f"grants.db.damaged-{number}").read_bytes() == damaged
    assert caplog.text.count("set aside") == 2


def test_a_database_that_is_only_newer_is_not_set_aside(grants: Grants, world: Any) -> None:
    with grants.store.transaction() as db:
        db.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('grants', 'm999', '')")
    with pytest.raises(StoreTooNew):
        open_grants(world.folder / "grants.db")
    assert not list(world.folder.glob("*damaged*"))
