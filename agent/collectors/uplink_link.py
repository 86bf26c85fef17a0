"""Why an uplink is down, as far as the box can see: no cable, no address from the provider, or no gateway."""

from __future__ import annotations

from agent.collectors import Around, Samples
from appliance.system import links


def collect(around: Around) -> Samples:
    """Tell, each as 1 or 0: the link is up, the interface has an IPv4 address, a gateway is behind it."""
    link = links.look(around.config.uplink.interface)
    return {
        "uplink_has_link": int(link.is_up),
        "uplink_has_address": int(link.address is not None),
        "uplink_has_gateway": int(link.gateway is not None),
    }
