"""`desahub apply` on a running box, and what comes back by itself after a trouble."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest

from script.village import plan
from script.village.programs import VillageError, wait_until
from script.village.village import Village
from script.village.walk import Walk

pytestmark = [pytest.mark.root, pytest.mark.village]
HUB_TOML = "/etc/desahub/hub.toml"


def _on_hub(village: Village, script: str, text: str | None = None) -> str:
    return village.hub.inside(["sh", "-euc", script], text=text)


def _files(village: Village) -> str:
    return _on_hub(village, "cd /etc/desahub/rendered; head -n 999 * /etc/systemd/network/10-desahub-*")


def _addresses(village: Village) -> str:
    return _on_hub(village, f"ip -4 -o address show {plan.BRIDGE}")


@pytest.fixture
def moved(village: Village) -> Iterator[str]:
    """hub.toml with another address; afterwards the village is as it was."""
    before = village.hub.inside(["cat", HUB_TOML])
    yield before.replace(f"{plan.HUB_ADDRESS}/20", "10.21.0.1/20")
    _on_hub(village, f"cat >{HUB_TOML}; desahub apply", text=before)
    wait_until(lambda: f" {plan.HUB_ADDRESS}/20" in _addresses(village), "the bridge's own address", seconds=10)


@contextlib.contextmanager
def _unwatched_gate(village: Village) -> Iterator[None]:
    """A gate that systemd does not start again when it hangs."""
    folder, restart = (
        "/run/systemd/system/desahub-gate.service.d",
        "systemctl daemon-reload; systemctl restart desahub-gate",
    )
    _on_hub(village, f"mkdir {folder}; printf '[Service]\\nWatchdogSec=0\\n' >{folder}/test.conf; {restart}")
    try:
        yield
    finally:
        _on_hub(village, f"rm -r {folder}; {restart}")


def _gate_pid(village: Village) -> str:
    return village.hub.inside(["systemctl", "show", "--value", "-p", "MainPID", "desahub-gate.service"]).strip()


def test_a_gate_that_does_not_take_the_rules_takes_everything_back(village: Village, moved: str) -> None:
    before = _files(village)
    with _unwatched_gate(village):
        pid = _gate_pid(village)
        _on_hub(village, f"cat >{HUB_TOML}; kill -STOP {pid}", text=moved)
        try:
            with pytest.raises(VillageError, match=r"(?s)the gate did not take the new rules.*previous files are back"):
                village.hub.inside(["desahub", "apply"])
        finally:
            _on_hub(village, f"kill -CONT {pid}")
    assert _files(village) == before
    wait_until(lambda: f" {plan.HUB_ADDRESS}/20" in _addresses(village), "the old address", seconds=10)
    assert "10.21.0.1" not in _addresses(village)


def test_a_gate_that_hangs_meanwhile_is_started_again_and_takes_the_rules(village: Village, moved: str) -> None:
    pid = _gate_pid(village)
    _on_hub(village, f"cat >{HUB_TOML}; kill -STOP {pid}; desahub apply", text=moved)
    assert _gate_pid(village) not in (pid, "0")
    wait_until(lambda: " 10.21.0.1/20" in _addresses(village), "the new address", seconds=10)


def test_a_network_gets_another_address(village: Village, moved: str) -> None:
    _on_hub(village, f"cat >{HUB_TOML}; desahub apply", text=moved)
    wait_until(lambda: " 10.21.0.1/20" in _addresses(village), "the new address", seconds=10)
    assert plan.HUB_ADDRESS not in _addresses(village)
    assert "10.21.0.0/20" in village.hub.inside(["nft", "list", "chain", "inet", "desahub", "guard"])


def test_an_edit_that_is_not_applied_stops_nothing(village: Village, moved: str) -> None:
    assert moved
    units = "desahub-gate desahub-portal desahub-kiosk desahub-agent"
    _on_hub(village, f"echo nonsense >{HUB_TOML}; systemctl restart {units}")
    assert _on_hub(village, f"systemctl is-active {units}").split() == ["active"] * 4
    said = _on_hub(village, "desahub status 2>&1")
    assert "hub toml is applied     no" in said
    assert "changed after it was applied" in said


def test_missing_rules_are_mended_by_apply(village: Village) -> None:
    _on_hub(village, "rm /etc/desahub/rendered/nftables.nft; systemctl restart desahub-firewall || true")
    said = village.hub.inside(["desahub", "apply"])
    assert "started  desahub-firewall.service" in said
    assert village.hub.inside(["systemctl", "is-active", "desahub-firewall.service"]).strip() == "active"
    assert "forwards                yes" in village.hub.inside(["desahub", "status"])


DELETE = "nft delete table inet desahub"


@pytest.mark.parametrize(
    "trouble",
    [
        "systemctl restart desahub-firewall",
        f"{DELETE}; systemctl reload desahub-gate",
        f"{DELETE}; systemctl restart desahub-gate",
        f"{DELETE}; kill -9 $(systemctl show --value -p MainPID desahub-gate)",
        f"systemctl stop desahub-gate; {DELETE}; systemctl start desahub-gate",
    ],
)
def test_grants_come_back(village: Village, trouble: str) -> None:
    village.hub.wait_active("desahub-gate.service", "desahub-keeper.service", seconds=20)
    Walk(village, 2).accept()
    _on_hub(village, trouble)
    began = time.monotonic()
    wait_until(
        lambda: " expires " in _on_hub(village, "nft list set inet desahub admitted 2>/dev/null || true"),
        "the grant to be in force again", seconds=10,
    )  # fmt: skip
    assert time.monotonic() - began < 6
    village.hub.wait_active("desahub-keeper.service", seconds=20)
