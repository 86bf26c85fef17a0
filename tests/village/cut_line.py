"""The line to the internet, cut at the provider's end and mended."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

from script.village import plan
from script.village.programs import run, succeeds, wait_until
from script.village.village import Village

_LINK = ["ip", "-n", plan.NET, "link", "set", "hub0"]


def is_up(village: Village) -> bool | None:
    """What the agent last wrote; None while it has written nothing."""
    said = village.hub.inside(["sh", "-c", "cat /run/desahub-agent/uplink.json || true"])
    return json.loads(said)["up"] if said else None


@contextlib.contextmanager
def cut_line(village: Village) -> Iterator[None]:
    """The line is down, and the box knows; afterwards it is up, and the box knows."""
    run([*_LINK, "down"])
    try:
        wait_until(lambda: is_up(village) is False, "the agent to see that the line is down", seconds=30)
        yield
    finally:
        mend(village)


def mend(village: Village) -> None:
    """Put the line up, and wait until the box has an address there and knows that it is up."""
    run([*_LINK, "up"])
    outside = ["ip", "netns", "exec", plan.HUB, "busybox", "ping", "-c", "1", "-W", "1", plan.WEB_ADDRESS]
    wait_until(lambda: succeeds(outside), "the uplink's address", seconds=60)
    wait_until(lambda: is_up(village) is True, "the agent to see that the line is up", seconds=30)
