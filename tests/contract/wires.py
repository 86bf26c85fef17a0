"""A phone, its neighbour, the hub and an internet, each in a network of its own: real packets for contract tests."""

from __future__ import annotations

import ctypes
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from appliance.gate.protocol import Client
from appliance.network import nftables

PHONE = Client("10.20.0.50", "02:00:00:00:00:01")
NEIGHBOUR = Client("10.20.0.51", "02:00:00:00:00:02")
INTERNET = "192.0.2.1"
GARDEN = "192.0.2.53"


def ip(words: str, inside: int | None = None) -> None:
    enter = ["nsenter", "--target", str(inside), "--net"] if inside else []
    subprocess.run([*enter, "ip", *words.split()], check=True, timeout=10, capture_output=True)


class Village:
    """Sockets of the three places; each is made in its place's network and can then be used from anywhere."""

    def __init__(self, phone: int, internet: int, neighbour: int) -> None:
        self.phone, self.internet, self.neighbour = phone, internet, neighbour

    def socket_in(
        self, pid: int, kind: socket.SocketKind = socket.SOCK_STREAM, family: socket.AddressFamily = socket.AF_INET
    ) -> socket.socket:
        made: list[socket.socket] = []

        def make() -> None:
            with Path(f"/proc/{pid}/ns/net").open("rb") as namespace:
                assert ctypes.CDLL(None).setns(namespace.fileno(), 0) == 0
            made.append(socket.socket(family, kind))

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        made[0].settimeout(1.0)
        return made[0]

    def reaches(self, address: str, port: int, pid: int | None = None) -> str:
        """Open a connection from the phone, or ``pid``'s place; what the far side says first, or the failure's name."""
        with self.socket_in(pid or self.phone) as connection:
            try:
                connection.connect((address, port))
                return connection.recv(100).decode()
            except OSError as error:
                return type(error).__name__


@contextmanager
def village_on_wires() -> Iterator[Village]:
    """Make the four places around this thread's network namespace, which is the hub's."""
    with ExitStack() as stack:
        pids = []
        for _ in range(3):
            process = stack.enter_context(
                subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep 300"], stdout=subprocess.PIPE)
            )
            stack.callback(process.kill)
            assert process.stdout is not None
            process.stdout.readline()
            pids.append(process.pid)
        phone, internet, neighbour = pids
        ip("link set lo up")
        for bridge, address in (("br-warga", "10.20.0.1/20"), ("br-kantor", "10.30.0.1/24")):
            ip(f"link add {bridge} type bridge")
            ip(f"address add {address} dev {bridge}")
            ip(f"link set {bridge} up")
        ip(f"link add port1 type veth peer name eth0 address {PHONE.mac} netns {phone}")
        ip("link set port1 master br-warga up")
        ip(f"link add port2 type veth peer name eth0 address {NEIGHBOUR.mac} netns {neighbour}")
        ip("link set port2 master br-warga up")
        ip(f"link add eth0 type veth peer name eth0 netns {internet}")
        ip("address add 192.0.2.10/24 dev eth0")
        ip("link set eth0 up")
        for inside, addresses in (
            (phone, [f"{PHONE.address}/20"]),
            (neighbour, [f"{NEIGHBOUR.address}/20"]),
            (internet, [f"{INTERNET}/24", f"{GARDEN}/24"]),
        ):
            ip("link set lo up", inside)
            ip("link set eth0 up", inside)
            for address in addresses:
                ip(f"address add {address} dev eth0", inside)
        for inside in (phone, neighbour):
            ip("route add default via 10.20.0.1", inside)
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        made = Village(phone, internet, neighbour)
        listen(stack, made.socket_in(internet), "", 80, b"internet")
        listen(stack, made.socket_in(internet), "", 443, b"internet")
        listen(stack, socket.socket(), "", nftables.REDIRECT_PORT, b"redirect")
        listen(stack, socket.socket(), "", 80, b"hub")
        listen(stack, socket.socket(), "", 53, b"names")
        yield made


def listen(stack: ExitStack, listener: socket.socket, address: str, port: int, greeting: bytes) -> None:
    """Greet everyone who connects, then send back whatever comes."""
    stack.enter_context(listener)
    listener.settimeout(None)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen()

    def echo(connection: socket.socket) -> None:
        with connection:
            try:
                connection.sendall(greeting)
                while got := connection.recv(65536):
                    connection.sendall(got)
            except OSError:
                return

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=echo, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    stack.callback(listener.shutdown, socket.SHUT_RDWR)


def until(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.01)  # without, the threads that make it true would wait for this one
    return False
