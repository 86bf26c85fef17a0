"""A line, a box and phones for measuring how the line is shared: namespaces, the real gate, real TCP and UDP.

The provider's line is a little faster than what ``hub.toml`` says, as its documentation asks, with the long queue that
modems have. Phones and the internet send packets one by one, as cables and radios carry them.
"""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from appliance.gate.client import GateClient
from appliance.gate.protocol import Client
from script.village.programs import Process, run, start, wait_until
from tests.bench import load

HUB, NET = "speed-hub", "speed-net"
OUTSIDE = "198.18.0.80"
PROVIDER_SURPLUS = 1.1
_BOX = "198.51.100.2"
_TCP_PORT, _SINK_PORT, _ECHO_PORT = 5001, 5002, 5003
_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Phone:
    """One phone, counted from 1."""

    number: int

    @property
    def namespace(self) -> str:
        """Its network namespace."""
        return f"speed-phone-{self.number}"

    @property
    def client(self) -> Client:
        """As the gate knows it."""
        return client(self.number)


def client(number: int) -> Client:
    """A client with this number, whether there is a phone for it or not."""
    return Client(f"10.20.{number // 250}.{number % 250 + 2}", f"02:de:5a:01:{number // 256:02x}:{number % 256:02x}")


def hub_toml(line_kbit: int) -> str:
    """The configuration: a line of this speed both ways, and a class of 4 Mbit/s."""
    return f"""[village]
name = "Sukamaju"
kode_wilayah = "51.03.01.2001"
kecamatan = "Kuta"
kabupaten = "Kabupaten Badung"
provinsi = "Bali"
timezone = "Asia/Makassar"
head_title = "Perbekel"
head_name = "I Wayan Contoh"

[hub]
id = "hub-speed-1"

[uplink]
interface = "eth0"
download_kbit = {line_kbit}
upload_kbit = {line_kbit}

[[speeds]]
name = "biasa"
title = "Biasa"
download_kbit = 4000
upload_kbit = 4000

[[networks]]
name = "warga"
kind = "resident"
interface = "br-warga"
address = "10.20.0.1/20"
ssid = "Desa Sukamaju"
"""


@dataclass
class Line:
    """A running line. Make it with `line`."""

    folder: Path
    phones: tuple[Phone, ...]
    line_kbit: int
    gate: GateClient = field(init=False)
    _processes: list[Process] = field(default_factory=list)

    def lay(self) -> None:
        """Make namespaces, cables and addresses."""
        names = [HUB, NET, *(phone.namespace for phone in self.phones)]
        run(["ip", "-batch", "-"], text="".join(f"netns add {name}\n" for name in names))
        run(
            ["ip", "-n", NET, "-batch", "-"],
            text=f"""link set lo up
link add hub0 type veth peer name eth0 netns {HUB}
link set hub0 gso_max_segs 1 up
address add 198.51.100.1/24 dev hub0
address add {OUTSIDE}/32 dev lo
""",
        )
        run(
            ["ip", "-n", HUB, "-batch", "-"],
            text=f"""link set lo up
link set eth0 gso_max_segs 1 up
address add {_BOX}/24 dev eth0
route add default via 198.51.100.1
link add br-warga type bridge
link set br-warga up
address add 10.20.0.1/20 dev br-warga
""",
        )
        for phone in self.phones:
            mine = phone.client
            run(
                ["ip", "-n", HUB, "-batch", "-"],
                text=f"""link add p{phone.number} type veth peer name eth0 address {mine.mac} netns {phone.namespace}
link set p{phone.number} master br-warga up
""",
            )
            run(
                ["ip", "-n", phone.namespace, "-batch", "-"],
                text=f"""link set lo up
link set eth0 gso_max_segs 1 up
address add {mine.address}/20 dev eth0
route add default via 10.20.0.1
""",
            )
        run(["ip", "netns", "exec", HUB, "sysctl", "-qw", "net.ipv4.ip_forward=1"])

    def start_gate(self) -> None:
        """Start the real gate, and wait until it shares the line."""
        (self.folder / "hub.toml").write_text(hub_toml(self.line_kbit), encoding="utf-8")
        path = self.folder / "gate.sock"
        gate = start(
            ["ip", "netns", "exec", HUB, sys.executable, "-m", "appliance.gate", "--config",
             str(self.folder / "hub.toml"), "--socket", str(path)],
            log=self.folder / "gate.log",
        )  # fmt: skip
        self._processes.append(gate)
        wait_until(lambda: path.exists() or gate.poll() is not None, f"the gate; see {self.folder}/gate.log")
        self.gate = GateClient(path)

    def reload(self, text: str) -> None:
        """Have the gate read another configuration. It answers at once, and acts soon after."""
        (self.folder / "hub.toml").write_text(text, encoding="utf-8")
        for process in self._processes:
            process.send_signal(signal.SIGHUP)

    def provider(self, kbit: int | None) -> None:
        """Set the provider's own queue towards the village: a quarter of a second, first come, first served."""
        with contextlib.suppress(Exception):
            run(["ip", "netns", "exec", NET, "tc", "qdisc", "del", "dev", "hub0", "root"])
        if kbit is not None:
            run(["ip", "netns", "exec", NET, "tc", "qdisc", "replace", "dev", "hub0", "root", *_fifo(kbit)])

    def tc(self, *argv: str) -> None:
        """Run tc in the box."""
        run(["ip", "netns", "exec", HUB, "tc", *argv])

    @contextlib.contextmanager
    def without_shaping(self) -> Iterator[None]:
        """The peer: what a box does that shapes nothing. Only the modem's queue, first come, first served, holds.

        The gate is stopped for the while, else it would mend this within two seconds.
        """
        self.stop_gate()
        self.tc("qdisc", "del", "dev", "br-warga", "root")
        self.tc("qdisc", "replace", "dev", "eth0", "root", *_fifo(int(self.line_kbit * PROVIDER_SURPLUS)))
        try:
            yield
        finally:
            self.start_gate()

    def stop_gate(self) -> None:
        """Stop the gate; the kernel keeps what it has."""
        for process in self._processes:
            process.terminate()
            process.wait()
        self._processes.clear()


def _fifo(kbit: int) -> list[str]:
    return ["tbf", "rate", f"{kbit}kbit", "burst", "16kb", "limit", str(max(16_384, kbit * 1000 // 8 // 4))]


@contextlib.contextmanager
def line(folder: Path, phones: int, line_kbit: int, *, provider: bool = True) -> Iterator[Line]:
    """Have a line for as long as the block lasts."""
    made = Line(folder, tuple(Phone(number) for number in range(1, phones + 1)), line_kbit)
    clear()
    try:
        made.lay()
        made.start_gate()
        if provider:
            made.provider(int(line_kbit * PROVIDER_SURPLUS))
        yield made
    finally:
        made.stop_gate()
        clear()


def clear() -> None:
    """Remove what a killed run left."""
    folder = Path("/run/netns")
    names = [path.name for path in folder.glob("speed-*")] if folder.is_dir() else []
    run(["ip", "-batch", "-"], text="".join(f"netns delete {name}\n" for name in names), timeout_seconds=120)


class Servers:
    """What answers in the internet: one port gives without end, one takes, one echoes datagrams."""

    def __init__(self) -> None:
        self._listeners: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.taken: dict[str, list[tuple[float, int]]] = {}

    def __enter__(self) -> Servers:
        """Start."""
        try:
            for port, serve in ((_TCP_PORT, _give), (_SINK_PORT, self._take)):
                listener = self._bound(port, socket.SOCK_STREAM)
                listener.listen(64)
                self._answer(_accept, listener, serve)
            self._answer(_echo, self._bound(_ECHO_PORT, socket.SOCK_DGRAM))
        except OSError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop. A port is free again once no thread waits at its socket, so that these have ended then."""
        for listener in self._listeners:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for listener in self._listeners:
            listener.close()

    def _bound(self, port: int, kind: socket.SocketKind) -> socket.socket:
        listener = load.socket_in(NET, kind)
        self._listeners.append(listener)
        if kind is socket.SOCK_STREAM:  # connections of the ones before may not have ended
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((OUTSIDE, port))
        return listener

    def _answer(self, answer: Callable[..., None], *arguments: object) -> None:
        self._threads.append(threading.Thread(target=answer, args=arguments, daemon=True))
        self._threads[-1].start()

    def _take(self, connection: socket.socket, peer: str) -> None:
        counted = self.taken.setdefault(peer, [])
        while part := connection.recv(_CHUNK):
            counted.append((time.monotonic(), len(part)))


def _accept(listener: socket.socket, serve: Callable[[socket.socket, str], None]) -> None:
    while True:
        try:
            connection, (_, port) = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(connection, str(port), serve), daemon=True).start()


def _serve(connection: socket.socket, peer: str, serve: Callable[[socket.socket, str], None]) -> None:
    with connection, contextlib.suppress(OSError):
        serve(connection, peer)


def _give(connection: socket.socket, _: str) -> None:
    data = bytes(_CHUNK)
    while True:
        connection.sendall(data)


def _echo(echo: socket.socket) -> None:
    while True:
        try:
            data, sender = echo.recvfrom(2048)
            if sender is None:  # it was shut down
                return
            echo.sendto(data, sender)
        except OSError:
            return


def download(namespace: str, seconds: float, streams: int = 1, *, after_seconds: float = 0) -> int:
    """Download for ``seconds``; return the bytes that came. What came before ``after_seconds`` is not counted."""
    begins = time.monotonic() + after_seconds
    ends = begins + seconds
    counts = [0] * streams

    def one(number: int) -> None:
        with contextlib.suppress(OSError), load.connection(namespace, (OUTSIDE, _TCP_PORT)) as made:
            while (left := ends - time.monotonic()) > 0:
                made.settimeout(left)
                part = made.recv(_CHUNK)
                if begins <= time.monotonic() <= ends:
                    counts[number] += len(part)

    together([lambda number=number: one(number) for number in range(streams)])  # type: ignore[misc] # bound on purpose
    return sum(counts)


def arrived(namespace: str) -> int:
    """Bytes that ever came in at a phone's cable, as IP counts them: without the frames' own 14."""
    [shown] = json.loads(run(["ip", "-n", namespace, "-j", "-s", "link", "show", "dev", "eth0"]))
    came = shown["stats64"]["rx"]
    return int(came["bytes"]) - 14 * int(came["packets"])


def upload(namespace: str, seconds: float, servers: Servers) -> int:
    """Upload for ``seconds``; return the bytes that the internet has by then."""
    with load.connection(namespace, (OUTSIDE, _SINK_PORT)) as made:
        # What is still to be sent at the end is thrown away: it would share the line with what is measured next.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        begins = time.monotonic()
        port = str(made.getsockname()[1])
        data = bytes(_CHUNK)
        with contextlib.suppress(OSError):
            while (left := begins + seconds - time.monotonic()) > 0:
                made.settimeout(left)
                made.send(data)
    return sum(count for when, count in servers.taken.get(port, []) if when <= begins + seconds)


def flood(namespace: str, seconds: float, bytes_a_second: float) -> None:
    """Send datagrams to the internet as fast as it is said, heeding no answer."""
    ends = time.monotonic() + seconds
    data = bytes(1400)
    with load.socket_in(namespace, socket.SOCK_DGRAM) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        while time.monotonic() < ends:
            for _ in range(20):
                made.sendto(data, (OUTSIDE, 9))
            time.sleep(20 * len(data) / bytes_a_second)


def round_trips(namespace: str, seconds: float, every: float = 0.02) -> list[float]:
    """Milliseconds that small datagrams take there and back; one that is lost counts as a whole second."""
    found = []
    ends = time.monotonic() + seconds
    with load.socket_in(namespace, socket.SOCK_DGRAM) as made:
        made.settimeout(1)
        number = 0
        while time.monotonic() < ends:
            number += 1
            token = number.to_bytes(8, "big") + bytes(92)
            started = time.monotonic()
            made.sendto(token, (OUTSIDE, _ECHO_PORT))
            found.append(_wait_for(made, token, started))
            time.sleep(every)
    return found


def echoes_lost(namespace: str, seconds: float, *, burst: int = 20, every: float = 0.06) -> int:
    """How many of the datagrams that go there in bursts do not come back; each burst waits in the queues."""
    count = round(seconds / every) * burst
    with load.socket_in(namespace, socket.SOCK_DGRAM) as made:
        made.settimeout(1)

        def send() -> None:
            for number in range(count):
                made.sendto(number.to_bytes(8, "big") + bytes(1_392), (OUTSIDE, _ECHO_PORT))
                if number % burst == burst - 1:
                    time.sleep(every)

        sending = threading.Thread(target=send)
        sending.start()
        back: set[bytes] = set()
        with contextlib.suppress(TimeoutError):
            while len(back) < count:
                back.add(made.recv(2048)[:8])
        sending.join()
    return count - len(back)


def _wait_for(made: socket.socket, token: bytes, started: float) -> float:
    try:
        while made.recv(2048) != token:
            pass
    except TimeoutError:
        return 1000.0
    return (time.monotonic() - started) * 1000


def together(acts: Sequence[Callable[[], object]]) -> None:
    """Do all at the same time, and wait for the last."""
    threads = [threading.Thread(target=act) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
