"""The addresses through which a developer looks into the village."""

from __future__ import annotations

import socket
import subprocess
import sys

from script.village.windows import free_ports


def test_two_villages_that_come_up_at_once_get_other_ports() -> None:
    """Nobody listens at the first one's ports yet."""
    ours = free_ports(3)
    said = subprocess.run(
        [sys.executable, "-c", "from script.village.windows import free_ports; print(*free_ports(3))"],
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip
    theirs = [int(port) for port in said.split()]
    assert len({*ours, *theirs}) == 6


def test_a_port_that_is_taken_is_passed_over() -> None:
    [first] = free_ports(1, 28081)
    with socket.create_server(("127.0.0.1", first)):
        assert first not in free_ports(2, first)
