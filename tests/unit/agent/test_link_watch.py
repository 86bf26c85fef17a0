"""The kernel's word on links comes at once, and many words are one."""

from __future__ import annotations

import logging
import socket
import subprocess
import threading

import pytest

from agent.link_watch import LinkWatch
from tests.contract.conftest import own_network

__all__ = ["own_network"]


@pytest.mark.root
@pytest.mark.usefixtures("own_network")
def test_each_change_of_a_link_an_address_or_a_route_wakes() -> None:
    woken = threading.Event()
    watch = LinkWatch(woken.set)
    watch.start()
    assert not watch.take()
    for line in (
        "link add line type veth peer name modem", "link set line up", "link set modem up",
        "address add 192.0.2.5/24 dev line", "route add default via 192.0.2.1", "link set modem down",
        "address del 192.0.2.5/24 dev line",
    ):  # fmt: skip
        woken.clear()
        watch.take()
        subprocess.run(["ip", *line.split()], check=True, timeout=10)
        assert woken.wait(2), line
        assert watch.has_changed()
        assert watch.take()


def test_without_the_kernels_word_the_box_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no")

    monkeypatch.setattr(socket, "socket", refuse)
    caplog.set_level(logging.WARNING)
    watch = LinkWatch(lambda: None)
    watch.start()
    assert "each second" in caplog.text
    assert not watch.take()
