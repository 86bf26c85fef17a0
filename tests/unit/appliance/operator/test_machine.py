"""What the operator's machine believes of a speed test that somebody without privileges wrote down."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from appliance.core.clock import Moment, WallQuality
from appliance.core.errors import OperationError
from appliance.operator.machine import SystemdMachine
from appliance.system.processes import Completed

BOOT = "a" * 32
NOW = Moment(BOOT, 100_000, 0, WallQuality.UNKNOWN)


def machine(path: Path, *, writes: object = None, status: int = 0) -> SystemdMachine:
    def program(argv: list[str], **_: object) -> Completed:
        if writes is not None and "start" in argv:
            path.write_text(json.dumps(writes))
        return Completed(tuple(argv), status if "start" in argv else 0, "", "")

    return SystemdMachine(program=program, measured=path, now=lambda: NOW)


def test_what_the_test_found_is_sent(tmp_path: Path) -> None:
    found = {"boot_id": BOOT, "boottime_ms": 120_000, "download_kbit": 4_000}
    assert json.loads(machine(tmp_path / "r.json", writes=found).speed_test(10)) == found


def test_an_old_result_is_not_told_as_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    for old in ({"boot_id": BOOT, "boottime_ms": 99_000}, {"boot_id": "b" * 32, "boottime_ms": 120_000}):
        path.write_text(json.dumps(old))
        with pytest.raises(OperationError, match="did not run"):
            machine(path).speed_test(10)


def test_why_it_could_not_be_measured_is_told(tmp_path: Path) -> None:
    said = {"boot_id": BOOT, "boottime_ms": 120_000, "error": "the NOC does not measure now"}
    with pytest.raises(OperationError, match="does not measure now"):
        machine(tmp_path / "r.json", writes=said, status=1).speed_test(10)


@pytest.mark.parametrize("kind", ["link", "pipe", "nothing", "text", "long"])
def test_what_is_no_result_is_no_way_to_another_file(tmp_path: Path, kind: str) -> None:
    path, secret = tmp_path / "r.json", tmp_path / "secret"
    secret.write_text(json.dumps({"boot_id": BOOT, "boottime_ms": 120_000, "secret": 1}))
    if kind == "link":
        path.symlink_to(secret)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind != "nothing":
        path.write_text("not JSON" if kind == "text" else json.dumps({"x": "y" * 5_000}))
    with pytest.raises(OperationError):
        machine(path).speed_test(10)
