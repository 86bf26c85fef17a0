"""What the gate asks of a firewall: the seam between the daemon and the kernel, or the twin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from appliance.gate.protocol import Admit, Admitted, Client, Revoke


class Firewall(Protocol):
    """Two implementations keep it: `kernel.KernelFirewall` and `twin.TwinFirewall`."""

    def load(self, ruleset: str, fingerprint: str) -> bool:
        """Put ``ruleset`` in force in one transaction, keeping who is admitted, for how long, and the counters.

        A ruleset with the same fingerprint that is in force already is left alone.

        Returns:
            Whether anything was changed.

        Raises:
            OperationError: the ruleset was refused; the old one stays in force.
        """
        ...

    def change(self, requests: Sequence[Admit | Revoke]) -> None:
        """Admit and revoke in one transaction: all of it or nothing. An address occurs once at most.

        Raises:
            GateRefused: with code ``full`` or ``failed``; nothing was changed.
            ValueError: an address occurs twice.
        """
        ...

    def clients(self) -> tuple[Admitted, ...]:
        """Who is let through now. Raises `OperationError`."""
        ...

    def admitted(self, client: Client) -> Admitted | None:
        """Is exactly this client let through now? Reads one element, not all. Raises `OperationError`."""
        ...

    def is_closed(self) -> bool:
        """Is the default deny in force? Read from where it is enforced. Raises `OperationError`."""
        ...

    def fingerprint(self) -> str:
        """The fingerprint of the ruleset in force, empty without one. Raises `OperationError`."""
        ...


def refuse_doubles(requests: Sequence[Admit | Revoke]) -> None:
    """Raise `ValueError` where one address occurs twice: what holds afterwards would depend on the order."""
    addresses = [request.client.address for request in requests]
    if len(set(addresses)) != len(addresses):
        raise ValueError("an address occurs twice in one change")
