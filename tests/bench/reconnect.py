"""10,000 hubs come back after the broker was away: how far apart, and how long their records take to be committed.

Beyond what one machine's descriptors and cores carry the return is reckoned, with the box's own rule of waiting
(`agent.pace`): when each tries, when it finds the broker, and how long a broker that needs `CONNECT_SECONDS` of CPU
for a connect lets it wait. Within it simulated hubs (`noc.simulate`) connect for real, the broker is killed and
started, and each record's way is timed from its sending until the ingest has it.
"""

from __future__ import annotations

import contextlib
import datetime
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from agent.pace import Backoff
from noc import enrol
from noc.simulate import commands
from noc.simulate.crowd import Broker, Crowd
from noc.simulate.hub import SimulatedHub
from noc.simulate.life import Life, Rates
from noc.store.sqlite import open_noc_store
from tests.bench import figures
from tests.bench.figures import Figure
from tests.integration.conftest import Bed, wait_for

HUBS: Final = 10_000
AWAY_SECONDS: Final = (5.0, 60.0, 600.0)
CONNECT_SECONDS: Final = 0.0035
REAL_HUBS: Final = 1_000
REAL_AWAY_SECONDS: Final = 10.0
LATE_SECONDS_MAX: Final = 5.0


def main() -> int:
    """Measure and print."""
    return figures.run("How hubs come back", measure)


def measure(say: Callable[[str], None]) -> Sequence[Figure]:
    """Reckon the country's case, and run the machine's."""
    return [*_reckoned(), *_real(say)]


def returns(hubs: int, away_seconds: float, seed: int = 1) -> tuple[list[float], list[float]]:
    """When hubs try with success, in s after the broker's return, in order; and how long each is let wait."""
    chance, found = random.Random(seed), []
    for _ in range(hubs):
        backoff = Backoff()
        # A box knows that the broker is gone at once: its connections are reset.
        at = backoff.after(86_400.0, chance.random())
        while at < away_seconds:
            at += backoff.after(None, chance.random())
        found.append(at - away_seconds)
    found.sort()
    free, late = 0.0, []
    for at in found:
        free = max(free, at) + CONNECT_SECONDS
        late.append(free - at)
    return found, sorted(late)


def _reckoned() -> list[Figure]:
    most = 1 / CONNECT_SECONDS
    made: list[Figure] = []
    for away_seconds in AWAY_SECONDS:
        found, late = returns(HUBS, away_seconds)
        busiest, worst = _busiest(found), late[int(0.99 * HUBS)]
        what = f"{HUBS:,} hubs, reckoned, {away_seconds:.0f} s away"
        made += [
            Figure(
                f"{what}: most connects in a second", busiest, "/s", "", None, f"<= {most:.0f}", busiest <= most
            ),
            Figure("half are back", found[len(found) // 2], "s", "", None, "", None),
            Figure("all are back", found[-1], "s", "", None, "<= 301", found[-1] <= 301),
            Figure(
                "a connect waits for the broker, p99", worst, "s", "", None, "<= 5", worst <= LATE_SECONDS_MAX
            ),
        ]  # fmt: skip
    return made


def _busiest(found: Sequence[float]) -> int:
    """The most that lie within one second."""
    first, most = 0, 0
    for last, at in enumerate(found):
        while found[first] <= at - 1:
            first += 1
        most = max(most, last - first + 1)
    return most


class _Timed(SimulatedHub):
    """A hub that notes when its newest records left."""

    def __init__(self, hub_id: str, life: Life, sent: dict[tuple[str, int], float]) -> None:
        super().__init__(hub_id, life, until_batch=1)
        self._sent = sent

    def reports(self) -> list[bytes]:
        waiting = [(each.boot_id, each.sequence) for each in self._unsent]
        found = super().reports()
        if found:
            now = time.time()
            for key in waiting:
                self._sent.setdefault(key, now)
        return found


def _real(say: Callable[[str], None]) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="desa-return-") as name, contextlib.ExitStack() as undo:
        bed = Bed(Path(name))
        undo.callback(bed.end_all)
        bed.noc(
            "init", "--broker-host", "localhost", "127.0.0.1", "--bind-address", "127.0.0.1", "--port", str(bed.port)
        )
        with (bed.folder / "etc/broker/mosquitto.conf").open("a") as conf:
            conf.write("user root\n")
        now = datetime.datetime.now(datetime.UTC)
        authority = enrol.open_authority(bed.folder / "etc/authority", now)
        with contextlib.closing(open_noc_store(bed.folder / "noc/noc.db")) as store:
            commands.require_simulation(store, REAL_HUBS)
        pems = bed.folder / "pems"
        pems.mkdir()
        say(f"making certificates for {REAL_HUBS:,} hubs")
        ids = [commands.inventory(number).hub_id for number in range(REAL_HUBS)]
        commands.make_certificates(authority, ids, pems, now)
        broker = bed.start_broker()
        bed.start_ingest("--acknowledge-seconds", "0")
        sent: dict[tuple[str, int], float] = {}
        start_ms = time.time_ns() // 1_000_000 - 60_000
        hubs = [
            _Timed(hub_id, Life(number, start_ms + number * 60_000 // REAL_HUBS, rates=Rates(0, 1, 0, 1)), sent)
            for number, hub_id in enumerate(ids)
        ]
        place = Broker(("127.0.0.1", bed.port), "localhost", pems, bed.folder / "etc/broker/ca.crt")
        crowd = Crowd(hubs, place, lambda: time.time_ns() // 1_000_000)
        undo.callback(crowd.close)
        never = threading.Event()
        say("waiting until all are connected, and have said a minute")
        _until(crowd, lambda: crowd.online == REAL_HUBS and crowd.waiting == 0, 180)
        say(f"killing the broker for {REAL_AWAY_SECONDS:.0f} s")
        broker.kill()
        broker.wait(10)
        crowd.run(never, time.monotonic() + REAL_AWAY_SECONDS)
        sent.clear()
        bed.start_broker()
        back = time.monotonic()
        _until(crowd, lambda: crowd.online == REAL_HUBS, 400)
        took = time.monotonic() - back
        _until(crowd, lambda: crowd.waiting < REAL_HUBS // 10, 120)
        late = _late(bed, sent)
        worst = late[int(0.99 * len(late))]
        return [
            Figure(f"{REAL_HUBS:,} hubs for real: all are back", took, "s", "", None, "<= 301", took <= 301),
            Figure(
                f"from a record's sending to its commit, p99 of {len(late):,}", worst, "s", "", None,
                f"<= {LATE_SECONDS_MAX:g}", worst <= LATE_SECONDS_MAX,
            ),
        ]  # fmt: skip


def _until(crowd: Crowd, holds: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{crowd.online} are connected, {crowd.waiting} records wait: {crowd.counts}")
        crowd.turn()


def _late(bed: Bed, sent: dict[tuple[str, int], float]) -> list[float]:
    """How long each record took that was sent and came: by when the ingest took it from the broker, to the ms."""
    found = []
    with contextlib.closing(open_noc_store(bed.folder / "noc/noc.db")) as store:
        for hub in store.hubs():
            for each in store.records(hub.hub_id, 0, 2**62):
                began = sent.get((each.record.boot_id, each.record.sequence))
                if began is not None:
                    found.append(each.received_ms / 1000 - began)
    wait_for(lambda: bool(found), 1, "a record after the return")
    return sorted(found)


if __name__ == "__main__":
    sys.exit(main())
