"""The gate by itself: what a login, a renewal, a question, leaving, a list and a packet cost as a village fills up."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import ipaddress
import os
import socket
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from appliance.core.config import Config, parse
from appliance.core.config.uplink import Speed
from appliance.gate.__main__ import kernel_gate
from appliance.gate.protocol import Client, Clients, Limits, Quota, encode
from appliance.gate.service import LocalGate
from tests.bench import figures
from tests.bench.figures import Figure
from tests.contract.wires import INTERNET, PHONE, Village, village_on_wires

FEW, MANY = 25, (250, 1_000, 4_000)
ROUNDS = 200
LISTS = 15
PACKETS, PACKET_ROUNDS = 2_000, 15
RATIO_MAX = 1.5
LIST_OF, LIST_MILLISECONDS_MAX = 1_000, 20.0
HUB_TOML = Path(__file__).parents[1] / "golden/rendered/full/hub.toml"
_CLONE_NEWNET = 0x40000000
_FIRST = int(ipaddress.IPv4Address("10.20.0.60"))
_NEWCOMER = Client("10.20.15.250", "02:00:00:00:ff:ff")


def main() -> int:
    """Run the bench."""
    return figures.run("the gate's cost by number of clients", _measure)


def _config() -> Config:
    return dataclasses.replace(parse(HUB_TOML.read_text("utf-8")), speeds=(Speed("biasa", "Biasa", 4_000, 1_000),))


def _client(number: int) -> Client:
    mac = (0x02_00_00_01_00_00 + number).to_bytes(6, "big").hex(":")
    return Client(str(ipaddress.IPv4Address(_FIRST + number)), mac)


def _limits(number: int) -> Limits:
    return Limits("biasa", Quota(number + 1, 10**9))


@dataclass
class _World:
    """A village on wires in a network namespace of its own, with its gate."""

    gate: LocalGate
    village: Village
    count: int = 0

    def fill(self, count: int) -> None:
        """Let in clients, each with a quota and a class, until there are ``count``."""
        for number in range(self.count, count):
            self.gate.admit(_client(number), 86_400, _limits(number))
            if number % 100 == 0:
                self.gate.check()  # as the gate does by itself every two seconds: room for more
        self.count = count
        self.gate.check()


def _world(stack: ExitStack) -> _World:
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    village = stack.enter_context(village_on_wires())
    gate = kernel_gate(_config())
    gate.use(_config())
    gate.admit(PHONE, 86_400, Limits("biasa", Quota(2**30, 2**50)))
    return _World(gate, village)


def _measure(tell: Callable[[str], None]) -> list[Figure]:
    found: list[Figure] = []
    with ExitStack() as stack:
        few = _world(stack)
        few.fill(FEW)
        many = _world(stack)
        for count in MANY:
            tell(f"{count} clients with a quota and a class each, and {FEW} beside them ...")
            many.fill(count)
            ours, peers = _costs(many, few)
            for name, value in ours.items():
                limit, holds = f"ratio <= {RATIO_MAX:g}", value <= RATIO_MAX * peers[name]
                title = f"{name}, {count} clients"
                found.append(Figure(title, value, "us of CPU", f"{FEW} clients", peers[name], limit, holds))
            lists = [_microseconds(lambda: encode(Clients(many.gate.clients()))) / 1_000 for _ in range(LISTS)]
            limited = count == LIST_OF
            limit = f"<= {LIST_MILLISECONDS_MAX:g}" if limited else ""
            met = min(lists) <= LIST_MILLISECONDS_MAX if limited else None
            found.append(Figure(f"list of {count} clients", min(lists), "ms of CPU", "", None, limit, met))
    return found


def _costs(many: _World, few: _World) -> tuple[dict[str, float], dict[str, float]]:
    """Measure both in turn, so that what else happens on this machine happens to both.

    Medians in microseconds; of a packet the best of several runs.
    """
    limits = Limits("biasa", Quota(2**29, 10**9))
    times: tuple[dict[str, list[float]], ...] = ({}, {})
    for _ in range(ROUNDS):
        for world, found in zip((many, few), times, strict=True):
            gate = world.gate
            for name, act in (
                ("login", partial(gate.admit, _NEWCOMER, 600, limits)),
                ("renewal", partial(gate.admit, _NEWCOMER, 900, limits)),
                ("question", partial(gate.admitted, _NEWCOMER)),
                ("leaving", partial(gate.revoke, _NEWCOMER)),
            ):
                found.setdefault(name, []).append(_microseconds(act))
    ours, peers = ({name: statistics.median(values) for name, values in found.items()} for found in times)
    runs = [(_packet(many.village), _packet(few.village)) for _ in range(PACKET_ROUNDS)]
    return ours | {"packet": min(run[0] for run in runs)}, peers | {"packet": min(run[1] for run in runs)}


def _packet(village: Village) -> float:
    """Send packets through the hub. A packet's whole way, rules included, happens before its sending returns."""
    with village.socket_in(village.phone, socket.SOCK_DGRAM) as phone:
        phone.connect((INTERNET, 9))
        begun = time.thread_time()
        for _ in range(PACKETS):
            with contextlib.suppress(ConnectionRefusedError):  # nobody listens there, and the far side says so
                phone.send(b"x" * 100)
        return (time.thread_time() - begun) / PACKETS * 1e6


def _microseconds(act: Callable[[], object]) -> float:
    """Processor time, the kernel's work for it included: what others do on this machine does not count."""
    begun = time.thread_time()
    act()
    return (time.thread_time() - begun) * 1e6


if __name__ == "__main__":
    sys.exit(main())
