"""The screen in the hall runs where hub.toml asks for it, and nowhere else."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from appliance.core import config
from appliance.core.errors import ConfigError
from appliance.network.render import SCREEN, render
from appliance.system.apply import apply
from appliance.system.memory import MemoryOperations
from tests.unit.appliance.system.test_apply import FULL, RENDERED, machine  # noqa: F401 - a fixture

UNIT = Path(__file__).parents[4] / "systemd/hub/desahub-screen.service"
WITH_SCREEN = FULL.replace("[kiosk]\n", "[kiosk]\nscreen = true\nscreen_turn = 90\n")
SERVICE = "desahub-screen.service"


def test_it_runs_only_while_it_is_asked_for(machine: MemoryOperations) -> None:  # noqa: F811 - the fixture
    apply(config.parse(FULL), FULL, machine)
    assert SERVICE not in machine.running
    apply(config.parse(WITH_SCREEN), WITH_SCREEN, machine)
    assert SERVICE in machine.running
    assert apply(config.parse(WITH_SCREEN), WITH_SCREEN, machine).reloaded == ()
    assert SERVICE in apply(config.parse(FULL), FULL, machine).stopped
    assert RENDERED / SCREEN not in machine.files


def test_a_turned_screen_is_told_to_cage() -> None:
    text = next(file.text for file in render(config.parse(WITH_SCREEN)) if file.path == SCREEN)
    assert text == "DESAHUB_SCREEN_ADDRESS=http://127.0.0.1/\nDESAHUB_SCREEN_TURNS=-r\n"
    for degrees in (45, 360, -90):
        with pytest.raises(ConfigError, match="allowed are 0, 90, 180 and 270"):
            config.parse(WITH_SCREEN.replace("screen_turn = 90", f"screen_turn = {degrees}"))


def test_the_unit_opens_the_rendered_address_and_lets_nobody_switch() -> None:
    unit = configparser.RawConfigParser(strict=False, allow_no_value=True)
    unit.optionxform = str  # type: ignore[assignment,method-assign] # keys as systemd writes them
    unit.read_string(UNIT.read_text("utf-8").replace("\\\n", " "))
    words = unit["Service"]["ExecStart"].split()
    assert words[-1] == "${DESAHUB_SCREEN_ADDRESS}"
    cage, browser = words[words.index("/usr/bin/cage") : words.index("--")], words[words.index("--") :]
    assert "-s" not in cage
    assert {"--kiosk", "--incognito", "--user-data-dir=/run/desahub-screen/profile"} <= set(browser)
    assert not any(
        word.startswith(("--no-sandbox", "--remote-debugging", "--disable-web-security")) for word in browser
    )
