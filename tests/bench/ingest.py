"""What the NOC's ingest takes: batches a second, and the time from a hub's send to the dashboard's data.

The real broker with mutual TLS, two ingest workers on SQLite, and the hubs of `tests.bench.ingest_load`, all on the
cores of this machine. Every hub of the country (83,762) is in the inventory.
"""

from __future__ import annotations

import bisect
import contextlib
import datetime
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from noc import enrol
from noc.store.sqlite import open_noc_store_reading
from tests.bench import figures
from tests.bench.figures import Figure
from tests.bench.ingest_load import FLOOD_EACH, FLOOD_HUBS, RECORDS, boot_of, hub_name
from tests.integration.conftest import REPOSITORY, Bed, wait_for

HUBS: Final = 83_762
LINES: Final = 200
WORKERS: Final = 2
STEADY_RATE: Final = HUBS / 300  # a batch every five minutes from each
STEADY_SECONDS: Final = 60
RATE: Final = 4_400.0
SECONDS: Final = 30
FLOOD_RATE: Final = 5_000
FLOOD: Final = FLOOD_RATE * 20
BATCHES_MIN: Final = 4_000
CHECKED: Final = 500
# The broker drops what waits for a worker beyond 20,000 messages; hubs would send it again, this load does not.
BEHIND_MAX: Final = 10_000
CHUNK: Final = 2_200


class Noc:
    """A NOC whose inventory is the country, with broker, workers and load."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.bed = Bed(folder)
        self._say = say
        self.database = folder / "noc/noc.db"
        self.workers: list[subprocess.Popen[bytes]] = []

    def make(self) -> None:
        """Make keys, inventory and access list."""
        bed = self.bed
        bed.noc("init", "--broker-host", "localhost", "--bind-address", "127.0.0.1", "--port", str(bed.port))
        now = datetime.datetime.now(datetime.UTC)
        authority = enrol.open_authority(bed.folder / "etc/authority", now)
        names = [f"load-{number}" for number in range(LINES)]
        with (bed.folder / "etc/broker/mosquitto.conf").open("a") as conf:
            conf.write("user root\n")
        with (bed.folder / "etc/broker/acl").open("a") as acl:
            acl.writelines(f"user {name}\ntopic write desahub/1/+/report\n" for name in names)
        load = bed.folder / "load"
        load.mkdir()
        (load / "ca.crt").write_bytes(authority.certificate_pem)
        for folder, name in [
            *((load, name) for name in names),
            *((bed.folder / f"worker-{number}", enrol.ingest_name(number)) for number in range(1, WORKERS + 1)),
        ]:
            folder.mkdir(exist_ok=True)
            key = ec.generate_private_key(ec.SECP256R1())
            file = name if folder == load else "client"
            (folder / f"{file}.key").write_bytes(enrol.private_pem(key))
            (folder / f"{file}.crt").write_bytes(enrol.service_certificate(authority, key.public_key(), name))
            (folder / "ca.crt").write_bytes(authority.certificate_pem)
        with contextlib.closing(sqlite3.connect(self.database)) as db, db:
            db.executemany(
                "INSERT INTO hub (hub_id, name, kode_wilayah, timezone) VALUES (?, ?, '51.03.01.2001', 'Asia/Jakarta')",
                ((hub_name(number), f"Desa {number}") for number in range(HUBS + FLOOD_HUBS)),
            )

    def start(self, prepared: int, now_ms: int) -> subprocess.Popen[str]:
        """Start broker, workers and load; return the load."""
        bed = self.bed
        self.broker = bed.start_broker()
        for number in range(1, WORKERS + 1):
            self.workers.append(
                bed.start(
                    f"worker-{number}",
                    sys.executable,
                    "-m",
                    "noc.ingest",
                    "--port",
                    str(bed.port),
                    "--worker",
                    str(number),
                    "--identity",
                    str(bed.folder / f"worker-{number}"),
                    "--store",
                    str(self.database),
                )
            )  # fmt: skip
            wait_for(lambda name=f"worker-{number}": "listening" in bed.log(name), what="a worker's subscription")  # type: ignore[misc]
        self._say(f"encoding {prepared:,} batches")
        load = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.ingest_load", str(bed.port), str(bed.folder / "load"),
             str(LINES), str(HUBS), str(now_ms), str(prepared)],
            cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert load.stdout is not None
        if load.stdout.readline() != "ready\n":
            raise RuntimeError("the load did not become ready")
        return load

    def positions(self) -> tuple[int, int]:
        """How many batches are committed, and how many of them the facts know."""
        with contextlib.closing(sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True)) as db:
            row = db.execute("SELECT coalesce(sum(committed), 0), coalesce(sum(projected), 0) FROM day").fetchone()
        return int(row[0]), int(row[1])

    def cpu_seconds(self) -> dict[str, float]:
        """What broker and workers used so far."""
        found = {"broker": _cpu(self.broker.pid)}
        return found | {f"worker {number}": _cpu(each.pid) for number, each in enumerate(self.workers, 1)}


def main() -> int:
    """Measure and print."""
    return figures.run("What the NOC's ingest takes", measure)


def measure(say: Callable[[str], None]) -> Sequence[Figure]:
    """Run both loads against a NOC of its own."""
    with tempfile.TemporaryDirectory(prefix="desa-ingest-") as name, contextlib.ExitStack() as undo:
        noc = Noc(Path(name), say)
        undo.callback(noc.bed.end_all)
        say(f"making a NOC with {HUBS:,} hubs")
        noc.make()
        now_ms = time.time_ns() // 1_000_000
        steady, most = int(STEADY_RATE * STEADY_SECONDS), int(RATE * SECONDS)
        flooded = -(-FLOOD // FLOOD_EACH)
        load = noc.start(steady + flooded + most, now_ms)
        undo.callback(load.kill)
        say(f"{STEADY_RATE:.0f} batches a second for {STEADY_SECONDS} s: the steady load of {HUBS:,} hubs")
        found = _steady(noc, load, steady)
        say(f"{FLOOD_RATE:,} bad messages a second, and the steady load between them")
        found += _flood(noc, load, steady, flooded)
        say(f"{RATE:,.0f} batches a second for {SECONDS} s")
        found += _most(noc, load, steady + flooded, most, say)
        _check(noc, steady + flooded + most)
        return found


def _steady(noc: Noc, load: subprocess.Popen[str], count: int) -> list[Figure]:
    before = noc.cpu_seconds()
    began = _go(load, STEADY_RATE, count)
    late = _late(noc, began, 0, count, STEADY_RATE)
    _sent(load)
    cpu = _less(noc.cpu_seconds(), before)
    wall = time.monotonic() - began
    return [
        Figure(
            "from send to the dashboard's data, p99, steady load", late[int(0.99 * count)], "s", "", None, "<= 2",
            late[int(0.99 * count)] <= 2,
        ),
        Figure("cores, ingest, steady load", _workers(cpu) / wall, "", "", None, "", None),
        Figure("cores, broker, steady load", cpu["broker"] / wall, "", "", None, "", None),
    ]  # fmt: skip


def _flood(noc: Noc, load: subprocess.Popen[str], already: int, good: int) -> list[Figure]:
    before = noc.cpu_seconds()
    began = _go(load, FLOOD_RATE, FLOOD, "flood")
    late = _late(noc, began, already, good, FLOOD_RATE / FLOOD_EACH)
    _sent(load)
    bad = FLOOD - good
    with contextlib.closing(open_noc_store_reading(noc.database)) as store:
        wait_for(lambda: sum(store.aside_counts().values()) >= bad, 60, "the count of what was kept aside")
        counted, kept = sum(store.aside_counts().values()), store.aside(1_000_000)
    if counted != bad:
        raise RuntimeError(f"{bad} bad messages were sent, {counted} were counted")
    cpu = _less(noc.cpu_seconds(), before)
    size = sum(len(each.payload) for each in kept) / 1024
    return [
        Figure(
            f"the same among {FLOOD_RATE:,} bad messages a second, p99", late[int(0.99 * good)], "s", "", None, "<= 5",
            late[int(0.99 * good)] <= 5,
        ),
        Figure("CPU a bad message, ingest", 1e6 * _workers(cpu) / bad, "us", "", None, "", None),
        Figure("kept aside of them", size, "KiB", "", None, "<= 65536", size <= 65_536),
    ]  # fmt: skip


def _late(noc: Noc, began: float, already: int, count: int, rate: float) -> list[float]:
    """How long batches needed until the facts knew them, in order of size.

    They are sent in order and evenly; workers may swap neighbours, which this does not flatter: until a number of them
    is there, the last of that number counts as missing.
    """
    seen: list[tuple[float, int]] = []
    while not seen or seen[-1][1] < already + count:
        seen.append((time.monotonic(), noc.positions()[1]))
        if time.monotonic() - began > 120 + 2 * count / rate:
            raise RuntimeError(f"of {count} batches {seen[-1][1] - already} came to the dashboard")
        time.sleep(0.01)
    return sorted(_reached(seen, already + at + 1) - (began + at / rate) for at in range(count))


def _most(noc: Noc, load: subprocess.Popen[str], already: int, count: int, say: Callable[[str], None]) -> list[Figure]:
    before = noc.cpu_seconds()
    began, peak, sent, load_cpu = time.monotonic(), 0.0, 0, 0.0
    while (committed := noc.positions()[0]) < already + count:
        if sent < count and already + sent - committed < BEHIND_MAX:
            chunk = min(CHUNK, count - sent)
            _go(load, RATE, chunk)
            load_cpu += _sent(load)
            sent += chunk
        if time.monotonic() - began > 10 * SECONDS:
            raise RuntimeError(
                f"of {count} batches {committed - already} were committed: {noc.bed.log('worker-1')[-2000:]}"
            )
        peak = max(peak, *(_resident_mib(each.pid) for each in noc.workers))
        time.sleep(0.05)
    wall = time.monotonic() - began
    cpu = _less(noc.cpu_seconds(), before)
    while noc.positions()[1] < already + count:
        time.sleep(0.1)
    lag = time.monotonic() - began - wall
    say(", ".join(f"{name} {seconds:.1f} s" for name, seconds in [*cpu.items(), ("load", load_cpu)]) + " of CPU")
    rate = count / wall
    return [
        Figure("batches committed", rate, "/s", "", None, f">= {BATCHES_MIN:,}", rate >= BATCHES_MIN),
        Figure("one-minute records committed", rate * RECORDS, "/s", "", None, "", None),
        Figure(
            "CPU a batch, ingest",
            1e6 * _workers(cpu) / count,
            "us",
            "",
            None,
            "",
            None,
        ),
        Figure("CPU a batch, broker", 1e6 * cpu["broker"] / count, "us", "", None, "", None),
        Figure("CPU a batch, load", 1e6 * load_cpu / count, "us", "", None, "", None),
        Figure("memory of a worker, most", peak, "MiB", "", None, "<= 256", peak <= 256),
        Figure("facts behind the commits at the end", lag, "s", "", None, "", None),
    ]


def _check(noc: Noc, count: int) -> None:
    """Each record is there once: by number, and for some hubs by asking for them."""
    with contextlib.closing(sqlite3.connect(f"{noc.database.as_uri()}?mode=ro", uri=True)) as db:
        (held,) = db.execute("SELECT sum(last - first + 1) FROM held").fetchone()
    if held != count * RECORDS or noc.positions()[0] != count:
        raise RuntimeError(f"{count * RECORDS} records were sent, {held} are held in {noc.positions()[0]} batches")
    with contextlib.closing(open_noc_store_reading(noc.database)) as store:
        for number in range(0, min(count, HUBS), max(1, min(count, HUBS) // CHECKED)):
            found = store.records(hub_name(number), 0, 2**62)
            rounds = -(-(count - number) // HUBS)
            boots = {boot_of(number, each).hex() for each in range(rounds)}
            if len(found) != rounds * RECORDS or {each.record.boot_id for each in found} != boots:
                raise RuntimeError(f"{hub_name(number)}: {len(found)} records instead of {rounds * RECORDS}")


def _go(load: subprocess.Popen[str], rate: float, count: int, what: str = "go") -> float:
    assert load.stdin is not None
    load.stdin.write(f"{what} {rate} {count}\n")
    load.stdin.flush()
    return time.monotonic()


def _sent(load: subprocess.Popen[str]) -> float:
    assert load.stdout is not None
    return float(load.stdout.readline().split()[2])


def _reached(seen: Sequence[tuple[float, int]], count: int) -> float:
    return seen[bisect.bisect_left(seen, count, key=lambda each: each[1])][0]


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def _less(after: dict[str, float], before: dict[str, float]) -> dict[str, float]:
    return {name: seconds - before[name] for name, seconds in after.items()}


def _workers(cpu: dict[str, float]) -> float:
    return sum(seconds for name, seconds in cpu.items() if name != "broker")


def _resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    sys.exit(main())
