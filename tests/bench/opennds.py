"""The peer: Debian's openNDS 9.10 with its click-to-continue page, in namespaces of its own.

It runs over a throw-away /etc in private mount and process namespaces, since its scripts edit /etc/hosts and end
processes by name. Three things it needs that its manual does not tell: chains of iptables-nft made before it starts,
``nft`` out of its sight (it renames chains with it, which iptables-nft then refuses), and a lease for each device.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from script.village.programs import VillageError, run, start, succeeds, wait_until

HUB: Final = "nds-hub"
NET: Final = "nds-net"
WEB_ADDRESS: Final = "198.18.0.80"
PORT: Final = 2050
_ADDRESS: Final = "10.66.0.1"
_UPLINK: Final = "198.51.100"
_CHAINS: Final = (
    "filter INPUT", "filter FORWARD", "nat PREROUTING", "nat POSTROUTING", "mangle PREROUTING", "mangle POSTROUTING",
)  # fmt: skip
_CONFIGURATION: Final = """\
GatewayInterface br0
GatewayName desa
gatewayfqdn disable
login_option_enabled 1
debuglevel 1
MaxClients 500
use_outdated_mhd 0
FirewallRuleSet authenticated-users {
  FirewallRule allow all
}
FirewallRuleSet preauthenticated-users {
}
FirewallRuleSet users-to-router {
    FirewallRule allow udp port 53
    FirewallRule allow tcp port 53
    FirewallRule allow udp port 67
    FirewallRule allow tcp port 80
}
"""


@dataclass(frozen=True, slots=True)
class Phone:
    """A device of the peer's network, counted from 1; its address is fixed, as openNDS gives none."""

    number: int

    @property
    def namespace(self) -> str:
        """The network namespace that is this phone."""
        return f"nds-phone-{self.number}"

    @property
    def mac(self) -> str:
        """A locally administered MAC."""
        return f"02:66:00:00:{self.number // 200:02x}:{self.number % 200 + 2:02x}"

    @property
    def address(self) -> str:
        """Its IPv4 address."""
        return f"10.66.{self.number // 200 + 1}.{self.number % 200 + 2}"


@contextlib.contextmanager
def running(count: int) -> Iterator[tuple[Phone, ...]]:
    """Have openNDS up for ``count`` phones."""
    for program in ("opennds", "iptables"):
        if shutil.which(program) is None:
            raise VillageError(f"{program} is missing: the bench compares with Debian's openNDS")
    phones = tuple(Phone(number) for number in range(1, count + 1))
    namespaces = [HUB, NET, *(phone.namespace for phone in phones)]
    try:
        _lay(phones, namespaces)
        with TemporaryDirectory() as folder, _program(Path(folder), phones):
            yield phones
    finally:
        for name in namespaces:
            succeeds(["ip", "netns", "del", name])


def _lay(phones: tuple[Phone, ...], namespaces: list[str]) -> None:
    for name in namespaces:
        run(["ip", "netns", "add", name])
    hub = [
        "link set lo up", "link add br0 type bridge", f"addr add {_ADDRESS}/16 dev br0", "link set br0 up",
        f"link add wan0 type veth peer name eth0 netns {NET}", f"addr add {_UPLINK}.2/24 dev wan0", "link set wan0 up",
        f"route add default via {_UPLINK}.1",
    ]  # fmt: skip
    for phone in phones:
        port = f"phone{phone.number}"
        hub += [
            f"link add {port} type veth peer name eth0 netns {phone.namespace}", f"link set {port} master br0 up",
        ]  # fmt: skip
    run(["ip", "-n", HUB, "-batch", "-"], text="\n".join(hub) + "\n")
    net = [
        f"addr add {_UPLINK}.1/24 dev eth0",
        "link set lo up",
        f"addr add {WEB_ADDRESS}/32 dev lo",
        "link set eth0 up",
    ]
    run(["ip", "-n", NET, "-batch", "-"], text="\n".join(net) + "\n")
    for phone in phones:
        lines = [
            "link set lo up", f"link set eth0 address {phone.mac} up", f"addr add {phone.address}/16 dev eth0",
            f"route add default via {_ADDRESS}",
        ]  # fmt: skip
        run(["ip", "-n", phone.namespace, "-batch", "-"], text="\n".join(lines) + "\n")
    run(["ip", "netns", "exec", HUB, "sysctl", "-qw", "net.ipv4.ip_forward=1"])
    for chain in _CHAINS:
        table, name = chain.split()
        made = ["-t", table, "-A", name, "-s", "192.0.2.1", "-m", "comment", "--comment", "there"]
        run(["ip", "netns", "exec", HUB, "iptables", *made])
    run(["ip", "netns", "exec", HUB, "iptables", "-t", "nat", "-A", "POSTROUTING", "-o", "wan0", "-j", "MASQUERADE"])


@contextlib.contextmanager
def _program(folder: Path, phones: tuple[Phone, ...]) -> Iterator[None]:
    shutil.copytree("/etc", folder / "etc", symlinks=True)
    (folder / "etc/opennds/opennds.conf").write_text(_CONFIGURATION, encoding="ascii")
    (folder / "no-nft").write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
    (folder / "no-nft").chmod(0o755)
    (folder / "leases").mkdir()
    leases = "".join(f"4000000000 {phone.mac} {phone.address} c{phone.number} *\n" for phone in phones)
    (folder / "leases/dnsmasq.leases").write_text(leases, encoding="ascii")
    mounts = (
        f"mount --bind {folder}/etc /etc && mount --bind {folder}/no-nft /usr/sbin/nft && "
        f"mount --bind {folder}/leases /var/lib/misc && mkdir -p /run/tmpfiles.d && exec opennds -f -d 1"
    )
    log = folder / "log"
    inner = ["ip", "netns", "exec", HUB, "unshare", "-p", "-f", "-m", "--mount-proc", "--kill-child=KILL"]
    peer = start([*inner, "sh", "-c", mounts], log=log)
    try:
        wait_until(lambda: "openNDS is now running" in log.read_text("utf-8", "replace"), "openNDS", seconds=60)
        yield
    finally:
        peer.kill()
        peer.wait()
