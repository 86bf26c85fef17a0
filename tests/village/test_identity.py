"""The units of enrolment as they ship: a hub that is revoked is out within a minute, and a new code lets it back in."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from script.village import plan
from script.village.village import Village

pytestmark = [pytest.mark.root, pytest.mark.village]


def _wait(holds: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not come within {seconds} s"
        time.sleep(0.5)


def _log(village: Village, unit: str) -> str:
    machine = village.net if unit.startswith("desahub-noc") else village.hub
    return machine.inside(["journalctl", "--no-pager", "-o", "cat", "-u", unit])


def test_a_revoked_hub_is_out_within_a_minute_and_a_new_code_lets_it_back_in(village: Village) -> None:
    connected = "connected to the NOC"
    _wait(lambda: connected in _log(village, "desahub-agent"), "the agent's connection")
    before = _log(village, "desahub-agent").count("the connection to the NOC ended")
    village.net.inside(["desahub-noc", "hub", "revoke", plan.HUB_ID, "--why", "uji coba"])
    _wait(lambda: "revoked at the broker" in _log(village, "desahub-noc-enrolment"), "the broker's refusal")
    _wait(
        lambda: _log(village, "desahub-agent").count("the connection to the NOC ended") > before, "the hub's exclusion"
    )
    assert "\trevoked" in village.net.inside(["desahub-noc", "hub", "list"])
    times = _log(village, "desahub-agent").count(connected)
    code = village.net.inside(["desahub-noc", "hub", "claim", plan.HUB_ID]).split()[-1]
    assert "has its identity" in village.hub.inside(["desahub", "claim", code])
    village.hub.inside(["systemctl", "restart", "desahub-agent.service"])
    _wait(lambda: _log(village, "desahub-agent").count(connected) > times, "the agent's return")


def test_timers_of_claim_and_renewal_wait(village: Village) -> None:
    told = village.hub.inside(["systemctl", "list-timers", "--no-pager", "--all", "desahub-claim*", "desahub-renew*"])
    assert "desahub-claim.timer" in told
    assert "desahub-renew.timer" in told
    village.hub.inside(["systemctl", "start", "desahub-renew.service"])
    result = village.hub.inside(["systemctl", "show", "--value", "-p", "Result", "desahub-renew.service"])
    assert result.strip() == "success"
