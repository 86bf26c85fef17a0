"""Bytes on the uplink and on each network, as the kernel has counted since boot. Source: proc_net_dev in proc(5).

The raw counters are reported: whoever reads them takes differences, and a new boot id says that they began anew.
"""

from __future__ import annotations

from agent.collectors import Around, Samples


def parse(text: str) -> dict[str, tuple[int, int]]:
    """Read ``/proc/net/dev``: interface to (received bytes, transmitted bytes). Raises `ValueError`."""
    found = {}
    for line in text.splitlines()[2:]:
        name, _, counters = line.rpartition(":")
        fields = counters.split()
        if len(fields) < 9:
            raise ValueError(f"a line of /proc/net/dev has {len(fields)} fields: {line[:80]!r}")
        found[name.strip()] = (int(fields[0]), int(fields[8]))
    return found


def collect(around: Around) -> Samples:
    """Tell the counters by role: ``uplink`` and ``net_NAME``. One that is missing is None."""
    counters = parse((around.roots.proc / "net/dev").read_text())
    roles = {"uplink": around.config.uplink.interface} | {
        f"net_{network.name}": network.interface for network in around.config.networks
    }
    samples: dict[str, int | None] = {}
    for role, interface in roles.items():
        received, sent = counters.get(interface, (None, None))
        samples[f"interface_received_bytes.{role}"] = received
        samples[f"interface_sent_bytes.{role}"] = sent
    return samples
