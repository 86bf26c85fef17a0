"""How many devices are let through: the gate knows."""

from __future__ import annotations

from agent.collectors import Around, Samples


def collect(around: Around) -> Samples:
    """Tell the number of clients online, and whether the firewall is closed for all others. Raises `GateError`."""
    status = around.gate.status()
    return {"clients_online": status.admitted_count, "gate_closed_by_default": int(status.closed_by_default)}
