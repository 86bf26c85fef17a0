"""What reporting costs on the uplink: IP bytes both ways, counted by nftables on the NOC's end of a veth pair.

On it are a real mosquitto with mutual TLS, a real ingest, and in a namespace of its own the hub: the agent's publisher,
a plain JSON agent, collectd, node_exporter, one after the other. Connecting, keepalive, TCP's own packets and all
acknowledgements count. Packets are counted as they would travel: nothing is merged on the veth (GSO is off).
"""

from __future__ import annotations

import contextlib
import ctypes
import gzip
import http.client
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from script.village.programs import run, wait_until
from tests.bench.figures import Figure
from tests.bench.telemetry_hub import LINE_KBIT
from tests.integration.conftest import REPOSITORY, Bed

DAY_MINUTES: Final = 1_440
JSON_MINUTES: Final = 288
COLLECTD_SECONDS: Final = 120
SCRAPES: Final = 12
# Of the NOC's hour in the time of the bench, in which 290 s take 0.25 s.
ACKNOWLEDGE_SECONDS: Final = 3
_NOC, _HUB = "10.77.0.1", "10.77.0.2"
_COUNTING: Final = """
table inet uplink {
    counter received {}
    counter sent {}
    chain received { type filter hook input priority 0; iifname "noc0" counter name received; }
    chain sent { type filter hook output priority 0; oifname "noc0" counter name sent; }
}
"""
_COLLECTD: Final = """
Hostname "hub-satu"
FQDNLookup false
BaseDir "{folder}"
PIDFile "{folder}/collectd.pid"
PluginDir "/usr/lib/collectd"
TypesDB "/usr/share/collectd/types.db"
Interval {interval}
LoadPlugin cpu
LoadPlugin df
LoadPlugin interface
LoadPlugin load
LoadPlugin memory
LoadPlugin processes
LoadPlugin uptime
LoadPlugin network
<Plugin df>
  MountPoint "/"
</Plugin>
<Plugin network>
  Server "{noc}" "25826"
</Plugin>
"""


def measure(tell: Callable[[str], None]) -> list[Figure]:
    """Measure, in a network of this process's own."""
    _own_network()
    with TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        hub = stack.enter_context(_hub())
        bed = stack.enter_context(_noc(folder))
        tell("a day of the published record, a batch each 290 s")
        day_bytes, packets = _reporting(hub, bed, "day", DAY_MINUTES)
        tell(f"{packets} packets")
        tell(f"a plain JSON agent, {JSON_MINUTES} reports")
        json_bytes = _reporting(hub, bed, "json", JSON_MINUTES)[0] * DAY_MINUTES / JSON_MINUTES
        tell("collectd, every 10 s as it ships, and every 60 s")
        collectd = [_collectd(hub, folder, interval) for interval in (10, 60)]
        tell("node_exporter, scraped once a minute with gzip")
        exporter = _node_exporter(hub)
        tell(f"48 hours of backlog over {LINE_KBIT} kbit/s")
        backlog_bytes, backlog = _backlog(hub, bed)
    kilo = day_bytes / 1000
    return [
        Figure("reporting, a hub and day", kilo, "kB", "plain JSON", json_bytes / 1000, "<= 150 kB", kilo <= 150),
        Figure(
            "JSON's bytes to ours", json_bytes / day_bytes, "times", "", None, ">= 9", json_bytes >= 9 * day_bytes
        ),
        *_beside("collectd", "as it ships, every 10 s", collectd[0], day_bytes, 50),
        *_beside("collectd", "every 60 s", collectd[1], day_bytes, None),
        *_beside("node_exporter", "scraped every 60 s", exporter, day_bytes, None),
        Figure(
            "48 h of backlog, bytes", backlog_bytes / 1000, "kB", "", None, "<= 170 kB", backlog_bytes <= 170_000
        ),
        Figure(
            "48 h of backlog, time at 64 kbit/s", backlog["seconds"], "s", "", None, "<= 60 s",
            0 < backlog["seconds"] <= 60,
        ),
        Figure(
            "live batch beside backlog, slowest", backlog["slowest_live_seconds"], "s", "", None, "<= 290 s",
            backlog["slowest_live_seconds"] <= 290,
        ),
    ]  # fmt: skip


def _beside(peer: str, how: str, peer_bytes: float | None, ours: float, times: int | None) -> list[Figure]:
    if peer_bytes is None:
        return [Figure(f"{peer}, {how}", 0, "kB", "", None, "not installed", None)]
    limit = "" if times is None else f">= {times}"
    holds = None if times is None else peer_bytes >= times * ours
    return [Figure(f"{peer}'s bytes to ours, {how}", peer_bytes / ours, "times", "", None, limit, holds)]


def _own_network() -> None:
    """Enter a network of its own: nothing here reaches, or is reached by, anything else. Source: unshare(2)."""
    clone_newnet = 0x40000000
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(clone_newnet) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    run(["ip", "link", "set", "lo", "up"])
    run(["nft", "-f", "-"], text=_COUNTING)


@contextlib.contextmanager
def _hub() -> Iterator[list[str]]:
    """A hub at the other end of a line; gives what to write before a command that is to run there."""
    name = f"desa-bytes-{os.getpid()}"
    run(["ip", "netns", "add", name])
    try:
        run(["ip", "link", "add", "noc0", "type", "veth", "peer", "name", "hub0", "netns", name])
        inside = ["ip", "netns", "exec", name]
        run(["ip", "address", "add", f"{_NOC}/24", "dev", "noc0"])
        run(["ip", "link", "set", "noc0", "gso_max_segs", "1", "up"])
        run([*inside, "ip", "address", "add", f"{_HUB}/24", "dev", "hub0"])
        run([*inside, "ip", "link", "set", "hub0", "gso_max_segs", "1", "up"])
        run([*inside, "ip", "link", "set", "lo", "up"])
        # Neighbours of IPv6 greet each other on any wire; they are nobody's report.
        for setting in ("net.ipv6.conf.all.disable_ipv6=1", *_settings()):
            run([*inside, "sysctl", "-q", "-w", setting])
        yield inside
    finally:
        run(["ip", "netns", "delete", name])


def _settings() -> list[str]:
    """What the package sets in a hub's kernel for TCP."""
    lines = (REPOSITORY / "systemd/sysctl.d/desahub.conf").read_text("utf-8").splitlines()
    return [line.replace(" ", "") for line in lines if line.startswith("net.ipv4.tcp_")]


@contextlib.contextmanager
def _noc(folder: Path) -> Iterator[Bed]:
    bed = Bed(folder)
    try:
        bed.noc("init", "--broker-host", _NOC, "localhost", "127.0.0.1", "--port", str(bed.port))
        with (folder / "etc/broker/mosquitto.conf").open("a", encoding="utf-8") as file:
            file.write("user root\n")
        bed.start_broker()
        bed.enrol("hub-satu", folder / "identity")
        bed.start_ingest("--acknowledge-seconds", str(ACKNOWLEDGE_SECONDS))
        yield bed
    finally:
        bed.end_all()


def _counted() -> tuple[int, int]:
    """IP bytes and packets so far, both ways."""
    found = json.loads(run(["nft", "-j", "list", "counters"]))["nftables"]
    counters = [each["counter"] for each in found if "counter" in each]
    return sum(each["bytes"] for each in counters), sum(each["packets"] for each in counters)


def _program(hub: list[str], bed: Bed, what: str, minutes: int) -> dict[str, float]:
    done = subprocess.run(
        [*hub, sys.executable, "-m", "tests.bench.telemetry_hub", what, _NOC, str(bed.port),
         str(bed.folder / "identity"), str(minutes)],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"the hub's side failed: {done.stderr}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _reporting(hub: list[str], bed: Bed, what: str, minutes: int) -> tuple[float, int]:
    before = _counted()
    _program(hub, bed, what, minutes)
    after = _counted()
    return after[0] - before[0], after[1] - before[1]


def _backlog(hub: list[str], bed: Bed) -> tuple[int, dict[str, float]]:
    rate = f"{LINE_KBIT}kbit"
    run([*hub, "tc", "qdisc", "add", "dev", "hub0", "root", "tbf", "rate", rate, "burst", "1540", "latency", "2s"])
    before = _counted()
    found = _program(hub, bed, "backlog", 0)
    return _counted()[0] - before[0], found


def _collectd(hub: list[str], folder: Path, interval: int) -> float | None:
    """IP bytes a day. It sends by UDP, unencrypted; values are what it measures on this machine."""
    program = shutil.which("collectd")
    if program is None:
        return None
    conf = folder / "collectd.conf"
    conf.write_text(_COLLECTD.format(folder=folder, interval=interval, noc=_NOC))
    before = _counted()[0]
    process = subprocess.Popen(
        [*hub, program, "-f", "-C", str(conf)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        # It fills packets of 1,450 bytes before it sends them: longer than a few of its intervals.
        seconds = COLLECTD_SECONDS * (2 if interval > 10 else 1)
        time.sleep(seconds)
        return (_counted()[0] - before) * 86_400 / seconds
    finally:
        process.terminate()
        process.wait(20)


def _node_exporter(hub: list[str]) -> float | None:
    """IP bytes a day of one scrape a minute on a connection that stays, as Prometheus does it."""
    program = shutil.which("prometheus-node-exporter")
    if program is None:
        return None
    process = subprocess.Popen([*hub, program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    connection = http.client.HTTPConnection(_HUB, 9100, timeout=10)
    try:
        wait_until(lambda: _answers(connection), "node_exporter")
        before = _counted()[0]
        for _ in range(SCRAPES):
            _scrape(connection)
            time.sleep(0.3)
        return (_counted()[0] - before) * DAY_MINUTES / SCRAPES
    finally:
        connection.close()
        process.terminate()
        process.wait(20)


def _answers(connection: http.client.HTTPConnection) -> bool:
    try:
        _scrape(connection)
    except OSError:
        connection.close()
        return False
    return True


def _scrape(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
    body = connection.getresponse().read()
    assert b"node_" in gzip.decompress(body)
