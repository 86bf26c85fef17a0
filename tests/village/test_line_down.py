"""While the line is down phones find the portal by name, and when it is back they get the true answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliance.core.probe_names import DIRECTORY
from appliance.core.probes import PROBES
from script.village import plan
from script.village.programs import VillageError, run, wait_until
from script.village.village import Village
from script.village.walk import Walk
from tests.village.cut_line import cut_line, mend

pytestmark = [pytest.mark.root, pytest.mark.village]

PROBE = "http://captive.apple.com/hotspot-detect.html"
PORTAL = f"http://{plan.PORTAL_HOST}/"
BACK_SECONDS = 5.0


@pytest.fixture
def stranger(village: Village) -> Iterator[Walk]:
    walk = Walk(village, 2)
    walk.fetch(f"{PORTAL}keluar", "-X", "POST", "-d", "")
    yield walk
    walk.fetch(f"{PORTAL}keluar", "-X", "POST", "-d", "")


def _names(village: Village) -> str:
    return village.hub.inside(["ls", "-A", DIRECTORY]).strip()


def _is_led(walk: Walk) -> bool:
    try:
        return walk.fetch(PROBE, "--max-time", "1")[:2] == (302, PORTAL)
    except VillageError:
        return False


def test_who_joins_while_the_line_is_down_is_led_to_a_page_that_says_so(village: Village, stranger: Walk) -> None:
    guest = Walk(village, 1)
    guest.accept()
    with cut_line(village):
        wait_until(lambda: _is_led(stranger), "the name to lead to the box", seconds=BACK_SECONDS)
        for probe in PROBES:
            # Asked for IPv4 and IPv6 as phones do, and both answered at once.
            status, target, _ = stranger.fetch(f"http://{probe.host}{probe.path}", "--max-time", "3")
            assert (status, target) == (302, PORTAL), probe
        status, _, page = stranger.fetch(PROBE, "-L")
        assert status == 200
        assert "Internet desa sedang putus" in page
        assert plan.KIOSK_HOST in page
        assert stranger.fetch(f"http://{plan.KIOSK_HOST}/")[0] == 200
        # Who is let through is told the truth as well, and led to what works.
        assert "internet desa sedang putus" in guest.fetch(PROBE, "-L")[2]
    wait_until(lambda: "Success" in guest.fetch(PROBE)[2], "the true answer by its name", seconds=BACK_SECONDS)
    assert _names(village) == ""
    stranger.accept()
    for probe in PROBES:
        status, _, body = stranger.fetch(f"http://{probe.host}{probe.path}")
        assert (status, body) == (probe.status, probe.body), probe


def test_an_agent_that_dies_or_ends_leaves_no_names(village: Village) -> None:
    inside = village.hub.inside
    with cut_line(village):
        wait_until(lambda: _names(village) == "probes", "the names", seconds=BACK_SECONDS)
        # Held back, so that the next start cannot be what takes them away.
        inside(["systemctl", "kill", "--signal=SIGSTOP", "desahub-agent"])
        inside(["systemctl", "kill", "--signal=SIGKILL", "desahub-agent"])
        wait_until(lambda: _names(village) == "", "systemd to take the names away", seconds=BACK_SECONDS)
        wait_until(lambda: _names(village) == "probes", "the next agent to see the line", seconds=30)
        inside(["systemctl", "stop", "desahub-agent"])
        assert _names(village) == ""
        inside(["systemctl", "start", "desahub-agent"])
        wait_until(lambda: _names(village) == "probes", "the agent to see the line again", seconds=30)


def test_a_dnsmasq_that_starts_while_the_line_is_down_has_the_names(village: Village, stranger: Walk) -> None:
    with cut_line(village):
        village.hub.inside(["systemctl", "restart", "desahub-dns"])
        wait_until(lambda: _is_led(stranger), "the name to lead to the box", seconds=BACK_SECONDS)
        mend(village)
        wait_until(lambda: _names(village) == "", "the names to go", seconds=BACK_SECONDS)
    true = ["ip", "netns", "exec", stranger.village.phones[1].namespace, "busybox", "nslookup", "-type=a"]
    wait_until(
        lambda: plan.WEB_ADDRESS in run([*true, "captive.apple.com", plan.HUB_ADDRESS]), "the true address", seconds=5
    )
