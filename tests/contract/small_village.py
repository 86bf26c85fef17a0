"""A phone, a hub and an internet, each in a network of its own, for the real dnsmasq, nginx and firewall.

The internet has addresses for tests (RFC 2544), since dnsmasq takes documentation addresses for DNS rebinding.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

HUB: Final = "10.20.0.1"
PHONE: Final = "10.20.0.50"
PHONE_MAC: Final = "02:00:00:00:00:01"
INTERNET: Final = "198.18.0.1"
HUB_TOML: Final = """
[village]
name = "Sukamaju"
kode_wilayah = "51.03.01.2001"
kecamatan = "Kuta"
kabupaten = "Kabupaten Badung"
provinsi = "Bali"
timezone = "Asia/Makassar"
[hub]
id = "hub-7k2m9q"
[uplink]
interface = "eth0"
download_kbit = 20000
upload_kbit = 5000
dns_servers = ["198.18.0.1"]
[[networks]]
name = "warga"
kind = "resident"
interface = "br-warga"
address = "10.20.0.1/20"
ssid = "Desa Sukamaju"
"""


def run(*argv: str, inside: int | None = None, text: str | None = None) -> str:
    enter = ["nsenter", "--target", str(inside), "--net"] if inside else []
    done = subprocess.run([*enter, *argv], input=text, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stdout}{done.stderr}"
    return done.stdout


def wait_until(holds: Callable[[], bool], what: str, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


class SmallVillage:
    """Commands and sockets of the phone and the internet; this thread is in the hub's network."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack, self.folder = stack, folder
        self.phone, self.internet = self._place(), self._place()
        for words in (
            "link set lo up", "link add br-warga type bridge", f"address add {HUB}/20 dev br-warga",
            "link set br-warga up",
            f"link add port1 type veth peer name eth0 address {PHONE_MAC} netns {self.phone}",
            "link set port1 master br-warga up", f"link add eth0 type veth peer name eth0 netns {self.internet}",
            "address add 198.18.0.10/24 dev eth0", "link set eth0 up",
        ):  # fmt: skip
            run("ip", *words.split())
        for place in (self.phone, self.internet):
            run("ip", "link", "set", "lo", "up", inside=place)
            run("ip", "link", "set", "eth0", "up", inside=place)
        run("ip", "address", "add", f"{INTERNET}/24", "dev", "eth0", inside=self.internet)
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")

    def give_address(self) -> None:
        """Let the phone have its address without asking."""
        run("ip", "address", "add", f"{PHONE}/20", "dev", "eth0", inside=self.phone)
        run("ip", "route", "add", "default", "via", HUB, inside=self.phone)

    def _place(self) -> int:
        process = self._stack.enter_context(
            subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep 300"], stdout=subprocess.PIPE)
        )
        self._stack.callback(process.kill)
        assert process.stdout is not None
        process.stdout.readline()
        return process.pid

    def socket_in(self, place: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
        made: list[socket.socket] = []

        def make() -> None:
            import ctypes

            with Path(f"/proc/{place}/ns/net").open("rb") as namespace:
                assert ctypes.CDLL(None).setns(namespace.fileno(), 0) == 0
            made.append(socket.socket(socket.AF_INET, kind))

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        made[0].settimeout(1.0)
        return made[0]

    def reaches(self, address: str, port: int) -> str:
        """Open a connection from the phone; what the far side says first, or the failure's name."""
        with self.socket_in(self.phone) as connection:
            try:
                connection.connect((address, port))
                return connection.recv(100).decode()
            except OSError as error:
                return type(error).__name__

    def greet(self, place: int | None, port: int, words: bytes) -> None:
        """Say ``words`` to everyone who connects to ``port`` in ``place``, by default the hub."""
        listener = self._stack.enter_context(self.socket_in(place) if place else socket.socket())
        listener.settimeout(None)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("", port))
        listener.listen()

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.sendall(words)

        thread = threading.Thread(target=serve)
        thread.start()
        self._stack.callback(thread.join, 10)
        self._stack.callback(_shut, listener)

    def names(self, addresses: Mapping[str, tuple[str, int]]) -> list[str]:
        """Be the internet's DNS: (address, TTL) by name. Returns the list in which questions are noted."""
        server = self._stack.enter_context(self.socket_in(self.internet, socket.SOCK_DGRAM))
        server.settimeout(0.2)
        server.bind((INTERNET, 53))
        asked: list[str] = []
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                try:
                    question, sender = server.recvfrom(4096)
                except TimeoutError:
                    continue
                name, end = _name(question)
                asked.append(name)
                address, ttl = addresses.get(name, ("", 0))
                is_a = question[end : end + 2] == b"\0\1"
                found = (
                    b"\xc0\x0c\0\1\0\1" + struct.pack("!IH", ttl, 4) + socket.inet_aton(address)
                    if address and is_a else b""
                )  # fmt: skip
                head = question[:2] + b"\x81\x80\0\1" + (b"\0\1" if found else b"\0\0") + b"\0\0\0\0"
                server.sendto(head + question[12 : end + 4] + found, sender)

        thread = threading.Thread(target=serve)
        thread.start()
        self._stack.callback(thread.join, 10)
        self._stack.callback(over.set)
        return asked

    def resolves(self, name: str) -> list[str]:
        """Ask the hub's DNS from the phone; its IPv4 addresses."""
        labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
        question = b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + labels + b"\0\0\1\0\1"
        with self.socket_in(self.phone, socket.SOCK_DGRAM) as asker:
            asker.settimeout(5)
            asker.sendto(question, (HUB, 53))
            answer = asker.recv(4096)
        count = struct.unpack("!H", answer[6:8])[0]
        records = [answer[len(question) + 16 * i :][:16] for i in range(count)]
        return [socket.inet_ntoa(record[12:16]) for record in records if record[2:4] == b"\0\1"]

    def dnsmasq(self, text: str) -> subprocess.Popen[bytes]:
        """Start dnsmasq with the rendered configuration, its leases in the test's folder."""
        path = self.folder / "dnsmasq.conf"
        path.write_text(text.replace("/var/lib/desahub-dns/leases", str(self.folder / "leases")) + "user=root\n")
        program = shutil.which("dnsmasq") or "/usr/sbin/dnsmasq"
        log = self._stack.enter_context((self.folder / "dnsmasq.log").open("wb"))
        process = self._stack.enter_context(subprocess.Popen([program, "-C", str(path)], stderr=log))
        self._stack.callback(process.terminate)
        wait_until(lambda: _listens(53) or process.poll() is not None, "dnsmasq")
        assert process.poll() is None, (self.folder / "dnsmasq.log").read_text()
        return process


def _shut(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)


def _listens(port: int) -> bool:
    # Of this thread's network: /proc/net is that of the process' first thread.
    rows = Path("/proc/thread-self/net/udp").read_text("ascii").splitlines()[1:]
    return any(row.split()[1].endswith(f":{port:04X}") for row in rows)


def _name(question: bytes) -> tuple[str, int]:
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]].decode())
        at += 1 + question[at]
    return ".".join(labels).lower(), at + 1


@contextlib.contextmanager
def small_village(folder: Path) -> Iterator[SmallVillage]:
    """Make one; `own_network` comes first."""
    with ExitStack() as stack:
        yield SmallVillage(stack, folder)
