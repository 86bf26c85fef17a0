"""The composition point: what the services are given when the box itself starts them."""

from pathlib import Path
from typing import Any

import pytest

from appliance.kiosk import __main__ as program
from appliance.kiosk.services import Kiosk
from tests.unit.appliance.kiosk.conftest import HUB_TOML


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kiosk:
    """The kiosk as ``main`` makes it, with everything below one folder."""
    config, state, served = tmp_path / "hub.toml", tmp_path / "state", list[Any]()
    config.write_text(HUB_TOML, "utf-8")
    state.mkdir()
    monkeypatch.setattr(program, "serve", lambda app, *_bind, **_named: served.append(app))
    options = ["--config", str(config), "--state-directory", str(state), "--roots", str(tmp_path), "--bind", "unix:/x"]
    assert program.main(options) == 0
    kiosk: Kiosk = served[0].extensions["kiosk"]
    return kiosk


def test_a_clock_that_nothing_has_set_is_not_believed(started: Kiosk, tmp_path: Path) -> None:
    assert not started.clock_is_known()
    heard = tmp_path / "run/systemd/timesync/synchronized"
    heard.parent.mkdir(parents=True)
    heard.touch()
    assert started.clock_is_known()
    heard.unlink()
    assert not started.clock_is_known()


def test_a_clock_with_a_battery_is_believed(started: Kiosk, tmp_path: Path) -> None:
    (tmp_path / "sys/class/rtc/rtc0").mkdir(parents=True)
    assert started.clock_is_known()
