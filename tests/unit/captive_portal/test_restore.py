"""After a reboot residents are back online before the radio is, with what they had left."""

from pathlib import Path
from typing import Any

import pytest

from appliance.core.errors import GateUnavailable
from appliance.gate.protocol import Client, RefusalCode
from captive_portal.restore import Restored, main, restore
from captive_portal.rules import Decision, Now, Verdict

ONE = Client("10.20.0.7", "02:00:00:00:00:01")
OTHER = Client("10.20.0.8", "02:00:00:00:00:02")
STRANGER = Client("10.99.0.7", "02:00:00:00:00:02")


def _grant(world: Any, client: Client) -> None:
    world.grants.keep(Decision(Verdict.ADMIT, client, 600, 0), world.now)


def test_the_gate_gets_back_what_is_left_and_a_second_run_gives_no_more(world: Any) -> None:
    _grant(world, ONE)
    world.wait(100)
    world.grants.checkpoint(world.now)
    world.now = Now("b" * 32, 4, 0)
    world.new_gate()
    assert restore(world.grants, world.gate, world.now) == Restored(1, 0, 0)
    assert [(one.client, one.remaining_seconds) for one in world.gate.clients()] == [(ONE, 500)]
    world.wait(50)
    restore(world.grants, world.gate, world.now)
    assert [one.remaining_seconds for one in world.gate.clients()] == [450]


def test_a_restart_of_the_gate_alone_is_repaired_too(world: Any) -> None:
    _grant(world, ONE)
    world.wait(30)
    world.new_gate()
    restore(world.grants, world.gate, world.now)
    assert [one.remaining_seconds for one in world.gate.clients()] == [570]


def test_networks_that_were_changed_lose_their_grants_others_keep_them(world: Any) -> None:
    _grant(world, ONE)
    _grant(world, STRANGER)
    assert restore(world.grants, world.gate, world.now) == Restored(1, 1, 0)
    assert world.grants.of(STRANGER, world.now) is None
    world.new_gate()
    world.gate.refuses = RefusalCode.FULL
    assert restore(world.grants, world.gate, world.now) == Restored(0, 1, 0)
    assert world.grants.of(ONE, world.now) is not None


def test_who_has_no_grant_is_shut_out_and_who_has_one_is_not_touched(world: Any) -> None:
    _grant(world, ONE)
    world.gate.admit(ONE, 600)
    world.gate.admit(OTHER, 3_000)
    asked: list[Client] = []
    admit = world.gate.admit

    def note(client: Client, lease_seconds: int) -> None:
        asked.append(client)
        admit(client, lease_seconds)

    world.gate.admit = note
    assert restore(world.grants, world.gate, world.now) == Restored(1, 0, 1)
    assert [one.client for one in world.gate.clients()] == [ONE]
    assert asked == []


def test_a_renewal_that_the_gate_missed_is_made_good(world: Any) -> None:
    _grant(world, ONE)
    world.gate.admit(ONE, 100)
    restore(world.grants, world.gate, world.now)
    assert [one.remaining_seconds for one in world.gate.clients()] == [600]


def test_who_left_while_the_gate_was_down_is_shut_out(world: Any) -> None:
    _grant(world, ONE)
    world.gate.admit(ONE, 600)
    world.grants.take_back(ONE)
    assert restore(world.grants, world.gate, world.now) == Restored(0, 0, 1)
    assert world.gate.clients() == () and world.grants.leaving() == ()


def test_without_the_gate_the_grants_wait(world: Any) -> None:
    _grant(world, ONE)
    world.gate.is_down = True
    with pytest.raises(GateUnavailable):
        restore(world.grants, world.gate, world.now)
    assert world.grants.of(ONE, world.now) is not None


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--state-directory", str(tmp_path / "none")]) == 1
    assert "must exist" in capsys.readouterr().err


def test_the_command_says_that_no_folder_was_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    assert main([]) == 1
    assert "STATE_DIRECTORY" in capsys.readouterr().err


def test_the_command_notes_what_is_left_without_asking_the_gate(world: Any, tmp_path: Path) -> None:
    boot_id = tmp_path / "proc/sys/kernel/random/boot_id"
    boot_id.parent.mkdir(parents=True)
    boot_id.write_text("cccccccc-cccc-cccc-cccc-cccccccccccc\n")
    arguments = ["--state-directory", str(world.folder), "--roots", str(tmp_path), "--checkpoint"]
    assert main([*arguments, "--gate-socket", "/nowhere"]) == 0
    with world.grants.store.reading() as db:
        assert [row["boot_id"] for row in db.table("checkpoints").rows] == ["c" * 32]
