"""How the line is shared: classes of speed, fair shares, small things beside large ones, and what it costs.

The peer is the same box without shaping, where packets wait in the modem's queue, first come, first served.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from appliance.gate.protocol import Limits
from script.village.programs import VillageError
from tests.bench import figures
from tests.bench import line as lines
from tests.bench.figures import Figure
from tests.bench.line import Line, Servers, arrived, client, download, flood, round_trips, together, upload

LINE_KBIT = 10_000
CLASS_KBIT = 4_000
# So fast that the box itself is the narrow place.
FAST_KBIT = 10_000_000
PHONES = 10
ROUNDS = 3
FIRST_SECONDS = 5.0
LONG_SECONDS = 8.0
SETTLE_SECONDS = 5.0
COST_SECONDS = 2.0
COST_ROUNDS = 5
CROWDS = (25, 250, 1_000)
_LEASE_SECONDS = 3_600
_PEER = "no shaping"
Tell = Callable[[str], None]


def main() -> int:
    """Run the bench."""
    return figures.run("speed", _measure)


def _measure(tell: Tell) -> list[Figure]:
    if os.geteuid() != 0:
        raise VillageError("namespaces need root")
    with TemporaryDirectory() as folder:
        with lines.line(Path(folder), PHONES, LINE_KBIT) as line, Servers() as servers:
            found = [*_classes(tell, line, servers), *_counted(tell, line), *_shared(tell, line, servers)]
        with lines.line(Path(folder), 1, FAST_KBIT, provider=False) as line, Servers():
            return [*found, *_cost(tell, line)]


def _admit(line: Line, speed: str = "") -> None:
    for phone in line.phones:
        line.gate.admit(phone.client, _LEASE_SECONDS, Limits(speed))


def _mbit(count: float, seconds: float) -> float:
    return count * 8 / seconds / 1e6


def _within(name: str, values: Sequence[float], wanted: float, share: float, peer: float) -> Figure:
    value = statistics.median(values)
    limit = f"{wanted * (1 - share):g} to {wanted * (1 + share):g}"
    return Figure(name, value, "Mbit/s", _PEER, peer, limit, abs(value - wanted) <= share * wanted)


def _classes(tell: Tell, line: Line, servers: Servers) -> Iterator[Figure]:
    phone = line.phones[0]
    ways: dict[str, Callable[[float], int]] = {
        "download": lambda seconds: download(phone.namespace, seconds),
        "upload": lambda seconds: upload(phone.namespace, seconds, servers),
    }
    ours: dict[str, list[float]] = {way: [] for way in ways}
    later: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(1, ROUNDS + 1):
        tell(f"a class of 4 Mbit/s, round {number} of {ROUNDS}")
        _admit(line, "biasa")
        for way, act in ways.items():
            ours[way].append(_mbit(act(FIRST_SECONDS), FIRST_SECONDS))
            later[way].append(_mbit(act(2 * FIRST_SECONDS), 2 * FIRST_SECONDS))
    peers = {}
    tell("the same without shaping")
    with line.without_shaping():
        for way, act in ways.items():
            peers[way] = _mbit(act(FIRST_SECONDS), FIRST_SECONDS)
    for way in ways:
        yield _within(f"class of 4 Mbit/s, {way}, first 5 s", ours[way], CLASS_KBIT / 1000, 0.1, peers[way])
        yield _within(f"class of 4 Mbit/s, {way}, 10 s", later[way], CLASS_KBIT / 1000, 0.1, peers[way])


def _counted(tell: Tell, line: Line) -> Iterator[Figure]:
    """What a download is counted as, against what came out at the phone's end of the cable."""
    phone = line.phones[0]

    def received() -> int:
        return next(one.received_bytes for one in line.gate.clients() if one.client == phone.client)

    for speed, name in (("biasa", "a class of 4 Mbit/s"), ("", "the whole line")):
        beyond = []
        for number in range(1, ROUNDS + 1):
            tell(f"bytes counted, {name}, round {number} of {ROUNDS}")
            _admit(line, speed)
            counted, came = received(), arrived(phone.namespace)
            download(phone.namespace, FIRST_SECONDS)
            time.sleep(1)  # what waits in the queue still comes
            beyond.append(((received() - counted) / (arrived(phone.namespace) - came) - 1) * 100)
        worst = max(beyond, key=abs)
        yield Figure(f"counted beyond what came, a download with {name}", worst, "%", "", None, "1 % at most",
                     abs(worst) <= 1)  # fmt: skip


def _shared(tell: Tell, line: Line, servers: Servers) -> Iterator[Figure]:
    _admit(line)
    kinds: dict[str, Callable[[Line, Servers], float]] = {
        "shares": _worst_share, "download": _beside_download, "flood": _beside_flood, "upload": _upload_beside_flood,
        "box": _box_beside_flood,
    }  # fmt: skip
    ours: dict[str, list[float]] = {kind: [] for kind in kinds}
    peers: dict[str, float] = {}
    quiet = figures.p95([took for phone in line.phones[:3] for took in round_trips(phone.namespace, 2)])
    for number in range(1, ROUNDS + 1):
        for kind, act in kinds.items():
            tell(f"sharing 10 Mbit/s: {kind}, round {number} of {ROUNDS}")
            ours[kind].append(act(line, servers))
    with line.without_shaping():
        for kind, act in kinds.items():
            tell(f"the same without shaping: {kind}")
            peers[kind] = act(line, servers)
    value = {kind: statistics.median(values) for kind, values in ours.items()}
    yield Figure("ten downloads, one with 8 streams: farthest from a tenth", value["shares"], "%", _PEER,
                 peers["shares"], "<= 15 %", value["shares"] <= 15)  # fmt: skip
    for kind, name in (
        ("download", "added to others' round trips by a download of 6 streams, p95"),
        ("flood", "added to others' round trips by a flood upwards, p95"),
        ("box", "added to the box's own round trips by a flood upwards, p95"),
    ):
        added = value[kind] - quiet
        yield Figure(name, added, "ms", _PEER, peers[kind] - quiet, "<= 30 ms", added <= 30)
    yield Figure("upload beside a flood of 30 Mbit/s", value["upload"], "Mbit/s", _PEER, peers["upload"],
                 ">= 4.25 Mbit/s", value["upload"] >= 4.25)  # fmt: skip


def _worst_share(line: Line, _: Servers) -> float:
    """Percent by which the farthest of ten is off its tenth of what the ten have together."""
    counts = dict.fromkeys(line.phones, 0)

    def one(phone: lines.Phone) -> None:
        # Whoever began first has the line for itself until the others' first packets are there.
        streams = 8 if phone.number == 1 else 1
        counts[phone] = download(phone.namespace, LONG_SECONDS, streams, after_seconds=SETTLE_SECONDS)

    together([lambda phone=phone: one(phone) for phone in line.phones])  # type: ignore[misc] # bound on purpose
    tenth = LINE_KBIT * 1000 / 8 * LONG_SECONDS / len(line.phones)
    return max(abs(count / tenth - 1) * 100 for count in counts.values())


def _beside(acts: Sequence[Callable[[], object]], namespace: str) -> float:
    found: list[float] = []
    together([*acts, lambda: found.extend(round_trips(namespace, LONG_SECONDS))])
    return figures.p95(found)


def _beside_download(line: Line, _: Servers) -> float:
    heavy, light = line.phones[0].namespace, line.phones[1].namespace
    return _beside([lambda: download(heavy, LONG_SECONDS, streams=6)], light)


def _flooding(line: Line) -> Callable[[], None]:
    return lambda: flood(line.phones[0].namespace, LONG_SECONDS, 30e6 / 8)


def _beside_flood(line: Line, _: Servers) -> float:
    return _beside([_flooding(line)], line.phones[1].namespace)


def _box_beside_flood(line: Line, _: Servers) -> float:
    return _beside([_flooding(line)], lines.HUB)


def _upload_beside_flood(line: Line, servers: Servers) -> float:
    sent: list[int] = []
    together([_flooding(line), lambda: sent.append(upload(line.phones[2].namespace, LONG_SECONDS, servers))])
    return _mbit(sent[0], LONG_SECONDS)


def _cost(tell: Tell, line: Line) -> Iterator[Figure]:
    """What passes a box that has no other limit, with more and more clients admitted; all have slots, one is busy."""
    rates: dict[int, list[float]] = {crowd: [] for crowd in CROWDS}
    peers: list[float] = []
    for number in range(1, COST_ROUNDS + 1):
        for crowd in CROWDS:
            tell(f"packets through the box, {crowd} clients, round {number} of {COST_ROUNDS}")
            _crowd(line, crowd)
            rates[crowd].append(_mbit(download(line.phones[0].namespace, COST_SECONDS), COST_SECONDS))
        with line.without_shaping():
            line.tc("qdisc", "del", "dev", "eth0", "root")
            peers.append(_mbit(download(line.phones[0].namespace, COST_SECONDS), COST_SECONDS))
    least = CROWDS[0]
    value = statistics.median(rates[least])
    yield Figure(f"throughput, {least} clients", value, "Mbit/s", _PEER, statistics.median(peers), "", None)
    for crowd in CROWDS[1:]:
        yield figures.at_least_ratio(
            f"throughput, {crowd} clients", "Mbit/s", rates[crowd], f"{least} clients", rates[least], 0.9
        )


def _crowd(line: Line, count: int) -> None:
    """Have exactly ``count`` clients admitted, phone 1 among them."""
    wanted = {client(number) for number in range(1, count + 1)}
    have = {one.client for one in line.gate.clients()}
    for one in have - wanted:
        line.gate.revoke(one)
    for one in sorted(wanted - have, key=lambda one: one.mac):
        line.gate.admit(one, _LEASE_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
