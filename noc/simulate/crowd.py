"""Many simulated hubs in one process and one thread: who is due, who connects, who hears."""

from __future__ import annotations

import heapq
import random
import selectors
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from noc.ingest import mqtt
from noc.simulate.hub import SimulatedHub
from noc.simulate.life import MINUTE_MS
from noc.simulate.wire import Wire

BACKOFF_SECONDS_MAX: Final = 300.0
STEADY_SECONDS: Final = 120.0
SPREAD_SECONDS_MAX: Final = 60.0
SPREAD_SHARE: Final = SPREAD_SECONDS_MAX / 21_600
FIRST_PER_SECOND: Final = 100.0  # a broker spends 3.5 ms on each connect
_PAUSE_SECONDS: Final = 0.2


def wait_seconds(tries: int, fraction: float, spread_seconds: float = 0.0) -> float:
    """How long a box waits before a try, after ``tries`` that failed or did not hold: as `agent.pace` has it."""
    return 0.2 + fraction * max(spread_seconds, min(BACKOFF_SECONDS_MAX, 2.0 ** min(tries, 9)))


def after_session(held_seconds: float) -> tuple[int, float]:
    """How a box counts its tries after a session that held, and over how many seconds it spreads the first."""
    spread_seconds = min(SPREAD_SECONDS_MAX, held_seconds * SPREAD_SHARE)
    return max(0, int(spread_seconds).bit_length() - 2), spread_seconds


@dataclass(frozen=True, slots=True)
class Broker:
    """Where hubs connect. ``name`` is the one in its certificate, ``certificates`` has HUB.pem for each hub."""

    address: tuple[str, int]
    name: str
    certificates: Path
    authority: Path


@dataclass(slots=True)
class Counts:
    """What happened so far."""

    connects: int = 0
    lost: int = 0
    reports: int = 0
    refused: int = 0


@dataclass(slots=True)
class _Member:
    hub: SimulatedHub
    wire: Wire | None = None
    is_reachable: bool = True
    tries: int = 0
    up_since: float = 0.0


class Crowd:
    """The hubs of a simulation.

    Args:
        hubs: each has lived up to its own moment of the simulated time.
        broker: where they connect.
        simulated_ms: the simulated time now, in ms of UTC.
    """

    def __init__(self, hubs: Sequence[SimulatedHub], broker: Broker, simulated_ms: Callable[[], int]) -> None:
        self.counts = Counts()
        self._members = [_Member(hub) for hub in hubs]
        self._broker = broker
        self._simulated_ms = simulated_ms
        self._selector = selectors.DefaultSelector()
        self._minutes = [(member.hub.life.now_ms + MINUTE_MS, number) for number, member in enumerate(self._members)]
        heapq.heapify(self._minutes)
        now = time.monotonic()
        spread = len(hubs) / FIRST_PER_SECOND
        self._connects = [(now + random.uniform(0, spread), number) for number in range(len(hubs))]  # noqa: S311 - jitter
        heapq.heapify(self._connects)

    @property
    def online(self) -> int:
        """How many have a session."""
        return sum(each.wire is not None and each.wire.is_up for each in self._members)

    @property
    def unreachable(self) -> int:
        """How many are cut off, by their own life."""
        return sum(not each.is_reachable for each in self._members)

    @property
    def waiting(self) -> int:
        """How many records the NOC has not acknowledged."""
        return sum(each.hub.waiting for each in self._members)

    @property
    def acknowledged(self) -> int:
        """How many it has."""
        return sum(each.hub.acknowledged for each in self._members)

    def run(self, stopping: threading.Event, until: float, each_turn: Callable[[], None] = lambda: None) -> None:
        """Live until ``stopping`` or ``until`` (monotonic seconds)."""
        while not stopping.is_set() and time.monotonic() < until:
            self.turn()
            each_turn()

    def turn(self) -> None:
        """Do what is due, and wait a little for what comes."""
        deadline = time.monotonic() + _PAUSE_SECONDS
        while self._minutes and self._minutes[0][0] <= self._simulated_ms() and time.monotonic() < deadline:
            due_ms, number = heapq.heappop(self._minutes)
            self._minute(self._members[number], number)
            heapq.heappush(self._minutes, (due_ms + MINUTE_MS, number))
        while self._connects and self._connects[0][0] <= time.monotonic() < deadline:
            _, number = heapq.heappop(self._connects)
            self._connect(self._members[number], number)
        behind = self._minutes and self._minutes[0][0] <= self._simulated_ms()
        for key, _ in self._selector.select(0.0 if behind else _PAUSE_SECONDS / 4):
            self._step(self._members[key.data], key.data)

    def close(self) -> None:
        """Let all say goodbye."""
        for member in self._members:
            if member.wire is not None:
                try:
                    if member.wire.is_up:
                        member.wire.goodbye()
                except (OSError, mqtt.ProtocolError):
                    self.counts.lost += 1
                member.wire.close()
                member.wire = None
        self._selector.close()

    def _minute(self, member: _Member, number: int) -> None:
        member.is_reachable = member.hub.minute()
        if not member.is_reachable:
            self._drop(member, number, 0.0)
        elif member.wire is not None and member.wire.is_up:
            self._send(member)
            self._step(member, number)

    def _connect(self, member: _Member, number: int) -> None:
        if member.wire is not None:
            return
        if not member.is_reachable:
            heapq.heappush(self._connects, (time.monotonic() + 1.0, number))
            return
        broker = self._broker
        certificate = broker.certificates / f"{member.hub.hub_id}.pem"
        self.counts.connects += 1
        try:
            member.wire = Wire(broker.address, broker.name, certificate, broker.authority, member.hub.hub_id)
            member.wire.begin(member.hub.will())
            self._selector.register(member.wire.socket, member.wire.events, number)
        except OSError:
            self._drop(member, number, None)

    def _step(self, member: _Member, number: int) -> None:
        wire = member.wire
        if wire is None:
            return
        before, events = wire.socket, wire.events
        try:
            for packet in wire.step():
                self._packet(member, packet)
            if wire.is_up:
                wire.step()
        except (OSError, mqtt.ProtocolError):
            self.counts.lost += 1
            self._drop(member, number, None)
            return
        if wire.socket is not before:
            self._selector.unregister(before)
            self._selector.register(wire.socket, wire.events, number)
        elif wire.events != events:
            self._selector.modify(wire.socket, wire.events, number)

    def _packet(self, member: _Member, packet: mqtt.Packet) -> None:
        assert member.wire is not None  # noqa: S101 - for the type checker
        if isinstance(packet, mqtt.Connected):
            if packet.reason >= 128:
                self.counts.refused += 1
                raise mqtt.ProtocolError(f"refused: reason {packet.reason}")
            member.up_since = time.monotonic()
            member.wire.up(member.hub.connected())
            self._send(member)
        elif isinstance(packet, mqtt.Received):
            member.hub.heard(packet.payload)
        elif isinstance(packet, mqtt.Taken) and packet.reason >= 128:
            self.counts.refused += 1
        elif isinstance(packet, mqtt.Goodbye):
            raise mqtt.ProtocolError(f"the broker ends the connection: reason {packet.reason}")

    def _send(self, member: _Member) -> None:
        assert member.wire is not None  # noqa: S101 - for the type checker
        for payload in member.hub.reports():
            member.wire.report(payload)
            self.counts.reports += 1

    def _drop(self, member: _Member, number: int, wait: float | None) -> None:
        """Forget a connection; ``wait`` None: as long as a box waits after one that was lost."""
        had_wire, spread = member.wire is not None, 0.0
        if member.wire is not None:
            if member.wire.is_up and (held := time.monotonic() - member.up_since) >= STEADY_SECONDS:
                member.tries, spread = after_session(held)
            try:
                self._selector.unregister(member.wire.socket)
            except (KeyError, ValueError):
                had_wire = True  # it failed before it was watched
            member.wire.close()
            member.wire = None
        if wait is None:
            member.tries += 1
            wait = wait_seconds(member.tries, random.random(), spread)  # noqa: S311 - jitter
        elif not had_wire:
            return  # its next try stands there already
        heapq.heappush(self._connects, (time.monotonic() + wait, number))
