"""The gate, in the sandbox that ships, pins an admitted device's neighbour entry and releases it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from script.village import plan
from script.village.programs import run
from script.village.village import Village

pytestmark = [pytest.mark.root, pytest.mark.village]
ADDRESS, MAC = "10.20.7.7", "02:00:00:00:07:07"
# Root may ask the gate anything; it is asked as a program on the box would ask it.
ASK = "from appliance.gate.client import GateClient; from appliance.gate.protocol import Client; g = GateClient(); "


def _pinned() -> bool:
    listed = run(["ip", "-n", plan.HUB, "-j", "-4", "neighbour", "show", "nud", "permanent"])
    return any(one["dst"] == ADDRESS and one["lladdr"] == MAC for one in json.loads(listed or "[]"))


def _until(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 15
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def test_an_admitted_device_is_pinned_and_let_go_by_whoever_ends_its_lease(village: Village) -> None:
    admit = f"{ASK}g.admit(Client({ADDRESS!r}, {MAC!r}), 600)"
    village.hub.inside(["/opt/desahub/bin/python", "-c", admit])
    assert _until(_pinned)
    # No grant stands behind it: the keeper ends it, and the pin goes with it.
    assert _until(lambda: not _pinned())
