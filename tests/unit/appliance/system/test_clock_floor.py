"""A clock that is behind is brought up to what has passed for certain, and never back."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from appliance.system import clock_floor

RELEASE = 1_790_000_000


def made(path: Path, modified_s: int) -> Path:
    path.write_bytes(b"")
    os.utime(path, (modified_s, modified_s))
    return path


def test_the_floor_is_the_latest_of_what_has_passed(tmp_path: Path) -> None:
    older, newer = made(tmp_path / "older", RELEASE - 5), made(tmp_path / "newer", RELEASE + 500)
    assert clock_floor.floor_s(RELEASE, [tmp_path / "missing"]) == RELEASE
    assert clock_floor.floor_s(RELEASE, [older]) == RELEASE
    assert clock_floor.floor_s(RELEASE, [newer, older, tmp_path / "newer/x"]) == RELEASE + 500


def test_a_file_from_the_far_future_says_nothing(tmp_path: Path) -> None:
    limit = RELEASE + clock_floor.YEARS_MAX * 365 * 86_400
    assert clock_floor.floor_s(RELEASE, [made(tmp_path / "a", limit)]) == limit
    assert clock_floor.floor_s(RELEASE, [made(tmp_path / "b", limit + 1)]) == RELEASE


@pytest.mark.parametrize(
    ("now_s", "expected"),
    [(0.0, [float(RELEASE)]), (RELEASE - 0.5, [float(RELEASE)]), (RELEASE, []), (RELEASE + 315_360_000.0, [])],
)
def test_a_clock_is_set_forward_only(now_s: float, expected: list[float]) -> None:
    set_to: list[float] = []
    assert clock_floor.raise_to(RELEASE, now_s, set_to.append) is bool(expected)
    assert set_to == expected


def test_the_release_says_when_it_was_packed(tmp_path: Path) -> None:
    folder = tmp_path / "desahub-0.1.0.dist-info"
    folder.mkdir()
    made(folder / "METADATA", RELEASE)
    assert clock_floor.release_s(tmp_path) == RELEASE
    assert clock_floor.release_s(tmp_path / "none") == int(Path(clock_floor.__file__).stat().st_mtime)


def test_a_kernel_that_refuses_is_said(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(_: float) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert clock_floor.main(refuse) == 1
    assert "cannot be set" in caplog.text
    monkeypatch.undo()
    assert clock_floor.main(refuse) == 0, "a clock that is right is not touched"
