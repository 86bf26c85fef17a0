"""The composition point: what the services are given when the box itself starts them."""

import socket
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


def test_the_agent_is_told_of_letters_where_systemd_gives_a_socket_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Any] = []
    monkeypatch.setattr(program, "serve", lambda *_bind, **named: named["beside"]())
    monkeypatch.setattr("appliance.kiosk.letters.marks_door.ASKER", "root")
    monkeypatch.setattr("appliance.kiosk.letters.marks_door.answer_forever", lambda *given: begun.append(given))
    config, state = tmp_path / "hub.toml", tmp_path / "state"
    config.write_text(HUB_TOML, "utf-8")
    state.mkdir()
    options = ["--config", str(config), "--state-directory", str(state), "--bind", "unix:/x"]
    with socket.socket(socket.AF_UNIX) as listener:
        for given in (None, listener):
            monkeypatch.setattr("appliance.unit.sockets.take", {"marks": given}.get)
            assert program.main(options) == 0
        ((found, _store, uid),) = begun
        assert found is listener and uid == 0
