"""The power of one machine: shut down in good order or cut off, and booted again from the disk it had.

A namespace outlives its machine, so what a kernel forgets with its power is taken out of it by hand: rules, bridges,
queues, addresses, connections.
"""

from __future__ import annotations

import contextlib
import os
import signal
import uuid

from script.village import hub, plan
from script.village.machine import Machine
from script.village.programs import VillageError, wait_until

_FORGET = f"""
nft flush ruleset
for bridge in {plan.BRIDGE} {plan.FAMILY_BRIDGE}; do ip link delete $bridge; done
tc qdisc delete dev eth0 root 2>/dev/null || true
ip address flush dev eth0
ip link set eth0 down
conntrack --flush 2>/dev/null
echo 0 >/proc/sys/net/ipv4/ip_forward
"""


def shut_down(machine: Machine) -> None:
    """Let systemd stop every unit in its order, and wait for the end."""
    with contextlib.suppress(VillageError):  # the machine may end before it has answered
        machine.inside(["systemctl", "poweroff", "--no-block"])
    _wait_for_the_end(machine)


def cut(machine: Machine) -> None:
    """End every process of the machine at once."""
    os.kill(machine.leader, signal.SIGKILL)
    _wait_for_the_end(machine)


def _wait_for_the_end(machine: Machine) -> None:
    wait_until(machine.has_ended, f"the end of {machine.name}", seconds=90)


def boot_hub_again(machine: Machine) -> None:
    """Boot the hub from its disk, with a kernel that remembers nothing. No phone is in its bridge yet.

    Only for the process that made the machine.
    """
    machine.write(hub.BOOT_ID_FILE, f"{uuid.uuid4()}\n")
    # As `Machine.prepare` lends them, and `Machine.boot` takes them away again.
    machine.offline(["sh", "-euc", "mount -t proc proc /proc; mount -t tmpfs tmpfs /dev"])
    machine.offline(["sh", "-euc", _FORGET])
    machine.boot("desahub.target")
