"""Processes, files, the neighbour table and the line of truth."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.errors import OperationError
from appliance.system import files, neighbours, uplink_state
from appliance.system.processes import run
from appliance.system.roots import Roots
from appliance.system.uplink_state import UNKNOWN, UplinkState

REPOSITORY = Path(__file__).parents[4]


def test_a_program_gets_its_arguments_as_they_are() -> None:
    done = run(["printf", "%s|", "a b", "$HOME", ";reboot"], timeout_seconds=5)
    assert done.output == "a b|$HOME|;reboot|"


def test_a_program_reads_its_input_and_a_small_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    assert run(["cat"], timeout_seconds=5, input_text="é").output == "é"
    assert "SECRET" not in run(["env"], timeout_seconds=5).output


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["sh", "-c", "echo wrong >&2; exit 3"], "ended with status 3: wrong"),
        (["false"], "it said nothing"),
        (["/no/such/program"], "could not be started"),
        (["echo", "a\0b"], "could not be started"),
        (["sleep", "9"], "no end after 0.1 seconds"),
    ],
)
def test_a_program_that_fails_says_how(argv: list[str], words: str) -> None:
    with pytest.raises(OperationError, match=words):
        run(argv, timeout_seconds=0.1 if argv[0] == "sleep" else 5)


def test_a_status_may_be_accepted() -> None:
    assert run(["false"], timeout_seconds=5, accepted=(0, 1)).status == 1


def test_a_file_is_written_once_whole_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    assert files.write_durably(path, "é", 0o600)
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("é", 0o600)
    number = path.stat().st_ino
    assert not files.write_durably(path, "é", 0o600)
    assert path.stat().st_ino == number
    assert files.write_durably(path, "é", 0o644)
    assert files.write_durably(path, "other", 0o644)
    assert [one.name for one in path.parent.iterdir()] == ["file"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    files.write_durably(path, "old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OperationError, match="No space left"):
        files.write_durably(path, "new")
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("file", "old")]


def test_removing_twice_is_no_error(tmp_path: Path) -> None:
    files.write_durably(tmp_path / "file", "x")
    files.remove_durably(tmp_path / "file")
    files.remove_durably(tmp_path / "file")
    assert not (tmp_path / "file").exists()


ARP = """\
IP address       HW type     Flags       HW address            Mask     Device
10.20.0.50       0x1         0x2         02:00:00:00:00:AA     *        br-warga
10.20.0.51       0x1         0x0         00:00:00:00:00:00     *        br-warga
10.20.0.52       0x1         0x2         00:00:00:00:00:00     *        br-warga
10.20.0.53       0x1         0x6         02:00:00:00:00:ab     *        br-kantor
10.20.0.54       0x1         zz          02:00:00:00:00:ac     *        br-warga
half a line
"""


def test_only_answered_neighbours_count(tmp_path: Path) -> None:
    roots = Roots.under(tmp_path)
    (roots.proc / "net").mkdir(parents=True)
    (roots.proc / "net/arp").write_text(ARP)
    assert [one.address for one in neighbours.read(roots)] == ["10.20.0.50", "10.20.0.53"]
    mac_of = neighbours.finder(roots)
    assert mac_of("10.20.0.50", "br-warga") == "02:00:00:00:00:aa"
    assert mac_of("10.20.0.51", "br-warga") is None
    assert mac_of("10.20.0.5", "br-warga") is None
    assert mac_of("10.20.0.50", "br-kantor") is None


def test_no_neighbour_table_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="arp: cannot be read"):
        neighbours.finder(Roots.under(tmp_path))("10.20.0.50", "br-warga")


@given(st.text(max_size=300))
def test_no_text_breaks_the_neighbour_parser(text: str) -> None:
    neighbours.parse(text)


GOOD = {"up": True, "since_wall": "2026-01-01T00:00:00+08:00", "checked_boottime_ms": 500_000}


@pytest.mark.parametrize(
    ("change", "now", "wanted"),
    [
        ({}, 500_001, UplinkState(True, "2026-01-01T00:00:00+08:00", 500_000)),
        ({"up": False, "since_wall": None}, 680_000, UplinkState(False, None, 500_000)),
        ({"up": None}, 500_000, UplinkState(None, "2026-01-01T00:00:00+08:00", 500_000)),
        ({}, 680_001, UNKNOWN),
        ({}, 499_999, UNKNOWN),
        ({"up": 1}, 500_001, UNKNOWN),
        ({"since_wall": "yesterday"}, 500_001, UNKNOWN),
        ({"since_wall": "2026-01-01T00:00:00"}, 500_001, UNKNOWN),
        ({"checked_boottime_ms": True}, 500_001, UNKNOWN),
        ({"more": 1}, 500_001, UNKNOWN),
    ],
)
def test_the_line_of_truth_is_fresh_and_well_formed_or_unknown(
    tmp_path: Path, change: dict[str, object], now: int, wanted: UplinkState
) -> None:
    roots = Roots.under(tmp_path)
    uplink_state.path(roots).parent.mkdir(parents=True)
    uplink_state.path(roots).write_text(json.dumps(GOOD | change))
    assert uplink_state.read(roots, now) == wanted


def test_the_line_of_truth_may_be_missing_or_huge(tmp_path: Path) -> None:
    roots = Roots.under(tmp_path)
    assert uplink_state.read(roots) == UNKNOWN
    uplink_state.path(roots).parent.mkdir(parents=True)
    uplink_state.path(roots).write_bytes(b" " * 5000 + json.dumps(GOOD).encode())
    assert uplink_state.read(roots, 500_001) == UNKNOWN
    assert uplink_state.boottime_ms() > 0


@given(st.text(max_size=200))
def test_no_text_breaks_the_line_of_truth(text: str) -> None:
    assert uplink_state.judge(text, 1) == UNKNOWN
