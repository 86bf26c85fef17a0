"""Grants survive restarts and reboots, and hold no history."""

from typing import Any

import pytest

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
