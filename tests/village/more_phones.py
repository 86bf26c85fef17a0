"""Phones beside those that the village has, for one test: their own namespaces, cables and DHCP."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence

from script.village import phones, plan
from script.village.programs import run
from tests.bench.load import socket_in

PORTAL_ADDRESS = (plan.HUB_ADDRESS, 80)


@contextlib.contextmanager
def more_phones(numbers: Sequence[int], bridge: str = plan.BRIDGE) -> Iterator[tuple[plan.Phone, ...]]:
    """Put phones into a network of the hub, each with an address by DHCP; afterwards nothing of them is left."""
    made = tuple(plan.Phone(number) for number in numbers)
    clients = []
    try:
        for phone in made:
            run(["ip", "netns", "add", phone.namespace])
            run(["ip", "link", "add", phone.port, "netns", plan.HUB, "type", "veth", "peer", "name", "eth0",
                 "address", phone.mac, "netns", phone.namespace])  # fmt: skip
            run(["ip", "-n", plan.HUB, "link", "set", phone.port, "master", bridge, "up"])
            run(["ip", "-n", phone.namespace, "link", "set", "lo", "up"])
            run(["ip", "-n", phone.namespace, "link", "set", "eth0", "up"])
        clients = phones.join(made)
        yield made
    finally:
        for client in clients:
            client.kill()
            client.wait()
        for phone in made:
            run(["sh", "-c", f"ip netns delete {phone.namespace}; rm -rf /etc/netns/{phone.namespace}"])


class Caller:
    """One phone that has dialled the portal and waits for the word to send its form."""

    def __init__(self, phone: plan.Phone) -> None:
        self.phone = phone
        self._socket: socket.socket = socket_in(phone.namespace)
        self._socket.settimeout(20)
        self._socket.connect(PORTAL_ADDRESS)

    def send(self, path: str, body: str) -> None:
        """Send a form in one packet."""
        self._socket.sendall(
            f"POST {path} HTTP/1.1\r\nHost: {plan.PORTAL_HOST}\r\nConnection: close\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )

    def answer(self) -> tuple[int, str]:
        """The status and the whole answer."""
        with self._socket:
            said = b"".join(iter(lambda: self._socket.recv(65_536), b"")).decode()
        return int(said.split()[1]), said
