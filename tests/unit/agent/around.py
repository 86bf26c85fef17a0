"""A machine made of a folder, for collectors."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from agent.boots import BootReason
from agent.collectors import Around
from agent.line import Look, UplinkState
from agent.targets import Target, samples
from appliance.core import config
from appliance.core.clock import Moment, WallQuality
from appliance.gate.protocol import UNLIMITED, Admitted, Client, GateStatus, Limits
from appliance.store.outbox import Waiting
from appliance.system.roots import Roots

TOML = """
[village]
name = "Sukamaju"
kode_wilayah = "51.03.01.2001"
kecamatan = "Kuta"
kabupaten = "Kabupaten Badung"
provinsi = "Bali"
timezone = "Asia/Makassar"
[hub]
id = "hub-satu"
[uplink]
interface = "eth0"
download_kbit = 20000
upload_kbit = 5000
[[networks]]
name = "warga"
kind = "resident"
interface = "br-warga"
address = "10.20.0.1/20"
ssid = "Desa"
[agent]
targets = ["127.0.0.1:1"]
"""
_COUNTERS = "{} 1 0 0 0 0 0 0 {} 1 0 0 0 0 0 0"
NET_DEV = "\n".join(
    (
        "Inter-|   Receive          |  Transmit",
        " face |bytes    packets    |bytes    packets",
        f"    lo: {_COUNTERS.format(100, 100)}",
        f"  eth0: {_COUNTERS.format(5_000_000, 700_000)}",
        f"br-warga:{_COUNTERS.format(42, 77)}",
    )
)

MOUNTINFO = """\
22 1 179:2 / / rw,noatime shared:1 - ext4 /dev/mmcblk0p2 rw,errors=remount-ro
23 22 0:5 / /proc ro,nosuid - proc proc rw
"""


class QuietGate:
    """A gate with two clients."""

    def admit(self, client: Client, lease_seconds: int, limits: Limits = UNLIMITED) -> None:
        raise AssertionError("a collector only looks")

    def revoke(self, client: Client) -> None:
        raise AssertionError("a collector only looks")

    def clients(self) -> tuple[Admitted, ...]:
        return ()

    def admitted(self, client: Client) -> Admitted | None:
        raise AssertionError("a collector asks for no single client")

    def status(self) -> GateStatus:
        return GateStatus(True, 2, "x", let_in_count=7, refused_count=1)


def make_around(folder: Path) -> Around:
    """Make a machine under ``folder``."""
    files = {
        "proc/net/dev": NET_DEV,
        "proc/self/mountinfo": MOUNTINFO,
        "etc/desahub/hub.toml": TOML,
        "etc/desahub/rendered/hub.toml": TOML,
    }
    for name, text in files.items():
        path = folder / "machine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    moment = Moment("ab" * 16, 90_500, 1_780_000_000_000, WallQuality.NTP)
    roots = Roots.under(folder / "machine")
    probed = {"dns_ms": 40, "http_ms": None, "probe_bytes": 1_200, **samples([Target(), Target()])}
    look = Look(True, 0.05, UplinkState.UP)
    return Around(
        config.parse(TOML), roots, QuietGate(), folder, look, moment, 3, Waiting(4, 1), probed, -250, BootReason.CLEAN
    )


def later(around: Around, seconds: float) -> Around:
    """The same machine, some time later."""
    boottime_ms = around.moment.boottime_ms + round(seconds * 1000)
    return dataclasses.replace(around, moment=dataclasses.replace(around.moment, boottime_ms=boottime_ms))
