"""The village's network: namespaces, the cables between them, and addresses on the internet's side."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from script.village import plan
from script.village.plan import Phone, Place
from script.village.programs import run, succeeds, wait_until

_OURS = re.compile(r"desa-(net|hub(-2)?|phone-(2-)?\d+)")


def lay_internet() -> None:
    """Make the namespace of the internet."""
    run(["ip", "netns", "add", plan.NET])
    addresses = (plan.WEB_ADDRESS, plan.DNS_ADDRESS, plan.NOC_ADDRESS)
    lines = ["link set lo up\n", *(f"address add {address}/32 dev lo\n" for address in addresses)]
    run(["ip", "-n", plan.NET, "-batch", "-"], text="".join(lines))
    _quiet_bridge_netfilter(plan.NET)


def lay(place: Place, phones: Sequence[Phone]) -> None:
    """Make a village's namespaces and cables. Nothing is up yet on the hub's side: that is for its own systemd."""
    run(["ip", "netns", "add", place.machine])
    run(["ip", "-batch", "-"], text="".join(f"netns add {phone.namespace}\n" for phone in phones))
    line = f"""link add {place.cable} type veth peer name eth0 netns {place.machine}
address add {place.gateway}/24 dev {place.cable}
link set {place.cable} gso_max_segs 1 up
"""  # a real line carries frames; parcels of 64 kB, which only a kernel hands itself, would overflow a small queue
    run(["ip", "-n", plan.NET, "-batch", "-"], text=line)
    mac = f"02:de:5a:ff:00:{place.number:02x}"
    run(["ip", "-n", place.machine, "-batch", "-"], text=f"link set lo up\nlink set eth0 address {mac}\n")
    cables = (
        f"link add {phone.port} netns {place.machine} type veth peer name eth0 address {phone.mac}"
        f" netns {phone.namespace}\n"
        for phone in phones
    )
    run(["ip", "-batch", "-"], text="".join(cables), timeout_seconds=120)
    _quiet_bridge_netfilter(place.machine)


def _quiet_bridge_netfilter(namespace: str) -> None:
    # Where the developer's machine has loaded br_netfilter (Docker does), bridged frames would pass the firewall's
    # chains twice. A hub has no such module.
    switch = 'for file in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e "$file" ] || echo 0 >"$file"; done'
    run(["ip", "netns", "exec", namespace, "sh", "-c", switch])


def plug_in(phones: Sequence[Phone], place: Place = plan.FIRST) -> None:
    """Put every phone's cable into the hub's bridge, which stands for the radio, and switch the phones on.

    Ports are isolated from each other, as hostapd's ap_isolate keeps phones in the air apart.
    """
    bridge = ["ip", "netns", "exec", place.machine, "test", "-e", f"/sys/class/net/{plan.BRIDGE}"]
    wait_until(lambda: succeeds(bridge), f"the hub to make its bridge {plan.BRIDGE}")
    lines = (
        f"link set {phone.port} master {plan.BRIDGE} up\nlink set {phone.port} type bridge_slave isolated on\n"
        for phone in phones
    )
    run(["ip", "-n", place.machine, "-batch", "-"], text="".join(lines), timeout_seconds=120)
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
