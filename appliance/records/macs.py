"""Whose address was it when the connection began? Addresses go from one device to another. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from appliance.system.neighbours import Neighbour

# How many owners of one address are remembered; a connection that is older than that has no MAC.
_OWNERS_MAX: Final = 8


class Macs:
    """Remembers, by address, from when on which MAC answered for it. Times are CLOCK_BOOTTIME in milliseconds."""

    def __init__(self) -> None:
        self._owners: dict[str, list[tuple[int, str]]] = {}

    def see(self, neighbours: Iterable[Neighbour], now_ms: int) -> None:
        """Take in the neighbour table as it is now."""
        for one in neighbours:
            owners = self._owners.setdefault(one.address, [])
            if not owners or owners[-1][1] != one.mac:
                owners.append((now_ms, one.mac))
                del owners[:-_OWNERS_MAX]

    def of(self, address: str, began_ms: int) -> str | None:
        """Who had ``address`` then.

        A device is seen only some time after its first packet: its first owner counts from before.
        """
        owners = self._owners.get(address, [])
        if owners and len(owners) < _OWNERS_MAX and began_ms < owners[0][0]:
            return owners[0][1]
        return next((mac for since, mac in reversed(owners) if since <= began_ms), None)
