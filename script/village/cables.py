"""The village's network: namespaces, the cables between them, and addresses on the internet's side."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from script.village import plan
from script.village.plan import Phone
from script.village.programs import run, succeeds, wait_until

_OURS = re.compile(r"desa-(net|hub|phone-\d+)")


def lay(phones: Sequence[Phone]) -> None:
    """Make all namespaces and cables. Nothing is up yet on the hub's side: that is for its own systemd to do."""
    for name in (plan.NET, plan.HUB):
        run(["ip", "netns", "add", name])
    run(["ip", "-batch", "-"], text="".join(f"netns add {phone.namespace}\n" for phone in phones))
    run(["ip", "-n", plan.NET, "-batch", "-"], text="".join(_internet()))
    run(["ip", "-n", plan.HUB, "-batch", "-"], text="link set lo up\nlink set eth0 address 02:de:5a:ff:00:01\n")
    cables = (
        f"link add {phone.port} netns {plan.HUB} type veth peer name eth0 address {phone.mac} netns {phone.namespace}\n"
        for phone in phones
    )
    run(["ip", "-batch", "-"], text="".join(cables), timeout_seconds=120)
    for name in (plan.NET, plan.HUB):
        _quiet_bridge_netfilter(name)


def _internet() -> list[str]:
    return [
        "link set lo up\n",
        f"link add hub0 type veth peer name eth0 netns {plan.HUB}\n",
        f"address add {plan.UPLINK_GATEWAY}/24 dev hub0\n",
        *(f"address add {address}/32 dev lo\n" for address in (plan.WEB_ADDRESS, plan.DNS_ADDRESS, plan.NOC_ADDRESS)),
        # A real line carries frames; parcels of 64 kB, which only a kernel hands itself, would overflow a small queue.
        "link set hub0 gso_max_segs 1 up\n",
    ]


def _quiet_bridge_netfilter(namespace: str) -> None:
    # Where the developer's machine has loaded br_netfilter (Docker does), bridged frames would pass the firewall's
    # chains twice. A hub has no such module.
    switch = 'for file in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e "$file" ] || echo 0 >"$file"; done'
    run(["ip", "netns", "exec", namespace, "sh", "-c", switch])


def plug_in(phones: Sequence[Phone]) -> None:
    """Put every phone's cable into the hub's bridge, which stands for the radio, and switch the phones on.

    Ports are isolated from each other, as hostapd's ap_isolate keeps phones in the air apart.
    """
    bridge = ["ip", "netns", "exec", plan.HUB, "test", "-e", f"/sys/class/net/{plan.BRIDGE}"]
    wait_until(lambda: succeeds(bridge), f"the hub to make its bridge {plan.BRIDGE}")
    lines = (
        f"link set {phone.port} master {plan.BRIDGE} up\nlink set {phone.port} type bridge_slave isolated on\n"
        for phone in phones
    )
    run(["ip", "-n", plan.HUB, "-batch", "-"], text="".join(lines), timeout_seconds=120)
    for phone in phones:
        run(["ip", "-n", phone.namespace, "-batch", "-"], text="link set lo up\nlink set eth0 up\n")


def leftovers() -> list[str]:
    """List namespaces of a village that are still there."""
    folder = Path("/run/netns")
    return sorted(path.name for path in folder.iterdir() if _OURS.fullmatch(path.name)) if folder.is_dir() else []


def clear() -> None:
    """Remove what a village left in the network: its namespaces (and with them its cables) and phones' resolv.conf."""
    names = leftovers()
    run(["ip", "-batch", "-"], text="".join(f"netns delete {name}\n" for name in names), timeout_seconds=120)
    folder = Path("/etc/netns")
    if folder.is_dir():
        for path in folder.iterdir():
            if _OURS.fullmatch(path.name):
                shutil.rmtree(path)
        with contextlib.suppress(OSError):  # it holds something of others, and stays
            folder.rmdir()
