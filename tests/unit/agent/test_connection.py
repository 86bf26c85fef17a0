"""A connection is given up when this box sends from elsewhere now, and not before."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator

import pytest

from agent import connection
from tests.contract.conftest import own_network

__all__ = ["own_network"]
NOC = "198.51.100.10"


def ip(*argv: str) -> None:
    subprocess.run(["ip", *argv], check=True, timeout=10)


def cable(name: str) -> None:
    """An interface with something at the other end."""
    ip("link", "add", name, "type", "veth", "peer", "name", f"{name}-end")
    ip("link", "set", name, "up")
    ip("link", "set", f"{name}-end", "up")


def line(address: str) -> None:
    """The provider's line, with this address and none else."""
    ip("address", "flush", "dev", "line")
    ip("address", "add", f"{address}/24", "dev", "line")


@pytest.fixture
def opened(own_network: None) -> Iterator[socket.socket]:
    """A connection from 192.0.2.5 to the NOC, which stands behind the line."""
    cable("line")
    ip("link", "set", "lo", "up")
    ip("address", "add", f"{NOC}/32", "dev", "lo")
    line("192.0.2.5")
    with socket.create_server((NOC, 0)) as server:
        made = socket.create_connection(server.getsockname(), source_address=("192.0.2.5", 0))
        ip("address", "del", f"{NOC}/32", "dev", "lo")
        ip("route", "add", "default", "dev", "line")
        with made:
            yield made


@pytest.mark.root
def test_it_is_kept_while_its_address_is_there_or_may_come_back(opened: socket.socket) -> None:
    assert not connection.is_orphaned(opened)
    ip("address", "flush", "dev", "line")
    assert not connection.is_orphaned(opened), "there is no way at all: the cable is out"
    line("192.0.2.5")
    ip("route", "replace", "default", "dev", "line")
    assert not connection.is_orphaned(opened)


@pytest.mark.root
def test_it_is_given_up_when_another_address_came(opened: socket.socket) -> None:
    line("192.0.2.6")
    ip("route", "replace", "default", "dev", "line")
    assert connection.is_orphaned(opened)


@pytest.mark.root
def test_a_second_way_out_ends_nothing_that_still_has_its_address(opened: socket.socket) -> None:
    cable("modem")
    ip("address", "add", "203.0.113.9/24", "dev", "modem")
    ip("route", "replace", "default", "dev", "modem")
    assert not connection.is_orphaned(opened)


def test_what_is_no_connection_is_none_of_ours() -> None:
    assert not connection.is_orphaned(None)
    with socket.socket() as never:
        assert not connection.is_orphaned(never)
    assert not connection.is_orphaned(never)
    connection.close(None)


def test_the_kernel_is_told_how_long_to_wait() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as made:
        connection.end_when_unanswered(made)
        assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == connection.UNANSWERED_MS_MAX
        connection.close(made)
        assert made.fileno() == -1
