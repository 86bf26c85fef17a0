"""A made-up village fills an empty register, and never stands among real people."""

import argparse
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from appliance.core.errors import DesahubError
from appliance.kiosk import demo, demo_commands
from appliance.kiosk.actors import Actor, Look
from appliance.kiosk.app import open_database, services
from appliance.kiosk.demo import DemoRefused
from appliance.kiosk.letters.current import make_desk
from appliance.kiosk.letters.flow import State
from appliance.kiosk.office.rules import Role
from appliance.kiosk.residents.access import open_register
from tests.unit.appliance.kiosk.conftest import HUB_TOML, World

LOOK = Look(Actor("operator", Role.OPERATOR), "test")


def test_residents_letters_and_accounts_are_made(world: World) -> None:
    kiosk = world.kiosk()
    made = demo.fill(kiosk, residents=60, letters=60, seed=1)
    assert made.residents == open_register(kiosk).search(LOOK).total == 60
    assert set(made.passwords) == {"operator", "sekretaris", "kepala"}
    assert len(made.pins) == demo.PINS
    desk = make_desk(kiosk)
    with kiosk.store.reading() as db:
        states = Counter(row[0] for row in db.execute("SELECT state FROM letters"))
    assert sum(states.values()) == made.letters >= 55
    assert {State.SUBMITTED, State.VERIFIED, State.READY, State.COLLECTED} <= set(states)
    assert len(desk.officials()) == 2


def test_who_stands_in_the_register_is_left_alone(world: World) -> None:
    kiosk = world.kiosk()
    demo.fill(kiosk, residents=5, letters=0, seed=1)
    with pytest.raises(DemoRefused, match="an empty one only"):
        demo.fill(kiosk, residents=5, letters=0, seed=2)
    assert open_register(kiosk).search(LOOK).total == 5


def test_every_kind_can_be_answered(world: World) -> None:
    desk, chance = make_desk(world.kiosk()), random.Random(1)
    for kind in desk.kinds.values():
        given = demo.sample_answers(kind, open_register(world.kiosk()).today(), "5103010101709001", chance)
        assert {field.name for field in kind.fields if field.required} <= set(given.values)


def _options(tmp_path: Path, *more: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    demo_commands.register(parser.add_subparsers())
    (tmp_path / "hub.toml").write_text(HUB_TOML)
    return parser.parse_args(
        ["demo-data", "--config", str(tmp_path / "hub.toml"), "--state-directory", str(tmp_path), *more]
    )


def test_the_command_tells_passwords_and_pins_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = _options(tmp_path, "--residents", "8", "--letters", "2")
    assert options.run(options) == 0
    said = capsys.readouterr().out
    assert "8 made-up residents and 2 letters" in said
    assert "One-time password for kepala: " in said
    assert said.count("PIN") == 3
    with pytest.raises(DesahubError, match="an empty one only"):
        options.run(options)


@pytest.mark.parametrize("more", [("--residents", "0"), ("--residents", "20001"), ("--letters", "-1")])
def test_numbers_beyond_reason_are_refused(tmp_path: Path, more: Any, capsys: pytest.CaptureFixture[str]) -> None:
    options = _options(tmp_path, *more)
    assert options.run(options) == 2
    assert "from 1 to 20000" in capsys.readouterr().err
    open_database(tmp_path, services()).close()
