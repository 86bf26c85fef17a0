"""A captive page behind the line, a dead DNS and a cut cable: the box tells each from the others."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from script.village.programs import wait_until
from script.village.village import Village
from tests.village.cut_line import cut_line

pytestmark = [pytest.mark.root, pytest.mark.village, pytest.mark.timeout(300)]

_PAGE = "location = /generate_204 { return 204; }"
_CAPTIVE = 'location = /generate_204 { return 302 "http://login.example/"; }'
_CONFIGURATION = "/etc/internet/nginx.conf"
# One answer that does not come is asked for again after 20 s; that it comes again is seen within 60 s.
_FOUND_SECONDS, _MENDED_SECONDS = 60, 100


class Agent:
    """The agent of the village's hub, started afresh, and what it says since then."""

    def __init__(self, village: Village) -> None:
        self._inside = village.hub.inside
        self._cursor = self._inside(["sh", "-c", "journalctl -n 0 --show-cursor | sed -n 's/^-- cursor: //p'"]).strip()
        self._inside(["systemctl", "restart", "desahub-agent"])

    def said(self) -> str:
        return self._inside(["journalctl", "-u", "desahub-agent", "-o", "cat", f"--after-cursor={self._cursor}"])

    def wait_for(self, text: str, seconds: int, *, times: int = 1) -> None:
        wait_until(lambda: self.said().count(text) >= times, f"the agent to say {text!r}", seconds=seconds)


@contextlib.contextmanager
def _captive(village: Village) -> Iterator[None]:
    """Somebody else answers for the page that the box asks for."""

    def put(text: str) -> None:
        village.net.inside(["sh", "-euc", f"cat >{_CONFIGURATION}; systemctl restart internet-web"], text=text)

    before = village.net.inside(["cat", _CONFIGURATION])
    assert _PAGE in before
    put(before.replace(_PAGE, _CAPTIVE))
    try:
        yield
    finally:
        put(before)


def test_a_captive_page_is_seen_and_so_is_its_end(village: Village) -> None:
    with _captive(village):
        agent = Agent(village)
        agent.wait_for("the line: half open: the page of web_probe does not come", _FOUND_SECONDS)
    agent.wait_for("the line: up", _MENDED_SECONDS, times=2)


def test_a_dead_dns_is_seen_and_so_is_its_end(village: Village) -> None:
    village.net.inside(["systemctl", "stop", "internet-names"])
    try:
        agent = Agent(village)
        agent.wait_for("the line: half open: no server of uplink.dns_servers", _FOUND_SECONDS)
    finally:
        village.net.inside(["systemctl", "start", "internet-names"])
    agent.wait_for("the line: up", _MENDED_SECONDS, times=2)


def test_a_cut_cable_is_neither(village: Village) -> None:
    agent = Agent(village)
    agent.wait_for("the line: up", 30)
    with cut_line(village):
        agent.wait_for("the line: no link", 5)
    agent.wait_for("the line: up", 30, times=2)
    assert "half open" not in agent.said()


def test_in_its_sandbox_every_collector_reads_what_it_reads(village: Village) -> None:
    agent = Agent(village)
    agent.wait_for("the line: up", 30)
    inside = village.hub.inside
    # Its first record is made before it is connected.
    agent.wait_for("connected to the NOC", 60)
    assert "collector" not in agent.said()
    assert inside(["cat", "/var/lib/desahub-agent/boot"]).split()[1:] == ["running", "0"]
    inside(["systemctl", "stop", "desahub-agent"])
    assert inside(["cat", "/var/lib/desahub-agent/boot"]).split()[1:] == ["agent", "0"]
    inside(["systemctl", "start", "desahub-agent"])
    assert "systemd does not say" not in agent.said()
