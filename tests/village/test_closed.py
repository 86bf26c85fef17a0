"""Fail closed: whatever happens to a process, nobody without a grant gets out, and grants go on."""

from __future__ import annotations

import json

import pytest

from script.village import plan
from script.village.programs import VillageError, wait_until
from script.village.village import Village
from script.village.walk import Walk

pytestmark = [pytest.mark.root, pytest.mark.village]


def _online(village: Village, number: int) -> bool:
    try:
        said = village.phone(number, "curl", "-s", "--max-time", "3", "http://berita.example/")
    except VillageError:
        return False
    return "the internet: berita.example" in said


def _accept(village: Village, number: int) -> None:
    Walk(village, number).accept()
    wait_until(lambda: _online(village, number), f"phone {number} to be online", seconds=5)


def _leave(village: Village, number: int) -> None:
    village.phone(number, "curl", "-s", "--max-time", "5", "-X", "POST", "-d", "", f"http://{plan.PORTAL_HOST}/keluar")


def _moment(village: Village, unit: str) -> int:
    shown = village.hub.inside(["systemctl", "show", "--value", "-p", "ActiveEnterTimestampMonotonic", unit])
    return int(shown.strip())


def test_firewall_was_in_force_before_any_link(village: Village) -> None:
    assert 0 < _moment(village, "desahub-firewall.service") < _moment(village, "systemd-networkd.service")


def test_nothing_is_forwarded_without_a_ruleset(village: Village) -> None:
    unit = village.hub.inside(["systemctl", "cat", "desahub-firewall.service"])
    starts = [line for line in unit.splitlines() if line.startswith("ExecStart=")]
    assert "nft" in starts[0]
    assert "ip_forward" in starts[-1], "forwarding is switched on only after the rules are in force"


@pytest.mark.parametrize("unit", ["desahub-gate", "desahub-portal", "desahub-web", "desahub-dns", "desahub-agent"])
def test_killing_a_process_opens_nothing_and_shuts_nobody_out(village: Village, unit: str) -> None:
    _accept(village, 2)
    pid = village.hub.inside(["systemctl", "show", "--value", "-p", "MainPID", f"{unit}.service"]).strip()
    village.hub.inside(["kill", "-9", pid])
    stranger = village.phone(3, "sh", "-c", f"curl -s --max-time 2 http://{plan.WEB_ADDRESS}:8123/; echo $?").strip()
    assert stranger != "0"
    village.hub.wait_active(f"{unit}.service", seconds=20)
    wait_until(lambda: _online(village, 2), "phone 2, which has a grant, to be online", seconds=5)
    assert not _online(village, 3)
    _leave(village, 2)


def test_nonsense_to_the_gate_changes_nothing(village: Village) -> None:
    before = village.hub.inside(["nft", "list", "chain", "inet", "desahub", "forward"])
    for nonsense in ("", "{}", '{"type":"admit"}', "\x00\xff" * 4096, '{"type":"admit","client":{},"lease_seconds":1}'):
        village.hub.inside(
            ["sh", "-c", "timeout 2 socat - UNIX-CONNECT:/run/desahub-gate/gate.sock; true"], text=nonsense
        )
    assert village.hub.inside(["nft", "list", "chain", "inet", "desahub", "forward"]) == before
    assert village.hub.inside(["systemctl", "is-active", "desahub-gate.service"]).strip() == "active"
    assert not _online(village, 3)


@pytest.mark.parametrize("user", ["desahub-kiosk", "desahub-agent", "nobody"])
def test_only_the_portal_may_admit(village: Village, user: str) -> None:
    request = '{"type":"admit","client":{"address":"10.20.0.77","mac":"02:00:00:00:00:77"},"lease_seconds":60}\n'
    said = village.hub.inside(
        ["setpriv", f"--reuid={user}", "--regid=nogroup", "--clear-groups", "socat", "-t2", "-",
         "UNIX-CONNECT:/run/desahub-gate/gate.sock"], text=request,
    )  # fmt: skip
    answer = json.loads(said)
    assert (answer["type"], answer["code"]) == ("refusal", "not_allowed")
    assert "10.20.0.77" not in village.hub.inside(["nft", "list", "table", "inet", "desahub"])


def test_restarting_the_gate_keeps_grants(village: Village) -> None:
    _accept(village, 2)
    village.hub.inside(["systemctl", "restart", "desahub-gate.service"])
    assert _online(village, 2)
    assert not _online(village, 3)
    _leave(village, 2)
    wait_until(lambda: not _online(village, 2), "phone 2 to be cut off", seconds=5)


def test_log_out_cuts_a_running_download(village: Village) -> None:
    _accept(village, 2)
    script = (
        f"curl -s --limit-rate 200k --max-time 30 -o /dev/null -w '%{{size_download}}' http://unduh.example/bytes & "
        f"sleep 1; curl -s -X POST -d '' http://{plan.PORTAL_HOST}/keluar >/dev/null; wait"
    )
    size = int(village.phone(2, "sh", "-c", f"{script} || true", timeout_seconds=40).strip() or 0)
    assert size < 10 * 1024 * 1024, "the download ran on after log out"


def test_a_wrong_configuration_changes_nothing(village: Village) -> None:
    before = village.hub.inside(["sh", "-c", "cat /etc/desahub/rendered/*; nft list ruleset -s | grep -v counter"])
    wrong = village.hub.inside(["cat", "/etc/desahub/hub.toml"]).replace("10.20.0.1/20", "10.20.0.1/99")
    said = village.hub.inside(
        ["sh", "-c", "cat >/tmp/wrong.toml; desahub apply --config /tmp/wrong.toml; echo exit $?"],
        text=wrong.replace("[hub]", "[hub]\ncolour = 'red'"),
    )
    assert "exit 0" not in said
    after = village.hub.inside(["sh", "-c", "cat /etc/desahub/rendered/*; nft list ruleset -s | grep -v counter"])
    assert after == before


def test_ipv6_is_dropped_not_leaked(village: Village) -> None:
    forward = village.hub.inside(["cat", "/proc/sys/net/ipv6/conf/all/forwarding"]).strip()
    chain = village.hub.inside(["nft", "list", "chain", "inet", "desahub", "forward"])
    assert "policy drop" in chain
    assert "ip6" not in chain.replace("ip6 saddr", "")
    assert forward == "0"
