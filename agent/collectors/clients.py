"""How many devices are let through, and how many were let in or refused: the gate knows."""

from __future__ import annotations

from typing import Final

from agent.collectors import Around, Samples
from agent.counting import Reading, Running

# Any number of logins is believed; a count that fell began anew with the gate, and never wraps.
_A_SECOND_MAX: Final = 1_000_000


class Clients:
    """Asks the gate, whose counts begin anew with it: what is told goes on."""

    def __init__(self) -> None:
        self._logins = Running(a_second_max=_A_SECOND_MAX, wrap_a_second_max=0)
        self._refusals = Running(a_second_max=_A_SECOND_MAX, wrap_a_second_max=0)

    def __call__(self, around: Around) -> Samples:
        """Tell clients, logins and refusals, and whether the firewall is closed for others. Raises `GateError`."""
        status = around.gate.status()
        self._logins.take(Reading(status.let_in_count, around.moment.boottime_ms))
        self._refusals.take(Reading(status.refused_count, around.moment.boottime_ms))
        return {
            "clients_online": status.admitted_count,
            "gate_closed_by_default": int(status.closed_by_default),
            "logins": self._logins.total,
            "refusals": self._refusals.total,
        }


def make() -> Clients:
    """Begin to count."""
    return Clients()
