"""An order of the NOC reaches a unit of the box through the units that ship; a forged one reaches nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from script.village import plan
from script.village.programs import VillageError, wait_until
from script.village.village import Village
from script.village.walk import noc_says

pytestmark = [pytest.mark.root, pytest.mark.village]
UNIT = "desahub-kiosk.service"
OPERATOR = "desahub-operator.service"
KEY = "/etc/desahub/noc-command.pub"
# What an agent that was taken over could bring: a command as the NOC writes it, signed with another key.
FORGE = """
import sys, time
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from appliance.core.actions import Restart
from appliance.core.commands import Command, seal, to_sign, write
from appliance.core.command_results import ANSWER_LINE_BYTES_MAX, Request, decode_answer, decode_result, encode_request
from appliance.unit.ask import ask

now_ms = time.time_ns() // 1_000_000
body = write(Command(sys.argv[1], now_ms, now_ms, now_ms + 60_000, "nobody", Restart(sys.argv[2])))
payload = seal(body, Ed25519PrivateKey.generate().sign(to_sign(body)))
line = ask("/run/desahub-operator.sock", encode_request(Request(payload, False)), 30, ANSWER_LINE_BYTES_MAX)
print(decode_result(decode_answer(line)).reason)
"""


@pytest.fixture
def trusted(village: Village) -> Iterator[Village]:
    """A hub that is heard and was brought the NOC's key; afterwards it takes no commands again.

    A command waits its life for its hub, and an agent that another test started anew waits before it connects.
    """
    now_ms = time.time() * 1000
    wait_until(
        lambda: float(str(noc_says(village.net, plan.HUB_ID).get("last_record_time_ms") or 0)) > now_ms,
        "the NOC to hear the hub", seconds=100, pause_seconds=0.3,
    )  # fmt: skip
    village.net.inside(["desahub-noc", "command", "key", "--out", "/tmp/noc-command.pub"])
    key = village.net.inside(["cat", "/tmp/noc-command.pub"])
    village.hub.inside(
        ["sh", "-euc", "cat >/tmp/noc-command.pub; desahub operator trust /tmp/noc-command.pub"], text=key
    )
    yield village
    village.hub.inside(["rm", KEY])
    village.hub.inside(["systemctl", "stop", OPERATOR])


def order(village: Village, *words: str, life_seconds: int = 40) -> str:
    wait_until(
        lambda: plan.HUB_ID in village.net.inside(["desahub-noc", "hub", "list"]), "the hub in the inventory"
    )  # fmt: skip
    command = ["desahub-noc", "command", *words, "--hub", plan.HUB_ID, "--life-seconds", str(life_seconds)]
    # What is told goes to standard error.
    return village.net.inside(["sh", "-c", '"$@" 2>&1', "sh", *command], timeout_seconds=90)


def main_pid(village: Village, unit: str) -> str:
    return village.hub.inside(["systemctl", "show", "--value", "-p", "MainPID", unit]).strip()


def book(village: Village) -> list[tuple[str, dict[str, object]]]:
    rows = village.hub.inside(["desahub", "operator", "audit"]).splitlines()[:-1]
    return [(row.split("\t")[2], json.loads(row.split("\t")[3])) for row in rows]


def test_a_signed_restart_reaches_the_unit_and_the_operator_goes_again(trusted: Village) -> None:
    before = main_pid(trusted, UNIT)
    order(trusted, "restart", "--unit", UNIT)
    assert main_pid(trusted, UNIT) not in (before, "0")
    (accepted, facts), (done, _) = book(trusted)[-2:]
    assert (accepted, done) == ("accepted", "done")
    assert facts["action"] == {"do": "restart", "unit": UNIT}
    pid = main_pid(trusted, OPERATOR)
    assert pid != "0"
    lines = trusted.hub.inside(["cat", f"/proc/{pid}/status"]).splitlines()
    status = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
    assert status["CapBnd"] == status["CapEff"] == ["0000000000000000"]
    assert (status["NoNewPrivs"], status["Seccomp"]) == (["1"], ["2"])
    wait_until(lambda: main_pid(trusted, OPERATOR) == "0", "the operator to go", seconds=60)


def test_the_agent_that_brought_the_command_can_itself_be_restarted(trusted: Village) -> None:
    before = main_pid(trusted, "desahub-agent.service")
    # It dies with the answer in its hands; asked again, the operator says the same.
    assert "1 of 1" in order(trusted, "restart", "--unit", "desahub-agent.service")
    assert main_pid(trusted, "desahub-agent.service") not in (before, "0")
    assert [event for event, _ in book(trusted)[-3:]] == ["accepted", "done", "again"]


def test_a_reboot_is_asked_of_systemd(trusted: Village) -> None:
    # Another target stands where the box would go down.
    target = "/run/systemd/system/reboot.target"
    trusted.hub.inside(["sh", "-euc", f"printf '[Unit]\\nDescription=nothing\\n' >{target}; systemctl daemon-reload"])
    try:
        with pytest.raises(VillageError, match="begun"):  # and nobody comes back to say that it is done
            order(trusted, "reboot", life_seconds=30)
        state = trusted.hub.inside(["systemctl", "show", "--value", "-p", "ActiveState", "reboot.target"])
        assert state.strip() == "active"
        assert "begun" in [event for event, _ in book(trusted)[-4:]]
    finally:
        trusted.hub.inside(["sh", "-euc", f"systemctl stop reboot.target; rm {target}; systemctl daemon-reload"])


def test_log_and_configuration_come_back(trusted: Village) -> None:
    log = order(trusted, "logs", "--unit", "desahub-gate.service", "--lines", "20")
    assert "firewall" in log
    told = order(trusted, "configuration")
    assert json.JSONDecoder().raw_decode(told, told.index("{"))[0]["hub"]["id"] == plan.HUB_ID


def test_a_forged_command_reaches_nothing(trusted: Village) -> None:
    before, lines = main_pid(trusted, UNIT), len(book(trusted))
    as_agent = ["setpriv", "--reuid=desahub-agent", "--regid=desahub-agent", "--clear-groups"]
    forge = ["/opt/desahub/bin/python", "-c", FORGE, plan.HUB_ID, UNIT]
    assert trusted.hub.inside([*as_agent, *forge]).strip() == "bad_signature"
    assert main_pid(trusted, UNIT) == before
    assert [event for event, _ in book(trusted)[lines:]] == ["refused"]


def test_another_user_of_the_box_is_not_let_in(trusted: Village) -> None:
    as_kiosk = ["setpriv", "--reuid=desahub-kiosk", "--regid=desahub-kiosk", "--clear-groups"]
    with pytest.raises(VillageError, match="Permission denied"):
        trusted.hub.inside([*as_kiosk, "/opt/desahub/bin/python", "-c", FORGE, plan.HUB_ID, UNIT])


def test_without_the_nocs_key_the_hub_takes_no_command(village: Village) -> None:
    before = main_pid(village, UNIT)
    with pytest.raises(VillageError):
        order(village, "restart", "--unit", UNIT)
    assert main_pid(village, UNIT) == before
    assert book(village)[-1][1]["reason"] == "no_key"
