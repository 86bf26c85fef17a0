"""The hubs of the ingest bench: one process that sends batches of five one-minute records, each of a boot of its own.

The samples are those of a village's day (`tests.bench.village_day`); batches differ in day time and hub. What is made
beforehand is only the encoding, which a hub does once in five minutes: the messages, their TLS records and the
broker's answers are as many and as large as those of real hubs. A connection stands for many hubs, with at most
``WINDOW`` messages in flight.

Lines on standard output: ``ready``; after ``go RATE COUNT`` on standard input, ``sent SECONDS CPU_SECONDS``. ``flood``
does the same, with one batch among ``FLOOD_EACH`` messages; the others are `nonsense` of a few hubs.
"""

from __future__ import annotations

import hashlib
import select
import ssl
import sys
import time
import zlib
from collections import deque
from pathlib import Path
from typing import Final

import cbor2

from appliance.core import report
from appliance.core.report_dictionary import DICTIONARY
from noc.ingest import mqtt
from tests.bench import village_day

RECORDS: Final = 5
WINDOW: Final = 20
FLOOD_EACH: Final = 18
FLOOD_HUBS: Final = 20
_PAUSE_SECONDS: Final = 0.002


def hub_name(number: int) -> str:
    """Name a hub of the bench."""
    return f"hub-{number:05d}"


def boot_of(number: int, round_number: int) -> bytes:
    """The boot in which a hub sends its batch of a round."""
    return hashlib.blake2b(f"{number}/{round_number}".encode(), digest_size=16).digest()


class Bodies:
    """Encodes a few hundred different batches once; a batch of a hub is one of them with that hub's boot id."""

    def __init__(self, now_ms: int, different: int = 288) -> None:
        records = list(village_day.records(different * RECORDS, wall_ms=now_ms - different * RECORDS * 60_000))
        self._templates = []
        for start in range(0, len(records), RECORDS):
            five = tuple(records[start : start + RECORDS])
            made = report.encode(report.Report(five[0].boot_id, five[-1].boottime_ms + 900, five))
            inflated = zlib.decompressobj(zdict=DICTIONARY).decompress(made[4:])
            boot = bytes.fromhex(five[0].boot_id)
            if inflated.count(boot) != 1:
                raise ValueError("the boot id of a batch must stand in it once")
            self._templates.append((made[:4], *inflated.split(boot)))

    def payload(self, number: int, round_number: int) -> bytes:
        """The batch of a hub."""
        head, before, after = self._templates[(number * 7 + round_number) % len(self._templates)]
        packing = zlib.compressobj(9, zlib.DEFLATED, 15, 9, zlib.Z_DEFAULT_STRATEGY, DICTIONARY)
        return head + packing.compress(before + boot_of(number, round_number) + after) + packing.flush()


def nonsense(good: bytes) -> list[bytes]:
    """Payloads that no hub should send: cut off, bombs, numbers that are none, noise."""

    def packed(body: object) -> bytes:
        packing = zlib.compressobj(9, zlib.DEFLATED, 15, 9, zlib.Z_DEFAULT_STRATEGY, DICTIONARY)
        return good[:4] + packing.compress(body if isinstance(body, bytes) else cbor2.dumps(body)) + packing.flush()

    boot = bytes(16)

    def of_sample(value: object) -> bytes:
        return packed([[boot], 1, [[0, 1, 1, 1, 1, 2, [[0, 1]], [value]]]])

    return [
        b"", bytes(2_000), good[:-9], good[: len(good) // 2], packed(bytes(50_000_000)), packed([boot] * 3),
        of_sample(float("nan")), of_sample(float("inf")), of_sample(2**64), of_sample("text"),
        good[:2] + b"\x63" + good[3:],
    ]  # fmt: skip


class Line:
    """One connection."""

    def __init__(self, port: int, identity: Path, name: str) -> None:
        import socket

        context = ssl.create_default_context(cafile=str(identity / "ca.crt"))
        context.load_cert_chain(identity / f"{name}.crt", identity / f"{name}.key")
        self.socket = context.wrap_socket(
            socket.create_connection(("127.0.0.1", port), 10), server_hostname="localhost"
        )
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.open = 0
        self._next_id = 0
        self._reader = mqtt.Reader(100_000)
        self.socket.sendall(
            mqtt.connect(name, keepalive_seconds=600, session_seconds=0, receive_max=100, packet_max=100_000)
        )
        (answer,) = self._reader.feed(self.socket.recv(1_000))
        if not isinstance(answer, mqtt.Connected) or answer.reason:
            raise ConnectionError(f"{name}: {answer}")
        self.socket.settimeout(0.0)

    def send(self, topic: str, payload: bytes) -> None:
        """Send a message; the socket's buffer has room, since few are in flight."""
        self._next_id = self._next_id % 65_535 + 1
        self.socket.send(mqtt.publish(topic, payload, self._next_id))
        self.open += 1

    def hear(self) -> None:
        """Take the broker's answers that are there."""
        while True:
            try:
                data = self.socket.recv(16_384)
            except ssl.SSLWantReadError:
                return
            for packet in self._reader.feed(data):
                if not isinstance(packet, mqtt.Taken) or packet.reason >= 128:
                    raise ConnectionError(f"the broker answered {packet}")
                self.open -= 1


def main() -> None:
    """Connect, then send as asked."""
    port, identity, lines, hubs, now_ms, prepared = int(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:7])
    bodies = Bodies(now_ms)
    ready = deque(
        (f"desahub/1/{hub_name(at % hubs)}/report", bodies.payload(at % hubs, at // hubs)) for at in range(prepared)
    )
    connections = [Line(port, identity, f"load-{number}") for number in range(lines)]
    by_socket = {each.socket: each for each in connections}
    print("ready", flush=True)
    bad = nonsense(bodies.payload(0, 0))
    for command in sys.stdin:
        what, rate, count = command.split()
        began, cpu = time.monotonic(), time.process_time()
        sending = ready if what == "go" else _flood(ready, bad, int(count), hubs)
        _send(connections, by_socket, sending, float(rate), int(count))
        print("sent", time.monotonic() - began, time.process_time() - cpu, flush=True)


def _flood(ready: deque[tuple[str, bytes]], bad: list[bytes], count: int, hubs: int) -> deque[tuple[str, bytes]]:
    return deque(
        (
            ready.popleft()
            if at % FLOOD_EACH == 0
            else (f"desahub/1/{hub_name(hubs + at % FLOOD_HUBS)}/report", bad[at % len(bad)])
        )
        for at in range(count)
    )


def _send(
    connections: list[Line],
    by_socket: dict[ssl.SSLSocket, Line],
    ready: deque[tuple[str, bytes]],
    rate: float,
    count: int,
) -> None:
    began, sent, turn = time.monotonic(), 0, 0
    while sent < count or any(each.open for each in connections):
        due = min(count, int((time.monotonic() - began) * rate) + 1)
        passed = 0
        while sent < due and passed < len(connections):
            line = connections[turn]
            turn = (turn + 1) % len(connections)
            if line.open >= WINDOW:
                passed += 1
                continue
            line.send(*ready.popleft())
            sent, passed = sent + 1, 0
        heard, _, _ = select.select(by_socket, [], [], _PAUSE_SECONDS)
        for each in heard:
            by_socket[each].hear()


if __name__ == "__main__":
    main()
