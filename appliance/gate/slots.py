"""Classes of speed, as far as the firewall knows of them: who is admitted takes one, in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from appliance.gate.elements import Change
from appliance.gate.protocol import Admit, Revoke


class Slots(Protocol):
    """Gives each admitted device its class of speed. Every method is called under the firewall's own lock."""

    def carried(self) -> str:
        """What a new ruleset takes over: ``add element`` lines in nft's own language."""
        ...

    def loaded(self) -> None:
        """Read what the kernel has: a ruleset was put in force, or found in force, or may have been changed."""
        ...

    def changes(self, requests: Sequence[Admit | Revoke]) -> Sequence[Change]:
        """What is written in one transaction with ``requests``. Asked again where the kernel refused."""
        ...

    def settled(self, requests: Sequence[Admit | Revoke]) -> None:
        """Note that ``requests`` took effect."""
        ...

    def ended(self, addresses: Sequence[str]) -> Sequence[Change]:
        """What is written when the leases of ``addresses`` have run out."""
        ...


class NoSlots:
    """Keeps `Slots` where nothing is shaped."""

    def carried(self) -> str:
        """Nothing."""
        return ""

    def loaded(self) -> None:
        """Read nothing."""

    def changes(self, requests: Sequence[Admit | Revoke]) -> Sequence[Change]:  # noqa: ARG002
        """Nothing."""
        return ()

    def settled(self, requests: Sequence[Admit | Revoke]) -> None:
        """Note nothing."""

    def ended(self, addresses: Sequence[str]) -> Sequence[Change]:  # noqa: ARG002
        """Nothing."""
        return ()
