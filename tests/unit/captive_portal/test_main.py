"""The composition points say what is wrong before they serve."""

from pathlib import Path

import pytest

from appliance.core.errors import OperationError
from appliance.kiosk import __main__ as kiosk
from appliance.unit.state import state_directory
from captive_portal import __main__ as portal
from captive_portal.clock import kernel_clock


@pytest.fixture(autouse=True)
def no_state_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)


@pytest.mark.parametrize("main", [portal.main, kiosk.main])
def test_a_missing_configuration_is_named(main: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(main)
    assert main(["--config", str(tmp_path / "none.toml"), "--state-directory", str(tmp_path)]) == 1
    assert "none.toml" in capsys.readouterr().err


@pytest.mark.parametrize("main", [portal.main, kiosk.main])
def test_every_problem_of_a_configuration_is_named(
    main: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(main)
    (tmp_path / "hub.toml").write_text("[villag]\n")
    assert main(["--config", str(tmp_path / "hub.toml"), "--state-directory", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "did you mean village?" in told and "uplink" in told


def test_the_state_directory_is_named_or_systemds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OperationError, match="STATE_DIRECTORY"):
        state_directory(None)
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    assert state_directory(None) == tmp_path
    assert state_directory(Path("/named")) == Path("/named")


def test_the_clock_is_the_kernels() -> None:
    clock = kernel_clock()
    first, second = clock(), clock()
    assert first.boot_id == second.boot_id and len(first.boot_id) == 32
    assert 0 < first.boot_seconds <= second.boot_seconds
