"""A configuration that the NOC pushes stays where the hub is still heard, and goes back where it is not."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from script.village import plan
from script.village.programs import wait_until
from script.village.village import Village
from tests.village.test_operator import book, trusted

__all__ = ["trusted"]
pytestmark = [pytest.mark.root, pytest.mark.village, pytest.mark.timeout(400)]
DROP_IN = "/run/systemd/system/desahub-return.timer.d/quick.conf"
# An address from which nobody hears the hub.
AWAY = ("--set", 'uplink.method="static"', "--set", 'uplink.address="203.0.113.77/24"', "--set",
        'uplink.gateway="203.0.113.1"', "--set", 'uplink.dns_servers=["203.0.113.1"]')  # fmt: skip


def order(village: Village, *words: str, life_seconds: int = 40) -> str:
    """Give an order; return what was told, also where the hub did not do it."""
    wait_until(lambda: plan.HUB_ID in village.net.inside(["desahub-noc", "hub", "list"]), "the hub in the inventory")
    command = ["desahub-noc", "command", *words, "--hub", plan.HUB_ID, "--life-seconds", str(life_seconds)]
    return village.net.inside(["sh", "-c", '"$@" 2>&1 || true', "sh", *command], timeout_seconds=90)


def hub_toml(village: Village, path: str = "/etc/desahub/hub.toml") -> dict[str, Any]:
    return tomllib.loads(village.hub.inside(["cat", path]))


def is_heard(village: Village) -> bool:
    token = village.net.inside(["cat", "/var/lib/desahub-noc/web/api.token"]).strip()
    text = village.net.inside(
        ["curl", "-s", "-H", f"Authorization: Bearer {token}", f"http://127.0.0.1:8090/api/hubs/{plan.HUB_ID}"]
    )
    return bool(json.loads(text).get("state") in ("online", "attention"))


@pytest.fixture
def quick(trusted: Village) -> Iterator[Village]:
    """Twenty seconds for the NOC to say that a change stays; ten minutes ship."""
    shipped = trusted.hub.inside(["systemctl", "cat", "desahub-return.timer"])
    assert "OnActiveSec=10min" in shipped
    write = f"mkdir -p $(dirname {DROP_IN}); printf '[Timer]\\nOnActiveSec=\\nOnActiveSec=20s\\n' >{DROP_IN}"
    trusted.hub.inside(["sh", "-euc", f"{write}; systemctl daemon-reload"])
    yield trusted
    trusted.hub.inside(["sh", "-euc", f"rm {DROP_IN}; systemctl daemon-reload"])


def test_a_change_after_which_the_hub_is_heard_stays(quick: Village) -> None:
    before = hub_toml(quick)
    assert "portal" not in before
    assert "1 of 1" in order(quick, "configure", "--set", "portal.history_days=29")
    assert hub_toml(quick)["portal"]["history_days"] == 29
    assert hub_toml(quick, "/etc/desahub/rendered/hub.toml") == hub_toml(quick)
    assert [event for event, _ in book(quick) if event not in ("again", "accepted")][-2:] == ["begun", "done"]
    # The time in which it would have gone back passes.
    wait_until(lambda: _timer(quick) != "active", "the timer's end", seconds=60)
    assert hub_toml(quick)["portal"]["history_days"] == 29
    assert "kept" in quick.hub.inside(["desahub", "configuration", "status"])
    assert "1 of 1" in order(quick, "configure", "--unset", "portal.history_days")
    assert hub_toml(quick) == before


def test_a_change_that_cuts_the_hub_off_is_taken_back(quick: Village) -> None:
    before = hub_toml(quick)
    # The hub changes, and is never heard of again: the order ends without it.
    assert "0 of 1" in order(quick, "configure", *AWAY, life_seconds=30)
    wait_until(lambda: hub_toml(quick) == before, "the hub to go back", seconds=90)
    wait_until(lambda: is_heard(quick), "the NOC to hear the hub again", seconds=120)
    status = ["desahub", "configuration", "status"]  # the file is back a while before all that follows from it
    wait_until(lambda: "returned" in quick.hub.inside(status), "the hub to say that it went back", seconds=60)


def test_what_the_hub_cannot_become_is_said_at_the_noc(trusted: Village) -> None:
    before = hub_toml(trusted)
    said = order(trusted, "configure", "--set", "portal.history_days=-5")
    assert "history_days" in said and "allowed" in said
    assert hub_toml(trusted) == before
    failed = trusted.hub.inside(["systemctl", "show", "--value", "-p", "Result", "desahub-configure.service"])
    assert failed.strip() == "success", "a refusal is no failure of the box"


def test_the_line_is_measured_when_the_noc_asks(trusted: Village) -> None:
    said = order(trusted, "speed-test", "--megabytes", "4")
    assert "1 of 1" in said, said
    found = json.loads(next(line for line in said.splitlines() if line.startswith("{")))
    assert found["download_kbit"] > 500
    assert found["upload_kbit"] > 500
    assert 1_000_000 < found["bytes"] <= 4_000_000


def _timer(village: Village) -> str:
    said = village.hub.inside(["systemctl", "show", "--value", "-p", "SubState", "desahub-return.timer"])
    return "active" if said.strip() == "waiting" else said.strip()
