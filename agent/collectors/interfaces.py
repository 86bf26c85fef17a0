"""Bytes on the uplink and on each network, as the kernel has counted since boot.

The raw counters are reported: whoever reads them takes differences, and a new boot id says that they began anew.
"""

from __future__ import annotations

import psutil

from agent.collectors import Around, Samples


def collect(around: Around) -> Samples:
    """Tell the counters by role: ``uplink`` and ``net_NAME``. One that is missing is None."""
    # nowrap would add up what an interface counted before it was made anew; here the kernel's own word is wanted.
    counters = psutil.net_io_counters(pernic=True, nowrap=False)
    roles = {"uplink": around.config.uplink.interface} | {
        f"net_{network.name}": network.interface for network in around.config.networks
    }
    samples: dict[str, int | None] = {}
    for role, interface in roles.items():
        found = counters.get(interface)
        samples[f"interface_received_bytes.{role}"] = found.bytes_recv if found else None
        samples[f"interface_sent_bytes.{role}"] = found.bytes_sent if found else None
    return samples
