"""While the line is down the probes' names lead to this box, so that phones find the portal and its honest page.

The agent writes the file, both dnsmasq read it (``hostsdir``). ``localise-queries`` tells each network the box's own
address there.
"""

from __future__ import annotations

from typing import Final

from appliance.core.config import Config
from appliance.core.probes import PROBE_HOSTS

# Made by tmpfiles.d, not by the agent's unit: dnsmasq watches only a folder that was there when it started.
DIRECTORY: Final = "/run/desahub-names"


def text(config: Config) -> str:
    """The file as hosts(5): a line for each network, with the box's address there and every probe's host."""
    hosts = " ".join(sorted(PROBE_HOSTS))
    lines = (f"{network.interface_address.ip} {hosts}\n" for network in config.networks)
    return "# The line is down: written by desahub's agent, gone when the line is back.\n" + "".join(lines)
