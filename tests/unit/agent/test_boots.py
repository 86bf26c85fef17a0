"""How the boot before ended, as the mark on the disk tells it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.boots import BootMark, BootReason
from appliance.core.clock import Moment, WallQuality
from appliance.core.errors import OperationError


def boot(letter: str) -> Moment:
    return Moment(letter * 32, 5_000, 0, WallQuality.UNKNOWN)


def mark(path: Path, ending: str = "") -> BootMark:
    return BootMark(path, lambda: ending)


@pytest.mark.parametrize(
    ("ending", "reason"),
    [("poweroff", BootReason.CLEAN), ("reboot", BootReason.REBOOT), ("", BootReason.UNKNOWN)],
)
def test_an_orderly_end_is_told_at_the_next_boot(tmp_path: Path, ending: str, reason: BootReason) -> None:
    first = mark(tmp_path / "boot", ending)
    assert first.begin(boot("a"))
    assert first.reason is BootReason.UNKNOWN, "nothing is known of what was before the first"
    first.end()
    second = mark(tmp_path / "boot")
    assert second.begin(boot("b"))
    assert second.reason is reason


def test_who_said_no_goodbye_lost_its_power(tmp_path: Path) -> None:
    mark(tmp_path / "boot").begin(boot("a"))
    second = mark(tmp_path / "boot")
    assert second.begin(boot("b"))
    assert second.reason is BootReason.UNCLEAN


def test_an_agent_that_is_started_again_has_not_booted(tmp_path: Path) -> None:
    mark(tmp_path / "boot").begin(boot("a"))
    second = mark(tmp_path / "boot")
    second.begin(boot("b"))
    second.end()
    third = mark(tmp_path / "boot")
    assert not third.begin(boot("b"))
    assert third.reason is BootReason.UNCLEAN
    # Started again, it counts as running: a power cut that comes now is seen.
    assert mark(tmp_path / "boot").begin(boot("c"))


def test_a_systemd_that_does_not_answer_leaves_it_unknown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> str:
        raise OperationError("no bus")

    first = BootMark(tmp_path / "boot", fail)
    first.begin(boot("a"))
    first.end()
    second = mark(tmp_path / "boot")
    second.begin(boot("b"))
    assert second.reason is BootReason.UNKNOWN
    assert "no bus" in caplog.text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.binary(max_size=200))
def test_a_mark_that_is_no_mark_says_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "boot").write_bytes(content)
    found = mark(tmp_path / "boot")
    assert found.begin(boot("a"))
    assert found.reason is BootReason.UNKNOWN


def test_a_folder_that_is_gone_stops_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    found = mark(tmp_path / "file" / "boot")
    assert found.begin(boot("a"))
    found.end()
    assert "the next start will not know" in caplog.text
