"""Simulated hubs through the real broker: what they lived is what the NOC has."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.pace import Backoff
from appliance.core.errors import OperationError
from noc.simulate import commands
from noc.simulate.crowd import STEADY_SECONDS, after_session, wait_seconds
from noc.store.contract import Hub
from noc.store.sqlite import open_noc_store
from tests.integration.conftest import REPOSITORY, Bed, wait_for

HUBS = 12


def simulate(bed: Bed, *more: str) -> subprocess.Popen[bytes]:
    return bed.start(
        "simulate", sys.executable, "-m", "noc.cli", "simulate", "--hubs", str(HUBS), "--port", str(bed.port),
        "--directory", str(bed.folder / "etc"), "--state", str(bed.folder / "noc"),
        "--truth", str(bed.folder / "truth.json"), *more,
    )  # fmt: skip


def held(bed: Bed) -> dict[str, list[tuple[str, int]]]:
    with contextlib.closing(open_noc_store(bed.folder / "noc/noc.db")) as store:
        return {
            each.hub_id: [(r.record.boot_id, r.record.sequence) for r in store.records(each.hub_id, 0, 2**62)]
            for each in store.hubs()
        }


def test_what_hubs_lived_through_is_what_the_noc_has_also_through_a_kill_of_the_broker(bed: Bed) -> None:
    broker = bed.start_broker()
    bed.start_ingest()
    simulation = simulate(bed, "--hours-ago", "6", "--speed", "1200", "--trouble", "30", "--seed", "5")
    wait_for(lambda: sum(map(len, held(bed).values())) > 500, 60, "records of simulated hubs")
    broker.send_signal(signal.SIGKILL)
    broker.wait(10)
    bed.start_broker()
    began = time.monotonic()
    before = sum(map(len, held(bed).values()))
    wait_for(lambda: sum(map(len, held(bed).values())) > before + 1_000, 90, "records after the broker's return")
    wait_for(lambda: " 0 wait" in bed.log("simulate").splitlines()[-1] or time.monotonic() - began > 30, 60, "the end")
    assert bed.end(simulation) == 0, bed.log("simulate")
    truth = json.loads((bed.folder / "truth.json").read_text())
    found = held(bed)
    assert len(truth) == HUBS
    kinds = {each["kind"] for hub in truth.values() for each in hub["troubles"]}
    assert kinds == {"line", "power"}
    for hub_id, lived in truth.items():
        assert len(found[hub_id]) == len(set(found[hub_id])), "a record counts once"
        assert len(found[hub_id]) >= lived["acknowledged"], "what was acknowledged is there"
        assert len(found[hub_id]) <= lived["acknowledged"] + lived["waiting"], "and nothing that nobody lived"
    with contextlib.closing(open_noc_store(bed.folder / "noc/noc.db")) as store:
        states = [each.state for each in store.facts()]
        assert store.aside_counts() == dict.fromkeys(store.aside_counts(), 0)
    assert all(each is not None for each in states)


def test_a_noc_with_real_hubs_is_left_alone(bed: Bed) -> None:
    with contextlib.closing(open_noc_store(bed.folder / "noc/noc.db")) as store:
        commands.require_simulation(store, 2)
        commands.require_simulation(store, 3)
        assert [each.hub_id for each in store.hubs()] != []
        store.add_hub(Hub("hub-satu", "Sukamaju", "51.03.01.2001"))
        before = store.hubs()
        with pytest.raises(OperationError, match="hub-satu"):
            commands.require_simulation(store, 9)
        assert store.hubs() == before


def test_a_simulation_that_cannot_be_is_refused_with_the_reason(bed: Bed) -> None:
    for arguments, wrong in ((("--hubs", "0"), "1 to 83762"), (("--hubs", "5", "--speed", "0"), "--speed from 1")):
        done = subprocess.run(
            [sys.executable, "-m", "noc.cli", "simulate", *arguments, "--directory", str(bed.folder / "etc"),
             "--state", str(bed.folder / "noc")],
            cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False, env=dict(os.environ),
        )  # fmt: skip
        assert done.returncode == 1 and wrong in done.stderr
    assert held(bed) == {}


def test_simulated_hubs_come_back_as_boxes_do() -> None:
    for fraction in (0.0, 0.3, 1.0):
        backoff = Backoff()
        assert [wait_seconds(tries, fraction) for tries in range(1, 20)] == [
            backoff.after(None, fraction) for _ in range(1, 20)
        ]


@pytest.mark.parametrize("held_seconds", [119.0, 120.0, 900.0, 5_400.0, 21_600.0, 86_400.0])
def test_simulated_hubs_spread_after_a_session_as_boxes_do(held_seconds: float) -> None:
    backoff = Backoff()
    tries, spread_seconds = after_session(held_seconds) if held_seconds >= STEADY_SECONDS else (0, 0.0)
    waits = [wait_seconds(tries + 1, 1.0, spread_seconds), *(wait_seconds(tries + more, 1.0) for more in (2, 3, 4))]
    assert waits == [backoff.after(held_seconds, 1.0), *(backoff.after(None, 1.0) for _ in range(3))]


def test_every_simulated_village_has_a_code_of_its_own(tmp_path: Path) -> None:
    hubs = [commands.inventory(number) for number in range(commands.HUBS_MAX)]
    assert len({each.kode_wilayah for each in hubs}) == len({each.hub_id for each in hubs}) == commands.HUBS_MAX
