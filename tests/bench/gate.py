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
from collections.abc import Callable, Sequence
from pathlib import Path

from appliance.core.config import Config, Speed, parse
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


def _measure(tell: Callable[[str], None]) -> Sequence[Figure]:
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    costs: dict[int, dict[str, float]] = {}
    with village_on_wires() as village:
        gate = kernel_gate(_config())
        gate.use(_config())
        gate.admit(PHONE, 86_400, Limits("biasa", Quota(2**30, 2**50)))
        there = 0
        for count in (FEW, *MANY):
            tell(f"{count} clients with a quota and a class each ...")
            for number in range(there, count - 1):
                gate.admit(_client(number), 86_400, _limits(number))
                if number % 100 == 0:
                    gate.check()  # as the gate does by itself every two seconds: room for more
            there = count - 1
            gate.check()
            costs[count] = _costs(gate, village)
    return _figures(costs)


def _figures(costs: dict[int, dict[str, float]]) -> list[Figure]:
    found = []
    for name in ("login", "renewal", "question", "leaving", "packet"):
        for count in MANY:
            value, few = costs[count][name], costs[FEW][name]
            peer, limit = f"{FEW} clients", f"ratio <= {RATIO_MAX:g}"
            found.append(
                Figure(f"{name}, {count} clients", value, "us of CPU", peer, few, limit, value <= RATIO_MAX * few)
            )
    for count in MANY:
        limited = count == LIST_OF
        value = costs[count]["list"]
        limit = f"<= {LIST_MILLISECONDS_MAX:g} ms" if limited else ""
        holds = value <= LIST_MILLISECONDS_MAX if limited else None
        found.append(Figure(f"list of {count} clients", value, "ms of CPU", "", None, limit, holds))
    return found


def _costs(gate: LocalGate, village: Village) -> dict[str, float]:
    """Medians in microseconds, of a list in milliseconds, of a packet the best of several runs."""
    times: dict[str, list[float]] = {name: [] for name in ("login", "renewal", "question", "leaving")}
    limits = Limits("biasa", Quota(2**29, 10**9))
    for _ in range(ROUNDS):
        times["login"].append(_microseconds(lambda: gate.admit(_NEWCOMER, 600, limits)))
        times["renewal"].append(_microseconds(lambda: gate.admit(_NEWCOMER, 900, limits)))
        times["question"].append(_microseconds(lambda: gate.admitted(_NEWCOMER)))
        times["leaving"].append(_microseconds(lambda: gate.revoke(_NEWCOMER)))
    found = {name: statistics.median(values) for name, values in times.items()}
    lists = [_microseconds(lambda: encode(Clients(gate.clients()))) / 1_000 for _ in range(LISTS)]
    return found | {"list": statistics.median(lists), "packet": _packet(village)}


def _packet(village: Village) -> float:
    """Send packets through the hub. A packet's whole way, rules included, happens before its sending returns."""
    with village.socket_in(village.phone, socket.SOCK_DGRAM) as phone:
        phone.connect((INTERNET, 9))
        runs = []
        for _ in range(PACKET_ROUNDS):
            begun = time.thread_time()
            for _ in range(PACKETS):
                with contextlib.suppress(ConnectionRefusedError):  # nobody listens there, and the far side says so
                    phone.send(b"x" * 100)
            runs.append((time.thread_time() - begun) / PACKETS * 1e6)
    return min(runs)


def _microseconds(act: Callable[[], object]) -> float:
    """Processor time, the kernel's work for it included: what others do on this machine does not count."""
    begun = time.thread_time()
    act()
    return (time.thread_time() - begun) * 1e6


if __name__ == "__main__":
    sys.exit(main())
